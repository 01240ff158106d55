// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: The kucomms authors
/*
 * A producer thread and a consumer thread: nothing is lost, changed, doubled
 * or reordered, and no wake-up is lost. A side that has nothing to do spins or
 * sleeps until its doorbell rings. A wake-up was lost if both sleep, or one does
 * and the other has finished, and neither doorbell has rung.
 *
 * For ThreadSanitizer: -fsanitize=thread, and with gcc -Wno-tsan, because it
 * does not know of fences (no data depends on them here).
 */
#include "rings.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

/* How often a side that sleeps looks whether it does so for ever. */
#define LOOK_MS		10

/**
 * struct side - one thread's view
 * @run:      what both share
 * @doorbell: eventfd on which this side sleeps
 * @seed:     of its decisions
 * @asleep:   it is, and only its doorbell wakes it; also when it has finished
 * @sleeps:   how often it slept
 * @rings:    how often it rang the other side
 */
struct side {
	struct run *run;
	int doorbell;
	__u64 seed;
	bool asleep;
	__u64 sleeps;
	__u64 rings;
};

/**
 * struct run - two threads and a ring
 * @count:   messages to be received
 * @spin:    of 256 times with nothing to do, how often to spin
 * @failure: what went wrong first, NULL: nothing
 */
struct run {
	struct ring ring;
	__u64 count;
	__u32 spin;
	const char *failure;
	struct side producer;
	struct side consumer;
};

static void ring_doorbell(const struct side *side)
{
	must(eventfd_write(side->doorbell, 1) == 0, "eventfd: cannot ring");
}

