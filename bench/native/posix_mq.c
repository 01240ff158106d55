// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two POSIX message queues, one each way.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

#include "native.h"

/* What root may have, and what all others may. */
#define MESSAGES	128
#define MESSAGES_LESS	10

static mqd_t queues[SIDES];

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	uint64_t *message = to_send(side, number);

	(void)more;
	do {
		syscalls++;
	} while (mq_send(queues[side], (const char *)message, size,
			 0) < 0 && errno == EAGAIN);
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	do {
		syscalls++;
	} while (mq_receive(queues[!side], (char *)incoming[side], size,
			    NULL) < 0 && errno == EAGAIN);
	return incoming[side][0];
}

LOOPS(copied, push, pop);

static mqd_t queue_open(const char *name, long messages)
{
	int flags = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC;
	struct mq_attr attributes = {
		.mq_maxmsg = messages,
		.mq_msgsize = cell.size,
	};

	if (cell.kind == ROUND_TRIP)
		flags |= O_NONBLOCK;
	return mq_open(name, flags, 0600, &attributes);
}

static const char *mq_open_both(void)
{
	char name[64];
	int i;

	snprintf(name, sizeof(name), "/kucomms-bench-%d", (int)getpid());
	for (i = 0; i < SIDES; i++) {
		queues[i] = queue_open(name, MESSAGES);
		if (queues[i] == (mqd_t)-1)
			queues[i] = queue_open(name, MESSAGES_LESS);
		if (queues[i] == (mqd_t)-1)
			return reason("mq_open", errno);
		mq_unlink(name);
	}
	return NULL;
}

static void mq_close_both(void)
{
	mq_close(queues[NEAR]);
	mq_close(queues[FAR]);
}

const struct subject subject_posix_mq = {
	.name = "posix-mq",
	.copied = &copied,
	.fits = fits_kernel,
	.open = mq_open_both,
	.close = mq_close_both,
	.syscalls = syscalls_counted,
};
