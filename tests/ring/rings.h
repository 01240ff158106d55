/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: The kucomms authors */
/*
 * A ring for tests: its memory between guard pages, its two ends, and messages
 * whose bytes can be recognised. Include it first: it also brings cmocka.
 */
#ifndef KUCOMMS_TESTS_RINGS_H
#define KUCOMMS_TESTS_RINGS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <kucomms/ring.h>

#define PAGE		4096u
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * The area: guard, data, data again, guard, producer's control page, guard,
 * consumer's control page, guard. Whoever leaves its region dies of it.
 */
struct ring {
	unsigned char *area;
	size_t area_length;
	unsigned char *data;
	__u32 size;
	struct kucomms_control *producer_page;
	struct kucomms_control *consumer_page;
	struct kucomms_producer producer;
	struct kucomms_consumer consumer;
};

static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static inline void map_fixed(unsigned char *at, size_t length, int fd)
{
	int flags = MAP_SHARED | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);

	must(mmap(at, length, PROT_READ | PROT_WRITE, flags, fd, 0) == at,
	     "mmap: cannot map a region of the test's ring");
}

/* Both ends at @position, as after so many bytes of traffic. */
static inline void ring_start_at(struct ring *ring, __u32 position)
{
	memset(ring->data, 0, ring->size);
	memset(ring->producer_page, 0, PAGE);
	memset(ring->consumer_page, 0, PAGE);
	kucomms_producer_init(&ring->producer, ring->data, ring->size,
			      ring->producer_page, ring->consumer_page);
	kucomms_consumer_init(&ring->consumer, ring->data, ring->size,
			      ring->consumer_page, ring->producer_page);
	ring->producer.position = position;
	ring->producer.released = position;
	ring->producer.end += position;
	ring->consumer.position = position;
	ring->consumer.done = position;
	ring->consumer.released = position;
	ring->consumer.end += position;
	ring->consumer_page->position = position;
}

static inline void ring_open(struct ring *ring, __u32 size)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	must(fd >= 0 && ftruncate(fd, size) == 0,
	     "memfd: cannot get memory for the test's ring");
	ring->size = size;
	ring->area_length = 2 * (size_t)size + 6 * PAGE;
	ring->area = mmap(NULL, ring->area_length, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(ring->area != MAP_FAILED, "mmap: no addresses for the test's ring");
	ring->data = ring->area + PAGE;
	map_fixed(ring->data, size, fd);
	map_fixed(ring->data + size, size, fd);
	close(fd);
	ring->producer_page = (void *)(ring->data + 2 * (size_t)size + PAGE);
	ring->consumer_page = (void *)(ring->data + 2 * (size_t)size + 3 * PAGE);
	map_fixed((unsigned char *)ring->producer_page, PAGE, -1);
	map_fixed((unsigned char *)ring->consumer_page, PAGE, -1);
	ring_start_at(ring, 0);
}

static inline void ring_close(struct ring *ring)
{
	munmap(ring->area, ring->area_length);
}

/* xorshift64*: the same numbers everywhere, for the same seed (never 0). */
static inline __u32 random_next(__u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (__u32)((*state * 0x2545f4914f6cdd1dull) >> 32);
}

static inline __u32 random_below(__u64 *state, __u32 limit)
{
	return (__u32)(((__u64)random_next(state) * limit) >> 32);
}

#define PATTERN_LENGTH	(1u << 20)

/* Bytes that tell where they are; 256 more, for a message to begin anywhere. */
static unsigned char pattern[PATTERN_LENGTH + 256];

__attribute__((constructor)) static void pattern_init(void)
{
	__u32 i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)((i * 2654435761u) >> 24);
}

/* The bytes of message @id: those of its neighbours are shifted. */
static inline const unsigned char *message_bytes(__u64 id)
{
	return pattern + (id * 37 & 255);
}

static inline void message_fill(struct kucomms_message *record, __u64 id)
{
	record->type = ~id;
	record->id = id;
	record->user = id << 32 | record->length;
	memcpy(record + 1, message_bytes(id), record->length);
}

/* Is it the one that message_fill() made of @id and @length? */
static inline bool message_is(const struct kucomms_message *message,
			      const void *data, __u64 id, __u32 length)
{
	return message->length == length && message->type == ~id &&
	       message->id == id && message->user == (id << 32 | length) &&
	       !memcmp(data, message_bytes(id), length);
}

/* Room that must be there. */
static inline struct kucomms_message *ring_reserve(struct ring *ring,
						   __u32 length)
{
	struct kucomms_message *record = NULL;

	assert_int_equal(kucomms_producer_reserve(&ring->producer, length,
						  &record), 0);
	assert_non_null(record);
	return record;
}

/* Reserve, fill and commit; what reserve says. */
static inline int ring_send_more(struct ring *ring, __u64 id, __u32 length,
				 bool more)
{
	struct kucomms_message *record = NULL;
	int err = kucomms_producer_reserve(&ring->producer, length, &record);

	if (err)
		return err;
	message_fill(record, id);
	kucomms_producer_commit(&ring->producer, record,
				KUCOMMS_CONTROL_MESSAGE, more);
	return 0;
}

static inline int ring_send(struct ring *ring, __u64 id, __u32 length)
{
	return ring_send_more(ring, id, length, false);
}

/* What a look at the ring says, when the message itself does not matter. */
static inline int ring_receive(struct ring *ring)
{
	struct kucomms_message message = { 0 };
	const void *data = NULL;

	return kucomms_consumer_receive(&ring->consumer, &message, &data);
}

/* The next message is this one; it is not released. */
static inline void ring_expect(struct ring *ring, __u64 id, __u32 length)
{
	struct kucomms_message message = { 0 };
	const void *data = NULL;

	assert_int_equal(kucomms_consumer_receive(&ring->consumer, &message,
						  &data), 1);
	assert_int_equal(message.id, id);
	assert_int_equal(message.length, length);
	assert_true(message_is(&message, data, id, length));
}

static inline void ring_expect_empty(struct ring *ring)
{
	assert_int_equal(ring_receive(ring), 0);
}

/* Gives back all that has been received, and says so. */
static inline void ring_release_all(struct ring *ring)
{
	kucomms_consumer_release(&ring->consumer);
	kucomms_consumer_tell(&ring->consumer);
}

#endif
