// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ping-pong through two eventfds.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pingpong.h"

static int there, back;

static void wake(int event)
{
	const uint64_t one = 1;

	if (write(event, &one, sizeof(one)) != sizeof(one))
		die("eventfd: write", errno);
}

static void wait_for(int event)
{
	uint64_t value;

	if (read(event, &value, sizeof(value)) != sizeof(value))
		die("eventfd: read", errno);
}

static void answer(void)
{
	for (;;) {
		wait_for(there);
		if (pingpong->stop)
			return;
		pingpong->syscalls += 2;
		pingpong->back = pingpong->there;
		wake(back);
	}
}

static const char *eventfd_open(const struct subject *subject,
				const struct cell *wanted)
{
	(void)subject;
	(void)wanted;
	there = eventfd(0, EFD_CLOEXEC);
	back = eventfd(0, EFD_CLOEXEC);
	if (there < 0 || back < 0)
		die("eventfd", errno);
	pingpong_start(answer);
	return NULL;
}

static void eventfd_close(void)
{
	pingpong->stop = true;
	wake(there);
	pingpong_join();
	close(there);
	close(back);
}

static void eventfd_echo(uint64_t count)
{
	for (; count; count--) {
		pingpong->there = sequence;
		syscalls += 2;
		wake(there);
		wait_for(back);
		check(&pingpong->back, sequence++);
	}
}

const struct subject subject_eventfd = {
	.name = "eventfd",
	.fits = pingpong_fits,
	.open = eventfd_open,
	.close = eventfd_close,
	.run = { [ECHO] = eventfd_echo },
	.syscalls = pingpong_syscalls,
	.wakeups = pingpong_wakeups,
};
