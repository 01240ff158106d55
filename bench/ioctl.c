// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ioctl that copies the message in and the answer out.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

static int file;
static struct bench_message *message;

static const char *ioctl_open(const struct subject *subject,
			      const struct cell *wanted)
{
	(void)subject;
	file = open("/dev/bench_copy", O_RDWR | O_CLOEXEC);
	if (file < 0)
		return reason("/dev/bench_copy", errno);
	message = buffer(sizeof(*message) + wanted->size);
	message->length = wanted->size;
	return NULL;
}

static void ioctl_close(void)
{
	free(message);
	close(file);
}

static inline void call(unsigned long command)
{
	syscalls++;
	if (ioctl(file, command, message))
		die("ioctl", errno);
}

static void ioctl_echo(uint64_t count)
{
	uint64_t *data = (uint64_t *)(message + 1);

	for (; count; count--) {
		message->type = BENCH_ECHO;
		*data = sequence;
		call(BENCH_IOC_ECHO);
		check(data, sequence++);
	}
}

static void ioctl_to_kernel(uint64_t count)
{
	uint64_t *data = (uint64_t *)(message + 1);

	for (; count; count--) {
		message->type = BENCH_SINK;
		*data = sequence++;
		call(BENCH_IOC_SINK);
	}
}

static void ioctl_to_user(uint64_t count)
{
	uint64_t *data = (uint64_t *)(message + 1);

	for (; count; count--) {
		call(BENCH_IOC_SOURCE);
		check(data, sequence++);
	}
}

static struct bench_count ioctl_count(void)
{
	struct bench_count sum;

	if (ioctl(file, BENCH_IOC_COUNT, &sum))
		die("ioctl", errno);
	return sum;
}

const struct subject subject_ioctl = {
	.name = "ioctl",
	.open = ioctl_open,
	.close = ioctl_close,
	.run = { ioctl_echo, ioctl_to_kernel, ioctl_to_user },
	.count = ioctl_count,
};
