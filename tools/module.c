// SPDX-License-Identifier: MIT
/*
 * The kernel module, as sysfs shows it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "error.h"
#include "module.h"

bool sysfs_mounted(void)
{
	return !access("/sys/devices", F_OK);
}

bool module_loaded(void)
{
	return !access(CONTROL_DIR, F_OK);
}

/* Is there a module to load for this kernel? Asks the list that modprobe reads. */
static bool module_installed(void)
{
	struct utsname kernel;
	bool found = false;
	char *line = NULL;
	size_t size = 0;
	char *path;
	FILE *list;

	uname(&kernel);
	if (asprintf(&path, "/lib/modules/%s/modules.dep", kernel.release) < 0)
		must_have(NULL);
	list = fopen(path, "re");
	free(path);
	while (list && !found && getline(&line, &size, list) >= 0) {
		line[strcspn(line, ":")] = '\0';
		found = strstr(line, "/kucomms.ko");
	}
	free(line);
	if (list)
		fclose(list);
	return found;
}

int report_no_module(const char *what, const char *name)
{
	static const struct problem no_sysfs = {
		ENOENT, EXIT_FAILURE,
		"sysfs is not mounted on /sys, so nothing is known of the "
		"kernel module kucomms and of its devices",
		"mount it: mount -t sysfs sysfs /sys; or do this on the host"
	};
	static const struct problem not_loaded = {
		ENOENT, EXIT_NO_MODULE,
		"the kernel module kucomms is not loaded",
		"load it: sudo modprobe kucomms"
	};
	static const struct problem not_installed = {
		ENOENT, EXIT_NO_MODULE,
		"the kernel module kucomms is neither loaded nor installed for "
		"the kernel that runs",
		"was it built by kucomms-dkms? dkms status kucomms"
	};

	if (!sysfs_mounted())
		return report_problem(&no_sysfs, what, name);
	return report_problem(module_installed() ? &not_loaded : &not_installed,
			      what, name);
}

int write_attribute(const char *directory, const char *attribute,
		    const char *text)
{
	int error = 0;
	char *path;
	int fd;

	if (asprintf(&path, "%s/%s", directory, attribute) < 0)
		must_have(NULL);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return errno == EACCES && !geteuid() ? EPERM : errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

char *read_attribute(const char *directory, const char *attribute)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	FILE *file;
	char *path;

	if (asprintf(&path, "%s/%s", directory, attribute) < 0)
		must_have(NULL);
	file = fopen(path, "re");
	free(path);
	if (!file)
		return NULL;
	length = getline(&line, &size, file);
	fclose(file);
	if (length > 0)
		line[strcspn(line, "\n")] = '\0';
	if (length > 0 && *line)
		return line;
	free(line);
	return NULL;
}
