// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls: messages to a client that expect an answer.
 *
 * A call stands in two trees of its channel, by number and by deadline, until
 * one of four events removes it, under the channel's lock: its answer, its
 * deadline, the end of the channel, or kucomms_call_cancel(). The first three
 * then call done(), in the channel's turn, so that no other handler runs
 * meanwhile.
 *
 * The task that calls done() is:
 *  - for an answer: the one that dispatches the client's messages;
 *  - for a deadline, or a channel that broke or was shut down: the work;
 *  - when the client or the endpoint goes: the caller of
 *    kc_channel_disconnect(). No call can be started afterwards, so the work
 *    finds none any more.
 *
 * done() may free its call or start it again. So nothing is read from a call
 * once done() has begun, and what kucomms_call_cancel() must know of a running
 * done() is kept beside the call, in a struct run.
 */
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "compat.h"
#include "functions.h"

/* Calls that time out in one turn, at most. */
#define EXPIRE_BATCH	256

/*
 * A done() that runs: on the stack of the task that runs it, and in the list of
 * its endpoint.
 */
struct run {
	struct list_head node;
	struct kucomms_call *call;
	struct task_struct *task;
};

/*
 * The caller holds the channel's lock: a task that finds the call removed finds
 * this.
 */
static void run_begin(struct run *run, struct kucomms_call *call)
{
	struct kucomms_endpoint *endpoint = call->endpoint;

	run->call = call;
	run->task = current;
	raw_spin_lock(&endpoint->runs_lock);
	list_add(&run->node, &endpoint->runs);
	raw_spin_unlock(&endpoint->runs_lock);
}

/*
 * Takes a finished done() off the list. Does not use the call: it may be freed.
 */
static void run_end(struct run *run, struct kucomms_endpoint *endpoint)
{
	raw_spin_lock_irq(&endpoint->runs_lock);
	list_del(&run->node);
	raw_spin_unlock_irq(&endpoint->runs_lock);
	wake_up_all(&endpoint->run_ended);
}

/* Tells whether done() of the call runs in a task other than the caller. */
static bool run_is_elsewhere(struct kucomms_endpoint *endpoint,
			     const struct kucomms_call *call)
{
	bool found = false;
	struct run *run;

	raw_spin_lock_irq(&endpoint->runs_lock);
	list_for_each_entry(run, &endpoint->runs, node)
		found |= run->call == call && run->task != current;
	raw_spin_unlock_irq(&endpoint->runs_lock);
	return found;
}

/*
 * Makes the timer go off at the first deadline or before. A timer that goes off
 * for a call that has been answered costs less than setting it anew for each
 * call.
 */
static void calls_set_timer(struct kc_calls *calls)
{
	struct timerqueue_node *next = timerqueue_getnext(&calls->deadlines);
	s64 left;

	if (!next || next->expires == KTIME_MAX)
		return;
	left = next->expires - get_jiffies_64();
	timer_reduce(&calls->timer,
		     jiffies + clamp_t(s64, left, 0, MAX_JIFFY_OFFSET));
}

/*
 * Queues the work; without the channel's lock, which may also be taken in the
 * scheduler.
 */
static void calls_timer(struct timer_list *timer)
{
	kc_channel_queue_calls(container_of(timer, struct kucomms_channel, calls.timer));
}

static void calls_add(struct kucomms_channel *channel,
		      struct kucomms_call *call)
{
	struct kc_calls *calls = &channel->calls;
	struct rb_node **link = &calls->by_number.rb_node, *parent = NULL;

	lockdep_assert_held(&channel->lock);
	/* Numbers ascend, so the new call goes to the far right. */
	while (*link) {
		parent = *link;
		link = &parent->rb_right;
	}
	rb_link_node(&call->by_number, parent, link);
	rb_insert_color(&call->by_number, &calls->by_number);
	timerqueue_add(&calls->deadlines, &call->deadline);
	calls_set_timer(calls);
	WRITE_ONCE(call->channel, channel);
}

