// SPDX-License-Identifier: GPL-2.0-only
/*
 * kucomms, in every way that it can be used through the library. Unless the
 * name says otherwise nothing is copied: messages are written where the kernel
 * reads them, and read where it wrote them.
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <stdio.h>

#include "bench.h"

struct variant {
	const char *device;
	/* For what the kernel sends on its own; NULL: it does so when asked. */
	const char *streamer;
	bool spins;
};

static struct kucomms_channel *channel;
static const char *device;
static bool streaming;
static void *copy;
/* Of sending and receiving: -1 sleeps, 0 looks again. */
static int timeout;

static bool streams(const struct variant *variant, const struct cell *wanted)
{
	return variant->streamer && wanted->direction == TO_USER &&
	       !settings.instructions;
}

static const char *library_open(const struct subject *subject,
				const struct cell *wanted)
{
	const struct variant *variant = subject->variant;
	struct kucomms_options options = {
		.size = sizeof(options),
		.send_size = ring_size(),
		.receive_size = ring_size(),
	};
	int err;

	streaming = streams(variant, wanted);
	device = streaming ? variant->streamer : variant->device;
	timeout = streaming || variant->spins ? 0 : -1;
	err = kucomms_open(device, &options, &channel);
	if (err)
		return reason(device, -err);
	copy = buffer(wanted->size);
	return NULL;
}

static void library_close(void)
{
	free(copy);
	kucomms_channel_close(channel);
}

/* Before looking again, if that is what the error says. */
static __attribute__((noinline)) void look_again(const char *what, int err)
{
	if (err != -EAGAIN)
		die(what, -err);
	__builtin_ia32_pause();
}

EACH_MESSAGE struct kucomms_message *reserve(uint32_t length)
{
	struct kucomms_message *record;
	int err;

	while ((err = kucomms_reserve(channel, length, &record, timeout)))
		look_again("kucomms_reserve", err);
	return record;
}

EACH_MESSAGE void commit(struct kucomms_message *record, unsigned int flags)
{
	int err = kucomms_commit(channel, record, flags);

	if (err)
		die("kucomms_commit", -err);
}

EACH_MESSAGE void receive(struct kucomms_message *message, const void **data)
{
	int err;

	while ((err = kucomms_receive(channel, message, data, timeout)))
		look_again("kucomms_receive", err);
}

/* ---- in place */

EACH_MESSAGE void send_one(uint64_t type, uint32_t size, uint64_t number,
			   unsigned int flags)
{
	struct kucomms_message *record = reserve(size);

	record->type = type;
	*(uint64_t *)(record + 1) = number;
	commit(record, flags);
}

EACH_MESSAGE void send_batch(uint64_t type)
{
	const uint32_t size = cell.size;
	const uint64_t last = sequence + cell.batch - 1;
	uint64_t number;

	for (number = sequence; number < last; number++)
		send_one(type, size, number, KUCOMMS_SEND_MORE);
	send_one(type, size, last, 0);
	sequence = last + 1;
}

EACH_MESSAGE void receive_batch(uint64_t number)
{
	struct kucomms_message message;
	uint32_t left = cell.batch;
	const void *data;

	while (left--) {
		receive(&message, &data);
		check(data, number++);
	}
	kucomms_release(channel);
}

static void place_echo(uint64_t count)
{
	for (; count; count -= cell.batch) {
		send_batch(BENCH_ECHO);
		receive_batch(sequence - cell.batch);
	}
}

/* Sends and waits in one system call, for there is one that sleeps to be woken. */
static void call_echo(uint64_t count)
{
	struct kucomms_message message = { .length = cell.size,
					   .type = BENCH_ECHO };
	struct kucomms_message answer;
	const void *data;
	int err;

	if (cell.batch > 1) {
		place_echo(count);
		return;
	}
	for (; count; count--) {
		*(uint64_t *)copy = sequence;
		err = kucomms_exchange(channel, &message, copy, &answer, &data,
				       -1);
		if (err)
			die("kucomms_exchange", -err);
		check(data, sequence++);
		kucomms_release(channel);
	}
}

static void place_to_kernel(uint64_t count)
{
	for (; count; count -= cell.batch)
		send_batch(BENCH_SINK);
}

static void ask(uint64_t type, uint64_t count)
{
	struct kucomms_message *record = reserve(sizeof(uint64_t));

	record->type = type;
	record->id = count;
	record->user = cell.size;
	*(uint64_t *)(record + 1) = cell.batch;
	commit(record, 0);
}

static void place_to_user(uint64_t count)
{
	for (; count; count -= cell.batch) {
		ask(BENCH_BURST, cell.batch);
		receive_batch(sequence);
		sequence += cell.batch;
	}
}

/*
 * What the kernel sends on its own, to a reader that looks all the time. The
 * thread that sends begins with its next tick: the first batch is not measured.
 */
static void stream_begin(uint64_t count)
{
	if (!streaming)
		return;
	ask(BENCH_STREAM, count + cell.batch);
	receive_batch(sequence);
	sequence += cell.batch;
}

