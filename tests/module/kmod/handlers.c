// SPDX-License-Identifier: GPL-2.0-only
/*
 * The handlers: do what a message asks for, and look whether they run when
 * they may.
 */
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "test.h"

static const u8 zeros[65536];

/* The handler that waits for another one to be there at the same time. */
static DEFINE_MUTEX(meeting_lock);
static struct completion *meeting;

/* With KUCOMMS_OPS_PARALLEL only handlers of one channel exclude each other. */
int test_enter(struct test_endpoint *test, struct test_client *client)
{
	int running = atomic_inc_return(&test->running);
	int own = client ? atomic_inc_return(&client->running) : 1;

	might_sleep();
	if (own != 1 || (running != 1 && !test->parallel))
		atomic64_inc(&test->overlaps);
	return running;
}

void test_leave(struct test_endpoint *test, struct test_client *client)
{
	if (client)
		atomic_dec(&client->running);
	atomic_dec(&test->running);
}

static void note_together(struct test_endpoint *test, int running)
{
	int most = atomic_read(&test->together);

	while (running > most &&
	       !atomic_try_cmpxchg(&test->together, &most, running))
		;
}

/* Handlers need no lock unless the client has asked for other senders. */
int test_send(struct kucomms_channel *channel,
	      const struct kucomms_message *message, const void *data,
	      unsigned int flags)
{
	const struct test_client *client = kucomms_channel_priv(channel);

	return client->shared ?
	       kucomms_send(channel, message, data, flags, 0) :
	       kucomms_reply(channel, message, data, flags);
}

static int stream(struct kucomms_channel *channel, struct test_client *client,
		  const struct kucomms_message *message)
{
	struct kucomms_message out = { .type = TEST_STREAM };
	int err;

	if (message->user > sizeof(zeros))
		return -EINVAL;
	out.length = message->user;
	for (; client->streamed < message->id; client->streamed++) {
		out.id = client->streamed;
		err = test_send(channel, &out, zeros, 0);
		if (err)
			return err;
	}
	client->streamed = 0;
	return 0;
}

static int fill(struct kucomms_channel *channel)
{
	struct kucomms_message out = { .type = TEST_FULL };

	while (!kucomms_send(channel, &out, NULL, 0, 0))
		out.id++;
	return 0;
}

/* Written in the ring: every second one is discarded, the last goes first. */
static int in_place(struct kucomms_channel *channel,
		    const struct kucomms_message *message)
{
	struct kucomms_message *records[16];
	int count = min_t(u64, message->id, ARRAY_SIZE(records));
	int i, err = 0;

	for (i = 0; i < count; i++) {
		err = kucomms_reserve(channel, message->user, &records[i], 0);
		if (err)
			break;
		records[i]->type = TEST_PLACE;
		records[i]->id = i;
		memset(records[i] + 1, i, message->user);
	}
	count = i;
	for (i = count - 1; i >= 0; i--) {
		if (err || i % 2)
			kucomms_discard(channel, records[i]);
		else
			kucomms_commit(channel, records[i], 0);
	}
	return err;
}

static int reserve(struct kucomms_channel *channel, struct test_client *client)
{
	if (!client->held)
		return kucomms_reserve(channel, 0, &client->held, 0);
	client->held->type = TEST_RESERVE;
	kucomms_commit(channel, client->held, 0);
	client->held = NULL;
	return 0;
}

static int more(struct kucomms_channel *channel,
		const struct kucomms_message *message)
{
	struct kucomms_message out = { .type = TEST_MORE };
	int err;

	for (; out.id < message->id; out.id++) {
		err = test_send(channel, &out, NULL, KUCOMMS_SEND_MORE);
		if (err)
			return err;
	}
	kucomms_flush(channel);
	return 0;
}

static int report(struct test_endpoint *test, struct kucomms_channel *channel,
		  const struct kucomms_message *message)
{
	const struct test_report report = {
		.messages = atomic64_read(&test->messages),
		.work = atomic64_read(&test->work),
		.timer = atomic64_read(&test->timer),
		.overlaps = atomic64_read(&test->overlaps),
		.connects = atomic64_read(&test->connects),
		.disconnects = atomic64_read(&test->disconnects),
		.elapsed = ktime_to_ns(ktime_sub(ktime_get(), test_loaded)),
		.running = atomic_read(&test->running),
		.together = atomic_read(&test->together),
	};
	struct kucomms_message out = *message;

	out.length = sizeof(report);
	return test_send(channel, &out, &report, 0);
}

static int broadcast_topics(struct test_endpoint *test,
			    struct kucomms_channel *channel,
			    const struct kucomms_message *message)
{
	const struct kucomms_message out = { .type = TEST_BROADCAST_TOPICS,
					     .id = message->id };
	struct kucomms_message answer = *message;

	answer.user = kucomms_broadcast_topics(test->endpoint, message->id,
					       &out, NULL, 0);
	return test_send(channel, &answer, NULL, 0);
}

