// SPDX-License-Identifier: MIT
/*
 * Sleeping on a word until somebody changes it.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "end.h"
#include "futex.h"

/*
 * The C library has no futex(). Of the kernel's two this is the one that takes a
 * time of 64 bits on every machine, whatever the size of time_t is: only
 * machines of 32 bits have two, and the newest of those have only this one.
 */
#ifdef SYS_futex_time64
#define FUTEX_CALL	SYS_futex_time64
#else
#define FUTEX_CALL	SYS_futex
#endif

static long futex(const __u32 *word, int operation, __u32 value,
		  const struct __kernel_timespec *timeout)
{
	return syscall(FUTEX_CALL, word, operation, value, timeout, NULL,
		       FUTEX_BITSET_MATCH_ANY);
}

/*
 * Sleeps while *@word is @value, until the deadline, negative: for ever. Returns
 * 0, also for no reason, -ETIMEDOUT, or -EINTR: a signal handler ran.
 *
 * There is always a time: without one the kernel would go on sleeping behind a
 * handler that was installed with SA_RESTART.
 */
int kucomms_futex_wait(const __u32 *word, __u32 value, __s64 deadline)
{
	const __s64 ns = deadline < 0 ? INT64_MAX : deadline;
	const struct __kernel_timespec until = {
		.tv_sec = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};

	if (!futex(word, FUTEX_WAIT_BITSET, value, &until) || errno == EAGAIN)
		return 0;
	return -errno;
}

/* Returns how many slept. */
long kucomms_futex_wake(const __u32 *word)
{
	return futex(word, FUTEX_WAKE, INT_MAX, NULL);
}

/*
 * Like a condition variable; but those end no wait when a signal handler ran.
 * Under @lock, which is given up meanwhile.
 */
int kucomms_event_wait(const __u32 *event, pthread_mutex_t *lock,
		       __s64 deadline)
{
	const __u32 value = kucomms_load(event);
	int err;

	pthread_mutex_unlock(lock);
	err = kucomms_futex_wait(event, value, deadline);
	pthread_mutex_lock(lock);
	return err;
}

/* Wakes all who wait; under their lock. */
void kucomms_event_tell(__u32 *event)
{
	kucomms_store(event, *event + 1);
	kucomms_futex_wake(event);
}
