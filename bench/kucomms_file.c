// SPDX-License-Identifier: GPL-2.0-only
/*
 * kucomms without its library: write() and read() on the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <kucomms/abi.h>
#include <unistd.h>

#include "bench.h"

#define DEVICE	"/dev/kucomms_bench_adaptive"

static int file;
static struct kucomms_message *message;

/* Rings have the size that the device gives to all: here for one at a time. */
static bool file_fits(const struct cell *wanted)
{
	return wanted->size < 65536 || wanted->batch == 1;
}

static void put(uint64_t type, uint32_t length, uint64_t id)
{
	ssize_t size = sizeof(*message) + length;

	message->length = length;
	message->type = type;
	message->id = id;
	message->user = cell.size;
	syscalls++;
	if (write(file, message, size) != size)
		die(DEVICE ": write", errno);
}

static const void *get(void)
{
	syscalls++;
	if (read(file, message, sizeof(*message) + BENCH_SIZE_MAX) < 0)
		die(DEVICE ": read", errno);
	return message + 1;
}

static struct bench_count file_count(void)
{
	put(BENCH_COUNT, 0, 0);
	return *(const struct bench_count *)get();
}

static const char *file_open(const struct subject *subject,
			     const struct cell *wanted)
{
	const struct kucomms_message nothing = { .type = BENCH_COUNT };

	(void)subject;
	(void)wanted;
	file = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (file < 0)
		return reason(DEVICE, errno);
	if (write(file, &nothing, sizeof(nothing)) < 0) {
		const char *why = reason(DEVICE ": write", errno);

		close(file);
		return why;
	}
	message = buffer(sizeof(*message) + BENCH_SIZE_MAX);
	get();
	return NULL;
}

static void file_close(void)
{
	free(message);
	close(file);
}

static void file_echo(uint64_t count)
{
	for (; count; count--) {
		*(uint64_t *)(message + 1) = sequence;
		put(BENCH_ECHO, cell.size, 0);
		check(get(), sequence++);
	}
}

static void file_to_kernel(uint64_t count)
{
	for (; count; count--) {
		*(uint64_t *)(message + 1) = sequence++;
		put(BENCH_SINK, cell.size, 0);
	}
}

static void file_to_user(uint64_t count)
{
	uint32_t i;

	for (; count; count -= cell.batch) {
		put(BENCH_BURST, 0, cell.batch);
		for (i = 0; i < cell.batch; i++)
			check(get(), sequence++);
	}
}

const struct subject subject_kucomms_read_write = {
	.name = "kucomms-read-write",
	.fits = file_fits,
	.open = file_open,
	.close = file_close,
	.run = { file_echo, file_to_kernel, file_to_user },
	.count = file_count,
};
