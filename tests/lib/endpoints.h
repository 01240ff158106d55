/* SPDX-License-Identifier: MIT */
/*
 * Endpoints whose handlers count what they see, and what can be connected to them.
 */
#ifndef KUCOMMS_TESTS_ENDPOINTS_H
#define KUCOMMS_TESTS_ENDPOINTS_H

#include "lib.h"

/* What the handlers of an endpoint have seen. */
struct seen {
	struct kucomms_endpoint *endpoint;
	int connects;
	int disconnects;
	int messages;
	int works;
	int timers;
	int refuse;
	int removes_at;
	int overlaps;
	int running;
	struct kucomms_channel *last;
	sem_t connected;
	sem_t disconnected;
	sem_t ticked;
	sem_t received;
};

static inline void enter(struct seen *seen)
{
	if (__atomic_fetch_add(&seen->running, 1, __ATOMIC_RELAXED))
		__atomic_fetch_add(&seen->overlaps, 1, __ATOMIC_RELAXED);
}

static inline void leave(struct seen *seen)
{
	__atomic_fetch_sub(&seen->running, 1, __ATOMIC_RELAXED);
}

static inline int echo_message(struct kucomms_channel *channel,
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

static inline int count_message(struct kucomms_channel *channel,
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

static inline int count_connect(struct kucomms_channel *channel, void *priv)
{
	struct seen *seen = priv;

	enter(seen);
	if (!seen->refuse)
		seen->connects++;
	seen->last = channel;
	leave(seen);
	sem_post(&seen->connected);
	if (!seen->removes_at || seen->connects != seen->removes_at)
		return seen->refuse;
	kucomms_endpoint_remove(seen->endpoint, channel);
	return -EPERM;
}

static inline void count_disconnect(struct kucomms_channel *channel, void *priv)
{
	struct seen *seen = priv;

	(void)channel;
	enter(seen);
	__atomic_fetch_add(&seen->disconnects, 1, __ATOMIC_SEQ_CST);
	leave(seen);
	sem_post(&seen->disconnected);
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

static inline struct kucomms_endpoint *create(const struct kucomms_ops *ops,
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

static inline struct kucomms_endpoint *serve(const struct kucomms_ops *ops,
				      struct seen *seen, const char *name)
{
	struct kucomms_endpoint *endpoint = create(ops, seen);

	assert_int_equal(kucomms_endpoint_listen(endpoint, name, NULL), 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	return endpoint;
}

/* Until there is nothing more to do. */
static inline void settle(struct kucomms_endpoint *endpoint)
{
	int err;

	do {
		err = kucomms_endpoint_dispatch(endpoint, 0);
	} while (!err);
	assert_int_equal(err, -EAGAIN);
}

/* As a foreign event loop does it: until the descriptor has nothing to tell. */
static inline void settle_by_poll(struct kucomms_endpoint *endpoint)
{
	struct pollfd readable = {
		.fd = kucomms_endpoint_fd(endpoint), .events = POLLIN,
	};
	int rounds = 0;

	while (poll(&readable, 1, 0)) {
		assert_true(rounds++ < 1000);
		kucomms_endpoint_dispatch(endpoint, 0);
	}
}

/* Makes the endpoint listen, and connects to it. */
static inline struct kucomms_channel *open_to(struct kucomms_endpoint *endpoint)
{
	struct kucomms_channel *channel;

	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:test", NULL),
			 0);
	assert_int_equal(kucomms_open("local:test", NULL, &channel), 0);
	settle(endpoint);
	return channel;
}

/* An endpoint's channel, and the other side of it, which is nobody's. */
static inline struct kucomms_channel *connect_to(struct kucomms_listener *listener,
					  struct kucomms_endpoint *endpoint,
					  struct kucomms_channel **peer)
{
	struct kucomms_channel *channel;

	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:test", NULL,
						  0, &channel), 0);
	assert_int_equal(kucomms_accept(listener, peer, 0), 0);
	settle(endpoint);
	return channel;
}

/* An endpoint with such a channel, and all that there is of it. */
struct meeting {
	struct kucomms_listener *listener;
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct kucomms_channel *peer;
	struct seen seen;
};

static inline void meet(struct meeting *meeting)
{
	meeting->listener = listen_at("local:test");
	meeting->endpoint = create(&count_ops, &meeting->seen);
	meeting->channel = connect_to(meeting->listener, meeting->endpoint,
				      &meeting->peer);
}

/* Somebody may have closed the peer already: then it is NULL. */
static inline void part(struct meeting *meeting)
{
	kucomms_channel_put(meeting->channel);
	kucomms_endpoint_destroy(meeting->endpoint);
	kucomms_channel_close(meeting->peer);
	kucomms_listener_close(meeting->listener);
}

/* So often others may run before it is said that they do not come. */
#define YIELDS		10000

/* Says whether @word has changed from 0, when others had time enough for it. */
static inline bool yield_to(const int *word)
{
	int i;

	for (i = 0; i < YIELDS && !__atomic_load_n(word, __ATOMIC_SEQ_CST); i++)
		sched_yield();
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

#endif
