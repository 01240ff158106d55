/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_MANAGER_H
#define KUCOMMS_ROUTE_MANAGER_H

#include <kucomms/kucomms.h>

/**
 * struct manager - the route manager, as it can be reached
 * @transport: "kernel", "netlink" or "process"
 * @name:      its name there
 * @channel:   to it
 */
struct manager {
	const char *transport;
	const char *name;
	struct kucomms_channel *channel;
};

/*
 * Opens the channel. @room: bytes of the ring for what comes, a power of two;
 * it gets half of that, and so on, if the other side does not allow as much; 0:
 * what that one thinks best. Returns 0, or an errno that has been reported.
 */
int manager_open(struct manager *manager, __u32 room);

/* Says that the connection ended with @err, negative, and what to do next. */
void manager_lost(const struct manager *manager, int err);

#endif
