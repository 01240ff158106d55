/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two processes that wake each other: what it costs when both sides sleep. No
 * kernel module is involved; the message is in memory that both see. They are
 * processes, since the C library makes read() and send() dearer in a program
 * that has threads, and the other subjects should not pay for that.
 */
#ifndef KUCOMMS_BENCH_PINGPONG_H
#define KUCOMMS_BENCH_PINGPONG_H

#include "bench.h"

struct pingpong {
	/* There and back; the other process ends when @stop is set. */
	uint64_t there;
	uint64_t back;
	bool stop;
	/* Of futexes: 1 if it is that side's turn. */
	uint32_t there_word;
	uint32_t back_word;
	/* System calls of the other process. */
	uint64_t syscalls;
};

extern struct pingpong *pingpong;

/* Starts the other process, on the other processor. */
void pingpong_start(void (*answer)(void));
/* After it has been told to stop and woken. */
void pingpong_join(void);
/* 64 bytes, one at a time, there and back: there is nothing else to see. */
bool pingpong_fits(const struct cell *wanted);
uint64_t pingpong_syscalls(void);
uint64_t pingpong_wakeups(void);

#endif /* KUCOMMS_BENCH_PINGPONG_H */
