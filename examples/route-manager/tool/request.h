/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_REQUEST_H
#define KUCOMMS_ROUTE_REQUEST_H

#include <kucomms/kucomms.h>
#include <stdbool.h>

#include "../route.h"
#include "words.h"

/**
 * struct request - a command, as the manager wants to hear it
 * @verb:       the command's name
 * @type:       ROUTE_CREATE and so on, as are @flags and what follows
 * @length:     of the data
 * @needs_some: nothing flushed means that there is no such route
 * @table_main: the table is worth telling also if it is main
 * @count:      how many changes to wait for, 0: without end
 * @list:       monitor begins with the routes that there are
 */
struct request {
	const char *verb;
	__u64 type;
	__u64 flags;
	__u32 length;
	bool needs_some;
	bool table_main;
	__u32 count;
	bool list;
	union {
		struct route route;
		struct route_filter filter;
	};
};

/*
 * Reads a command. @family is AF_UNSPEC if it may be about either. On a mistake
 * returns false, and words->error says which.
 */
bool request_parse(struct request *request, struct words *words, __u8 family);

/* Sends it. Fails as kucomms_send(). */
int request_send(const struct request *request, struct kucomms_channel *channel,
		 __u64 id, unsigned int flags);

#endif
