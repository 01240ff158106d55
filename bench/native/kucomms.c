// SPDX-License-Identifier: GPL-2.0-only
/*
 * kucomms between two processes, and between two threads of one.
 */
#include <kucomms/kucomms.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "native.h"

#define MSEC_TO_CONNECT	10000
#define RING_BYTES_FULL	16384u

static char name[64];
static struct kucomms_channel *channels[SIDES];

static void must(const char *what, int err)
{
	if (__builtin_expect(err, 0))
		die(what, -err);
}

EACH_MESSAGE struct kucomms_message *reserve(struct kucomms_channel *channel,
					     uint32_t size)
{
	struct kucomms_message *record;

	must("kucomms_reserve", kucomms_reserve(channel, size, &record, -1));
	record->type = 0;
	record->id = 0;
	record->user = 0;
	return record;
}

EACH_MESSAGE void commit(struct kucomms_channel *channel,
			 struct kucomms_message *record, bool more)
{
	must("kucomms_commit", kucomms_commit(channel, record,
					      more ? KUCOMMS_SEND_MORE : 0));
}

EACH_MESSAGE const void *receive(struct kucomms_channel *channel)
{
	struct kucomms_message header;
	const void *data;

	must("kucomms_receive", kucomms_receive(channel, &header, &data, -1));
	return data;
}

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	struct kucomms_channel *channel = channels[side];
	struct kucomms_message *record = reserve(channel, size);
	uint64_t *message = to_send(side, number);

	memcpy(record + 1, message, size);
	commit(channel, record, more);
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	struct kucomms_channel *channel = channels[side];

	memcpy(incoming[side], receive(channel), size);
	kucomms_release(channel);
	return incoming[side][0];
}

EACH_MESSAGE void push_in_place(enum side side, uint64_t number, uint32_t size,
				bool more)
{
	struct kucomms_channel *channel = channels[side];
	struct kucomms_message *record = reserve(channel, size);

	write_in_place(record + 1, number, size);
	commit(channel, record, more);
}

EACH_MESSAGE uint64_t pop_in_place(enum side side, uint32_t size)
{
	struct kucomms_channel *channel = channels[side];
	uint64_t number = read_in_place(receive(channel), size);

	kucomms_release(channel);
	return number;
}

/* With functions that copy what they know nothing of, as most programs do. */
EACH_MESSAGE void push_by_call(enum side side, uint64_t number, uint32_t size,
			       bool more)
{
	struct kucomms_message header = { .length = size };
	uint64_t *message = to_send(side, number);

	must("kucomms_send", kucomms_send(channels[side], &header, message,
					  more ? KUCOMMS_SEND_MORE : 0, -1));
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop_by_call(enum side side, uint32_t size)
{
	struct kucomms_message header;

	(void)size;
	must("kucomms_receive_copy",
	     kucomms_receive_copy(channels[side], &header, incoming[side],
				  SIZE_MAX_BYTES, -1));
	return incoming[side][0];
}

/* A receiver that has something else to do with each message. */
EACH_MESSAGE uint64_t pop_slow(enum side side, uint32_t size)
{
	uint64_t number = pop(side, size);
	int i;

	for (i = 0; i < 16; i++)
		relax();
	return number;
}

LOOPS(copied, push, pop);
LOOPS(slowly, push, pop_slow);
LOOPS(in_place, push_in_place, pop_in_place);
LOOPS(called, push_by_call, pop_by_call);

static bool full;

static const char *process_open(void)
{
	snprintf(name, sizeof(name), "process:/tmp/kucomms-bench-%d",
		 (int)getpid());
	full = false;
	return NULL;
}

static const char *local_open(void)
{
	strcpy(name, "local:bench");
	full = false;
	return NULL;
}

/* With a ring that is full before the shortest burst is over. */
static const char *process_full_open(void)
{
	process_open();
	full = true;
	return NULL;
}

static const char *local_full_open(void)
{
	local_open();
	full = true;
	return NULL;
}

static void listen_and_accept(void)
{
	struct kucomms_listener *listener;

	must(name, kucomms_listen(name, NULL, &listener));
	must("kucomms_accept",
	     kucomms_accept(listener, &channels[FAR], MSEC_TO_CONNECT));
	kucomms_listener_close(listener);
}

/* The accepting side cannot choose whether to look first: take_place(). */
static void kucomms_attach(enum side side)
{
	struct kucomms_options options = {
		.size = sizeof(options),
		.send_size = full ? RING_BYTES_FULL : RING_BYTES,
		.receive_size = RING_BYTES,
		.flags = sleeps_between() ? KUCOMMS_OPEN_NO_SPIN : 0,
		.timeout_ms = MSEC_TO_CONNECT,
	};

	if (side == FAR)
		listen_and_accept();
	else
		must(name, kucomms_open(name, &options, &channels[NEAR]));
}

static void kucomms_detach(enum side side)
{
	kucomms_channel_close(channels[side]);
}

static uint64_t kucomms_syscalls(enum side side)
{
	struct kucomms_channel_stats stats = { .size = sizeof(stats) };

	must("kucomms_channel_get_stats",
	     kucomms_channel_get_stats(channels[side], &stats));
	return stats.doorbells + stats.waits;
}

static bool kucomms_fits(const struct cell *wanted)
{
	return fits_batches(wanted) || fits_kernel(wanted) ||
	       wanted->kind == STREAM_BY_CALL;
}

static bool full_fits(const struct cell *wanted)
{
	return wanted->kind == STREAM && wanted->size == 64 &&
	       wanted->batch == 1;
}

const struct subject subject_kucomms_process = {
	.name = "kucomms-process",
	.alone = true,
	.copied = &copied,
	.in_place = &in_place,
	.called = &called,
	.fits = kucomms_fits,
	.open = process_open,
	.attach = kucomms_attach,
	.detach = kucomms_detach,
	.syscalls = kucomms_syscalls,
};

const struct subject subject_kucomms_local = {
	.name = "kucomms-local",
	.threads = true,
	.alone = true,
	.copied = &copied,
	.in_place = &in_place,
	.called = &called,
	.fits = kucomms_fits,
	.open = local_open,
	.attach = kucomms_attach,
	.detach = kucomms_detach,
	.syscalls = kucomms_syscalls,
};

const struct subject subject_kucomms_process_full = {
	.name = "kucomms-process-full",
	.copied = &slowly,
	.fits = full_fits,
	.open = process_full_open,
	.attach = kucomms_attach,
	.detach = kucomms_detach,
	.syscalls = kucomms_syscalls,
};

const struct subject subject_kucomms_local_full = {
	.name = "kucomms-local-full",
	.threads = true,
	.copied = &slowly,
	.fits = full_fits,
	.open = local_full_open,
	.attach = kucomms_attach,
	.detach = kucomms_detach,
	.syscalls = kucomms_syscalls,
};
