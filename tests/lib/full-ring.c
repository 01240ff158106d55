// SPDX-License-Identifier: MIT
/*
 * A producer that is faster than its consumer: what it costs the two of them that
 * the ring is full all the time, and that nobody sleeps for room that is there.
 */
#include <stdint.h>

#include "lib.h"

#define SIZE		65536u
#define LENGTH		64u
#define RECORD		(LENGTH + 32u)
#define IN_RING		((SIZE - 32u) / RECORD)
#define COUNT		(20u * IN_RING)

/* How the producer waits for room. */
enum way { BY_SENDING, BY_RESERVING, BY_POLLING, WAYS };

/**
 * struct producer - a thread that sends
 * @count: so many messages of LENGTH bytes
 * @last:  and, if this is not 0, one of so many
 */
struct producer {
	pthread_t thread;
	const char *name;
	__u32 size;
	enum way way;
	unsigned int count;
	__u32 last;
};

static void wait_for_room(struct kucomms_channel *channel)
{
	struct pollfd room = { .fd = kucomms_channel_poll_start(channel),
			       .events = POLLIN };

	assert_int_equal(poll(&room, 1, -1), 1);
	/* Takes the doorbell back. */
	assert_int_equal(kucomms_receive(channel, &(struct kucomms_message){ 0 },
					 &(const void *){ NULL }, 0), -EAGAIN);
}

static void put(struct kucomms_channel *channel, enum way way,
		struct kucomms_message message, const void *data)
{
	struct kucomms_message *record;
	int err;

	if (way == BY_SENDING) {
		assert_int_equal(kucomms_send(channel, &message, data, 0, -1), 0);
		return;
	}
	if (way == BY_POLLING) {
		while ((err = kucomms_send(channel, &message, data, 0, 0)) ==
		       -EAGAIN)
			wait_for_room(channel);
		assert_int_equal(err, 0);
		return;
	}
	assert_int_equal(kucomms_reserve(channel, message.length, &record, -1),
			 0);
	record->id = message.id;
	memcpy(record + 1, data, message.length);
	assert_int_equal(kucomms_commit(channel, record, 0), 0);
}

static void *produce(void *arg)
{
	const struct producer *producer = arg;
	const struct kucomms_options options = {
		.size = sizeof(options), .send_size = producer->size,
	};
	struct kucomms_message message = { .length = LENGTH };
	struct kucomms_channel *channel;
	unsigned char *data = calloc(1, SIZE);

	assert_non_null(data);
	assert_int_equal(kucomms_open(producer->name, &options, &channel), 0);
	if (producer->way == BY_POLLING)
		kucomms_channel_poll_start(channel);
	for (; message.id < producer->count; message.id++)
		put(channel, producer->way, message, data);
	message.length = producer->last;
	if (message.length)
		put(channel, producer->way, message, data);
	free(data);
	return channel;
}

static struct kucomms_listener *start(struct producer *producer)
{
	struct kucomms_listener *listener;

	assert_int_equal(kucomms_listen(producer->name, NULL, &listener), 0);
	assert_int_equal(pthread_create(&producer->thread, NULL, produce,
					producer), 0);
	return listener;
}

/* For what a producer has sent, as far as it waits for nothing any more. */
static void finish(struct producer *producer, struct kucomms_listener *listener,
		   struct kucomms_channel *channel)
{
	void *other;

	assert_int_equal(pthread_join(producer->thread, &other), 0);
	kucomms_channel_close(other);
	kucomms_channel_close(channel);
	kucomms_listener_close(listener);
}

static void wait_until_full(const struct kucomms_channel *channel)
{
	while (!(kucomms_load(&channel->in.remote->need_room) & KUCOMMS_NEED))
		sched_yield();
}

/* The worst case: woken, the producer always fills what there is, and sleeps again. */
static void is_received(struct kucomms_channel *channel, __u64 id)
{
	if (id + 2 * IN_RING < COUNT)
		wait_until_full(channel);
}

/* One in a ring more is for the time when it is read empty at last. */
static void check_doorbells(const struct kucomms_channel *channel)
{
	const __u64 eighths = (__u64)COUNT * RECORD / (SIZE / 8);

	assert_in_range(doorbells(channel), 1, eighths + 8);
}

static void receive_one_by_one(const char *name, enum way way)
{
	struct producer producer = {
		.name = name, .size = SIZE, .way = way, .count = COUNT,
	};
	struct kucomms_listener *listener = start(&producer);
	struct kucomms_channel *channel;
	struct kucomms_message message;
	const void *data;
	__u64 id;

	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	for (id = 0; id < COUNT; id++) {
		is_received(channel, id);
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		assert_int_equal(message.id, id);
		kucomms_release(channel);
	}
	check_doorbells(channel);
	finish(&producer, listener, channel);
}

static void a_full_ring_is_one_doorbell_per_eighth_of_it(void **state)
{
	unsigned int i, way;

	(void)state;
	for (i = 0; i < 2; i++)
		for (way = 0; way < WAYS; way++)
			receive_one_by_one(names[i], way);
}

static int handle(struct kucomms_channel *channel,
		  const struct kucomms_message *message, const void *data,
		  void *priv)
{
	struct kucomms_endpoint *endpoint = kucomms_channel_endpoint(channel);
	__u64 *received = priv;

	(void)data;
	assert_int_equal(message->id, *received);
	is_received(channel, (*received)++);
	if (*received == COUNT) {
		check_doorbells(channel);
		kucomms_endpoint_stop(endpoint);
	}
	return 0;
}