static int space(struct kucomms_channel *channel,
		 const struct kucomms_message *message)
{
	struct kucomms_message answer = *message;
	struct kucomms_space space;

	kucomms_channel_get_space(channel, &space);
	answer.length = sizeof(space);
	answer.user = kucomms_channel_length_max(channel);
	return test_send(channel, &answer, &space, 0);
}

struct waker {
	struct irq_work work;
	struct kucomms_endpoint *endpoint;
};

static void interrupt_wakes(struct irq_work *work)
{
	struct waker *waker = container_of(work, struct waker, work);

	kucomms_endpoint_wake(waker->endpoint);
	kucomms_endpoint_wake(waker->endpoint);
}

static int wake(struct kucomms_channel *channel)
{
	struct waker waker = {
		.endpoint = kucomms_channel_endpoint(channel),
	};

	test_init_interrupt(&waker.work, interrupt_wakes);
	irq_work_queue(&waker.work);
	irq_work_sync(&waker.work);
	return 0;
}

static int broadcast(struct test_endpoint *test,
		     struct kucomms_channel *channel,
		     const struct kucomms_message *message)
{
	struct kucomms_message out = { .type = TEST_BROADCAST };
	struct kucomms_message answer = *message;
	int reached;

	if (message->user > sizeof(zeros))
		return -EINVAL;
	out.length = message->user;
	answer.length = 0;
	answer.user = 0;
	answer.id = 0;
	for (; out.id < message->id; out.id++) {
		reached = kucomms_broadcast(test->endpoint, &out, zeros, 0);
		if (reached > 0)
			answer.user += reached;
		else
			answer.id = -reached;
	}
	return test_send(channel, &answer, NULL, 0);
}

/* Answers how many of these calls are not refused as they should be. */
static int refused_sends(struct test_endpoint *test,
			 struct kucomms_channel *channel,
			 const struct kucomms_message *message)
{
	const unsigned int foreign = KUCOMMS_OPS_PARALLEL;
	const u32 longest = kucomms_channel_length_max(channel);
	struct kucomms_message out = *message;
	struct kucomms_message *record, *other;

	out.length = 0;
	out.user =
		(kucomms_send(channel, &out, NULL, foreign, 0) != -EINVAL) +
		(kucomms_reply(channel, &out, NULL, foreign) != -EINVAL) +
		(kucomms_broadcast(test->endpoint, &out, NULL, foreign) !=
		 -EINVAL) +
		(kucomms_broadcast_topics(test->endpoint, ~0, &out, NULL,
					  foreign) != -EINVAL);
	if (kucomms_reserve(channel, longest / 2, &record, 0))
		return -ENOBUFS;
	out.user +=
		(kucomms_commit(channel, record, foreign) != -EINVAL) +
		(kucomms_reserve(channel, longest, &other, 0) != -EAGAIN) +
		/* Nobody would end the wait. */
		(kucomms_reserve(channel, longest, &other, -1) != -EDEADLK);
	out.length = longest;
	out.user += kucomms_send(channel, &out, NULL, 0, -1) != -EDEADLK;
	out.length = 0;
	out.user += kucomms_discard(channel, record) +
		    kucomms_flush(channel);
	return test_send(channel, &out, NULL, 0);
}

static int who(struct kucomms_channel *channel,
	       const struct test_client *client,
	       const struct kucomms_message *message)
{
	struct kucomms_message out = *message;

	out.length = sizeof(client->who);
	return test_send(channel, &out, &client->who, 0);
}

/* Fails where handlers are one after the other. */
static int meet(void)
{
	DECLARE_COMPLETION_ONSTACK(met);
	struct completion *other;
	int err = 0;

	mutex_lock(&meeting_lock);
	other = meeting;
	meeting = other ? NULL : &met;
	if (other)
		complete(other);
	mutex_unlock(&meeting_lock);
	if (other || wait_for_completion_timeout(&met, 120 * HZ))
		return 0;

	mutex_lock(&meeting_lock);
	/* Somebody may have come in the last moment. */
	if (meeting == &met) {
		meeting = NULL;
		err = -EIO;
	}
	mutex_unlock(&meeting_lock);
	return err;
}

static DECLARE_WAIT_QUEUE_HEAD(gate_wait);
static bool gate_is_open;

void test_gate(bool open)
{
	WRITE_ONCE(gate_is_open, open);
	wake_up(&gate_wait);
}

