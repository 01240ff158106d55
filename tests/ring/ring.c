// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: The kucomms authors
/*
 * What an honest producer and an honest consumer see of each other, one step at
 * a time in one thread.
 */
#include "rings.h"

static const __u32 sizes[] = { 4096, 64 << 10, 1 << 20 };

/*
 * Where rings begin their lives in these tests: at 0, just before positions
 * pass 2^31 and 2^32, and so that the first record lies at the seam.
 */
static const __u32 starts[] = {
	0, 0x7fffffe0u, 0xffffffe0u, 0u - 4096 + 64, 4096 - 32,
};

static void for_each_ring(void (*body)(struct ring *ring))
{
	struct ring ring;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ring_open(&ring, sizes[i]);
		for (j = 0; j < ARRAY_SIZE(starts); j++) {
			ring_start_at(&ring, starts[j]);
			body(&ring);
		}
		ring_close(&ring);
	}
}

/* Sends messages of @length until none fits; how many did. */
static __u32 fill(struct ring *ring, __u32 length)
{
	__u32 count = 0;
	int err;

	while ((err = ring_send(ring, count, length)) == 0)
		count++;
	assert_int_equal(err, -EAGAIN);
	return count;
}

static void one_length_goes_through(struct ring *ring, __u32 length)
{
	assert_int_equal(ring_send(ring, length, length), 0);
	ring_expect(ring, length, length);
	ring_expect_empty(ring);
	ring_release_all(ring);
}

static void every_length(struct ring *ring)
{
	const __u32 max = KUCOMMS_LENGTH_MAX(ring->size);
	const __u32 lengths[] = { 0, 1, 24, 31, 32, 33, 64, max - 1, max };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		one_length_goes_through(ring, lengths[i]);
}

static void messages_of_every_length_arrive_whole(void **state)
{
	(void)state;
	for_each_ring(every_length);
}

static void too_long(struct ring *ring)
{
	const __u32 max = KUCOMMS_LENGTH_MAX(ring->size);
	const __u32 lengths[] = { max + 1, max + 32, ring->size, 0x80000000u,
				  UINT32_MAX - 62, UINT32_MAX - 31, UINT32_MAX };
	const __u32 position = ring->producer.position;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		assert_int_equal(ring_send(ring, 1, lengths[i]), -EMSGSIZE);
		assert_int_equal(kucomms_producer_room(&ring->producer,
						       lengths[i]), -EMSGSIZE);
	}
	assert_int_equal(ring->producer.position, position);
	ring_expect_empty(ring);
}

static void a_message_that_can_never_fit_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	for_each_ring(too_long);
}

/* What the contract says, worked out without the ring's own arithmetic. */
static __u32 records_that_fit(__u32 size, __u32 length)
{
	return (size - 32) / ((32 + length + 31) / 32 * 32);
}

static void fill_and_drain(struct ring *ring)
{
	static const __u32 lengths[] = { 0, 1, 31, 32, 33, 1000 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		__u32 count = fill(ring, lengths[i]), id;

		assert_int_equal(count,
				 records_that_fit(ring->size, lengths[i]));
		for (id = 0; id < count; id++)
			ring_expect(ring, id, lengths[i]);
		ring_expect_empty(ring);
		ring_release_all(ring);
	}
}

static void a_full_ring_says_so_and_drains_in_order(void **state)
{
	(void)state;
	for_each_ring(fill_and_drain);
}

static void records_follow_each_other_rounded_up_to_32_bytes(void **state)
{
	static const struct { __u32 length, stride; } cases[] = {
		{ 0, 32 }, { 1, 64 }, { 31, 64 }, { 32, 64 }, { 33, 96 },
		{ 64, 96 }, { 65, 128 }, { 4096 - 64, 4096 - 32 },
	};
	struct ring ring;
	size_t i;

	(void)state;
	ring_open(&ring, 4096);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		__u32 before = ring.producer.position;

		one_length_goes_through(&ring, cases[i].length);
		assert_int_equal(ring.producer.position - before,
				 cases[i].stride);
		assert_int_equal(ring.consumer.position,
				 ring.producer.position);
	}
	ring_close(&ring);
}

