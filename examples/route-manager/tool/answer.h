/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_ANSWER_H
#define KUCOMMS_ROUTE_ANSWER_H

#include <kucomms/kucomms.h>

#include "../route.h"

/**
 * struct answer - what has come from the manager
 * @type:        ROUTE_DONE, _ENTRY, _COUNTS, _CHANGE or _LOST
 * @id:          of the request, or of the change
 * @user:        what happened, of ROUTE_CHANGE
 * @error:       an errno, of ROUTE_DONE, and then
 * @reason:      the manager's words, and
 * @length:      how many characters; good until the next is received
 * @route:       of ROUTE_ENTRY and ROUTE_CHANGE
 * @counts:      of ROUTE_COUNTS
 * @count:       of ROUTE_DONE: routes listed or flushed; 0 after other requests
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
 * Waits for the next. Returns 0, or what kucomms_receive() returns, or
 * -EBADMSG: a manager does not say such things.
 */
int answer_receive(struct answer *answer, struct kucomms_channel *channel,
		   int timeout_ms);

#endif
