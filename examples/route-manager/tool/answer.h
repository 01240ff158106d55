/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_ANSWER_H
#define KUCOMMS_ROUTE_ANSWER_H

#include <kucomms/kucomms.h>

#include "../route.h"

/**
 * struct answer - an answer or notification of the manager
 * @type:        ROUTE_DONE, _ENTRY, _COUNTS, _CHANGE or _LOST
 * @id:          id of the request, or number of the change
 * @user:        ROUTE_CHANGE: what has happened
 * @error:       ROUTE_DONE: 0 or an errno
 * @reason:      the manager's text for @error; valid until the next answer
 * @length:      characters of @reason
 * @route:       ROUTE_ENTRY, ROUTE_CHANGE: the route
 * @counts:      ROUTE_COUNTS: the counts
 * @count:       ROUTE_DONE: routes listed or flushed; 0 after other requests
 * @kept:        answers whose room has not been given back; 0 at first
 */
struct answer {
	__u64 type;
	__u64 id;
	__u64 user;
	int error;
	int length;
	const char *reason;
	union {
		struct route route;
		struct route_counts counts;
		__u64 count;
	};
	unsigned int kept;
};

/*
 * Waits for the next answer. Returns 0, or what kucomms_receive() returns, or
 * -EBADMSG: the message is no valid answer.
 */
int answer_receive(struct answer *answer, struct kucomms_channel *channel,
		   int timeout_ms);

#endif