static void calls_remove(struct kc_calls *calls,
			 struct kucomms_call *call)
{
	rb_erase(&call->by_number, &calls->by_number);
	timerqueue_del(&calls->deadlines, &call->deadline);
	/* Pairs with call_withdraw(): after run_begin(). */
	smp_store_release(&call->channel, NULL);
}

static struct kucomms_call *calls_find(const struct kc_calls *calls,
				       u64 number)
{
	struct rb_node *node = calls->by_number.rb_node;
	struct kucomms_call *call;

	while (node) {
		call = rb_entry(node, struct kucomms_call, by_number);
		if (call->number == number)
			return call;
		node = number < call->number ? node->rb_left : node->rb_right;
	}
	return NULL;
}

/*
 * Returns the call with the earliest deadline, or NULL if that is later than
 * @until.
 */
static struct kucomms_call *calls_find_due(struct kc_calls *calls,
					   s64 until)
{
	struct timerqueue_node *next = timerqueue_getnext(&calls->deadlines);

	return next && next->expires <= until ?
		       container_of(next, struct kucomms_call, deadline) : NULL;
}

static void call_finish(struct run *run, int err,
			const struct kucomms_message *answer, const void *data)
{
	struct kucomms_endpoint *endpoint = run->call->endpoint;

	run->call->done(run->call, err, answer, data);
	run_end(run, endpoint);
}

/*
 * Ends one call that is due, with @err. Returns false if there is none. The
 * caller has the channel's turn.
 */
static bool calls_end_one(struct kucomms_channel *channel, s64 until, int err)
{
	struct kucomms_call *call;
	unsigned long flags;
	struct run run;

	raw_spin_lock_irqsave(&channel->lock, flags);
	call = calls_find_due(&channel->calls, until);
	if (call) {
		run_begin(&run, call);
		calls_remove(&channel->calls, call);
	}
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (!call)
		return false;
	call_finish(&run, err, NULL, NULL);
	return true;
}

static void calls_end_all(struct kucomms_channel *channel, int err)
{
	kc_turn_assert_held(channel->turn);
	while (calls_end_one(channel, KTIME_MAX, err))
		;
}

/*
 * Calls that are left after EXPIRE_BATCH are due already: the timer expires at
 * once.
 */
static void calls_expire(struct kucomms_channel *channel)
{
	const s64 now = get_jiffies_64();
	int left = EXPIRE_BATCH;

	kc_turn_assert_held(channel->turn);
	while (left-- && calls_end_one(channel, now, -ETIMEDOUT))
		;
}

static void calls_work(struct work_struct *work)
{
	struct kucomms_channel *channel =
		container_of(work, struct kucomms_channel, calls.work);
	unsigned long flags;
	int err;

	kc_turn_lock(channel->turn);
	err = kc_channel_error(channel);
	if (err)
		calls_end_all(channel, err);
	else
		calls_expire(channel);
	kc_turn_unlock(channel->turn);

	raw_spin_lock_irqsave(&channel->lock, flags);
	calls_set_timer(&channel->calls);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	kucomms_channel_put(channel);
}

/*
 * Takes a message that is an answer: ends its call or, if it comes too late,
 * counts it. The caller has the channel's turn.
 */
static bool calls_answer(struct kucomms_channel *channel,
			 const struct kucomms_message *message,
			 const void *data)
{
	struct kc_calls *calls = &channel->calls;
	const u64 number = message->id - calls->base;
	struct kucomms_call *call;
	unsigned long flags;
	struct run run;

	if (number >= READ_ONCE(calls->given))
		return false;
	raw_spin_lock_irqsave(&channel->lock, flags);
	call = calls_find(calls, number);
	if (call) {
		run_begin(&run, call);
		calls_remove(calls, call);
	}
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (call)
		call_finish(&run, 0, message, data);
	else
		channel->counters.late_answers++;
	return true;
}

/*
 * Takes the place of the endpoint's message handler on channels that have called.
 * kucomms_netlink.ko calls it for every message.
 */
