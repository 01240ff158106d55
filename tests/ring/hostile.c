// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: The kucomms authors
/*
 * The other side is hostile: whatever it writes, and whenever, this side stays
 * within its memory (there are guard pages around it), believes no length that
 * the ring cannot hold, does a bounded amount of work, and says -EPROTO where
 * the contract says so.
 *
 * What is right is worked out here in 64 bits, without the ring's arithmetic.
 */
#include "rings.h"

#include <pthread.h>
#include <sched.h>

#define RING_SIZE	4096u
#define SEEDS		200000u

static void check(bool ok, __u64 seed, const char *what)
{
	if (!ok)
		fail_msg("%s (seed %llu)", what, (unsigned long long)seed);
}

/* Words that are nearly right do more harm than words that are just random. */
static __u32 hostile_word(__u64 *state)
{
	static const __u32 words[] = {
		0, 1, 2, 3, 4, 31, 32, 33, 64, RING_SIZE / 2,
		RING_SIZE - 96, RING_SIZE - 65, RING_SIZE - 64, RING_SIZE - 63,
		RING_SIZE - 33, RING_SIZE - 32, RING_SIZE - 31, RING_SIZE,
		2 * RING_SIZE, 0x7fffffff, 0x80000000, 0u - 4096, 0u - 65,
		0u - 64, 0u - 63, 0u - 33, 0u - 32, 0u - 31, 0u - 1,
	};

	switch (random_below(state, 4)) {
	case 0:
		return random_next(state);
	case 1:
		return random_below(state, RING_SIZE);
	default:
		return words[random_below(state, ARRAY_SIZE(words))];
	}
}

static __u32 hostile_control(__u64 *state)
{
	return random_below(state, 8) ? random_below(state, 4) :
					hostile_word(state);
}

static __u64 stride_of(__u64 length)
{
	return (32 + length + 31) / 32 * 32;
}

/* What receive has to say of these words with @unreleased bytes behind it. */
static int verdict(__u32 control, __u32 length, __u32 unreleased)
{
	if (control == KUCOMMS_CONTROL_EMPTY)
		return 0;
	if (length > RING_SIZE - 64 ||
	    unreleased + stride_of(length) > RING_SIZE - 32)
		return -EPROTO;
	if (control == KUCOMMS_CONTROL_MESSAGE)
		return 1;
	return control == KUCOMMS_CONTROL_DISCARDED ? -ENOMSG : -EPROTO;
}

/* Reads both ends of what was handed out: the guard pages judge. */
static void touch(const void *data, __u32 length)
{
	const volatile unsigned char *bytes = data;

	if (length) {
		(void)bytes[0];
		(void)bytes[length - 1];
	}
}

static bool inside(const struct ring *ring, const void *data, __u32 length)
{
	const unsigned char *begin = data;

	return begin >= ring->data && length <= RING_SIZE - 64 &&
	       begin + length <= ring->data + 2 * RING_SIZE;
}

/* The consumer stands anywhere, with anything up to a full ring unreleased. */
static void stand_anywhere(struct ring *ring, __u64 *state)
{
	__u32 position = random_next(state) & ~31u;

	ring_start_at(ring, position);
	ring->consumer.position += random_below(state, RING_SIZE / 32) * 32;
}

static void one_hostile_header(struct ring *ring, __u64 seed)
{
	__u64 state = seed;
	struct kucomms_message message = { 0 }, *record;
	const void *data = NULL;
	__u32 before, control, length, unreleased;
	int ret;

	stand_anywhere(ring, &state);
	before = ring->consumer.position;
	unreleased = before - ring->consumer.released;
	record = (void *)(ring->data + before % RING_SIZE);
	record->control = control = hostile_control(&state);
	record->length = length = hostile_word(&state);

	ret = kucomms_consumer_receive(&ring->consumer, &message, &data);
	check(ret == verdict(control, length, unreleased), seed,
	      "the consumer misjudged a header");
	if (ret != 1)
		return;
	check(message.length == length && inside(ring, data, message.length),
	      seed, "the consumer handed out what is not its own");
	touch(data, message.length);
	check(ring->consumer.position - before == stride_of(length), seed,
	      "the consumer went somewhere else");
}

static void every_hostile_header_gets_its_verdict(void **state)
{
	struct ring ring;
	__u64 seed;

	(void)state;
	ring_open(&ring, RING_SIZE);
	for (seed = 1; seed <= SEEDS; seed++)
		one_hostile_header(&ring, seed);
	ring_close(&ring);
}