static int test_handle(struct test_endpoint *test, struct test_client *client,
		       struct kucomms_channel *channel,
		       const struct kucomms_message *message, const void *data)
{
	int err;

	switch (message->type) {
	case TEST_SINK:
		return 0;
	case TEST_REPORT:
		return report(test, channel, message);
	case TEST_BURST:
	case TEST_BURST_MORE:
		client->shared = true;
		return test_burst_start(channel, message);
	case TEST_STREAM:
		return stream(channel, client, message);
	case TEST_FAIL:
		return -EIO;
	case TEST_FULL:
		return fill(channel);
	case TEST_WHO:
		return who(channel, client, message);
	case TEST_BROADCAST:
		return broadcast(test, channel, message);
	case TEST_TOPICS:
		kucomms_channel_set_topics(channel, message->id);
		return kucomms_channel_topics(channel) != message->id;
	case TEST_BROADCAST_TOPICS:
		return broadcast_topics(test, channel, message);
	case TEST_REFUSED_SENDS:
		return refused_sends(test, channel, message);
	case TEST_SPACE:
		return space(channel, message);
	case TEST_WAKE:
		return wake(channel);
	case TEST_PLACE:
		return in_place(channel, message);
	case TEST_MORE:
		return more(channel, message);
	case TEST_GATE:
		return wait_event_killable(gate_wait, READ_ONCE(gate_is_open));
	case TEST_MIX:
		return kucomms_reply(channel, message, data, 0);
	case TEST_HOLD:
		return kucomms_send(channel, message, data, KUCOMMS_SEND_MORE,
				    0);
	case TEST_FLOW:
		client->shared = true;
		return test_flow_start(&client->flow, message);
	case TEST_RESERVE:
		return reserve(channel, client);
	case TEST_HANG_UP:
		kucomms_channel_shutdown(channel);
		return 0;
	case TEST_CALL:
		return test_calls_start(test, client, channel, message, data);
	case TEST_CALL_CANCEL:
		return test_calls_cancel(client, channel, message);
	case TEST_CALL_KEPT:
		return test_calls_cancel_kept(channel, message);
	case TEST_CALL_REPORT:
		return test_calls_report(channel, message);
	case TEST_LATER:
		if (client->refusals++ < 2)
			return -EAGAIN;
		client->refusals = 0;
		break;
	case TEST_SLOW:
		msleep(message->user);
		break;
	case TEST_MEET:
		err = meet();
		if (err)
			return err;
		break;
	case TEST_ECHO:
		break;
	default:
		return -EINVAL;
	}
	return test_send(channel, message, data, 0);
}

int test_message(struct kucomms_channel *channel,
		 const struct kucomms_message *message, const void *data,
		 void *priv)
{
	struct test_client *client = kucomms_channel_priv(channel);
	struct test_endpoint *test = priv;
	int err;

	/* It has been disconnected. */
	if (!client) {
		atomic64_inc(&test->overlaps);
		return 0;
	}
	note_together(test, test_enter(test, client));
	err = test_handle(test, client, channel, message, data);
	if (!err)
		atomic64_inc(&test->messages);
	test_leave(test, client);
	return err;
}

bool test_work(struct kucomms_endpoint *endpoint, void *priv)
{
	struct test_endpoint *test = priv;

	test_enter(test, NULL);
	atomic64_inc(&test->work);
	test_leave(test, NULL);
	return false;
}

void test_timer(struct kucomms_endpoint *endpoint, void *priv)
{
	struct test_endpoint *test = priv;
	struct kucomms_message tick = { .type = TEST_REPORT };

	test_enter(test, NULL);
	tick.id = atomic64_inc_return(&test->timer);
	tick.length = sizeof(struct test_report);
	kucomms_broadcast(endpoint, &tick, zeros, 0);
	test_leave(test, NULL);
}

int test_connect(struct kucomms_channel *channel, void *priv)
{
	struct test_client *client = kzalloc(sizeof(*client), GFP_KERNEL);
	const struct cred *cred = kucomms_channel_cred(channel);
	struct test_endpoint *test = priv;
	struct kucomms_space space;

	if (!client)
		return -ENOMEM;
	client->who.uid = from_kuid(&init_user_ns, cred->euid);
	client->who.gid = from_kgid(&init_user_ns, cred->egid);
	client->who.pid = pid_nr(kucomms_channel_pid(channel));
	kucomms_channel_get_space(channel, &space);
	client->who.to_kernel_size = space.in_size;
	client->who.to_user_size = space.out_size;
	INIT_LIST_HEAD(&client->calls);
	test_flow_init(&client->flow, channel);
	kucomms_channel_set_priv(channel, client);
	test_enter(test, client);
	atomic64_inc(&test->connects);
	test_leave(test, client);
	return 0;
}

void test_disconnect(struct kucomms_channel *channel, void *priv)
{
	struct test_client *client = kucomms_channel_priv(channel);
	struct test_endpoint *test = priv;

	test_enter(test, client);
	test_flow_stop(&client->flow);
	test_calls_disconnect(client);
	atomic64_inc(&test->disconnects);
	test_leave(test, client);
	kucomms_channel_set_priv(channel, NULL);
	kfree(client);
}
