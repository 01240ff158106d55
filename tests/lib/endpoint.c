// SPDX-License-Identifier: MIT
/*
 * Endpoints: who calls which handler when, for both transports that have user
 * space on the other side.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <kucomms/endpoint.h>

#include "../patience.h"

#define ECHOES		5000
#define CHANNELS	200
#define CALLS		500

static char directory[] = "/tmp/kucomms-test-XXXXXX";
static char process_name[sizeof("process:") + sizeof(directory) + 8];
static const char *const names[] = { "local:test", process_name };

/* What the handlers of an endpoint have seen. */
struct seen {
	struct kucomms_endpoint *endpoint;
	int connects;
	int disconnects;
	int messages;
	int works;
	int timers;
	int refuse;
	int overlaps;
	int running;
	sem_t connected;
	sem_t disconnected;
	sem_t ticked;
	sem_t received;
};

static void enter(struct seen *seen)
{
	if (__atomic_fetch_add(&seen->running, 1, __ATOMIC_RELAXED))
		__atomic_fetch_add(&seen->overlaps, 1, __ATOMIC_RELAXED);
}

static void leave(struct seen *seen)
{
	__atomic_fetch_sub(&seen->running, 1, __ATOMIC_RELAXED);
}

static int echo_message(struct kucomms_channel *channel,
			const struct kucomms_message *message,
			const void *data, void *priv)
{
	struct seen *seen = priv;
	int err;

	enter(seen);
	err = kucomms_reply(channel, message, data, 0);
	if (!err)
		__atomic_fetch_add(&seen->messages, 1, __ATOMIC_RELAXED);
	leave(seen);
	return err;
}

static int count_message(struct kucomms_channel *channel,
			 const struct kucomms_message *message,
			 const void *data, void *priv)
{
	struct seen *seen = priv;

	(void)channel;
	(void)message;
	(void)data;
	__atomic_fetch_add(&seen->messages, 1, __ATOMIC_RELAXED);
	sem_post(&seen->received);
	return 0;
}

static int refuse_message(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, void *priv)
{
	(void)channel;
	(void)message;
	(void)data;
	(void)priv;
	return -EIO;
}

static int count_connect(struct kucomms_channel *channel, void *priv)
{
	struct seen *seen = priv;

	(void)channel;
	enter(seen);
	if (!seen->refuse)
		seen->connects++;
	leave(seen);
	sem_post(&seen->connected);
	return seen->refuse;
}

static void count_disconnect(struct kucomms_channel *channel, void *priv)
{
	struct seen *seen = priv;

	(void)channel;
	enter(seen);
	seen->disconnects++;
	leave(seen);
	sem_post(&seen->disconnected);
}

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

static const struct kucomms_ops echo_ops = {
	.message = echo_message,
	.connect = count_connect,
	.disconnect = count_disconnect,
};

static const struct kucomms_ops count_ops = {
	.message = count_message,
	.connect = count_connect,
	.disconnect = count_disconnect,
};

static struct kucomms_endpoint *create(const struct kucomms_ops *ops,
				       struct seen *seen)
{
	const struct kucomms_endpoint_options options = {
		.size = sizeof(options),
		.work_us = 1000,
		.timer_us = 10000,
		.reconnect_ms = 10,
	};

	memset(seen, 0, sizeof(*seen));
	sem_init(&seen->connected, 0, 0);
	sem_init(&seen->disconnected, 0, 0);
	sem_init(&seen->ticked, 0, 0);
	sem_init(&seen->received, 0, 0);
	assert_int_equal(kucomms_endpoint_create(ops, seen, &options,
						 &seen->endpoint), 0);
	return seen->endpoint;
}

static struct kucomms_endpoint *serve(const struct kucomms_ops *ops,
				      struct seen *seen, const char *name)
{
	struct kucomms_endpoint *endpoint = create(ops, seen);