/* Random records all over; without release it ends after a ring at most. */
static void one_hostile_ring(struct ring *ring, __u64 seed)
{
	__u64 state = seed;
	struct kucomms_message message, *record;
	const void *data;
	__u32 at, steps = 0;
	int ret;

	stand_anywhere(ring, &state);
	for (at = 0; at < RING_SIZE; at += 32) {
		record = (void *)(ring->data + at);
		record->control = 1 + random_below(&state, 3);
		record->length = random_below(&state, 4) ?
				 random_below(&state, 100) :
				 hostile_word(&state);
	}
	do {
		ret = kucomms_consumer_receive(&ring->consumer, &message,
					       &data);
		if (ret == 1) {
			check(inside(ring, data, message.length), seed,
			      "the consumer handed out what is not its own");
			touch(data, message.length);
		}
		steps++;
	} while ((ret == 1 || ret == -ENOMSG) && steps <= RING_SIZE / 32);
	check(steps <= RING_SIZE / 32, seed, "the consumer went round twice");
	check(ret == -EPROTO, seed, "a ring without an end was not refused");
}

static void a_ring_full_of_records_ends_with_eproto_within_one_round(void **state)
{
	struct ring ring;
	__u64 seed;

	(void)state;
	ring_open(&ring, RING_SIZE);
	for (seed = 1; seed <= SEEDS / 40; seed++)
		one_hostile_ring(&ring, seed);
	ring_close(&ring);
}

struct scribbler {
	struct ring *ring;
	pthread_t thread;
	bool stop;
	__u32 rounds;
};

