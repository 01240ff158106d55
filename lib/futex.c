// SPDX-License-Identifier: MIT
/*
 * Sleeping on a word until another thread or process changes it.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "futex.h"
#include "types.h"

/*
 * The C library has no function for this system call. The call that is chosen
 * here takes a 64-bit time on every machine, whatever the size of time_t is:
 * only 32-bit machines have two calls, futex and futex_time64, and the newest
 * 32-bit machines have futex_time64 only.
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
 * Sleeps while *@word is @value, until the deadline; a negative deadline means
 * for ever. Returns 0, maybe also for no reason, -ETIMEDOUT, or -EINTR if a
 * signal handler ran.
 *
 * The kernel is always given a timeout: without one it would go on sleeping
 * after a signal handler that was installed with SA_RESTART.
 */
int kc_futex_wait(const __u32 *word, __u32 value, __s64 deadline)
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

/* Wakes all threads that sleep on a word. Returns how many there were. */
long kc_futex_wake(const __u32 *word)
{
	return futex(word, FUTEX_WAKE, INT_MAX, NULL);
}

/*
 * Waits like pthread_cond_timedwait(), but also ends, with -EINTR, when a
 * signal handler has run. The caller holds @lock, which is released during the
 * wait.
 */
int kc_cond_wait(const __u32 *event, pthread_mutex_t *lock,
		 __s64 deadline)
{
	const __u32 value = kucomms_load(event);
	int err;

	pthread_mutex_unlock(lock);
	err = kc_futex_wait(event, value, deadline);
	pthread_mutex_lock(lock);
	return err;
}

/* Wakes all threads that wait for a condition. The caller holds their lock. */
void kc_cond_broadcast(__u32 *event)
{
	kucomms_store(event, *event + 1);
	kc_futex_wake(event);
}
