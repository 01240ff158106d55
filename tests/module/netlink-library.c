// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library over netlink: what it promises of every channel. Many messages, long
 * ones, two threads, poll(), endpoints, the ends that a channel can come to.
 */
#include <kucomms/endpoint.h>
#include <poll.h>
#include <pthread.h>

#include "test.h"

#define MANY	20000

static char zeros[1 << 17];

/* Answers come while requests are sent: neither side has room for all. */
static void check_many(const char *name, __u32 to_kernel, __u32 to_user)
{
	struct kucomms_channel *channel = t_open(name, to_kernel, to_user);
	struct kucomms_message message = { .type = TEST_ECHO };
	const void *data;
	__u64 sent = 0, got = 0;
	uint64_t seed = 42;
	int err;

	while (got < MANY) {
		while (sent < MANY) {
			message.id = sent;
			message.length = (__u32)(t_random(&seed) % 300);
			err = kucomms_send(channel, &message, zeros,
					   sent % 16 ? KUCOMMS_SEND_MORE : 0,
					   0);
			if (err == -EAGAIN)
				break;
			assert_int_equal(err, 0);
			sent++;
		}
		assert_int_equal(kucomms_flush(channel), 0);
		while (got < sent) {
			err = kucomms_receive(channel, &message, &data, 0);
			if (err == -EAGAIN && sent < MANY)
				break;
			if (err == -EAGAIN)
				err = kucomms_receive(channel, &message, &data,
						      60000);
			assert_int_equal(err, 0);
			assert_int_equal(message.id, got++);
			kucomms_release(channel);
		}
	}
	assert_int_equal(kucomms_receive(channel, &message, &data, 0), -EAGAIN);
	kucomms_channel_close(channel);
}

/* The longest that there can be, alone, and after short ones. */
static void check_long(const char *name)
{
	struct kucomms_channel *channel = t_open(name, 0, 1 << 18);
	struct kucomms_message message = { .type = TEST_ECHO };
	const __u32 most = kucomms_channel_length_max(channel);
	const void *data;
	int i;

	assert_int_equal(most, 128 * 1024 - 64);
	message.length = most + 1;
	assert_int_equal(kucomms_send(channel, &message, zeros, 0, -1),
			 -EMSGSIZE);
	for (i = 0; i < 20; i++) {
		message.length = i % 2 ? most : (__u32)i;
		message.id = (__u64)i;
		assert_int_equal(kucomms_send(channel, &message, zeros, 0,
					      60000), 0);
		assert_int_equal(kucomms_receive(channel, &message, &data,
						 60000), 0);
		assert_int_equal(message.id, i);
		assert_int_equal(message.length, i % 2 ? most : (__u32)i);
		kucomms_release(channel);
	}
	kucomms_channel_close(channel);
}

static void *send_all(void *arg)
{
	struct kucomms_message message = { .type = TEST_ECHO, .length = 100 };
	struct kucomms_channel *channel = arg;

	for (message.id = 0; message.id < MANY; message.id++) {
		bool last = message.id % 8 == 7 || message.id == MANY - 1;

		assert_int_equal(kucomms_send(channel, &message, zeros,
					      last ? 0 : KUCOMMS_SEND_MORE,
					      60000),
				 0);
	}
	return NULL;
}