static void room_comes_back_only_with_release(void **state)
{
	struct ring ring;
	__u32 count;

	(void)state;
	ring_open(&ring, 4096);
	count = fill(&ring, 32);
	ring_expect(&ring, 0, 32);
	assert_int_equal(ring_send(&ring, count, 32), -EAGAIN);
	ring_release_all(&ring);
	assert_int_equal(ring_send(&ring, count, 32), 0);
	assert_int_equal(ring_send(&ring, count + 1, 32), -EAGAIN);
	ring_close(&ring);
}

/* The longest message needs the whole ring, and gets it exactly. */
static void a_longest_message_fits_only_into_an_empty_ring(void **state)
{
	struct ring ring;
	__u32 max;

	(void)state;
	ring_open(&ring, 4096);
	max = KUCOMMS_LENGTH_MAX(ring.size);
	assert_int_equal(ring_send(&ring, 0, 0), 0);
	assert_int_equal(ring_send(&ring, 1, max), -EAGAIN);
	assert_int_equal(ring_send(&ring, 1, max - 32), 0);
	assert_int_equal(ring_send(&ring, 2, 0), -EAGAIN);
	ring_expect(&ring, 0, 0);
	ring_expect(&ring, 1, max - 32);
	ring_close(&ring);
}

static void traffic_across_2_to_32(struct ring *ring)
{
	__u64 seed = ring->size + ring->producer.position + 1ull, id;

	for (id = 0; id < 100; id++) {
		__u32 length = random_below(&seed, ring->size - 63);

		one_length_goes_through(ring, length);
		assert_int_equal(ring->producer.position,
				 ring->consumer.position);
	}
}

static void positions_pass_2_to_32_unnoticed(void **state)
{
	(void)state;
	for_each_ring(traffic_across_2_to_32);
}

static void a_reserved_record_is_invisible_until_it_is_committed(void **state)
{
	struct kucomms_message *record;
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	record = ring_reserve(&ring, 40);
	assert_int_equal(record->length, 40);
	ring_expect_empty(&ring);
	message_fill(record, 7);
	ring_expect_empty(&ring);
	kucomms_producer_commit(&ring.producer, record,
				KUCOMMS_CONTROL_MESSAGE, false);
	ring_expect(&ring, 7, 40);
	ring_close(&ring);
}

static void a_batch_is_seen_as_a_whole_when_it_is_flushed(void **state)
{
	struct ring ring;
	__u64 id;

	(void)state;
	ring_open(&ring, 4096);
	for (id = 0; id < 10; id++) {
		assert_int_equal(ring_send_more(&ring, id, 24, true), 0);
		ring_expect_empty(&ring);
	}
	assert_true(kucomms_producer_flush(&ring.producer));
	for (id = 0; id < 10; id++)
		ring_expect(&ring, id, 24);
	ring_expect_empty(&ring);
	assert_false(kucomms_producer_flush(&ring.producer));
	ring_close(&ring);
}

static void a_commit_without_more_publishes_the_batch_before_it(void **state)
{
	struct ring ring;
	__u64 id;

	(void)state;
	ring_open(&ring, 4096);
	for (id = 0; id < 3; id++)
		assert_int_equal(ring_send_more(&ring, id, 100, true), 0);
	ring_expect_empty(&ring);
	assert_int_equal(ring_send(&ring, 3, 100), 0);
	for (id = 0; id < 4; id++)
		ring_expect(&ring, id, 100);
	ring_expect_empty(&ring);
	assert_false(kucomms_producer_flush(&ring.producer));
	ring_close(&ring);
}

static void batches_may_begin_at_the_seam(void **state)
{
	struct ring ring;
	__u64 id;

	(void)state;
	ring_open(&ring, 4096);
	ring_start_at(&ring, 0u - 32);
	for (id = 0; id < 3; id++)
		assert_int_equal(ring_send_more(&ring, id, 1000, true), 0);
	ring_expect_empty(&ring);
	assert_true(kucomms_producer_flush(&ring.producer));
	for (id = 0; id < 3; id++)
		ring_expect(&ring, id, 1000);
	ring_close(&ring);
}