/* The first failure counts; both sides are woken to see it. */
static void fail_run(struct run *run, const char *what)
{
	const char *none = NULL;

	__atomic_compare_exchange_n(&run->failure, &none, what, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	ring_doorbell(&run->producer);
	ring_doorbell(&run->consumer);
}

static bool failed(struct run *run)
{
	return __atomic_load_n(&run->failure, __ATOMIC_RELAXED);
}

static bool often(struct side *side, __u32 of_256)
{
	return (random_next(&side->seed) & 255) < of_256;
}

static void set_asleep(struct side *side, bool asleep)
{
	__atomic_store_n(&side->asleep, asleep, __ATOMIC_SEQ_CST);
}

/* A side that its doorbell has woken says so before it silences the doorbell. */
static bool is_asleep(const struct side *side)
{
	struct pollfd pollfd = { .fd = side->doorbell, .events = POLLIN };
	const __u64 sleeps = __atomic_load_n(&side->sleeps, __ATOMIC_SEQ_CST);

	return __atomic_load_n(&side->asleep, __ATOMIC_SEQ_CST) &&
	       !poll(&pollfd, 1, 0) &&
	       __atomic_load_n(&side->asleep, __ATOMIC_SEQ_CST) &&
	       __atomic_load_n(&side->sleeps, __ATOMIC_SEQ_CST) == sleeps;
}

/* If the other side sleeps, too, whatever it rang for before is seen here. */
static void sleep_until_rung(struct side *side, const char *lost)
{
	struct pollfd pollfd = { .fd = side->doorbell, .events = POLLIN };
	struct run *run = side->run;
	const struct side *other = side == &run->producer ? &run->consumer :
							    &run->producer;
	eventfd_t value;

	__atomic_store_n(&side->sleeps, side->sleeps + 1, __ATOMIC_SEQ_CST);
	set_asleep(side, true);
	while (poll(&pollfd, 1, LOOK_MS) != 1)
		if (is_asleep(other) && !poll(&pollfd, 1, 0))
			fail_run(run, lost);
	set_asleep(side, false);
	eventfd_read(side->doorbell, &value);
}

static void producer_published(struct run *run)
{
	if (!kucomms_producer_must_ring(&run->ring.producer))
		return;
	run->producer.rings++;
	ring_doorbell(&run->consumer);
}

static void producer_wait(struct run *run, __u32 length)
{
	struct kucomms_producer *producer = &run->ring.producer;

	if (kucomms_producer_flush(producer))
		producer_published(run);
	if (often(&run->producer, run->spin)) {
		sched_yield();
		return;
	}
	kucomms_producer_arm(producer, length);
	if (kucomms_producer_room(producer, length) == -EAGAIN)
		sleep_until_rung(&run->producer,
				 "the producer was not woken for room");
	kucomms_producer_disarm(producer);
}

static struct kucomms_message *producer_reserve(struct run *run, __u32 length)
{
	struct kucomms_message *record = NULL;
	int err;

	while ((err = kucomms_producer_reserve(&run->ring.producer, length,
					       &record)) == -EAGAIN) {
		producer_wait(run, length);
		if (failed(run))
			return NULL;
	}
	if (err)
		fail_run(run, "reserve failed");
	return err ? NULL : record;
}

static void producer_commit(struct run *run, struct kucomms_message *record,
			    __u32 control, bool more)
{
	kucomms_producer_commit(&run->ring.producer, record, control, more);
	if (!more)
		producer_published(run);
}

/* Mostly short, now and then anything that fits. */
static __u32 some_length(struct side *side)
{
	__u32 max = KUCOMMS_LENGTH_MAX(side->run->ring.size);

	return random_below(&side->seed, often(side, 2) ? max + 1 : 97);
}

/* One message, sometimes with a discarded record before it. */
static bool produce_one(struct run *run, __u64 id)
{
	struct side *side = &run->producer;
	struct kucomms_message *record;

	if (often(side, 8)) {
		record = producer_reserve(run, some_length(side));
		if (!record)
			return false;
		producer_commit(run, record, KUCOMMS_CONTROL_DISCARDED,
				often(side, 128));
	}
	record = producer_reserve(run, some_length(side));
	if (!record)
		return false;
	message_fill(record, id);
	producer_commit(run, record, KUCOMMS_CONTROL_MESSAGE,
			id + 1 < run->count && often(side, 128));
	return true;
}

static void *produce(void *argument)
{
	struct run *run = argument;
	__u64 id;

	for (id = 0; id < run->count; id++)
		if (!produce_one(run, id))
			break;
	set_asleep(&run->producer, true);
	return NULL;
}

static void consumer_told(struct run *run)
{
	if (!kucomms_consumer_must_ring(&run->ring.consumer))
		return;
	run->consumer.rings++;
	ring_doorbell(&run->producer);
}

static void consumer_release(struct run *run)
{
	if (kucomms_consumer_release(&run->ring.consumer))
		consumer_told(run);
}

/* A look that takes nothing: has something been published? */
static bool consumer_sees_data(struct run *run)
{
	struct kucomms_consumer look = run->ring.consumer;
	struct kucomms_message message;
	const void *data;

	return kucomms_consumer_receive(&look, &message, &data) != 0;
}

static void consumer_wait(struct run *run)
{
	struct kucomms_consumer *consumer = &run->ring.consumer;

	consumer_release(run);
	if (kucomms_consumer_tell(consumer))
		consumer_told(run);
	if (often(&run->consumer, run->spin)) {
		sched_yield();
		return;
	}
	kucomms_consumer_arm(consumer);
	if (!consumer_sees_data(run))
		sleep_until_rung(&run->consumer,
				 "the consumer was not woken for data");
	kucomms_consumer_disarm(consumer);
}

/* What receive says, when it has something to say; a message is checked. */
static int consume_one(struct run *run, __u64 id)
{
	struct kucomms_consumer *consumer = &run->ring.consumer;
	struct kucomms_message message = { 0 };
	const void *data = NULL;
	int ret;

	while ((ret = kucomms_consumer_receive(consumer, &message, &data)) == 0) {
		consumer_wait(run);
		if (failed(run))
			return -ECANCELED;
	}
	if (ret == 1 && often(&run->consumer, 8)) {
		kucomms_consumer_unreceive(consumer, message.length);
		ret = kucomms_consumer_receive(consumer, &message, &data);
	}
	if (ret < 0 && ret != -ENOMSG)
		fail_run(run, "the consumer found what is no record");
	if (ret == 1 && !message_is(&message, data, id, message.length))
		fail_run(run, "a message was lost, doubled or changed");
	return ret;
}

static void *consume(void *argument)
{
	struct run *run = argument;
	__u64 id = 0;

	while (id < run->count && !failed(run)) {
		if (consume_one(run, id) == 1)
			id++;
		if (often(&run->consumer, 192))
			consumer_release(run);
	}
	consumer_release(run);
	if (kucomms_consumer_tell(&run->ring.consumer))
		consumer_told(run);
	set_asleep(&run->consumer, true);
	return NULL;
}

static void side_init(struct side *side, struct run *run, __u64 seed)
{
	side->run = run;
	side->seed = seed;
	side->doorbell = eventfd(0, EFD_CLOEXEC);
	must(side->doorbell >= 0, "eventfd: cannot make a doorbell");
}

/* Runs both threads to the end; begins where positions soon pass 2^32. */
static void run_threads(struct run *run, __u32 size)
{
	pthread_t producer, consumer;

	ring_open(&run->ring, size);
	ring_start_at(&run->ring, 0u - size);
	side_init(&run->producer, run, size + run->spin + 1);
	side_init(&run->consumer, run, size + run->spin + 2);
	must(!pthread_create(&consumer, NULL, consume, run),
	     "pthread_create: cannot start the consumer");
	must(!pthread_create(&producer, NULL, produce, run),
	     "pthread_create: cannot start the producer");
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);

	if (run->failure)
		fail_msg("%s (ring of %u bytes, %u/256 spinning)",
			 run->failure, size, run->spin);
	assert_int_equal(run->ring.consumer.released,
			 run->ring.producer.position);
	close(run->producer.doorbell);
	close(run->consumer.doorbell);
	ring_close(&run->ring);
}

static void sides_that_only_spin_ring_no_doorbell(void **state)
{
	struct run run = { .count = 500000, .spin = 256 };

	(void)state;
	run_threads(&run, 64 << 10);
	assert_int_equal(run.producer.sleeps + run.consumer.sleeps, 0);
	assert_int_equal(run.producer.rings + run.consumer.rings, 0);
}

static void sides_that_sleep_at_once_are_always_woken(void **state)
{
	struct run run = { .count = 500000, .spin = 0 };

	(void)state;
	run_threads(&run, 4096);
	assert_true(run.producer.sleeps > 0);
	assert_true(run.consumer.rings > 0);
}

static void sides_that_now_spin_and_now_sleep_are_always_woken(void **state)
{
	struct run run = { .count = 1000000, .spin = 192 };

	(void)state;
	run_threads(&run, 4096);
	assert_true(run.producer.sleeps + run.consumer.sleeps > 0);
}

static void a_large_ring_loses_nothing_either(void **state)
{
	struct run run = { .count = 100000, .spin = 128 };

	(void)state;
	run_threads(&run, 1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sides_that_only_spin_ring_no_doorbell),
		cmocka_unit_test(sides_that_sleep_at_once_are_always_woken),
		cmocka_unit_test(sides_that_now_spin_and_now_sleep_are_always_woken),
		cmocka_unit_test(a_large_ring_loses_nothing_either),
	};

	return cmocka_run_group_tests_name("ring-threads", tests, NULL, NULL);
}
