// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ping-pong through two eventfds, the number in shared memory: what the kernel
 * takes at least to wake somebody and sleep.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "native.h"

static int events[SIDES];
static uint64_t *numbers;

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	uint64_t one = 1;

	(void)size;
	(void)more;
	numbers[side] = number;
	syscalls++;
	if (write(events[side], &one, sizeof(one)) < 0)
		die("eventfd: write", errno);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	uint64_t value;

	(void)size;
	(void)size;
	syscalls++;
	if (read(events[!side], &value, sizeof(value)) < 0)
		die("eventfd: read", errno);
	return numbers[!side];
}

LOOPS(copied, push, pop);

static const char *eventfd_open(void)
{
	int i;

	numbers = shared_memory(sizeof(*numbers) * SIDES);
	for (i = 0; i < SIDES; i++) {
		events[i] = eventfd(0, EFD_CLOEXEC);
		if (events[i] < 0)
			die("eventfd", errno);
	}
	return NULL;
}

static void eventfd_close(void)
{
	close(events[NEAR]);
	close(events[FAR]);
}

const struct subject subject_eventfd = {
	.name = "eventfd",
	.copied = &copied,
	.fits = fits_pingpong,
	.open = eventfd_open,
	.close = eventfd_close,
	.syscalls = syscalls_counted,
};