static void a_full_ring_leaves_the_batch_to_be_flushed(void **state)
{
	struct ring ring;
	__u64 id;

	(void)state;
	ring_open(&ring, 4096);
	for (id = 0; ring_send_more(&ring, id, 1000, true) == 0; id++)
		ring_expect_empty(&ring);
	assert_int_equal(id, records_that_fit(4096, 1000));
	assert_true(kucomms_producer_flush(&ring.producer));
	for (id = 0; id < records_that_fit(4096, 1000); id++)
		ring_expect(&ring, id, 1000);
	ring_close(&ring);
}

/* Three records are reserved; @order says how they are committed. */
static void commit_in_order(const int order[3])
{
	struct kucomms_message *records[3];
	bool committed[3] = { false };
	struct ring ring;
	int i, next = 0;

	ring_open(&ring, 4096);
	for (i = 0; i < 3; i++) {
		records[i] = ring_reserve(&ring, 50 + i);
		message_fill(records[i], i);
	}
	for (i = 0; i < 3; i++) {
		ring_expect_empty(&ring);
		kucomms_producer_commit(&ring.producer, records[order[i]],
					KUCOMMS_CONTROL_MESSAGE, false);
		committed[order[i]] = true;
		while (next < 3 && committed[next]) {
			ring_expect(&ring, next, 50 + next);
			next++;
		}
	}
	assert_int_equal(next, 3);
	ring_expect_empty(&ring);
	ring_close(&ring);
}

static void records_committed_in_any_order_arrive_as_reserved(void **state)
{
	static const int orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(orders); i++)
		commit_in_order(orders[i]);
}

static void a_batch_committed_backwards_is_complete_after_flush(void **state)
{
	struct kucomms_message *records[3];
	struct ring ring;
	int i;

	(void)state;
	ring_open(&ring, 4096);
	for (i = 0; i < 3; i++) {
		records[i] = ring_reserve(&ring, 8);
		message_fill(records[i], i);
	}
	for (i = 2; i >= 0; i--)
		kucomms_producer_commit(&ring.producer, records[i],
					KUCOMMS_CONTROL_MESSAGE, true);
	assert_true(kucomms_producer_flush(&ring.producer));
	for (i = 0; i < 3; i++)
		ring_expect(&ring, i, 8);
	ring_expect_empty(&ring);
	ring_close(&ring);
}

static void a_discarded_record_is_skipped_and_its_room_comes_back(void **state)
{
	struct kucomms_message *record;
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	assert_int_equal(ring_send(&ring, 1, 10), 0);
	record = ring_reserve(&ring, 3000);
	kucomms_producer_commit(&ring.producer, record,
				KUCOMMS_CONTROL_DISCARDED, false);
	assert_int_equal(ring_send(&ring, 2, 10), 0);
	assert_int_equal(ring_send(&ring, 3, 3000), -EAGAIN);

	ring_expect(&ring, 1, 10);
	assert_int_equal(ring_receive(&ring), -ENOMSG);
	ring_expect(&ring, 2, 10);
	ring_expect_empty(&ring);
	ring_release_all(&ring);
	assert_int_equal(ring_send(&ring, 3, 3000), 0);
	ring_expect(&ring, 3, 3000);
	ring_close(&ring);
}

static void a_batch_may_begin_and_end_with_discarded_records(void **state)
{
	static const __u32 controls[] = { KUCOMMS_CONTROL_DISCARDED,
					  KUCOMMS_CONTROL_MESSAGE,
					  KUCOMMS_CONTROL_DISCARDED };
	struct kucomms_message *record;
	struct ring ring;
	size_t i;

	(void)state;
	ring_open(&ring, 4096);
	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		record = ring_reserve(&ring, 16);
		message_fill(record, i);
		kucomms_producer_commit(&ring.producer, record, controls[i],
					true);
		ring_expect_empty(&ring);
	}
	assert_true(kucomms_producer_flush(&ring.producer));
	assert_int_equal(ring_receive(&ring), -ENOMSG);
	ring_expect(&ring, 1, 16);
	assert_int_equal(ring_receive(&ring), -ENOMSG);
	ring_expect_empty(&ring);
	ring_close(&ring);
}

