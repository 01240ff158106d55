// SPDX-License-Identifier: GPL-2.0-only
/*
 * The yardstick: a bare ring of bytes between two sides that trust each other
 * and never sleep. Nothing is checked, and each side asks how far the other is
 * only when it has to.
 */
#include <string.h>

#include "native.h"

/* What one side writes and the other reads. */
struct position {
	uint32_t value;
} __attribute__((aligned(128)));

/* What is one side's own. */
struct end {
	unsigned char *data;
	uint32_t position;	/* where this side is */
	uint32_t other;		/* where the other was when last asked */
	uint32_t told;		/* what the other has been told */
} __attribute__((aligned(128)));

/* Each has the number of the side that sends. */
static struct position *heads, *tails;
static struct end producers[SIDES], consumers[SIDES];

/* A message is its length, in a word of its own, and its data. */
static inline uint32_t record_size(uint32_t length)
{
	return (sizeof(uint64_t) + length + 7) & ~7u;
}

static inline uint64_t *record_at(const struct end *end)
{
	return (uint64_t *)(end->data + end->position % RING_BYTES);
}

static void wait_for_room(enum side sender, uint32_t record)
{
	struct end *end = &producers[sender];

	for (;;) {
		end->other = __atomic_load_n(&tails[sender].value,
					     __ATOMIC_ACQUIRE);
		if (end->position + record - end->other <= RING_BYTES)
			return;
		relax();
	}
}

EACH_MESSAGE void *reserve(enum side side, uint32_t length)
{
	struct end *end = &producers[side];
	uint32_t size = record_size(length);
	uint64_t *record = record_at(end);

	if (__builtin_expect(end->position + size - end->other > RING_BYTES, 0))
		wait_for_room(side, size);
	*record = length;
	end->position += size;
	return record + 1;
}

EACH_MESSAGE void commit(enum side side, bool more)
{
	if (!more)
		__atomic_store_n(&heads[side].value, producers[side].position,
				 __ATOMIC_RELEASE);
}

static void tell(enum side sender)
{
	struct end *end = &consumers[sender];

	end->told = end->position;
	__atomic_store_n(&tails[sender].value, end->told, __ATOMIC_RELEASE);
}

static void wait_for_data(enum side sender)
{
	struct end *end = &consumers[sender];

	tell(sender);
	for (;;) {
		end->other = __atomic_load_n(&heads[sender].value,
					     __ATOMIC_ACQUIRE);
		if (end->other != end->position)
			return;
		relax();
	}
}

EACH_MESSAGE const void *receive(enum side side)
{
	struct end *end = &consumers[!side];
	const uint64_t *record = record_at(end);

	if (__builtin_expect(end->other == end->position, 0))
		wait_for_data((enum side)!side);
	end->position += record_size(*record);
	return record + 1;
}

EACH_MESSAGE void release(enum side side)
{
	struct end *end = &consumers[!side];

	if (end->position - end->told >= RING_BYTES / 8)
		tell((enum side)!side);
}

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	uint64_t *message = to_send(side, number);

	memcpy(reserve(side, size), message, size);
	commit(side, more);
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	memcpy(incoming[side], receive(side), size);
	release(side);
	return incoming[side][0];
}

EACH_MESSAGE void push_in_place(enum side side, uint64_t number, uint32_t size,
				bool more)
{
	write_in_place(reserve(side, size), number, size);
	commit(side, more);
}

EACH_MESSAGE uint64_t pop_in_place(enum side side, uint32_t size)
{
	uint64_t number = read_in_place(receive(side), size);

	release(side);
	return number;
}

LOOPS(copied, push, pop);
LOOPS(in_place, push_in_place, pop_in_place);

static const char *ring_open(void)
{
	int i;

	heads = shared_memory(sizeof(*heads) * SIDES);
	tails = shared_memory(sizeof(*tails) * SIDES);
	for (i = 0; i < SIDES; i++) {
		producers[i] = (struct end){ .data = shared_ring(RING_BYTES) };
		consumers[i] = producers[i];
	}
	return NULL;
}

const struct subject subject_crude_ring = {
	.name = "crude-ring",
	.alone = true,
	.copied = &copied,
	.in_place = &in_place,
	.fits = fits_batches,
	.open = ring_open,
	.syscalls = syscalls_none,
};
