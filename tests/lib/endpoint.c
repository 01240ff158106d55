// SPDX-License-Identifier: MIT
/*
 * Endpoints: who calls which handler when, for both transports that have user
 * space on the other side.
 */
#include "endpoints.h"

#define ECHOES		5000
#define CHANNELS	200

static bool count_work(struct kucomms_endpoint *endpoint, void *priv)
{
	struct seen *seen = priv;

	assert_ptr_equal(endpoint, seen->endpoint);
	enter(seen);
	seen->works++;
	leave(seen);
	/* Every third time there is more to do. */
	return seen->works % 3 == 0;
}

static void count_timer(struct kucomms_endpoint *endpoint, void *priv)
{
	struct seen *seen = priv;

	assert_ptr_equal(endpoint, seen->endpoint);
	enter(seen);
	seen->timers++;
	leave(seen);
	sem_post(&seen->ticked);
}

/* A ring full of messages at a time: the handler finds no room for its answers. */
static void flood(struct kucomms_channel *channel, unsigned int messages)
{
	unsigned int sent = 0, received = 0;
	struct kucomms_message message;
	static const char data[500];
	const void *answer;
	int err;

	while (received < messages) {
		err = 0;
		while (sent < messages && !err) {
			message = (struct kucomms_message){
				.length = sizeof(data), .id = sent,
			};
			err = kucomms_send(channel, &message, data, 0, 0);
			sent += !err;
		}
		assert_int_equal(kucomms_receive(channel, &message, &answer,
						 -1), 0);
		do {
			assert_int_equal(message.id, received);
			received++;
		} while (!kucomms_receive(channel, &message, &answer, 0));
		kucomms_release(channel);
	}
}

static void an_endpoint_answers_in_order(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		endpoint = serve(&echo_ops, &seen, names[i]);
		assert_int_equal(kucomms_open(names[i], NULL, &channel), 0);
		exchange_echoes(channel, ECHOES, -1);
		flood(channel, 10 * ECHOES);
		kucomms_channel_close(channel);
		sem_wait(&seen.disconnected);
		kucomms_endpoint_destroy(endpoint);
		assert_int_equal(seen.connects, 1);
		assert_int_equal(seen.disconnects, 1);
		assert_int_equal(seen.messages, 11 * ECHOES);
		assert_int_equal(seen.overlaps, 0);
	}
}

/* Two endpoints in one process, and one that is both sides. */
static void two_endpoints_talk_to_each_other(void **state)
{
	struct kucomms_message message = { .length = 1 };
	struct kucomms_endpoint *server, *client;
	struct kucomms_channel *channel;
	struct seen served, seen;
	int i;

	(void)state;
	server = serve(&echo_ops, &served, "local:test");
	client = serve(&count_ops, &seen, "local:other");
	assert_int_equal(kucomms_endpoint_connect(client, "local:test", NULL,
						  0, &channel), 0);
	for (i = 0; i < ECHOES; i++)
		assert_int_equal(kucomms_send(channel, &message, "x", 0, -1), 0);
	for (i = 0; i < ECHOES; i++)
		sem_wait(&seen.received);
	assert_int_equal(kucomms_endpoint_remove(client, channel), 0);
	sem_wait(&served.disconnected);
	sem_wait(&seen.disconnected);
	/* A moment after the disconnect handler it is nobody's any more. */
	while (!kucomms_endpoint_remove(client, channel))
		sched_yield();
	assert_int_equal(kucomms_send(channel, &message, "x", 0, -1),
			 -ESHUTDOWN);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(client);
	kucomms_endpoint_destroy(server);
	assert_int_equal(served.messages, ECHOES);
	assert_int_equal(seen.messages, ECHOES);
}

static void *sender(void *channel)
{
	struct kucomms_message message = { .length = 64 };
	static const char data[64];
	int i;

	for (i = 0; i < ECHOES; i++)
		assert_int_equal(kucomms_send(channel, &message, data, 0, -1), 0);
	return NULL;
}

