// SPDX-License-Identifier: GPL-2.0-only
/*
 * An endpoint without handlers: one thread waits for clients, and gives each a
 * thread that waits for its messages and does what they ask for.
 */
#define pr_fmt(fmt) "kucomms_test: " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "test.h"

struct proxy_client {
	struct list_head siblings;
	struct kucomms_channel *channel;
	struct task_struct *thread;
	bool done;
};

static struct test_endpoint proxy;
static struct task_struct *acceptor;
static LIST_HEAD(clients);

/*
 * Until the ring has been full for so long, which counts as the timer; then
 * says what that came to.
 */
static int proxy_fill(struct kucomms_channel *channel,
		      const struct kucomms_message *message)
{
	struct kucomms_message out = { .type = TEST_SINK };
	int err;

	do {
		err = kucomms_send(channel, &out, NULL, 0, message->id);
		out.id += !err;
	} while (!err);
	atomic64_inc(&proxy.timer);
	out.type = TEST_SEND;
	out.user = -err;
	return kucomms_send(channel, &out, NULL, 0, -1);
}

static int proxy_wait(struct kucomms_channel *channel,
		      const struct kucomms_message *message)
{
	struct kucomms_message next, out = *message;
	const void *data;
	int err;

	kucomms_release(channel);
	err = kucomms_receive(channel, &next, &data, message->id);
	if (err && err != -EAGAIN && err != -ETIMEDOUT)
		return err;
	out.user = -err;
	return kucomms_send(channel, &out, NULL, 0, -1);
}

static void proxy_called(struct kucomms_call *call, int err,
			 const struct kucomms_message *answer, const void *data)
{
	atomic64_inc(&proxy.overlaps);
}

/* Refused: answers would have nobody's turn. */
static int proxy_call(struct kucomms_channel *channel,
		      const struct kucomms_message *message)
{
	struct kucomms_call call = { .done = proxy_called };
	struct kucomms_message out = *message;

	out.length = 0;
	out.user = -kucomms_call_start(channel, &call, &out, NULL, -1);
	return kucomms_send(channel, &out, NULL, 0, -1);
}

static int proxy_stream(struct kucomms_channel *channel,
			const struct kucomms_message *message)
{
	struct kucomms_message *out;
	u64 id;
	int err;

	for (id = 0; id < message->id; id++) {
		err = kucomms_reserve(channel, message->user, &out, -1);
		if (err)
			return err;
		out->type = TEST_STREAM;
		out->id = id;
		memset(out + 1, (int)id, message->user);
		kucomms_commit(channel, out, id % 4 ? KUCOMMS_SEND_MORE : 0);
	}
	kucomms_flush(channel);
	return 0;
}

/* Sends only when the thread has been told to stop, and tries to send all the same. */
static int proxy_stream_stopped(struct kucomms_channel *channel,
				const struct kucomms_message *message)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return proxy_stream(channel, message);
}

static int proxy_report(struct kucomms_channel *channel,
			const struct kucomms_message *message)
{
	const struct test_report report = {
		.messages = atomic64_read(&proxy.messages),
		.timer = atomic64_read(&proxy.timer),
		.overlaps = atomic64_read(&proxy.overlaps),
		.connects = atomic64_read(&proxy.connects),
		.disconnects = atomic64_read(&proxy.disconnects),
	};
	struct kucomms_message out = *message;

	out.length = sizeof(report);
	return kucomms_send(channel, &out, &report, 0, -1);
}

