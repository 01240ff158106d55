/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_ECHO_H
#define KUCOMMSCTL_ECHO_H

#include <kucomms/kucomms.h>
#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"

/* How long the first answer may take, and all that follow. */
#define FIRST_ANSWER_MS	1000
#define ANSWER_MS	10000

/**
 * struct echo - messages on their way to a kernel module and back
 * @channel:   where
 * @message:   the header of the next message; its id counts them
 * @data:      the bytes of every message
 * @received:  the id of the next answer
 * @answered:  a whole answer, with its data, has been looked at and found good
 */
struct echo {
	struct kucomms_channel *channel;
	struct kucomms_message message;
	const void *data;
	uint64_t received;
	bool answered;
};

/*
 * These return 0, a negated errno of the library, -EBADMSG when an answer is
 * not what has been sent, or -ETIMEDOUT when there is none.
 *
 * All begin and end with no message on its way. They go on until the clock says
 * @until, but do at least one message, or one batch.
 */

/* One message at a time; adds the time that each took to @times. */
int echo_round_trips(struct echo *echo, uint64_t until,
		     struct histogram *times);

/* Batches of @batch, with at most @window messages on their way. */
int echo_stream(struct echo *echo, uint64_t until, uint32_t batch,
		uint32_t window);

/* Nanoseconds of a clock that only goes forward. */
uint64_t now_ns(void);

#endif
