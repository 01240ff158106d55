// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ping-pong through two futexes, the number in shared memory.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

struct mailbox {
	uint32_t full;
	uint64_t number;
} __attribute__((aligned(128)));

static struct mailbox *boxes;

static long futex(uint32_t *word, int operation, uint32_t value)
{
	syscalls++;
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	struct mailbox *box = &boxes[side];

	(void)size;
	(void)more;
	box->number = number;
	__atomic_store_n(&box->full, 1, __ATOMIC_RELEASE);
	if (futex(&box->full, FUTEX_WAKE, 1) < 0)
		die("futex: wake", errno);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	struct mailbox *box = &boxes[!side];

	(void)size;
	(void)size;
	while (!__atomic_exchange_n(&box->full, 0, __ATOMIC_ACQ_REL)) {
		if (futex(&box->full, FUTEX_WAIT, 0) && errno != EAGAIN &&
		    errno != EINTR)
			die("futex: wait", errno);
	}
	return box->number;
}

LOOPS(copied, push, pop);

static const char *futex_open(void)
{
	boxes = shared_memory(sizeof(*boxes) * SIDES);
	return NULL;
}

const struct subject subject_futex = {
	.name = "futex",
	.copied = &copied,
	.fits = fits_pingpong,
	.open = futex_open,
	.syscalls = syscalls_counted,
};