static void put_back(struct ring *ring)
{
	const __u32 lengths[] = { 0, 33, KUCOMMS_LENGTH_MAX(ring->size) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		assert_int_equal(ring_send(ring, i, lengths[i]), 0);
		ring_expect(ring, i, lengths[i]);
		kucomms_consumer_unreceive(&ring->consumer, lengths[i]);
		ring_release_all(ring);
		ring_expect(ring, i, lengths[i]);
		ring_expect_empty(ring);
		ring_release_all(ring);
	}
}

static void a_message_put_back_is_received_again(void **state)
{
	(void)state;
	for_each_ring(put_back);
}

static void release_by_eighths(struct ring *ring)
{
	const __u32 start = ring->consumer.position;
	const __u32 eighth = ring->size / 8;
	bool told;

	do {
		assert_int_equal(ring->consumer_page->position, start);
		assert_int_equal(ring_send(ring, 1, 0), 0);
		ring_expect(ring, 1, 0);
		told = kucomms_consumer_release(&ring->consumer);
		assert_int_equal(told, ring->consumer.position - start >= eighth);
	} while (!told);
	assert_int_equal(ring->consumer_page->position, start + eighth);
	assert_false(kucomms_consumer_tell(&ring->consumer));
}

static void the_producer_is_told_once_per_eighth_of_the_ring(void **state)
{
	(void)state;
	for_each_ring(release_by_eighths);
}

static void tell_gives_back_what_release_kept(void **state)
{
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	assert_false(kucomms_consumer_tell(&ring.consumer));
	assert_int_equal(ring_send(&ring, 1, 0), 0);
	ring_expect(&ring, 1, 0);
	assert_false(kucomms_consumer_tell(&ring.consumer));
	assert_false(kucomms_consumer_release(&ring.consumer));
	assert_int_equal(ring.consumer_page->position, 0);
	assert_true(kucomms_consumer_tell(&ring.consumer));
	assert_int_equal(ring.consumer_page->position, 32);
	assert_false(kucomms_consumer_tell(&ring.consumer));
	ring_close(&ring);
}

static void what_is_still_being_read_is_not_given_back(void **state)
{
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	assert_int_equal(ring_send(&ring, 1, 0), 0);
	assert_int_equal(ring_send(&ring, 2, 3000), 0);
	ring_expect(&ring, 1, 0);
	assert_false(kucomms_consumer_release(&ring.consumer));
	ring_expect(&ring, 2, 3000);
	assert_true(kucomms_consumer_tell(&ring.consumer));
	assert_int_equal(ring.consumer_page->position, 32);
	assert_int_equal(ring_send(&ring, 3, 3000), -EAGAIN);
	ring_close(&ring);
}

static void the_producer_rings_only_for_an_armed_consumer(void **state)
{
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	assert_int_equal(ring_send(&ring, 1, 8), 0);
	assert_false(kucomms_producer_must_ring(&ring.producer));
	ring_expect(&ring, 1, 8);

	kucomms_consumer_arm(&ring.consumer);
	assert_int_equal(ring.consumer_page->need_data, 64 | KUCOMMS_NEED);
	assert_int_equal(ring_send(&ring, 2, 8), 0);
	assert_true(kucomms_producer_must_ring(&ring.producer));

	kucomms_consumer_disarm(&ring.consumer);
	assert_int_equal(ring.consumer_page->need_data, 0);
	assert_false(kucomms_producer_must_ring(&ring.producer));
	ring_close(&ring);
}

