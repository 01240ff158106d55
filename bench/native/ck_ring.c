// SPDX-License-Identifier: GPL-2.0-only
/*
 * Concurrency Kit's ring for one producer and one consumer, with messages by
 * value in its slots.
 */
#include "native.h"

#if __has_include(<ck_ring.h>)
#include <ck_ring.h>
#include <string.h>

/* It is told the size of what it copies by a type. */
struct bytes_24 { uint64_t words[3]; };
struct bytes_64 { uint64_t words[8]; };
struct bytes_1024 { uint64_t words[128]; };

CK_RING_PROTOTYPE(bytes_24, bytes_24)
CK_RING_PROTOTYPE(bytes_64, bytes_64)
CK_RING_PROTOTYPE(bytes_1024, bytes_1024)

struct queue {
	struct ck_ring ring;
	uint64_t slots[RING_BYTES / 8] __attribute__((aligned(CACHE_LINE)));
};

static struct queue *queues[SIDES];

#define TRY(bytes, what, queue, message)				\
	ck_ring_##what##_spsc_##bytes(&(queue)->ring,			\
				      (struct bytes *)(queue)->slots,	\
				      (struct bytes *)(message))

EACH_MESSAGE bool enqueue(struct queue *queue, uint64_t *message,
			  uint32_t size)
{
	switch (size) {
	case 24:
		return TRY(bytes_24, enqueue, queue, message);
	case 64:
		return TRY(bytes_64, enqueue, queue, message);
	default:
		return TRY(bytes_1024, enqueue, queue, message);
	}
}

EACH_MESSAGE bool dequeue(struct queue *queue, uint64_t *message,
			  uint32_t size)
{
	switch (size) {
	case 24:
		return TRY(bytes_24, dequeue, queue, message);
	case 64:
		return TRY(bytes_64, dequeue, queue, message);
	default:
		return TRY(bytes_1024, dequeue, queue, message);
	}
}

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	uint64_t *message = to_send(side, number);

	(void)more;
	while (!enqueue(queues[side], message, size))
		relax();
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	while (!dequeue(queues[!side], incoming[side], size))
		relax();
	return incoming[side][0];
}

LOOPS(copied, push, pop);

static const char *ring_open(void)
{
	/* A power of two. */
	unsigned int slots = RING_BYTES / (cell.size < 32 ? 32 : cell.size);
	int i;

	for (i = 0; i < SIDES; i++) {
		queues[i] = shared_memory(sizeof(*queues[i]));
		ck_ring_init(&queues[i]->ring, slots);
	}
	return NULL;
}

const struct subject subject_ck_ring = {
	.name = "ck_ring",
	.alone = true,
	.copied = &copied,
	.fits = fits_busy,
	.open = ring_open,
	.syscalls = syscalls_none,
};

#else

MISSING(ck_ring, "ck_ring", "libck-dev");

#endif