static void stream_to_user(uint64_t count)
{
	if (!streaming) {
		place_to_user(count);
		return;
	}
	for (; count; count -= cell.batch) {
		receive_batch(sequence);
		sequence += cell.batch;
	}
}

/*
 * A sender that is faster than the receiver, who gives each message back at once: the
 * ring is full all the time.
 */
static void full_to_user(uint64_t count)
{
	struct kucomms_message message;
	const void *data;

	ask(BENCH_FLOW, count);
	for (; count; count--) {
		receive(&message, &data);
		check(data, sequence++);
		kucomms_release(channel);
	}
}

static bool full_fits(const struct cell *wanted)
{
	return wanted->direction == TO_USER && wanted->size == 64 &&
	       wanted->batch == 1;
}

/* ---- copied, on both sides */

static void copy_send_batch(uint64_t type)
{
	struct kucomms_message message = { .length = cell.size, .type = type };
	uint32_t i;
	int err;

	for (i = 1; i <= cell.batch; i++) {
		*(uint64_t *)copy = sequence++;
		err = kucomms_send(channel, &message, copy,
				   i < cell.batch ? KUCOMMS_SEND_MORE : 0,
				   timeout);
		if (err)
			die("kucomms_send", -err);
	}
}

static void copy_receive_batch(uint64_t number)
{
	struct kucomms_message message;
	uint32_t i;
	int err;

	for (i = 0; i < cell.batch; i++) {
		err = kucomms_receive_copy(channel, &message, copy, cell.size,
					   timeout);
		if (err)
			die("kucomms_receive_copy", -err);
		check(copy, number++);
	}
}

static void copy_echo(uint64_t count)
{
	for (; count; count -= cell.batch) {
		copy_send_batch(BENCH_ECHO);
		copy_receive_batch(sequence - cell.batch);
	}
}

static void copy_to_kernel(uint64_t count)
{
	for (; count; count -= cell.batch)
		copy_send_batch(BENCH_SINK);
}

static void copy_to_user(uint64_t count)
{
	for (; count; count -= cell.batch) {
		ask(BENCH_BURST, cell.batch);
		copy_receive_batch(sequence);
		sequence += cell.batch;
	}
}

/* ---- what it costs */

static struct bench_count library_count(void)
{
	struct kucomms_message message;
	struct bench_count sum;
	const void *data;

	ask(BENCH_COUNT, 0);
	receive(&message, &data);
	sum = *(const struct bench_count *)data;
	kucomms_release(channel);
	return sum;
}

static uint64_t library_syscalls(void)
{
	struct kucomms_channel_stats stats = { .size = sizeof(stats) };

	kucomms_channel_get_stats(channel, &stats);
	return stats.doorbells + stats.waits;
}

static uint64_t attribute(const char *name)
{
	unsigned long long value = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/kucomms/kucomms_%s/%s", device,
		 name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &value) != 1)
		die(path, EPROTO);
	fclose(file);
	return value;
}

/* Of this program, and of the kernel's threads. */
static uint64_t library_wakeups(void)
{
	return attribute("wakeups") + attribute("thread_wakeups");
}

#define SUBJECT			.open = library_open, .close = library_close, \
				.count = library_count, \
				.syscalls = library_syscalls, \
				.wakeups = library_wakeups

const struct subject subject_kucomms_adaptive = {
	.name = "kucomms-adaptive",
	.variant = &(const struct variant){
		.device = "bench_adaptive", .streamer = "bench_stream" },
	SUBJECT,
	.begin = stream_begin,
	.run = { place_echo, place_to_kernel, stream_to_user },
};

const struct subject subject_kucomms_thread = {
	.name = "kucomms-thread",
	.deferred = true,
	.variant = &(const struct variant){ .device = "bench_thread" },
	SUBJECT,
	.run = { call_echo, place_to_kernel, place_to_user },
};

const struct subject subject_kucomms_poll = {
	.name = "kucomms-poll",
	.busy = true,
	.deferred = true,
	.variant = &(const struct variant){
		.device = "bench_poll", .spins = true },
	SUBJECT,
	.run = { place_echo, place_to_kernel, place_to_user },
};

const struct subject subject_kucomms_adaptive_copy = {
	.name = "kucomms-adaptive-copy",
	.variant = &(const struct variant){ .device = "bench_copy" },
	SUBJECT,
	.run = { copy_echo, copy_to_kernel, copy_to_user },
};

const struct subject subject_kucomms_adaptive_full = {
	.name = "kucomms-adaptive-full",
	.variant = &(const struct variant){ .device = "bench_adaptive" },
	SUBJECT,
	.fits = full_fits,
	.run = { [TO_USER] = full_to_user },
};

const struct subject subject_kucomms_thread_full = {
	.name = "kucomms-thread-full",
	.deferred = true,
	.variant = &(const struct variant){ .device = "bench_thread" },
	SUBJECT,
	.fits = full_fits,
	.run = { [TO_USER] = full_to_user },
};
