// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of an endpoint: what a module has to stop, and what waits meanwhile.
 * The parameter `exit` registers the endpoint of that name (enum test_exit in
 * protocol.h says how) and unregisters it; what went wrong is an error of that.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "test.h"

#define PERIOD_NS	NSEC_PER_MSEC

/**
 * struct exit_state - all there is of the endpoint
 * @endpoint:  what was registered
 * @sender:    sends to all clients from hard interrupts, from TEST_START on
 * @target:    the same endpoint, which handlers may need before it is known above
 * @stopped:   how often the stop handler was called
 * @late:      handlers, and messages sent, that came too late
 * @waiter:    waits for what the endpoint was registered for
 * @result:    what the wait came to
 * @channel:   whom @waiter calls
 * @call:      waits for an answer that never comes
 * @calls:     how many of these wait: one at most
 * @closing:   the disconnect handler runs
 */
static struct {
	struct kucomms_endpoint *endpoint;
	struct hrtimer sender;
	struct kucomms_endpoint *target;
	atomic_t stopped;
	atomic_t late;
	struct work_struct waiter;
	enum test_exit how;
	int result;
	struct kucomms_channel *channel;
	struct kucomms_call call;
	atomic_t calls;
	struct completion closing;
} state;

/* Starts anew instead of going on: a handler may have started it meanwhile. */
static enum hrtimer_restart exit_send(struct hrtimer *timer)
{
	static const struct kucomms_message sample = { .type = TEST_START };

	kucomms_broadcast(state.target, &sample, NULL, 0);
	hrtimer_start(timer, ns_to_ktime(PERIOD_NS), HRTIMER_MODE_REL_HARD);
	return HRTIMER_NORESTART;
}

static void note_late(void)
{
	if (atomic_read(&state.stopped))
		atomic_inc(&state.late);
}

/* It is a handler, too. */
static void exit_done(struct kucomms_call *call, int err,
		      const struct kucomms_message *answer, const void *data)
{
	note_late();
	atomic_dec(&state.calls);
}

static int start_call(struct kucomms_channel *channel)
{
	static const struct kucomms_message request = { .type = TEST_CALLED };

	if (atomic_inc_return(&state.calls) > 1)
		return -EBUSY;
	state.call.done = exit_done;
	return kucomms_call_start(channel, &state.call, &request, NULL, -1);
}

static int exit_message(struct kucomms_channel *channel,
			const struct kucomms_message *message, const void *data,
			void *priv)
{
	note_late();
	if (message->type == TEST_START) {
		state.target = kucomms_channel_endpoint(channel);
		hrtimer_start(&state.sender, ns_to_ktime(PERIOD_NS),
			      HRTIMER_MODE_REL_HARD);
	} else if (message->type == TEST_CALL) {
		if (state.how != TEST_EXIT_CALL)
			return start_call(channel);
		queue_work(system_unbound_wq, &state.waiter);
	}
	return 0;
}

static int exit_connect(struct kucomms_channel *channel, void *priv)
{
	note_late();
	if (state.how == TEST_EXIT_CALL)
		state.channel = channel;
	return 0;
}

/* It returns when the end of the endpoint has begun, since no client comes. */
static int wait_for_end(void)
{
	struct kucomms_channel *channel;
	int err = kucomms_accept(state.endpoint, &channel, -1);

	if (err)
		return err;
	kucomms_channel_put(channel);
	return -EEXIST;
}

/* Channels go after the senders, but for those whose clients close them. */
static void exit_disconnect(struct kucomms_channel *channel, void *priv)
{
	if (atomic_read(&state.stopped) && hrtimer_active(&state.sender))
		atomic_inc(&state.late);
	if (state.how == TEST_EXIT_DISCONNECT)
		cancel_work_sync(&state.waiter);
	if (state.how == TEST_EXIT_CLOSE) {
		complete(&state.closing);
		/* Then kucomms_unregister() is the next to have the turn. */
		wait_for_end();
	}
}

static bool exit_work(struct kucomms_endpoint *endpoint, void *priv)
{
	note_late();
	return false;
}

static void exit_timer(struct kucomms_endpoint *endpoint, void *priv)
{
	note_late();
}

static void exit_stop(struct kucomms_endpoint *endpoint, void *priv)
{
	atomic_inc(&state.stopped);
	hrtimer_cancel(&state.sender);
	cancel_work_sync(&state.waiter);
}

static int wait_for_message(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const void *data;
	int err;

	/* The first one says that the client is there, and is for nothing else. */
	err = kucomms_receive(channel, &message, &data, -1);
	if (err)
		return err;
	kucomms_release(channel);
	return kucomms_receive(channel, &message, &data, -1);
}

