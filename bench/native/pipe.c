// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two pipes, one each way.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "native.h"

static int ends[SIDES][2];

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	uint64_t *message = to_send(side, number);

	(void)more;
	do {
		syscalls++;
	} while (write(ends[side][1], message, size) < 0 &&
		 errno == EAGAIN);
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	do {
		syscalls++;
	} while (read(ends[!side][0], incoming[side], size) < 0 &&
		 errno == EAGAIN);
	return incoming[side][0];
}

LOOPS(copied, push, pop);

static const char *pipe_open(void)
{
	int flags = cell.kind == ROUND_TRIP ? O_NONBLOCK : 0, i;

	for (i = 0; i < SIDES; i++) {
		if (pipe2(ends[i], O_CLOEXEC | flags))
			die("pipe", errno);
		/* Refused to who has too many; then it is half as large. */
		fcntl(ends[i][1], F_SETPIPE_SZ, RING_BYTES);
	}
	return NULL;
}

static void pipe_close(void)
{
	int i;

	for (i = 0; i < SIDES; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
}

const struct subject subject_pipe = {
	.name = "pipe",
	.copied = &copied,
	.fits = fits_kernel,
	.open = pipe_open,
	.close = pipe_close,
	.syscalls = syscalls_counted,
};