/* One sends and sleeps for room, the other receives and sleeps for messages. */
static void check_threads(const char *name)
{
	struct kucomms_channel *channel = t_open(name, 4096, 8192);
	struct kucomms_message message;
	const void *data;
	pthread_t thread;
	__u64 got;

	assert_int_equal(pthread_create(&thread, NULL, send_all, channel), 0);
	for (got = 0; got < MANY; got++) {
		assert_int_equal(kucomms_receive(channel, &message, &data,
						 60000), 0);
		assert_int_equal(message.id, got);
		assert_int_equal(message.length, 100);
		kucomms_release(channel);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	kucomms_channel_close(channel);
}

/* Several answers for each request, read when poll() says so. */
static void check_poll(const char *name)
{
	struct kucomms_channel *channel = t_open(name, 0, 0);
	struct kucomms_message message = { .type = TEST_STREAM, .id = 5000,
					   .user = 200 };
	struct pollfd wait = { .fd = kucomms_channel_poll_start(channel),
			       .events = POLLIN };
	const void *data;
	__u64 got = 0;
	int err;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	while (got < 5000) {
		err = kucomms_receive(channel, &message, &data, 0);
		if (err == -EAGAIN) {
			assert_int_equal(poll(&wait, 1, 60000), 1);
			continue;
		}
		assert_int_equal(err, 0);
		assert_int_equal(message.id, got++);
		kucomms_release(channel);
	}
	assert_int_equal(poll(&wait, 1, 0), 0);
	kucomms_channel_close(channel);
}

static void check_timeout(void)
{
	struct kucomms_channel *channel = t_open("netlink:test", 0, 0);
	struct kucomms_message message = { .type = TEST_SLOW, .user = 100 };
	const void *data;

	assert_int_equal(kucomms_receive(channel, &message, &data, 20),
			 -ETIMEDOUT);
	assert_int_equal(kucomms_exchange(channel, &message, NULL, &message,
					  &data, 60000), 0);
	kucomms_release(channel);
	assert_int_equal(t_echo(channel, "in time"), 0);
	kucomms_channel_close(channel);
}

/* An endpoint's handlers and calls; replies are echoed by the module. */
static int on_message(struct kucomms_channel *channel,
		      const struct kucomms_message *message, const void *data,
		      void *priv)
{
	(void)channel;
	(void)data;
	assert_int_equal(message->length, 50);
	__atomic_fetch_add((int *)priv, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void check_endpoint(void)
{
	static const struct kucomms_ops ops = { .message = on_message };
	struct kucomms_message message = { .type = TEST_ECHO, .length = 50 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct kucomms_message answer;
	int count = 0, i;
	char buffer[64];

	assert_int_equal(kucomms_endpoint_create(&ops, &count, NULL, &endpoint),
			 0);
	assert_int_equal(kucomms_endpoint_connect(endpoint, "netlink:threaded",
						  NULL, 0, &channel), 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	for (i = 0; i < 3000; i++)
		assert_int_equal(kucomms_send(channel, &message, zeros, 0,
					      60000), 0);
	/* Calls are answered in order with all else, so this is the last one. */
	assert_int_equal(kucomms_call_wait(channel, &message, zeros, &answer,
					   buffer, sizeof(buffer), 60000), 0);
	assert_int_equal(answer.length, 50);
	kucomms_endpoint_stop(endpoint);
	assert_int_equal(count, 3000);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(endpoint);
}

/* A client that is too slow for broadcasts is told so, and can go on. */
static void check_lost(void)
{
	struct kucomms_channel *slow = t_open("netlink:test", 0, 4096);
	struct kucomms_channel *asks = t_open("netlink:test", 0, 0);
	struct kucomms_message message = { .type = TEST_BROADCAST, .id = 2000,
					   .user = 1000 };
	const void *data;
	__u64 missed, got = 0;
	int err;

	assert_int_equal(kucomms_send(asks, &message, NULL, 0, 60000), 0);
	do {
		err = kucomms_receive(asks, &message, &data, 60000);
		if (err == -ENOBUFS)
			continue;
		assert_int_equal(err, 0);
		got += message.length > 0;
		kucomms_release(asks);
	} while (message.length);
	missed = 2 * 2000 - message.user;
	assert_true(missed > 0);
	do {
		err = kucomms_receive(slow, &message, &data, 60000);
		got += !err;
		if (!err)
			kucomms_release(slow);
	} while (!err);
	assert_int_equal(err, -ENOBUFS);
	/* There may be more broadcasts, and more gaps. */
	message = (struct kucomms_message){ .type = TEST_ECHO };
	assert_int_equal(kucomms_send(slow, &message, NULL, 0, 60000), 0);
	do {
		err = kucomms_receive(slow, &message, &data, 60000);
		got += !err;
		if (!err)
			kucomms_release(slow);
		else
			assert_int_equal(err, -ENOBUFS);
	} while (err || message.type != TEST_ECHO);
	/* By both, and the echo. */
	assert_int_equal(got, 2 * 2000 - missed + 1);
	kucomms_channel_close(slow);
	kucomms_channel_close(asks);
}

static void check_end(void)
{
	static const char force[] = "kucomms_test force";
	struct kucomms_channel *channel = t_open("netlink:test", 0, 0);
	struct kucomms_message message = { .type = TEST_FAIL };
	const void *data;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, 60000),
			 -EPROTO);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), -EPROTO);
	assert_int_equal(kucomms_channel_reattach(channel, 0), 0);
	assert_int_equal(t_echo(channel, "again"), 0);
	assert_int_equal(t_write(T_CONTROL "remove_device", force,
				 strlen(force)), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, 60000),
			 -ESHUTDOWN);
	assert_int_equal(kucomms_channel_reattach(channel, 0), -ENOENT);
	assert_int_equal(t_create("kucomms_test"), 0);
	assert_int_equal(kucomms_channel_reattach(channel, 0), 0);
	assert_int_equal(t_echo(channel, "and again"), 0);
	kucomms_channel_close(channel);
}