/* send from any thread, with a ring that is too small for all of them. */
static void many_threads_send_on_one_channel(void **state)
{
	const struct kucomms_options small = {
		.size = sizeof(small), .send_size = 4096,
	};
	struct kucomms_endpoint *server, *client;
	struct kucomms_channel *channel;
	struct seen served, seen;
	pthread_t threads[4];
	int i;

	(void)state;
	server = serve(&count_ops, &served, process_name);
	client = serve(&count_ops, &seen, "local:other");
	assert_int_equal(kucomms_endpoint_connect(client, process_name, &small,
						  0, &channel), 0);
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, sender, channel);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 4 * ECHOES; i++)
		sem_wait(&served.received);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(client);
	kucomms_endpoint_destroy(server);
	assert_int_equal(served.messages, 4 * ECHOES);
}

static void an_endpoint_has_many_channels(void **state)
{
	static struct kucomms_channel *channels[CHANNELS];
	struct kucomms_endpoint_stats stats = { .size = sizeof(stats) };
	struct kucomms_message message = { .length = 2 };
	struct kucomms_options options = { .size = sizeof(options),
		.send_size = 4096, .receive_size = 4096 };
	struct kucomms_endpoint *endpoint;
	struct seen seen;
	const void *data;
	int i, round;

	(void)state;
	endpoint = serve(&echo_ops, &seen, process_name);
	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:test", NULL), 0);
	for (i = 0; i < CHANNELS; i++)
		assert_int_equal(kucomms_open(names[i % 2], &options,
					      &channels[i]), 0);
	for (round = 0; round < 10; round++) {
		for (i = 0; i < CHANNELS; i++)
			assert_int_equal(kucomms_send(channels[i], &message,
						      "ab", 0, -1), 0);
		for (i = 0; i < CHANNELS; i++) {
			assert_int_equal(kucomms_receive(channels[i], &message,
							 &data, -1), 0);
			kucomms_release(channels[i]);
		}
	}
	assert_int_equal(kucomms_endpoint_get_stats(endpoint, &stats), 0);
	assert_int_equal(stats.channels, CHANNELS);
	assert_int_equal(stats.messages, 10 * CHANNELS);
	/* The handler uses reply. */
	kucomms_endpoint_stop(endpoint);
	message.length = 0;
	assert_int_equal(kucomms_broadcast(endpoint, &message, NULL, 0),
			 CHANNELS);
	for (i = 0; i < CHANNELS; i++) {
		assert_int_equal(kucomms_receive(channels[i], &message, &data,
						 -1), 0);
		assert_int_equal(message.length, 0);
		kucomms_channel_close(channels[i]);
	}
	/* Whether or not it has seen yet that they have gone. */
	assert_int_equal(kucomms_broadcast(endpoint, &message, NULL, 0),
			 -ESRCH);
	kucomms_endpoint_destroy(endpoint);
	assert_int_equal(seen.connects, CHANNELS);
	assert_int_equal(seen.disconnects, CHANNELS);
	assert_int_equal(seen.overlaps, 0);
}

static void work_and_timer_come_beside_messages(void **state)
{
	const struct kucomms_ops ops = {
		.message = echo_message, .work = count_work,
		.timer = count_timer,
	};
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;
	int i;

	(void)state;
	endpoint = serve(&ops, &seen, "local:test");
	for (i = 0; i < 5; i++)
		sem_wait(&seen.ticked);
	assert_int_equal(kucomms_open("local:test", NULL, &channel), 0);
	exchange_echoes(channel, ECHOES, -1);
	for (i = 0; i < 5; i++)
		sem_wait(&seen.ticked);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
	assert_true(seen.timers >= 10);
	/* The periods are 1 and 10 ms, and every third call is one more. */
	assert_true(seen.works > seen.timers);
	assert_int_equal(seen.overlaps, 0);
}