int kc_calls_message(struct kucomms_channel *channel,
		     const struct kucomms_message *message,
		     const void *data, void *priv)
{
	if (calls_answer(channel, message, data))
		return 0;
	return channel->endpoint->ops.message(channel, message, data, priv);
}
KC_EXPORT(kc_calls_message);

/*
 * Gives the call its number, and has answers looked for, before the client can
 * see the request.
 */
static int call_send(struct kucomms_channel *channel, struct kucomms_call *call,
		     const struct kucomms_message *request, const void *data)
{
	struct kc_calls *calls = &channel->calls;
	struct kucomms_message message = *request;
	int err;

	lockdep_assert_held(&channel->lock);
	if (calls->over)
		return -ESHUTDOWN;
	call->number = calls->given;
	message.id = calls->base + call->number;
	WRITE_ONCE(calls->given, call->number + 1);
	if (!channel->netlink)
		/*
		 * Unless the channel is no longer open: then channel_refuse()
		 * stays.
		 */
		cmpxchg(&channel->message, channel->endpoint->ops.message,
			kc_calls_message);
	err = kc_channel_put_message(channel, &message, data);
	if (err)
		WRITE_ONCE(calls->given, call->number);
	else
		calls_add(channel, call);
	return err;
}

int kucomms_call_start(struct kucomms_channel *channel,
		       struct kucomms_call *call,
		       const struct kucomms_message *request, const void *data,
		       int timeout_ms)
{
	unsigned long flags;
	int err;

	WRITE_ONCE(call->channel, NULL);
	WRITE_ONCE(call->endpoint, channel->endpoint);
	if (!call->done || !channel->endpoint->ops.message)
		return -EINVAL;
	err = kc_channel_error(channel);
	if (err)
		return err;
	timerqueue_init(&call->deadline);
	/* One jiffy more, since the current one has begun already. */
	call->deadline.expires = timeout_ms < 0 ? KTIME_MAX :
		get_jiffies_64() + msecs_to_jiffies(timeout_ms) + 1;

	raw_spin_lock_irqsave(&channel->lock, flags);
	err = call_send(channel, call, request, data);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (err) {
		/*
		 * Messages that were held back before may not have been
		 * published yet.
		 */
		kc_channel_flush_locked(channel);
		return err;
	}
	kc_channel_notify(channel);
	/*
	 * Its barrier pairs with the one in channel_leave_open(): one of the two
	 * sees the other.
	 */
	if (unlikely(kc_channel_error(channel)))
		irq_work_queue(&channel->wake_work);
	return 0;
}
EXPORT_SYMBOL_GPL(kucomms_call_start);

/*
 * Removes the call, if it still waits. While call->channel is set the channel
 * has not ended, and it is freed one RCU grace period after its end at the
 * earliest.
 */
static bool call_withdraw(struct kucomms_call *call)
{
	struct kucomms_channel *channel;
	unsigned long flags;
	bool mine = false;

	rcu_read_lock();
	/* Pairs with calls_remove(). */
	channel = smp_load_acquire(&call->channel);
	if (channel) {
		raw_spin_lock_irqsave(&channel->lock, flags);
		mine = call->channel == channel;
		if (mine)
			calls_remove(&channel->calls, call);
		raw_spin_unlock_irqrestore(&channel->lock, flags);
	}
	rcu_read_unlock();
	return mine;
}

/* A done() that runs meanwhile may start the call again, hence the loop. */
int kucomms_call_cancel(struct kucomms_call *call)
{
	struct kucomms_endpoint *endpoint;
	bool mine = false;

	might_sleep();
	for (;;) {
		/*
		 * Read each time: done() may start the call on another
		 * endpoint.
		 */
		endpoint = READ_ONCE(call->endpoint);
		if (!endpoint)
			return -ENOENT;
		mine |= call_withdraw(call);
		if (!run_is_elsewhere(endpoint, call))
			return mine ? 0 : -ENOENT;
		wait_event(endpoint->run_ended,
			   !run_is_elsewhere(endpoint, call));
	}
}
EXPORT_SYMBOL_GPL(kucomms_call_cancel);

