/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_REQUEST_H
#define KUCOMMS_ROUTE_REQUEST_H

#include <kucomms/kucomms.h>
#include <stdbool.h>

#include "../route.h"
#include "words.h"

/**
 * struct request - the request to the manager for a command
 * @verb:       name of the command
 * @type:       ROUTE_CREATE and so on; @flags and the data are as in route.h
 * @length:     bytes of the data
 * @needs_some: flushing no route is an error: there is no such route
 * @table_main: the table is to be printed also if it is main
 * @count:      changes to wait for; 0: no limit
 * @list:       monitor begins with the present routes
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
 * Reads a command. @family is AF_UNSPEC if both families are allowed. Returns
 * false on an error, with a text in words->error.
 */
bool request_parse(struct request *request, struct words *words, __u8 family);

/* Sends the request. Returns what kucomms_send() returns. */
int request_send(const struct request *request, struct kucomms_channel *channel,
		 __u64 id, unsigned int flags);

#endif
