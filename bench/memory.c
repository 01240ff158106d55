// SPDX-License-Identifier: GPL-2.0-only
/*
 * No messages at all, only the bytes of them: what memcpy takes, in this
 * program (to-kernel) and in the kernel (to-user), through as much memory as a
 * ring has.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

#define BYTES	(1u << 20)

static int file;
static char *from, *to;

static bool memory_fits(const struct cell *wanted)
{
	return wanted->batch == 1;
}

static const char *memory_open(const struct subject *subject,
			       const struct cell *wanted)
{
	(void)subject;
	file = open("/dev/bench_copy", O_RDWR | O_CLOEXEC);
	if (file < 0)
		return reason("/dev/bench_copy", errno);
	from = buffer(wanted->size);
	to = buffer(BYTES);
	return NULL;
}

static void memory_close(void)
{
	free(from);
	free(to);
	close(file);
}

static void memory_to_kernel(uint64_t count)
{
	uint32_t at = 0;

	for (; count; count--) {
		memcpy(to + at, from, cell.size);
		/* The compiler cannot know that nobody looks. */
		__asm__ volatile("" : : "r"(to) : "memory");
		at = (at + cell.size) % BYTES;
	}
}

static void memory_to_user(uint64_t count)
{
	struct bench_message request = { .length = cell.size, .id = count };

	if (ioctl(file, BENCH_IOC_MEMCPY, &request))
		die("bench_copy: memcpy", errno);
}

const struct subject subject_memcpy = {
	.name = "memcpy",
	.fits = memory_fits,
	.open = memory_open,
	.close = memory_close,
	.run = { [TO_KERNEL] = memory_to_kernel, [TO_USER] = memory_to_user },
};
