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

#include "name.h"
#include "types.h"

#define SYSTEM_DIRECTORY	"/run/kucomms"

/* Returns what follows @prefix in @text, or NULL. */
static const char *after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) ? NULL : text + length;
}

const struct kc_transport *kc_name_transport(const char *name)
{
	if (after(name, "process:"))
		return &kc_process_transport;
	if (after(name, "local:"))
		return &kc_local_transport;
	if (after(name, "netlink:"))
		return &kc_netlink_transport;
	return &kc_device_transport;
}

/*
 * Returns what is wrong with a name that is no path, or NULL. Checks names as
 * the kernel does, so that none can lead out of its directory.
 */
static const char *plain_error(const char *name)
{
	size_t length = strlen(name);

	if (!length)
		return "it is empty";
	if (strchr(name, ':'))
		return "it begins with none of kernel:, netlink:, process:, local:";
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") < length)
		return "it has a character that is none of a-z, 0-9 and _";
	if (length > KUCOMMS_NAME_MAX - strlen(KUCOMMS_NAME_PREFIX))
		return "it has more than 55 characters";
	return NULL;
}

_Static_assert(KUCOMMS_NAME_MAX - sizeof(KUCOMMS_NAME_PREFIX) + 1 == 55,
	       "the text says how many");

static bool name_valid(const char *name)
{
	return !plain_error(name);
}

/* Returns the part of a name that follows the prefixes: a name or a path. */
static const char *device_part(const char *name)
{
	const char *rest = after(name, "kernel:");

	if (!rest)
		rest = after(name, "netlink:");
	if (rest)
		name = rest;
	rest = after(name, KUCOMMS_NAME_PREFIX);
	return rest ? rest : name;
}

static const char *path_error(const char *path)
{
	return strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path) ?
	       NULL : "the path has more than 107 characters";
}

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == 108,
	       "the text says how many");

KUCOMMS_API const char *kucomms_name_error(const char *name)
{
	const char *rest = after(name, "process:");

	if (rest)
		return strchr(rest, '/') ? path_error(rest) : plain_error(rest);
	rest = after(name, "local:");
	if (rest)
		return plain_error(rest);
	rest = device_part(name);
	return *rest == '/' ? path_error(rest) : plain_error(rest);
}

static int set_path(char *path, size_t capacity, const char *directory,
		    const char *name)
{
	int length = snprintf(path, capacity, "%s%s", directory, name);

	return length < 0 || (size_t)length >= capacity ? -ENAMETOOLONG : 0;
}

/* Makes the path of a program of this user. */
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

/*
 * Makes the path to connect to: that of a program of this user, if there is
 * one, otherwise that of the system.
 */
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

int kc_name_path(char *path, size_t capacity, const char *name)
{
	const char *rest = after(name, "process:");

	if (rest)
		return process_path(path, capacity, rest);
	rest = after(name, "local:");
	if (rest)
		return name_valid(rest) ? set_path(path, capacity, "", rest) :
					  -EINVAL;
	rest = device_part(name);
	if (*rest == '/')
		return set_path(path, capacity, "", rest);
	return name_valid(rest) ?
	       set_path(path, capacity, "/dev/" KUCOMMS_NAME_PREFIX, rest) :
	       -EINVAL;
}

/* Creates the directory of the socket, if it is one of kucomms. */
static int make_directory(const char *path, mode_t mode)
{
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	size_t length = (size_t)(strrchr(path, '/') - path);

	memcpy(directory, path, length);
	directory[length] = '\0';
	return mkdir(directory, mode) && errno != EEXIST ? -errno : 0;
}

int kc_name_listen_path(char *path, size_t capacity, const char *name)
{
	const char *rest = after(name, "process:");
	int err;

	if (!rest)
		return kc_name_path(path, capacity, name);
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
