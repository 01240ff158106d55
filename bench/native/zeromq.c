// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZeroMQ between processes: a pair of sockets, each with a thread behind it. So
 * nobody can look all the time, and its system calls are not known here.
 */
#include "native.h"

#if __has_include(<zmq.h>)
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

static char address[64];
static void *context[SIDES], *sockets[SIDES];

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	uint64_t *message = to_send(side, number);

	(void)more;
	if (zmq_send(sockets[side], message, size, 0) < 0)
		die("zmq_send", errno);
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	if (zmq_recv(sockets[side], incoming[side], size, 0) < 0)
		die("zmq_recv", errno);
	return incoming[side][0];
}

LOOPS(copied, push, pop);

static const char *zeromq_open(void)
{
	snprintf(address, sizeof(address), "ipc://@kucomms-bench-%d",
		 (int)getpid());
	return NULL;
}

/* After fork(): what it makes is for one process. */
static void zeromq_attach(enum side side)
{
	int linger = 0;

	context[side] = zmq_ctx_new();
	if (!context[side])
		die("zmq_ctx_new", errno);
	sockets[side] = zmq_socket(context[side], ZMQ_PAIR);
	if (!sockets[side])
		die("zmq_socket", errno);
	zmq_setsockopt(sockets[side], ZMQ_LINGER, &linger, sizeof(linger));
	if (side == FAR ? zmq_bind(sockets[side], address) :
			  zmq_connect(sockets[side], address))
		die(address, errno);
}

static void zeromq_detach(enum side side)
{
	zmq_close(sockets[side]);
	zmq_ctx_term(context[side]);
}

const struct subject subject_zeromq = {
	.name = "zeromq-ipc",
	.helped = true,
	.copied = &copied,
	.fits = fits_kernel,
	.open = zeromq_open,
	.attach = zeromq_attach,
	.detach = zeromq_detach,
};

#else

MISSING(zeromq, "zeromq-ipc", "libzmq3-dev");

#endif