/* The producer waits for @length; whom must the consumer wake, and when? */
static void room_is_rung_for(struct ring *ring, __u32 length)
{
	__u32 count = fill(ring, 0), id;
	bool fits;

	kucomms_producer_arm(&ring->producer, length);
	assert_true(ring->producer_page->need_room & KUCOMMS_NEED);
	assert_int_equal(ring_send(ring, count, length), -EAGAIN);
	for (id = 0; id < count; id++) {
		ring_expect(ring, id, 0);
		ring_release_all(ring);
		fits = kucomms_producer_room(&ring->producer, length) == 0;
		assert_int_equal(kucomms_consumer_must_ring(&ring->consumer),
				 fits);
	}
	assert_true(fits);
	kucomms_producer_disarm(&ring->producer);
	assert_int_equal(ring->producer_page->need_room, 0);
	assert_false(kucomms_consumer_must_ring(&ring->consumer));
	assert_int_equal(ring_send(ring, count, length), 0);
	ring_expect(ring, count, length);
	ring_release_all(ring);
}

static void every_wait_for_room(struct ring *ring)
{
	room_is_rung_for(ring, 0);
	room_is_rung_for(ring, 33);
	room_is_rung_for(ring, ring->size / 2);
	room_is_rung_for(ring, KUCOMMS_LENGTH_MAX(ring->size));
}

static void the_consumer_rings_exactly_when_the_message_would_fit(void **state)
{
	(void)state;
	for_each_ring(every_wait_for_room);
}

static void a_release_is_the_last_when_nothing_is_left_to_read(void **state)
{
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	assert_int_equal(ring_send(&ring, 1, 0), 0);
	assert_int_equal(ring_send(&ring, 2, 0), 0);
	kucomms_producer_arm(&ring.producer, 4000);
	ring_expect(&ring, 1, 0);
	assert_false(kucomms_consumer_release(&ring.consumer));
	assert_false(kucomms_consumer_is_last(&ring.consumer));
	ring_expect(&ring, 2, 0);
	assert_false(kucomms_consumer_release(&ring.consumer));
	assert_true(kucomms_consumer_is_last(&ring.consumer));
	kucomms_producer_disarm(&ring.producer);
	assert_false(kucomms_consumer_is_last(&ring.consumer));
	ring_close(&ring);
}

static void what_is_taken_can_be_given_back(void **state)
{
	struct kucomms_message *record;
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	assert_int_equal(ring_send(&ring, 1, 8), 0);
	record = ring_reserve(&ring, 3000);
	kucomms_producer_untake(&ring.producer, 3000);
	assert_ptr_equal(ring_reserve(&ring, 3000), record);
	kucomms_producer_untake(&ring.producer, 3000);
	ring_expect(&ring, 1, 8);
	assert_int_equal(ring_receive(&ring), 0);
	assert_int_equal(ring_send(&ring, 2, 100), 0);
	ring_expect(&ring, 2, 100);
	ring_close(&ring);
}

static void the_consumer_rings_for_nobody_who_has_not_armed(void **state)
{
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	fill(&ring, 0);
	ring_expect(&ring, 0, 0);
	ring_release_all(&ring);
	assert_false(kucomms_consumer_must_ring(&ring.consumer));
	ring_close(&ring);
}

/*
 * Data of 0xff all over the ring would read as headers everywhere: whatever is
 * sent over it, the consumer sees what has been sent and then nothing.
 */
static void over_old_data(struct ring *ring)
{
	__u64 seed = ring->size, id;

	for (id = 0; id < 1000; id++) {
		__u32 length = random_below(&seed, 400);

		memset(ring->data, 0xff, ring->size);
		((struct kucomms_message *)(void *)(ring->data +
			(ring->producer.position & (ring->size - 1))))->control =
			KUCOMMS_CONTROL_EMPTY;
		ring_expect_empty(ring);
		one_length_goes_through(ring, length);
	}
}

static void old_data_is_never_taken_for_a_header(void **state)
{
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	over_old_data(&ring);
	ring_close(&ring);
}

