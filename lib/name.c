// SPDX-License-Identifier: MIT
/*
 * Names: which transport they mean, and which path.
 */
#define _GNU_SOURCE	/* secure_getenv() */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "end.h"
#include "name.h"

#define SYSTEM_DIRECTORY	"/run/kucomms"

/* What follows @prefix in @text, or NULL. */
static const char *after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) ? NULL : text + length;
}

const struct kucomms_transport *kucomms_name_transport(const char *name)
{
	if (after(name, "process:"))
		return &kucomms_process_transport;
	if (after(name, "local:"))
		return &kucomms_local_transport;
	if (after(name, "netlink:"))
		return &kucomms_netlink_transport;
	return &kucomms_device_transport;
}

/* As the kernel checks names, so that none can lead out of its directory. */
static bool name_valid(const char *name)
{
	size_t length = strlen(name);

	return length &&
	       length <= KUCOMMS_NAME_MAX - strlen(KUCOMMS_NAME_PREFIX) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static int set_path(char *path, size_t capacity, const char *directory,
		    const char *name)
{
	int length = snprintf(path, capacity, "%s%s", directory, name);

	return length < 0 || (size_t)length >= capacity ? -ENAMETOOLONG : 0;
}

/* Of the user's own programs. */
static int user_path(char *path, size_t capacity, const char *name)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int err;

	if (!runtime)
		return -ENOENT;
	err = set_path(directory, sizeof(directory), runtime, "/kucomms/");
	return err ? err : set_path(path, capacity, directory, name);
}

static int system_path(char *path, size_t capacity, const char *name)
{
	return set_path(path, capacity, SYSTEM_DIRECTORY "/", name);
}

/* The user's own comes first. */
static int process_path(char *path, size_t capacity, const char *name)
{
	if (strchr(name, '/'))
		return set_path(path, capacity, "", name);
	if (!name_valid(name))
		return -EINVAL;
	if (!user_path(path, capacity, name) && !access(path, F_OK))
		return 0;
	return system_path(path, capacity, name);
}

int kucomms_name_path(char *path, size_t capacity, const char *name)
{
	const char *rest = after(name, "process:");

	if (rest)
		return process_path(path, capacity, rest);
	rest = after(name, "local:");
	if (rest)
		return name_valid(rest) ? set_path(path, capacity, "", rest) :
					  -EINVAL;
	rest = after(name, "kernel:");
	if (!rest)
		rest = after(name, "netlink:");
	if (rest)
		name = rest;
	rest = after(name, KUCOMMS_NAME_PREFIX);
	if (rest)
		name = rest;
	return name_valid(name) ?
	       set_path(path, capacity, "/dev/" KUCOMMS_NAME_PREFIX, name) :
	       -EINVAL;
}

/* Where the socket goes: the directory is made, if it is one of kucomms' own. */
static int make_directory(const char *path, mode_t mode)
{
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	size_t length = (size_t)(strrchr(path, '/') - path);

	memcpy(directory, path, length);
	directory[length] = '\0';
	return mkdir(directory, mode) && errno != EEXIST ? -errno : 0;
}

int kucomms_name_listen_path(char *path, size_t capacity, const char *name)
{
	const char *rest = after(name, "process:");
	int err;

	if (!rest)
		return kucomms_name_path(path, capacity, name);
	if (strchr(rest, '/'))
		return set_path(path, capacity, "", rest);
	if (!name_valid(rest))
		return -EINVAL;
	if (!geteuid()) {
		err = system_path(path, capacity, rest);
		return err ? err : make_directory(path, 0755);
	}
	err = user_path(path, capacity, rest);
	return err ? err : make_directory(path, 0700);
}