/* On the stack of a task that waits for the answer, which done() fills in. */
struct call_waiter {
	struct kucomms_call call;
	struct kucomms_channel *channel;
	bool done;
	int err;
	struct kucomms_message *answer;
	void *buffer;
	size_t capacity;
};

static void call_waiter_done(struct kucomms_call *call, int err,
			     const struct kucomms_message *answer,
			     const void *data)
{
	struct call_waiter *waiter = call->priv;

	waiter->err = err;
	if (!err) {
		*waiter->answer = *answer;
		memcpy(waiter->buffer, data,
		       min_t(size_t, answer->length, waiter->capacity));
		if (answer->length > waiter->capacity)
			waiter->err = -ENOBUFS;
	}
	WRITE_ONCE(waiter->done, true);
	wake_up_all(&waiter->channel->module_wait);
}

/* Returns the error that ends a wait, or 0. Pairs with kc_endpoint_stop(). */
static int call_must_stop(const struct kucomms_channel *channel)
{
	if (READ_ONCE(channel->endpoint->dead))
		return -ESHUTDOWN;
	return (current->flags & PF_KTHREAD) && kthread_should_stop() ?
	       -EINTR : 0;
}

/*
 * A caller that has a turn would wait for a handler that waits for this turn.
 */
static bool call_would_deadlock(const struct kucomms_channel *channel)
{
	return kc_turn_held(channel->turn) ||
	       kc_turn_held(&channel->endpoint->turn);
}

int kucomms_call_wait(struct kucomms_channel *channel,
		      const struct kucomms_message *request, const void *data,
		      struct kucomms_message *answer, void *buffer,
		      size_t capacity, int timeout_ms)
{
	struct call_waiter waiter = {
		.call = { .done = call_waiter_done, .priv = &waiter },
		.channel = channel,
		.answer = answer,
		.buffer = buffer,
		.capacity = capacity,
	};
	long left = kc_module_timeout(timeout_ms);
	int err;

	if (call_would_deadlock(channel))
		return -EDEADLK;
	err = kucomms_call_start(channel, &waiter.call, request, data, -1);
	if (err)
		return err;
	left = wait_event_killable_timeout(channel->module_wait,
					   READ_ONCE(waiter.done) ||
					   call_must_stop(channel), left);
	/* Waits also for a done() that is about to wake this thread. */
	if (kucomms_call_cancel(&waiter.call))
		return waiter.err;
	return left ? call_must_stop(channel) ?: -EINTR : -ETIMEDOUT;
}
EXPORT_SYMBOL_GPL(kucomms_call_wait);

void kc_calls_create(struct kc_calls *calls)
{
	timer_setup(&calls->timer, calls_timer, 0);
	INIT_WORK(&calls->work, calls_work);
}

/* Before the module learns of its client. */
void kc_calls_begin(struct kc_calls *calls)
{
	calls->base = get_random_u64();
	calls->given = 0;
	calls->over = false;
	calls->by_number = RB_ROOT;
	timerqueue_init_head(&calls->deadlines);
}

/*
 * Ends all calls, before the module forgets its client. The caller has the
 * channel's turn.
 */
void kc_calls_end(struct kucomms_channel *channel)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	channel->calls.over = true;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	calls_end_all(channel, kc_channel_error(channel) ?: -ESHUTDOWN);
}

/*
 * After kc_calls_end(), without the turn: waits for the interrupt work, the
 * timer and the work, in this order, since each can queue the next. A channel
 * that is being freed has no work, so that does not wait for a handler.
 */
void kc_calls_settle(struct kucomms_channel *channel)
{
	irq_work_sync(&channel->wake_work);
	kc_timer_delete_sync(&channel->calls.timer);
	if (cancel_work_sync(&channel->calls.work))
		kucomms_channel_put(channel);
}
