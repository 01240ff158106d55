// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pair of unix sockets that keep messages apart.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "native.h"

static int sockets[SIDES];

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	uint64_t *message = to_send(side, number);

	(void)more;
	do {
		syscalls++;
	} while (send(sockets[side], message, size, 0) < 0 &&
		 errno == EAGAIN);
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	do {
		syscalls++;
	} while (recv(sockets[side], incoming[side], size, 0) < 0 &&
		 errno == EAGAIN);
	return incoming[side][0];
}

LOOPS(copied, push, pop);

static const char *seqpacket_open(void)
{
	int flags = cell.kind == ROUND_TRIP ? SOCK_NONBLOCK : 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0,
		       sockets))
		die("socketpair", errno);
	return NULL;
}

static void seqpacket_close(void)
{
	close(sockets[NEAR]);
	close(sockets[FAR]);
}

const struct subject subject_unix_seqpacket = {
	.name = "unix-seqpacket",
	.copied = &copied,
	.fits = fits_kernel,
	.open = seqpacket_open,
	.close = seqpacket_close,
	.syscalls = syscalls_counted,
};