/* Without work and timer, and without messages, the thread sleeps for good. */
static void idle_costs_nothing(void **state)
{
	struct kucomms_endpoint_stats before = { .size = sizeof(before) };
	struct kucomms_endpoint_stats after = { .size = sizeof(after) };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen, ticking;
	int i;

	(void)state;
	endpoint = serve(&echo_ops, &seen, "local:test");
	assert_int_equal(kucomms_open("local:test", NULL, &channel), 0);
	exchange_echoes(channel, 1, -1);
	/* The other one's timer is a clock that does not depend on this one. */
	create(&(const struct kucomms_ops){ .timer = count_timer }, &ticking);
	kucomms_endpoint_start(ticking.endpoint);
	sem_wait(&ticking.ticked);
	sem_wait(&ticking.ticked);
	kucomms_endpoint_get_stats(endpoint, &before);
	for (i = 0; i < 30; i++)
		sem_wait(&ticking.ticked);
	kucomms_endpoint_get_stats(endpoint, &after);
	kucomms_endpoint_destroy(ticking.endpoint);
	assert_int_equal(after.sleeps, before.sleeps);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
}

/* In somebody else's loop: nothing happens but when dispatch is called. */
static void a_foreign_event_loop_dispatches(void **state)
{
	const struct kucomms_ops ops = {
		.message = echo_message, .timer = count_timer,
		.connect = count_connect, .disconnect = count_disconnect,
	};
	struct kucomms_message message = { .length = 1 };
	struct pollfd readable = { .events = POLLIN };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	const void *data;
	struct seen seen;
	int i;

	(void)state;
	endpoint = create(&ops, &seen);
	readable.fd = kucomms_endpoint_fd(endpoint);
	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:test", NULL), 0);
	assert_int_equal(kucomms_open("local:test", NULL, &channel), 0);
	assert_int_equal(kucomms_send(channel, &message, "x", 0, 0), 0);
	while (kucomms_receive(channel, &message, &data, 0)) {
		assert_int_equal(poll(&readable, 1, -1), 1);
		assert_int_not_equal(kucomms_endpoint_dispatch(endpoint, 0),
				     -EBUSY);
	}
	assert_int_equal(seen.connects, 1);
	assert_int_equal(seen.messages, 1);
	while (seen.timers < 3) {
		assert_int_equal(poll(&readable, 1, -1), 1);
		kucomms_endpoint_dispatch(endpoint, 0);
	}
	for (i = 0; i < 1000; i++)
		assert_int_equal(kucomms_send(channel, &message, "x", 0, 0), 0);
	while (seen.messages < 1001) {
		assert_int_equal(poll(&readable, 1, -1), 1);
		kucomms_endpoint_dispatch(endpoint, 0);
	}
	kucomms_channel_close(channel);
	while (!seen.disconnects) {
		assert_int_equal(poll(&readable, 1, -1), 1);
		kucomms_endpoint_dispatch(endpoint, 0);
	}
	kucomms_endpoint_destroy(endpoint);
}

static int add_in_handler(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, void *priv)
{
	struct kucomms_endpoint *endpoint = kucomms_channel_endpoint(channel);
	const struct kucomms_message more = {
		.length = 0, .type = message->type - 1,
	};
	struct kucomms_channel *next;
	struct seen *seen = priv;

	(void)data;
	seen->messages++;
	kucomms_endpoint_remove(endpoint, channel);
	if (message->type) {
		assert_int_equal(kucomms_endpoint_connect(endpoint,
			"local:test", NULL, 0, &next), 0);
		assert_int_equal(kucomms_send(next, &more, NULL, 0, -1), 0);
		kucomms_channel_put(next);
	} else {
		sem_post(&seen->received);
	}
	return 0;
}