	assert_int_equal(kucomms_endpoint_listen(endpoint, name, NULL), 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	return endpoint;
}

static void exchange(struct kucomms_channel *channel, unsigned int echoes)
{
	unsigned char sent[300], received[300];
	struct kucomms_message message;
	unsigned int i, length;

	for (i = 0; i < echoes; i++) {
		length = i % sizeof(sent);
		memset(sent, (int)i, length);
		message = (struct kucomms_message){ .length = length, .id = i };
		assert_int_equal(kucomms_send(channel, &message, sent, 0, -1), 0);
		assert_int_equal(kucomms_receive_copy(channel, &message,
						      received,
						      sizeof(received), -1), 0);
		assert_int_equal(message.length, length);
		assert_int_equal(message.id, i);
		assert_memory_equal(sent, received, length);
	}
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

static void test_echo(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		endpoint = serve(&echo_ops, &seen, names[i]);
		assert_int_equal(kucomms_open(names[i], NULL, &channel), 0);
		exchange(channel, ECHOES);
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
static void test_two_endpoints(void **state)
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
static void test_many_senders(void **state)
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

static void test_many_channels(void **state)
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

static void test_ticks(void **state)
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
	exchange(channel, ECHOES);
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
static void test_idle_costs_nothing(void **state)
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
	exchange(channel, 1);
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

static void test_refusal(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct kucomms_message message;
	const void *data;
	struct seen seen;

	(void)state;
	endpoint = create(&echo_ops, &seen);
	seen.refuse = -EPERM;
	assert_int_equal(kucomms_endpoint_listen(endpoint, process_name, NULL), 0);
	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:test", NULL), 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	assert_int_equal(kucomms_open(process_name, NULL, &channel), -EPERM);
	/* Who connects locally is not made to wait for the handler. */
	assert_int_equal(kucomms_open("local:test", NULL, &channel), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1), -EPROTO);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
	assert_int_equal(seen.connects, 0);
	assert_int_equal(seen.disconnects, 0);
}

static void test_refused_message(void **state)
{
	const struct kucomms_ops ops = {
		.message = refuse_message, .disconnect = count_disconnect,
	};
	struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	const void *data;
	struct seen seen;
	unsigned int i;
	int err;

	(void)state;
	for (i = 0; i < 2; i++) {
		endpoint = serve(&ops, &seen, names[i]);
		assert_int_equal(kucomms_open(names[i], NULL, &channel), 0);
		/* Send may hear of it already. */
		err = kucomms_send(channel, &message, NULL, 0, -1);
		assert_true(!err || err == -EPROTO);
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 -EPROTO);
		sem_wait(&seen.disconnected);
		kucomms_channel_close(channel);
		kucomms_endpoint_destroy(endpoint);
	}
}

/* In somebody else's loop: nothing happens but when dispatch is called. */
static void test_dispatch(void **state)
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
static void test_handlers_add_and_remove(void **state)
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

static void test_start_and_stop(void **state)
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

/* Answers requests when it has as many as it likes, the last one first. */
struct late_answers {
	struct kucomms_message requests[8];
	unsigned int count;
};

static int answer_backwards(struct kucomms_channel *channel,
			    const struct kucomms_message *message,
			    const void *data, void *priv)
{
	struct late_answers *late = priv;

	(void)data;
	/* Some are never answered, some twice. */
	if (message->type == 1)
		return 0;
	late->requests[late->count++] = *message;
	if (late->count < 8)
		return 0;
	while (late->count) {
		struct kucomms_message *answer = &late->requests[--late->count];

		answer->length = 0;
		assert_int_equal(kucomms_reply(channel, answer, NULL, 0), 0);
		if (answer->type == 2)
			assert_int_equal(kucomms_reply(channel, answer,
						       NULL, 0), 0);
	}
	return 0;
}

struct asked {
	struct kucomms_call call;
	__u64 user;
	int err;
	int done;
	sem_t *all;
};

static void asked_done(struct kucomms_call *call, int err,
		       const struct kucomms_message *answer, const void *data)
{
	struct asked *asked = (struct asked *)call;

	(void)data;
	asked->err = err;
	asked->done++;
	if (!err)
		assert_int_equal(answer->user, asked->user);
	sem_post(asked->all);
}

static void test_calls(void **state)
{
	static struct asked asked[CALLS];
	const struct kucomms_ops ops = { .message = answer_backwards };
	struct kucomms_endpoint_stats stats = { .size = sizeof(stats) };
	struct late_answers late = { .count = 0 };
	struct kucomms_message request = { .length = 0 };
	struct kucomms_endpoint *server, *client;
	struct kucomms_channel *channel;
	struct seen seen;
	sem_t all;
	int i;

	(void)state;
	sem_init(&all, 0, 0);
	assert_int_equal(kucomms_endpoint_create(&ops, &late, NULL, &server), 0);
	assert_int_equal(kucomms_endpoint_listen(server, process_name, NULL), 0);
	assert_int_equal(kucomms_endpoint_start(server), 0);
	client = serve(&count_ops, &seen, "local:other");
	assert_int_equal(kucomms_endpoint_connect(client, process_name, NULL, 0,
						  &channel), 0);
	memset(asked, 0, sizeof(asked));
	for (i = 0; i < CALLS; i++) {
		asked[i].call.done = asked_done;
		asked[i].user = (__u64)i;
		asked[i].all = &all;
		request.user = (__u64)i;
		/* Every 5th is never answered, and given up at once or never. */
		request.type = i % 5 ? i % 4 ? 0 : 2 : 1;
		assert_int_equal(kucomms_call_start(channel, &asked[i].call,
						    &request, NULL,
						    i % 10 ? -1 : 1), 0);
	}
	/* 320 of 400 have been asked so that they come back in eights. */
	for (i = 0; i < CALLS * 4 / 5 + CALLS / 10; i++)
		sem_wait(&all);
	for (i = 0; i < CALLS; i++) {
		if (i % 10 == 5)
			assert_int_equal(kucomms_call_cancel(&asked[i].call), 0);
		assert_int_equal(kucomms_call_cancel(&asked[i].call), -ENOENT);
		assert_int_equal(asked[i].done, i % 10 != 5);
		assert_int_equal(asked[i].err, i % 10 ? 0 : -ETIMEDOUT);
	}
	assert_int_equal(kucomms_endpoint_get_stats(client, &stats), 0);
	assert_int_equal(stats.calls, CALLS * 4 / 5);
	assert_int_equal(stats.late, CALLS / 5);
	assert_int_equal(seen.messages, 0);

	/* What is in flight when the other side goes ends, too. */
	request.type = 1;
	assert_int_equal(kucomms_call_start(channel, &asked[0].call, &request,
					    NULL, -1), 0);
	kucomms_endpoint_destroy(server);
	sem_wait(&all);
	assert_int_equal(asked[0].err, -ESHUTDOWN);
	assert_int_equal(kucomms_call_start(channel, &asked[0].call, &request,
					    NULL, -1), -ESHUTDOWN);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(client);
}

static void *caller(void *arg)
{
	struct kucomms_channel *channel = arg;
	struct kucomms_message answer;
	char sent[16], received[16];
	int i;

	for (i = 0; i < ECHOES / 10; i++) {
		struct kucomms_message request = {
			.length = (__u32)sprintf(sent, "%d", i),
		};

		assert_int_equal(kucomms_call_wait(channel, &request, sent,
						   &answer, received,
						   sizeof(received), -1), 0);
		assert_int_equal(answer.length, request.length);
		assert_memory_equal(sent, received, request.length);
	}
	return NULL;
}

static void test_call_wait(void **state)
{
	struct kucomms_message request = { .length = 3 }, answer;
	struct kucomms_endpoint *server, *client;
	struct kucomms_channel *channel;
	struct seen served, seen;
	pthread_t threads[3];
	char byte;
	int i;

	(void)state;
	server = serve(&echo_ops, &served, "local:test");
	client = serve(&count_ops, &seen, "local:other");
	assert_int_equal(kucomms_endpoint_connect(client, "local:test", NULL, 0,
						  &channel), 0);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, caller, channel);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(kucomms_call_wait(channel, &request, "abc", &answer,
					   &byte, 1, -1), -ENOBUFS);
	assert_int_equal(answer.length, 3);
	assert_int_equal(byte, 'a');
	kucomms_endpoint_stop(server);
	assert_int_equal(kucomms_call_wait(channel, &request, "abc", &answer,
					   &byte, 1, 5), -ETIMEDOUT);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(client);
	kucomms_endpoint_destroy(server);
	assert_int_equal(seen.messages, 0);
}