static void check_open(void)
{
	struct kucomms_options options = { .size = sizeof(options),
					   .send_size = 12345 };
	struct kucomms_channel *channel;

	assert_int_equal(kucomms_open("netlink:nobody", NULL, &channel),
			 -ENOENT);
	assert_int_equal(kucomms_open("netlink:", NULL, &channel), -EINVAL);
	assert_int_equal(kucomms_open("netlink:test", &options, &channel),
			 -EINVAL);
	t_device("kucomms_unserved");
	assert_int_equal(kucomms_open("netlink:unserved", NULL, &channel),
			 -ENOTCONN);
	options.send_size = 0;
	options.timeout_ms = 30;
	assert_int_equal(kucomms_open("netlink:unserved", &options, &channel),
			 -ENOTCONN);
	assert_int_equal(t_remove("kucomms_unserved"), 0);
	options.timeout_ms = 0;
	options.flags = KUCOMMS_OPEN_NUMBER;
	options.number = 7;
	assert_int_equal(kucomms_open("netlink:test", &options, &channel), 0);
	assert_int_equal(kucomms_channel_number(channel), 7);
	kucomms_channel_close(channel);
	assert_int_equal(kucomms_open("netlink:/dev/kucomms_test", NULL,
				      &channel), 0);
	kucomms_channel_close(channel);
	assert_int_equal(kucomms_open("kernel:/dev/kucomms_test", NULL,
				      &channel), 0);
	kucomms_channel_close(channel);
	assert_int_equal(kucomms_open("/dev/kucomms_test", NULL, &channel), 0);
	kucomms_channel_close(channel);
}

int main(void)
{
	static const char *const names[] = { "netlink:test",
					     "netlink:threaded",
					     "netlink:polling" };
	unsigned int i;

	t_device("kucomms_test");
	t_device("kucomms_threaded");
	t_device("kucomms_polling");
	check_open();
	for (i = 0; i < 3; i++) {
		check_many(names[i], 0, 0);
		check_many(names[i], 4096, 4096);
		check_long(names[i]);
		check_threads(names[i]);
		check_poll(names[i]);
	}
	check_timeout();
	check_endpoint();
	check_lost();
	check_end();
	t_remove_closed("kucomms_test");
	t_remove_closed("kucomms_threaded");
	t_remove_closed("kucomms_polling");
	return 0;
}
