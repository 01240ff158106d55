// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the processor takes to move a cache line there and another one back,
 * with as much data as has room in it: no ring, one message at a time.
 */
#include <string.h>

#include "native.h"

struct line {
	uint64_t count;
	uint64_t data[3];
	/* A pair of lines, as adjacent-line prefetchers fetch them. */
} __attribute__((aligned(128)));

static struct line *lines;
/* The side's own: what it has received. */
static uint64_t received;

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	uint64_t *message = to_send(side, number);
	struct line *line = &lines[side];

	(void)more;
	memcpy(line->data, message, size);
	__atomic_store_n(&line->count, number + 1, __ATOMIC_RELEASE);
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	struct line *line = &lines[!side];

	while (__atomic_load_n(&line->count, __ATOMIC_ACQUIRE) == received)
		relax();
	received++;
	memcpy(incoming[side], line->data, size);
	return incoming[side][0];
}

LOOPS(copied, push, pop);

static const char *lines_open(void)
{
	lines = shared_memory(sizeof(*lines) * SIDES);
	received = 0;
	return NULL;
}

static bool lines_fit(const struct cell *wanted)
{
	return wanted->kind == ROUND_TRIP && wanted->size == 24;
}

const struct subject subject_cache_line = {
	.name = "cache-line",
	.copied = &copied,
	.fits = lines_fit,
	.open = lines_open,
	.syscalls = syscalls_none,
};