/* The other side comes, is killed, and comes again. */
static void test_reconnect(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint, *server;
	struct kucomms_channel *channel;
	struct seen seen, served;
	int i, err;

	(void)state;
	endpoint = create(&count_ops, &seen);
	assert_int_equal(kucomms_endpoint_connect(endpoint, process_name, NULL,
						  KUCOMMS_CONNECT_RETRY, &channel), 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1),
			 -ESHUTDOWN);
	for (i = 0; i < 5; i++) {
		server = serve(&echo_ops, &served, process_name);
		sem_wait(&seen.connected);
		/* It is in the handler: a moment later it can be sent to. */
		do {
			err = kucomms_send(channel, &message, NULL, 0, -1);
		} while (err == -ESHUTDOWN);
		assert_int_equal(err, 0);
		sem_wait(&seen.received);
		kucomms_endpoint_destroy(server);
		sem_wait(&seen.disconnected);
	}
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(endpoint);
	assert_int_equal(seen.connects, 5);
	assert_int_equal(seen.disconnects, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_two_endpoints),
		cmocka_unit_test(test_many_senders),
		cmocka_unit_test(test_many_channels),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_idle_costs_nothing),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_refused_message),
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_handlers_add_and_remove),
		cmocka_unit_test(test_start_and_stop),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_call_wait),
		cmocka_unit_test(test_reconnect),
	};
	int failed;

	if (!mkdtemp(directory))
		return 1;
	snprintf(process_name, sizeof(process_name), "process:%s/test",
		 directory);
	alarm(patience());
	failed = cmocka_run_group_tests_name("lib-endpoint", tests, NULL, NULL);
	rmdir(directory);
	return failed;
}
