/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_MANAGER_H
#define KUCOMMS_ROUTE_MANAGER_H

#include <kucomms/kucomms.h>

/**
 * struct manager - the connection to the route manager
 * @transport: "kernel", "netlink" or "process"
 * @name:      name of the manager
 * @channel:   channel to the manager
 */
struct manager {
	const char *transport;
	const char *name;
	struct kucomms_channel *channel;
};

/*
 * Opens the channel. @room: bytes of the receiving ring, a power of two, or 0
 * for the default; if the other side does not allow so large a ring this tries
 * half of it, and so on. Returns 0, or an errno after reporting the error.
 */
int manager_open(struct manager *manager, __u32 room);

/* Says that the connection ended with @err, negative, and what to do next. */
void manager_lost(const struct manager *manager, int err);

#endif