/* Writes words into headers and the consumer's page as fast as it can. */
static void *scribble(void *argument)
{
	struct scribbler *scribbler = argument;
	struct ring *ring = scribbler->ring;
	__u64 state = 4711;

	while (!__atomic_load_n(&scribbler->stop, __ATOMIC_RELAXED)) {
		struct kucomms_message *record = (void *)(ring->data +
			random_below(&state, RING_SIZE / 32) * 32);

		kucomms_store(&record->length, hostile_word(&state));
		kucomms_store(&record->control, hostile_control(&state));
		kucomms_store(&ring->consumer_page->position,
			      hostile_word(&state));
		kucomms_store(&ring->producer_page->need_room,
			      hostile_word(&state));
		__atomic_add_fetch(&scribbler->rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Has it been at work for long enough to have met the other thread? */
static bool scribbled(struct scribbler *scribbler)
{
	return __atomic_load_n(&scribbler->rounds, __ATOMIC_RELAXED) >= SEEDS;
}

static void scribbler_start(struct scribbler *scribbler, struct ring *ring)
{
	scribbler->ring = ring;
	scribbler->stop = false;
	scribbler->rounds = 0;
	must(!pthread_create(&scribbler->thread, NULL, scribble, scribbler),
	     "pthread_create: cannot start the scribbler");
}

static void scribbler_stop(struct scribbler *scribbler)
{
	__atomic_store_n(&scribbler->stop, true, __ATOMIC_RELAXED);
	pthread_join(scribbler->thread, NULL);
}

/* Is what one receive did explained by one length, whatever is there now? */
static const char *receive_once(struct ring *ring)
{
	struct kucomms_message message = { 0 };
	const void *data = NULL;
	__u32 before = ring->consumer.position;
	int ret = kucomms_consumer_receive(&ring->consumer, &message, &data);

	if (ret == 0 && ring->consumer.position != before)
		return "the consumer took nothing and moved";
	if (ret == 1 && !inside(ring, data, message.length))
		return "the consumer handed out what is not its own";
	if (ret == 1)
		touch(data, message.length);
	if (ret == 1 && ring->consumer.position - before !=
			stride_of(message.length))
		return "the consumer believed two lengths";
	if (ret == -EPROTO)
		ring->consumer.position = before + 32;
	ring->consumer.done = ring->consumer.position;
	kucomms_consumer_tell(&ring->consumer);
	kucomms_consumer_must_ring(&ring->consumer);
	return NULL;
}

static void headers_that_change_while_they_are_read_do_no_harm(void **state)
{
	struct scribbler scribbler;
	const char *wrong = NULL;
	struct ring ring;
	__u32 i;

	(void)state;
	ring_open(&ring, RING_SIZE);
	scribbler_start(&scribbler, &ring);
	for (i = 0; (i < SEEDS || !scribbled(&scribbler)) && !wrong; i++)
		wrong = receive_once(&ring);
	scribbler_stop(&scribbler);
	if (wrong)
		fail_msg("%s", wrong);
	ring_close(&ring);
}

/* What reserve has to say when the consumer claims to be at @claimed. */
static int room_verdict(const struct kucomms_producer *producer, __u32 length,
			__u32 claimed)
{
	__u32 used = producer->position - producer->released;
	__u64 wanted = stride_of(length);

	if (length > RING_SIZE - 64)
		return -EMSGSIZE;
	if (used + wanted <= RING_SIZE - 32)
		return 0;
	if ((__u32)(claimed - producer->released) > used || claimed % 32)
		return -EPROTO;
	used = producer->position - claimed;
	return used + wanted <= RING_SIZE - 32 ? 0 : -EAGAIN;
}

/* Writes the whole record: the guard pages judge. */
static void write_record(struct ring *ring, struct kucomms_message *record,
			 __u32 length)
{
	memset(record + 1, 0xff, length);
	kucomms_producer_commit(&ring->producer, record,
				KUCOMMS_CONTROL_MESSAGE, false);
}

static void one_hostile_position(struct ring *ring, __u64 seed)
{
	__u64 state = seed;
	struct kucomms_message *record = NULL;
	struct kucomms_producer before;
	__u32 claimed, length;
	int expected, ret;

	ring->producer.released = random_next(&state) & ~31u;
	ring->producer.end = ring->producer.released + RING_SIZE - 32;
	ring->producer.position = ring->producer.released +
				  random_below(&state, RING_SIZE / 32) * 32;
	before = ring->producer;
	claimed = before.released + hostile_word(&state);
	ring->consumer_page->position = claimed;
	length = random_below(&state, 4) ? random_below(&state, RING_SIZE) :
					   hostile_word(&state);

	expected = room_verdict(&ring->producer, length, claimed);
	ret = kucomms_producer_reserve(&ring->producer, length, &record);
	check(ret == expected, seed, "the producer misjudged a position");
	check(ret != -EPROTO || !memcmp(&before, &ring->producer,
					sizeof(before)), seed,
	      "the producer kept something of a position it refused");
	if (ret)
		return;
	check(ring->producer.position - ring->producer.released <=
	      RING_SIZE - 32, seed, "the producer took more than there is");
	write_record(ring, record, length);
}

static void every_hostile_position_gets_its_verdict(void **state)
{
	struct ring ring;
	__u64 seed;

	(void)state;
	ring_open(&ring, RING_SIZE);
	for (seed = 1; seed <= SEEDS; seed++)
		one_hostile_position(&ring, seed);
	ring_close(&ring);
}

static const char *reserve_once(struct ring *ring, __u64 *state)
{
	struct kucomms_message *record = NULL;
	__u32 length = random_below(state, RING_SIZE - 63);
	int ret = kucomms_producer_reserve(&ring->producer, length, &record);

	if (ring->producer.position - ring->producer.released > RING_SIZE - 32)
		return "the producer took more than there is";
	if (ret == 0) {
		write_record(ring, record, length);
	} else {
		ring->producer.released = ring->producer.position;
		ring->producer.end = ring->producer.position + RING_SIZE - 32;
	}
	return NULL;
}

static void positions_that_change_while_they_are_read_do_no_harm(void **state)
{
	struct scribbler scribbler;
	const char *wrong = NULL;
	struct ring ring;
	__u64 seed = 1;
	__u32 i;

	(void)state;
	ring_open(&ring, RING_SIZE);
	scribbler_start(&scribbler, &ring);
	for (i = 0; (i < SEEDS || !scribbled(&scribbler)) && !wrong; i++)
		wrong = reserve_once(&ring, &seed);
	scribbler_stop(&scribbler);
	if (wrong)
		fail_msg("%s", wrong);
	ring_close(&ring);
}

/* A doorbell at most: need_room says when, never whether to touch anything. */
static void any_need_room_leads_to_one_ring_or_none(void **state)
{
	struct ring ring;
	__u64 seed;

	(void)state;
	ring_open(&ring, RING_SIZE);
	for (seed = 1; seed <= SEEDS; seed++) {
		__u64 random = seed;
		__u32 need = hostile_word(&random), ahead;

		ring.consumer.released = random_next(&random) & ~31u;
		ring.producer_page->need_room = need;
		ahead = ring.consumer.released - (need & ~1u);
		check(kucomms_consumer_must_ring(&ring.consumer) ==
		      ((need & 1) && ahead < 0x80000000u), seed,
		      "the consumer misjudged need_room");
	}
	ring_close(&ring);
}

/*
 * Regressions: defects that message queues of this kind have had.
 *
 * 1. A length so large that adding the header's size to it wraps passed every
 *    check at the seam and reached memcpy() as a negative size.
 */
static void regression_1_a_length_that_wraps_when_added_to_is_refused(void **state)
{
	struct kucomms_message *record;
	struct ring ring;
	__u32 at, less;

	(void)state;
	ring_open(&ring, RING_SIZE);
	for (at = 0; at < RING_SIZE; at += 32) {
		for (less = 1; less <= 130; less++) {
			ring_start_at(&ring, at);
			record = (void *)(ring.data + at);
			record->length = 0u - less;
			record->control = KUCOMMS_CONTROL_MESSAGE;
			assert_int_equal(ring_receive(&ring), -EPROTO);
			assert_int_equal(ring.consumer.position, at);
		}
	}
	ring_close(&ring);
}

/*
 * 2. The length was fetched three times: to look, to handle, to go on. Here
 *    it changes in between, and only the first one counts.
 */
static void regression_2_a_length_that_changes_later_is_not_looked_at(void **state)
{
	struct kucomms_message message = { 0 }, *record;
	const void *data = NULL;
	struct ring ring;

	(void)state;
	ring_open(&ring, RING_SIZE);
	assert_int_equal(ring_send(&ring, 1, 100), 0);
	assert_int_equal(ring_send(&ring, 2, 200), 0);
	assert_int_equal(kucomms_consumer_receive(&ring.consumer, &message,
						  &data), 1);
	record = (void *)ring.data;
	record->length = UINT32_MAX;
	assert_int_equal(message.length, 100);
	ring_release_all(&ring);
	assert_int_equal(ring.consumer_page->position, stride_of(100));
	ring_expect(&ring, 2, 200);
	ring_close(&ring);
}

/*
 * 3. Nothing ordered the words of a message against the word that announces
 *    it. A spinning consumer sees each message whole, as soon as it sees it.
 */
struct spin {
	struct ring ring;
	bool stop;
};

static void *send_to_spinner(void *argument)
{
	struct spin *spin = argument;
	__u64 id = 0;

	while (id < SEEDS && !__atomic_load_n(&spin->stop, __ATOMIC_RELAXED))
		if (ring_send(&spin->ring, id, (__u32)(id % 200)) == 0)
			id++;
		else
			sched_yield();
	return NULL;
}

static bool spin_for(struct ring *ring, __u64 id)
{
	struct kucomms_message message = { 0 };
	const void *data = NULL;
	int ret;

	while ((ret = kucomms_consumer_receive(&ring->consumer, &message,
					       &data)) == 0)
		sched_yield();
	if (ret < 0 || !message_is(&message, data, id, (__u32)(id % 200)))
		return false;
	ring_release_all(ring);
	return true;
}

static void regression_3_a_message_is_seen_whole_or_not_at_all(void **state)
{
	struct spin spin = { .stop = false };
	pthread_t sender;
	__u64 id = 0;

	(void)state;
	ring_open(&spin.ring, RING_SIZE);
	must(!pthread_create(&sender, NULL, send_to_spinner, &spin),
	     "pthread_create: cannot start the sender");
	while (id < SEEDS && spin_for(&spin.ring, id))
		id++;
	__atomic_store_n(&spin.stop, true, __ATOMIC_RELAXED);
	pthread_join(sender, NULL);
	assert_int_equal(id, SEEDS);
	ring_close(&spin.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hostile_header_gets_its_verdict),
		cmocka_unit_test(a_ring_full_of_records_ends_with_eproto_within_one_round),
		cmocka_unit_test(headers_that_change_while_they_are_read_do_no_harm),
		cmocka_unit_test(every_hostile_position_gets_its_verdict),
		cmocka_unit_test(positions_that_change_while_they_are_read_do_no_harm),
		cmocka_unit_test(any_need_room_leads_to_one_ring_or_none),
		cmocka_unit_test(regression_1_a_length_that_wraps_when_added_to_is_refused),
		cmocka_unit_test(regression_2_a_length_that_changes_later_is_not_looked_at),
		cmocka_unit_test(regression_3_a_message_is_seen_whole_or_not_at_all),
	};

	return cmocka_run_group_tests_name("ring-hostile", tests, NULL, NULL);
}