/* Channels come and go in handlers; the endpoint talks with itself. */
static void handlers_add_and_remove_channels(void **state)
{
	const struct kucomms_ops ops = {
		.message = add_in_handler, .connect = count_connect,
		.disconnect = count_disconnect,
	};
	const struct kucomms_message message = { .type = 50 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;

	(void)state;
	endpoint = serve(&ops, &seen, "local:test");
	assert_int_equal(kucomms_open("local:test", NULL, &channel), 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	sem_wait(&seen.received);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
	assert_int_equal(seen.connects, seen.disconnects);
}

static int stop_in_handler(struct kucomms_channel *channel,
			   const struct kucomms_message *message,
			   const void *data, void *priv)
{
	struct seen *seen = priv;

	(void)message;
	(void)data;
	kucomms_endpoint_stop(kucomms_channel_endpoint(channel));
	__atomic_fetch_add(&seen->messages, 1, __ATOMIC_RELAXED);
	return 0;
}

static void an_endpoint_starts_and_stops(void **state)
{
	const struct kucomms_ops ops = { .message = stop_in_handler };
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;
	int i;

	(void)state;
	endpoint = create(&ops, &seen);
	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:test", NULL), 0);
	assert_int_equal(kucomms_open("local:test", NULL, &channel), 0);
	for (i = 1; i <= 20; i++) {
		assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
		if (i % 2) {
			assert_int_equal(kucomms_endpoint_run(endpoint), 0);
		} else {
			assert_int_equal(kucomms_endpoint_start(endpoint), 0);
			while (__atomic_load_n(&seen.messages,
					       __ATOMIC_RELAXED) < i)
				sched_yield();
			kucomms_endpoint_stop(endpoint);
		}
		assert_int_equal(seen.messages, i);
	}
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), -EBUSY);
	kucomms_endpoint_stop(endpoint);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
}

static int stop_at_first(struct kucomms_channel *channel,
			 const struct kucomms_message *message,
			 const void *data, void *priv)
{
	struct seen *seen = priv;

	if (!seen->messages)
		kucomms_endpoint_stop(kucomms_channel_endpoint(channel));
	return count_message(channel, message, data, priv);
}

/*
 * The socket of a channel that was removed stayed in epoll, with a pointer to
 * what had been freed, as long as a child had a copy of the descriptor.
 */
static void a_child_keeps_no_removed_channel(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;
	pid_t pid;

	(void)state;
	endpoint = create(&count_ops, &seen);
	channel = open_to(endpoint);
	assert_int_equal(seen.connects, 1);
	pid = fork_quietly();
	if (!pid)
		for (;;)
			pause();
	assert_int_equal(kucomms_endpoint_remove(endpoint, seen.last), 0);
	settle(endpoint);
	assert_int_equal(seen.disconnects, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
}

/*
 * Stopped in dispatch, an endpoint stayed so: the thread that was started later
 * ended at once.
 */
static void a_stop_in_dispatch_does_not_stop_the_next(void **state)
{
	const struct kucomms_ops ops = { .message = stop_at_first };
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;

	(void)state;
	endpoint = create(&ops, &seen);
	channel = open_to(endpoint);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	settle(endpoint);
	sem_wait(&seen.received);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	sem_wait(&seen.received);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
}

/*
 * A caller of kucomms_endpoint_dispatch() that came before the started thread
 * took the thread's place, and the thread ended.
 */
static void a_started_thread_keeps_its_place(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct seen seen;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		endpoint = create(&count_ops, &seen);
		assert_int_equal(kucomms_endpoint_start(endpoint), 0);
		assert_int_equal(kucomms_endpoint_dispatch(endpoint, 0),
				 -EBUSY);
		kucomms_endpoint_destroy(endpoint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endpoint_answers_in_order),
		cmocka_unit_test(two_endpoints_talk_to_each_other),
		cmocka_unit_test(many_threads_send_on_one_channel),
		cmocka_unit_test(an_endpoint_has_many_channels),
		cmocka_unit_test(work_and_timer_come_beside_messages),
		cmocka_unit_test(idle_costs_nothing),
		cmocka_unit_test(a_foreign_event_loop_dispatches),
		cmocka_unit_test(handlers_add_and_remove_channels),
		cmocka_unit_test(an_endpoint_starts_and_stops),
		cmocka_unit_test(a_child_keeps_no_removed_channel),
		cmocka_unit_test(a_stop_in_dispatch_does_not_stop_the_next),
		cmocka_unit_test(a_started_thread_keeps_its_place),
	};

	return run_program("lib-endpoint", tests);
}