static int proxy_handle(struct kucomms_channel *channel,
			const struct kucomms_message *message,
			const void *data)
{
	static const struct kucomms_message empty;

	switch (message->type) {
	case TEST_SINK:
		return 0;
	case TEST_PASS:
		return kucomms_send(channel, &empty, NULL, 0, -1);
	case TEST_RECEIVE:
		return proxy_wait(channel, message);
	case TEST_SEND:
		return proxy_fill(channel, message);
	case TEST_STREAM:
		return proxy_stream(channel, message);
	case TEST_STREAM_STOPPED:
		return proxy_stream_stopped(channel, message);
	case TEST_CALL:
		return proxy_call(channel, message);
	case TEST_REPORT:
		return proxy_report(channel, message);
	case TEST_HOLD:
		return kucomms_send(channel, message, data, KUCOMMS_SEND_MORE,
				    -1);
	case TEST_HANG_UP:
		kucomms_channel_shutdown(channel);
		return 0;
	case TEST_SLOW:
		msleep(message->user);
		fallthrough;
	default:
		return kucomms_send(channel, message, data, 0, -1);
	}
}

static int proxy_serve(void *arg)
{
	struct proxy_client *client = arg;
	struct kucomms_channel *channel = client->channel;
	struct kucomms_message message;
	const void *data;
	int err;

	do {
		err = kucomms_receive(channel, &message, &data, -1);
		if (!err) {
			atomic64_inc(&proxy.messages);
			err = proxy_handle(channel, &message, data);
			kucomms_release(channel);
		}
	} while (!err);
	if (err != -ESHUTDOWN && err != -EPROTO && err != -EINTR) {
		atomic64_inc(&proxy.overlaps);
		pr_err("a thread of the proxy ended with %d\n", err);
	}
	kucomms_channel_put(channel);
	atomic64_inc(&proxy.disconnects);
	WRITE_ONCE(client->done, true);
	return 0;
}

static void proxy_end(struct proxy_client *client)
{
	list_del(&client->siblings);
	kthread_stop(client->thread);
	put_task_struct(client->thread);
	kfree(client);
}

/* Takes over the channel. */
static void proxy_begin(struct kucomms_channel *channel)
{
	struct proxy_client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		goto err_put;
	client->channel = channel;
	client->thread = kthread_create(proxy_serve, client, "proxy/%u",
					kucomms_channel_number(channel));
	if (IS_ERR(client->thread))
		goto err_free;
	/* It may end before it is told to. */
	get_task_struct(client->thread);
	list_add(&client->siblings, &clients);
	atomic64_inc(&proxy.connects);
	wake_up_process(client->thread);
	return;

err_free:
	kfree(client);
err_put:
	kucomms_channel_put(channel);
}

static int proxy_accept(void *unused)
{
	struct proxy_client *client, *next;
	struct kucomms_channel *channel;
	int err;

	while (!(err = kucomms_accept(proxy.endpoint, &channel, -1))) {
		list_for_each_entry_safe(client, next, &clients, siblings)
			if (READ_ONCE(client->done))
				proxy_end(client);
		proxy_begin(channel);
	}
	if (err != -EINTR)
		pr_err("accepting ended with %d\n", err);
	return 0;
}

/* The threads first, in whatever they wait; then nobody uses the endpoint. */
void test_proxy_stop(void)
{
	struct proxy_client *client, *next;

	if (IS_ERR_OR_NULL(proxy.endpoint))
		return;
	if (!IS_ERR(acceptor)) {
		kthread_stop(acceptor);
		put_task_struct(acceptor);
	}
	list_for_each_entry_safe(client, next, &clients, siblings)
		proxy_end(client);
	kucomms_unregister(proxy.endpoint);
	proxy.endpoint = NULL;
}

int test_proxy_start(void)
{
	static const struct kucomms_ops ops = {
		.flags = KUCOMMS_OPS_ADJUSTABLE
	};

	proxy.endpoint = kucomms_register("proxy", &ops, &proxy);
	if (IS_ERR(proxy.endpoint))
		return PTR_ERR(proxy.endpoint);
	acceptor = kthread_create(proxy_accept, NULL, "proxy");
	if (IS_ERR(acceptor)) {
		test_proxy_stop();
		return PTR_ERR(acceptor);
	}
	get_task_struct(acceptor);
	wake_up_process(acceptor);
	return 0;
}
