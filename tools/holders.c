// SPDX-License-Identifier: MIT
/*
 * Who has a device open: a search through /proc. A process may have closed its
 * descriptor and still hold the device by a mapping.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "error.h"
#include "holders.h"

/* Does one of the links in the directory lead to the device? */
static bool links_to(int process, const char *directory, dev_t number)
{
	const int fd = openat(process, directory,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *links = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *link;
	struct stat target;
	bool found = false;

	if (!links)
		return false;
	while (!found && (link = readdir(links)))
		found = !fstatat(fd, link->d_name, &target, 0) &&
			S_ISCHR(target.st_mode) && target.st_rdev == number;
	closedir(links);
	return found;
}

static void print_process(FILE *list, const char *pid)
{
	char directory[sizeof("/proc/") + NAME_MAX], *command;

	snprintf(directory, sizeof(directory), "/proc/%s", pid);
	command = read_attribute(directory, "comm");
	fprintf(list, "%s%s %s", ftell(list) > 0 ? ", " : "", pid,
		quote(command ? command : "?"));
	free(command);
}

static void print_holders(FILE *list, dev_t number)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	int process;

	while (processes && (entry = readdir(processes))) {
		if (entry->d_name[strspn(entry->d_name, "0123456789")])
			continue;
		process = openat(dirfd(processes), entry->d_name,
				 O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		if (links_to(process, "fd", number) ||
		    links_to(process, "map_files", number))
			print_process(list, entry->d_name);
		close(process);
	}
	if (processes)
		closedir(processes);
}

char *device_holders(const struct device_name *name)
{
	char *text = NULL;
	size_t size;
	FILE *list = must_have(open_memstream(&text, &size));
	dev_t number;

	if (device_number(name, &number))
		print_holders(list, number);
	fclose(list);
	return must_have(text);
}