/* The same without help from outside: real messages are the old data. */
static void old_messages_are_never_taken_for_new_ones(void **state)
{
	struct kucomms_message *record;
	struct ring ring;
	__u64 seed = 1;
	int i;

	(void)state;
	ring_open(&ring, 4096);
	for (i = 0; i < 20000; i++) {
		__u32 length = random_below(&seed, 1000);

		record = ring_reserve(&ring, length);
		ring_expect_empty(&ring);
		memset(record + 1, 1, length);
		kucomms_producer_commit(&ring.producer, record,
					KUCOMMS_CONTROL_MESSAGE, false);
		assert_int_equal(ring_receive(&ring), 1);
		ring_expect_empty(&ring);
		ring_release_all(&ring);
	}
	ring_close(&ring);
}

/*
 * A producer that has filled its ring once, and lets the consumer read it for
 * ever: lap after lap, as it does without a wipe.
 */
static void read_a_static_ring(struct ring *ring, bool wipe, __u32 laps)
{
	const __u32 units = ring->size / KUCOMMS_RECORD_ALIGN;
	__u32 unit, found, at;

	for (unit = 0; unit < units; unit++)
		kucomms_record_at(ring->data, ring->size - 1,
				  unit * KUCOMMS_RECORD_ALIGN)->control =
			unit % 2 ? KUCOMMS_CONTROL_MESSAGE :
				   KUCOMMS_CONTROL_DISCARDED;
	for (found = 0; found < 2 * units; found++) {
		at = ring->consumer.position;
		if (!ring_receive(ring))
			break;
		if (wipe)
			kucomms_consumer_wipe(&ring->consumer, at);
		ring_release_all(ring);
	}
	assert_int_equal(found, laps * units);
}

static void with_and_without_wiping(struct ring *ring)
{
	read_a_static_ring(ring, false, 2);
	read_a_static_ring(ring, true, 1);
}

static void a_static_ring_that_is_wiped_ends_after_one_lap(void **state)
{
	(void)state;
	for_each_ring(with_and_without_wiping);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_every_length_arrive_whole),
		cmocka_unit_test(a_message_that_can_never_fit_is_refused_and_changes_nothing),
		cmocka_unit_test(a_full_ring_says_so_and_drains_in_order),
		cmocka_unit_test(records_follow_each_other_rounded_up_to_32_bytes),
		cmocka_unit_test(room_comes_back_only_with_release),
		cmocka_unit_test(a_longest_message_fits_only_into_an_empty_ring),
		cmocka_unit_test(positions_pass_2_to_32_unnoticed),
		cmocka_unit_test(a_reserved_record_is_invisible_until_it_is_committed),
		cmocka_unit_test(a_batch_is_seen_as_a_whole_when_it_is_flushed),
		cmocka_unit_test(a_commit_without_more_publishes_the_batch_before_it),
		cmocka_unit_test(batches_may_begin_at_the_seam),
		cmocka_unit_test(a_full_ring_leaves_the_batch_to_be_flushed),
		cmocka_unit_test(records_committed_in_any_order_arrive_as_reserved),
		cmocka_unit_test(a_batch_committed_backwards_is_complete_after_flush),
		cmocka_unit_test(a_discarded_record_is_skipped_and_its_room_comes_back),
		cmocka_unit_test(a_batch_may_begin_and_end_with_discarded_records),
		cmocka_unit_test(a_message_put_back_is_received_again),
		cmocka_unit_test(the_producer_is_told_once_per_eighth_of_the_ring),
		cmocka_unit_test(tell_gives_back_what_release_kept),
		cmocka_unit_test(what_is_still_being_read_is_not_given_back),
		cmocka_unit_test(the_producer_rings_only_for_an_armed_consumer),
		cmocka_unit_test(the_consumer_rings_exactly_when_the_message_would_fit),
		cmocka_unit_test(a_release_is_the_last_when_nothing_is_left_to_read),
		cmocka_unit_test(what_is_taken_can_be_given_back),
		cmocka_unit_test(the_consumer_rings_for_nobody_who_has_not_armed),
		cmocka_unit_test(old_data_is_never_taken_for_a_header),
		cmocka_unit_test(old_messages_are_never_taken_for_new_ones),
		cmocka_unit_test(a_static_ring_that_is_wiped_ends_after_one_lap),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
