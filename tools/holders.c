// SPDX-License-Identifier: MIT
/*
 * Finds the processes that have a device open. A search through /proc finds
 * descriptors, and mappings of processes that have closed their descriptors.
 * The kernel module tells which processes have attached a channel, in any way.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
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

/* How the kernel module marks channels over netlink. */
#define NETLINK_PREFIX	"netlink:"

/**
 * struct search - what has been found
 * @list:      the text that is being written
 * @number:    the device's number
 * @found:     the processes that are in the list
 * @count:     how many processes are in @found
 * @unseen:    how many channels belong to processes that are in another PID
 *             namespace or have ended
 * @forbidden: how many processes do not let this one look at their descriptors
 * @no_proc:   /proc is not mounted
 */
struct search {
	FILE *list;
	dev_t number;
	pid_t *found;
	size_t count;
	unsigned int unseen;
	unsigned int forbidden;
	bool no_proc;
};

/*
 * Tells whether one of the links in the directory leads to the device. Sets
 * @forbidden if the directory must not be read.
 */
static bool links_to(int process, const char *directory, dev_t number,
		     bool *forbidden)
{
	const int fd = openat(process, directory,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *links = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *link;
	struct stat target;
	bool found = false;

	if (!links) {
		*forbidden = errno == EACCES || errno == EPERM;
		return false;
	}
	while (!found && (link = readdir(links)))
		found = !fstatat(fd, link->d_name, &target, 0) &&
			S_ISCHR(target.st_mode) && target.st_rdev == number;
	closedir(links);
	return found;
}

/*
 * Adds a process to the list. @how: in what way it has the device open; ""
 * stands for a descriptor or a mapping.
 */
static void add_process(struct search *search, pid_t pid, const char *how)
{
	char directory[sizeof("/proc/") + 3 * sizeof(pid)], *command;

	snprintf(directory, sizeof(directory), "/proc/%d", pid);
	command = read_attribute(directory, "comm");
	fprintf(search->list, "%s%d %s%s", search->count ? ", " : "", pid,
		quote(command ? command : "?"), how);
	free(command);
	search->found = must_have(reallocarray(search->found, search->count + 1,
					       sizeof(*search->found)));
	search->found[search->count++] = pid;
}

static void search_process(struct search *search, int proc, const char *pid)
{
	const int process = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool forbidden = false;

	if (process < 0)
		return;
	if (links_to(process, "fd", search->number, &forbidden) ||
	    links_to(process, "map_files", search->number, &forbidden))
		add_process(search, atoi(pid), "");
	else
		search->forbidden += forbidden;
	close(process);
}

static void search_proc(struct search *search)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;

	search->no_proc = access("/proc/self", F_OK);
	while (processes && (entry = readdir(processes)))
		if (!entry->d_name[strspn(entry->d_name, "0123456789")])
			search_process(search, dirfd(processes), entry->d_name);
	if (processes)
		closedir(processes);
}

static bool is_found(const struct search *search, pid_t pid)
{
	size_t i;

	for (i = 0; i < search->count; i++)
		if (search->found[i] == pid)
			return true;
	return false;
}

static void add_client(struct search *search, const char *client)
{
	const bool netlink = !strncmp(client, NETLINK_PREFIX,
				      strlen(NETLINK_PREFIX));
	const pid_t pid = atoi(netlink ? client + strlen(NETLINK_PREFIX) :
					 client);

	if (!pid)
		search->unseen++;
	else if (!is_found(search, pid))
		add_process(search, pid, netlink ? " (by netlink)" :
			    " (by a file that /proc does not show: registered "
			    "with io_uring, or passed on)");
}

/* Adds what the module tells of its clients; an older module tells nothing. */
static void search_clients(struct search *search, const struct device_name *name)
{
	char *clients = read_attribute(device_directory(name).text, "clients");
	char *rest = clients, *client;

	while ((client = strsep(&rest, " ")))
		add_client(search, client);
	free(clients);
}

static void print_unseen(const struct search *search)
{
	FILE *list = search->list;

	if (!search->count)
		fputs("none that can be seen from here (/proc shows neither "
		      "other PID namespaces, as those of containers, nor files "
		      "registered with io_uring, nor descriptors on their way "
		      "through a socket)", list);
	if (search->unseen)
		fprintf(list, "; %u of its channels %s of processes that are "
			"in another PID namespace or have ended",
			search->unseen, search->unseen == 1 ? "is" : "are");
	if (search->forbidden)
		fprintf(list, "; %u processes do not show their descriptors",
			search->forbidden);
	if (search->no_proc)
		fputs("; /proc is not mounted", list);
}

static bool is_open(const struct device_name *name)
{
	char *opens = read_attribute(device_directory(name).text, "opens");
	const bool open = opens && strcmp(opens, "0");

	free(opens);
	return open;
}

char *device_holders(const struct device_name *name)
{
	struct search search = { .count = 0 };
	char *text = NULL;
	size_t size;

	if (!is_open(name) || !device_number(name, &search.number))
		return NULL;
	search.list = must_have(open_memstream(&text, &size));
	search_proc(&search);
	search_clients(&search, name);
	print_unseen(&search);
	fclose(search.list);
	free(search.found);
	return must_have(text);
}
