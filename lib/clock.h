/* SPDX-License-Identifier: MIT */
#ifndef KC_CLOCK_H
#define KC_CLOCK_H

#include <linux/types.h>
#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC	1000000000LL
#define NSEC_PER_MSEC	1000000LL
#define NSEC_PER_USEC	1000LL

/* A time that never comes. */
#define KC_NEVER	INT64_MAX

static inline __s64 kc_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* Returns the time in nanoseconds, like all times of the library. */
static inline __s64 kc_now(void)
{
	return kc_clock(CLOCK_MONOTONIC);
}

/* Returns a deadline; 0: do not wait, negative: wait for ever. */
static inline __s64 kc_deadline(int timeout_ms)
{
	return timeout_ms <= 0 ? timeout_ms :
				 kc_now() + timeout_ms * NSEC_PER_MSEC;
}

/*
 * Returns the time until a deadline in milliseconds, rounded up, as poll()
 * takes it; 0: the deadline has passed.
 */
static inline int kc_left_ms(__s64 deadline)
{
	__s64 left = deadline - kc_now();

	if (deadline < 0)
		return -1;
	return left > 0 ? (int)(left / NSEC_PER_MSEC) + 1 : 0;
}

static inline struct timespec kc_timespec(__s64 ns)
{
	return (struct timespec){ .tv_sec = ns / NSEC_PER_SEC,
				  .tv_nsec = ns % NSEC_PER_SEC };
}

#endif