static int wait_for_room(struct kucomms_channel *channel)
{
	static const struct kucomms_message message = { .type = TEST_FULL };
	int err;

	do {
		err = kucomms_send(channel, &message, NULL, 0, -1);
	} while (!err);
	return err;
}

/* The client sees by the first message that the work has its channel. */
static int send_late(struct kucomms_channel *channel)
{
	static const struct kucomms_message message = { .type = TEST_FULL };
	int err = kucomms_send(channel, &message, NULL, 0, 0);

	if (err)
		return err;
	err = wait_for_end();
	if (err != -ESHUTDOWN)
		return err;
	err = kucomms_send(channel, &message, NULL, 0, -1);
	return err ?: -EIO;
}

static int wait_for_closed(struct kucomms_channel *channel)
{
	static const struct kucomms_message message = { .type = TEST_SINK };
	struct kucomms_message none;
	const void *data;

	return kucomms_send(channel, &message, NULL, 0, 0) ?:
	       kucomms_receive(channel, &none, &data, -1);
}

static int wait_for_answer(struct kucomms_channel *channel)
{
	static const struct kucomms_message request = { .type = TEST_CALLED };
	struct kucomms_message answer;

	return kucomms_call_wait(channel, &request, NULL, &answer, NULL, 0, -1);
}

static int wait_for_client(void)
{
	struct kucomms_channel *channel;
	int err = 0;

	do {
		err = kucomms_accept(state.endpoint, &channel, -1);
		if (err)
			return err;
		if (state.how == TEST_EXIT_RECEIVE)
			err = wait_for_message(channel);
		else if (state.how == TEST_EXIT_ROOM)
			err = wait_for_room(channel);
		else if (state.how == TEST_EXIT_SEND)
			err = send_late(channel);
		else if (state.how == TEST_EXIT_CLOSE ||
			 state.how == TEST_EXIT_DISCONNECT)
			err = wait_for_closed(channel);
		kucomms_channel_put(channel);
	} while (!err);
	return err;
}

/* A work: nothing but the end of the endpoint ends its waits. */
static void exit_wait(struct work_struct *work)
{
	state.result = state.how == TEST_EXIT_CALL ?
		       wait_for_answer(state.channel) : wait_for_client();
}

static int exit_register(enum test_exit how)
{
	struct kucomms_ops ops = {
		.connect = exit_connect,
		.disconnect = exit_disconnect,
		.stop = exit_stop,
		.flags = KUCOMMS_OPS_ADJUSTABLE,
	};

	state.how = how;
	/* Also of a work that is cancelled before it has begun. */
	state.result = -ESHUTDOWN;
	atomic_set(&state.stopped, 0);
	atomic_set(&state.late, 0);
	atomic_set(&state.calls, 0);
	reinit_completion(&state.closing);
	if (how <= TEST_EXIT_CALL) {
		ops.message = exit_message;
		ops.work = exit_work;
		ops.timer = exit_timer;
	}
	if (how == TEST_EXIT_PARALLEL)
		ops.flags |= KUCOMMS_OPS_PARALLEL;
	state.endpoint = kucomms_register("exit", &ops, NULL);
	if (IS_ERR(state.endpoint))
		return PTR_ERR(state.endpoint);
	if (how > TEST_EXIT_CALL)
		queue_work(system_unbound_wq, &state.waiter);
	return 0;
}

static int exit_unregister(void)
{
	int err = 0;

	if (IS_ERR_OR_NULL(state.endpoint))
		return 0;
	if (state.how == TEST_EXIT_CLOSE)
		wait_for_completion_killable(&state.closing);
	kucomms_unregister(state.endpoint);
	state.endpoint = NULL;
	/* From here on a module frees what the timer uses, and its code. */
	if (hrtimer_cancel(&state.sender) || work_pending(&state.waiter))
		err = -EBUSY;
	else if (atomic_read(&state.stopped) != 1 || atomic_read(&state.late) ||
		 atomic_read(&state.calls))
		err = -EPROTO;
	else if (state.how >= TEST_EXIT_CALL && state.result != -ESHUTDOWN)
		err = state.result ?: -EIO;
	return err;
}

static int exit_set(const char *text, const struct kernel_param *param)
{
	unsigned int how;
	int err = kstrtouint(text, 0, &how);

	if (err)
		return err;
	err = exit_unregister();
	return err ?: how ? exit_register(how) : 0;
}

static const struct kernel_param_ops exit_param_ops = { .set = exit_set };
module_param_cb(exit, &exit_param_ops, NULL, 0200);

void test_exit_init(void)
{
	test_init_hrtimer(&state.sender, exit_send);
	INIT_WORK(&state.waiter, exit_wait);
	init_completion(&state.closing);
}

void test_exit_uninit(void)
{
	exit_unregister();
}
