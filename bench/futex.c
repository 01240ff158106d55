// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ping-pong through two futexes.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pingpong.h"

/* Both return how many system calls they took. */
static int wake(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	if (syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) < 0)
		die("futex: wake", errno);
	return 1;
}

static int wait_for(uint32_t *word)
{
	int calls = 0;

	while (!__atomic_exchange_n(word, 0, __ATOMIC_ACQ_REL)) {
		calls++;
		if (syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0) &&
		    errno != EAGAIN && errno != EINTR)
			die("futex: wait", errno);
	}
	return calls;
}

static void answer(void)
{
	for (;;) {
		int calls = wait_for(&pingpong->there_word);

		if (pingpong->stop)
			return;
		pingpong->back = pingpong->there;
		pingpong->syscalls += calls + 1;
		wake(&pingpong->back_word);
	}
}

static const char *futex_open(const struct subject *subject,
			      const struct cell *wanted)
{
	(void)subject;
	(void)wanted;
	pingpong_start(answer);
	return NULL;
}

static void futex_close(void)
{
	pingpong->stop = true;
	wake(&pingpong->there_word);
	pingpong_join();
}

static void futex_echo(uint64_t count)
{
	for (; count; count--) {
		pingpong->there = sequence;
		syscalls += wake(&pingpong->there_word);
		syscalls += wait_for(&pingpong->back_word);
		check(&pingpong->back, sequence++);
	}
}

const struct subject subject_futex = {
	.name = "futex",
	.fits = pingpong_fits,
	.open = futex_open,
	.close = futex_close,
	.run = { [ECHO] = futex_echo },
	.syscalls = pingpong_syscalls,
	.wakeups = pingpong_wakeups,
};
