// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ping-pong through two futexes.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pingpong.h"

static uint32_t there, back;
static struct pingpong pingpong;

static void wake(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	if (syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) < 0)
		die("futex: wake", errno);
}

/* Returns how many system calls it took. */
static int wait_for(uint32_t *word)
{
	int calls = 0;

	while (!__atomic_exchange_n(word, 0, __ATOMIC_ACQ_REL)) {
		calls++;
		if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL,
			    0) && errno != EAGAIN && errno != EINTR)
			die("futex: wait", errno);
	}
	return calls;
}

/* Read by the one thread after the other has answered it. */
static uint64_t other_calls;

static void *answer(void *unused)
{
	for (;;) {
		uint64_t calls = wait_for(&there);

		if (pingpong.stop)
			return unused;
		other_calls += calls + 1;
		pingpong.back = pingpong.there;
		wake(&back);
	}
}

static const char *futex_open(const struct subject *subject,
			      const struct cell *wanted)
{
	(void)subject;
	(void)wanted;
	there = 0;
	back = 0;
	pingpong_start(&pingpong, answer);
	return NULL;
}

static void futex_close(void)
{
	pingpong.stop = true;
	wake(&there);
	pingpong_join();
}

static void futex_echo(uint64_t count)
{
	uint64_t before = other_calls;

	for (; count; count--) {
		pingpong.there = sequence;
		wake(&there);
		syscalls += 1 + wait_for(&back);
		check(&pingpong.back, sequence++);
	}
	syscalls += other_calls - before;
}

const struct subject subject_futex = {
	.name = "futex",
	.fits = pingpong_fits,
	.open = futex_open,
	.close = futex_close,
	.run = { [ECHO] = futex_echo },
};
