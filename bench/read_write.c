// SPDX-License-Identifier: GPL-2.0-only
/*
 * write() and read() of the same messages that the ioctl copies.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

static int file;
static struct bench_message *message;
static size_t length;

static const char *read_write_open(const struct subject *subject,
				   const struct cell *wanted)
{
	(void)subject;
	file = open("/dev/bench_copy", O_RDWR | O_CLOEXEC);
	if (file < 0)
		return reason("/dev/bench_copy", errno);
	length = sizeof(*message) + wanted->size;
	message = buffer(length);
	return NULL;
}

static void read_write_close(void)
{
	free(message);
	close(file);
}

static inline void put(uint64_t type, uint64_t number)
{
	message->length = cell.size;
	message->type = type;
	*(uint64_t *)(message + 1) = number;
	syscalls++;
	if (write(file, message, length) != (ssize_t)length)
		die("bench_copy: write", errno);
}

static inline void get(uint64_t number)
{
	syscalls++;
	if (read(file, message, length) != (ssize_t)length)
		die("bench_copy: read", errno);
	check(message + 1, number);
}

static void read_write_echo(uint64_t count)
{
	for (; count; count--) {
		put(BENCH_ECHO, sequence);
		get(sequence++);
	}
}

static void read_write_to_kernel(uint64_t count)
{
	for (; count; count--)
		put(BENCH_SINK, sequence++);
}

static void read_write_to_user(uint64_t count)
{
	for (; count; count--)
		get(sequence++);
}

static struct bench_count read_write_count(void)
{
	struct bench_count sum;

	if (ioctl(file, BENCH_IOC_COUNT, &sum))
		die("bench_copy: count", errno);
	return sum;
}

const struct subject subject_read_write = {
	.name = "read-write",
	.open = read_write_open,
	.close = read_write_close,
	.run = { read_write_echo, read_write_to_kernel, read_write_to_user },
	.count = read_write_count,
};
