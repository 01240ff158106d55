// SPDX-License-Identifier: MIT
/*
 * The connection to the route manager, and hints for when there is none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "manager.h"

/* Bytes of the smallest ring to ask for. */
#define ROOM_MIN	4096u

static bool is_process(const struct manager *manager)
{
	return !strcmp(manager->transport, "process");
}

static void hint_absent(const struct manager *manager)
{
	if (is_process(manager))
		hint("start the manager's process there, or say with -n "
		     "where it is");
	else
		hint("is kucomms_route loaded? modprobe kucomms_route; create "
		     "the device: kucommsctl create %s", manager->name);
}

static void hint_forbidden(const struct manager *manager)
{
	if (is_process(manager))
		hint("be the user who started the manager, or root; or let the "
		     "manager listen elsewhere");
	else
		hint("members of the group kucomms may: adduser USER kucomms, "
		     "and log in again");
}

static void hint_open(const struct manager *manager, int error)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
		hint_absent(manager);
		break;
	case ENOTCONN:
		hint("the device is there, but nobody serves it: modprobe "
		     "kucomms_route");
		break;
	case EACCES:
	case EPERM:
		hint_forbidden(manager);
		break;
	case EINVAL:
		hint("a name has characters a-z, 0-9 and _, or is the path of "
		     "a socket for -t process");
		break;
	case EPROTONOSUPPORT:
		hint("install the same version of kucomms on both sides");
		break;
	case EUSERS:
		hint("end other clients, or create the device with more "
		     "--channels");
		break;
	default:
		hint("look at the kernel's log, or the manager's output");
	}
}

/* Tries smaller sizes: the other side only says that a size is too large. */
static int open_channel(struct manager *manager, const char *name, __u32 room)
{
	struct kucomms_options options = {
		.size = sizeof(options),
		.receive_size = room,
	};
	int err;

	do {
		err = kucomms_open(name, &options, &manager->channel);
		if (err != -EINVAL && err != -ENOMEM)
			break;
		room = options.receive_size;
		options.receive_size = room > ROOM_MIN ? room / 2 : 0;
	} while (room);
	return err;
}

int manager_open(struct manager *manager, __u32 room)
{
	char *name;
	int err;

	if (asprintf(&name, "%s:%s", manager->transport, manager->name) < 0)
		name = NULL;
	err = name ? open_channel(manager, name, room) : -ENOMEM;
	free(name);
	if (!err)
		return 0;
	report("cannot reach the manager at %s:%s: %s: %s", manager->transport,
	       manager->name, error_name(-err), kucomms_strerror(err));
	hint_open(manager, -err);
	return -err;
}

void manager_lost(const struct manager *manager, int err)
{
	report("the connection to %s:%s has broken: %s: %s", manager->transport,
	       manager->name, error_name(-err),
	       err == -ESHUTDOWN ? "the manager has gone" :
	       err == -EBADMSG ? "this is not a route manager" :
	       kucomms_strerror(err));
	if (err == -ESHUTDOWN)
		hint_absent(manager);
	else
		hint("are both sides of the same version?");
}