static void a_handler_rings_once_per_eighth_of_the_ring(void **state)
{
	const struct kucomms_ops ops = { .message = handle };
	struct kucomms_endpoint *endpoint;
	struct producer producer = { .size = SIZE, .count = COUNT };
	__u64 received;
	void *channel;
	unsigned int i, way;

	(void)state;
	for (i = 0; i < 2 * WAYS; i++) {
		way = i % WAYS;
		producer.name = names[i / WAYS];
		producer.way = way;
		received = 0;
		assert_int_equal(kucomms_endpoint_create(&ops, &received, NULL,
							 &endpoint), 0);
		assert_int_equal(kucomms_endpoint_listen(endpoint, producer.name,
							 NULL), 0);
		assert_int_equal(pthread_create(&producer.thread, NULL, produce,
						&producer), 0);
		assert_int_equal(kucomms_endpoint_run(endpoint), 0);
		assert_int_equal(received, COUNT);
		assert_int_equal(pthread_join(producer.thread, &channel), 0);
		kucomms_channel_close(channel);
		kucomms_endpoint_destroy(endpoint);
	}
}

/* A program that sends by itself, as much as there is room for at a time. */
struct flow {
	__u64 sent;
	__u64 rooms;
};

static void flow_on(struct kucomms_channel *channel, void *priv)
{
	struct kucomms_message message = { .length = LENGTH };
	const char data[LENGTH] = "";
	struct flow *flow = priv;
	int err = 0;

	while (flow->sent < COUNT && !err) {
		message.id = flow->sent;
		err = kucomms_reply(channel, &message, data, 0);
		flow->sent += !err;
	}
	if (err)
		assert_int_equal(err, -EAGAIN);
}

static int flow_begins(struct kucomms_channel *channel, void *priv)
{
	flow_on(channel, priv);
	return 0;
}

static void flow_goes_on(struct kucomms_channel *channel, void *priv)
{
	struct flow *flow = priv;

	flow->rooms++;
	flow_on(channel, priv);
}

static void the_room_handler_is_called_once_per_eighth(void **state)
{
	const struct kucomms_options options = {
		.size = sizeof(options), .receive_size = SIZE, .timeout_ms = -1,
	};
	const struct kucomms_ops ops = {
		.connect = flow_begins, .room = flow_goes_on,
	};
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct kucomms_message message;
	const void *data;
	unsigned int i;
	__u64 id;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct flow flow = { 0 };

		assert_int_equal(kucomms_endpoint_create(&ops, &flow, NULL,
							 &endpoint), 0);
		assert_int_equal(kucomms_endpoint_listen(endpoint, names[i],
							 NULL), 0);
		assert_int_equal(kucomms_endpoint_start(endpoint), 0);
		assert_int_equal(kucomms_open(names[i], &options, &channel), 0);
		for (id = 0; id < COUNT; id++) {
			is_received(channel, id);
			assert_int_equal(kucomms_receive(channel, &message,
							 &data, -1), 0);
			assert_int_equal(message.id, id);
			kucomms_release(channel);
		}
		check_doorbells(channel);
		kucomms_endpoint_stop(endpoint);
		assert_int_equal(flow.sent, COUNT);
		assert_in_range(flow.rooms, 1, COUNT * RECORD / (SIZE / 8) + 8);
		kucomms_channel_close(channel);
		kucomms_endpoint_destroy(endpoint);
	}
}

/*
 * One message has been given back, all others that the ring holds are still in use:
 * no more comes back, but there is room for one message.
 */
static void hold_the_rest(const char *name, bool polling)
{
	const unsigned int fit = (4096 - 32) / RECORD;
	struct producer producer = {
		.name = name, .size = 4096, .count = fit + 1,
	};
	struct kucomms_listener *listener = start(&producer);
	struct kucomms_channel *channel;
	struct kucomms_message message;
	struct pollfd readable;
	const void *data;
	unsigned int id;
	int err;

	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	readable = (struct pollfd){
		.fd = polling ? kucomms_channel_poll_start(channel) : -1,
		.events = POLLIN,
	};
	wait_until_full(channel);
	for (id = 0; id < fit; id++) {
		assert_int_equal(kucomms_receive(channel, &message, &data, 0), 0);
		if (!id)
			kucomms_release(channel);
	}
	do {
		err = kucomms_receive(channel, &message, &data,
				      polling ? 0 : -1);
	} while (err == -EAGAIN && poll(&readable, 1, -1) == 1);
	assert_int_equal(err, 0);
	assert_int_equal(message.id, fit);
	finish(&producer, listener, channel);
}

static void what_is_held_keeps_nobody_from_the_room_that_is_there(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		hold_the_rest(names[i], false);
		hold_the_rest(names[i], true);
	}
}

/* A receiver that has released its last message may not call again soon. */
static void the_last_release_is_told_at_once(void **state)
{
	const unsigned int fit = (4096 - 32) / RECORD;
	struct producer producer = {
		.size = 4096, .count = fit, .last = KUCOMMS_LENGTH_MAX(4096),
	};
	struct kucomms_listener *listener;
	struct kucomms_channel *channel;
	struct kucomms_message message;
	unsigned int i, id;
	const void *data;

	(void)state;
	for (i = 0; i < 2; i++) {
		producer.name = names[i];
		listener = start(&producer);
		assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
		wait_until_full(channel);
		for (id = 0; id < fit; id++) {
			assert_int_equal(kucomms_receive(channel, &message,
							 &data, 0), 0);
			kucomms_release(channel);
		}
		finish(&producer, listener, channel);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_ring_is_one_doorbell_per_eighth_of_it),
		cmocka_unit_test(a_handler_rings_once_per_eighth_of_the_ring),
		cmocka_unit_test(the_room_handler_is_called_once_per_eighth),
		cmocka_unit_test(what_is_held_keeps_nobody_from_the_room_that_is_there),
		cmocka_unit_test(the_last_release_is_told_at_once),
	};

	return run_program("lib-full-ring", tests);
}
