/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two threads that wake each other: what it costs when both sides sleep. No
 * kernel module is involved; the message is in memory that both see.
 */
#ifndef KUCOMMS_BENCH_PINGPONG_H
#define KUCOMMS_BENCH_PINGPONG_H

#include "bench.h"

struct pingpong {
	/* There and back; the other thread ends when @stop is set. */
	uint64_t there;
	uint64_t back;
	bool stop;
};

/* Starts the other thread, on the other processor. */
void pingpong_start(struct pingpong *pingpong, void *(*thread)(void *));
/* After the thread has been told to stop and woken. */
void pingpong_join(void);
/* 64 bytes, one at a time, there and back: there is nothing else to see. */
bool pingpong_fits(const struct cell *wanted);

#endif /* KUCOMMS_BENCH_PINGPONG_H */
