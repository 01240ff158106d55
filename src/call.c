// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls: messages to a client that expect an answer.
 *
 * A call waits in two trees of its channel, by number and by deadline, until
 * whoever comes first takes it out, under the channel's lock: its answer, its
 * deadline, the end of the channel, or who cancels it. All but the last then
 * call done(), in the channel's turn, so that nobody else runs a handler.
 *
 * Whose context that is:
 *  - an answer: whoever dispatches the client's messages;
 *  - a deadline, or a channel that broke or was shut down: the work;
 *  - the client or the endpoint going: kucomms_channel_detach(). Nothing can be
 *    started afterwards, so the work finds nothing to do any more.
 *
 * done() may free its call or start it again. So nothing is read from a call once
 * done() has begun, and what kucomms_call_cancel() must know of one that runs is
 * kept beside the call, by whoever runs it.
 */
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "channel.h"
#include "compat.h"
#include "endpoint.h"

/* So many time out in one turn. */
#define EXPIRE_BATCH	256

#define RUNS_BITS	5

/* A done() that runs: on the stack of whoever runs it, and in a list of runs. */
struct run {
	struct list_head node;
	struct kucomms_call *call;
	struct task_struct *task;
	bool awaited;
};

static struct {
	raw_spinlock_t lock;
	struct list_head list;
} runs[1 << RUNS_BITS];

static DECLARE_WAIT_QUEUE_HEAD(run_ended);
static struct workqueue_struct *call_queue;

/* Inside the channel's lock: whoever finds the call gone finds this. */
static void run_begin(struct run *run, struct kucomms_call *call)
{
	const u32 bucket = hash_ptr(call, RUNS_BITS);

	run->call = call;
	run->task = current;
	run->awaited = false;
	raw_spin_lock(&runs[bucket].lock);
	list_add(&run->node, &runs[bucket].list);
	raw_spin_unlock(&runs[bucket].lock);
}

static void run_end(struct run *run)
{
	const u32 bucket = hash_ptr(run->call, RUNS_BITS);
	unsigned long flags;

	raw_spin_lock_irqsave(&runs[bucket].lock, flags);
	list_del(&run->node);
	raw_spin_unlock_irqrestore(&runs[bucket].lock, flags);
	/* Nobody finds it any more, so nobody writes this. */
	if (run->awaited)
		wake_up_all(&run_ended);
}

/* Does it run, and not for the caller's own sake? Then it will tell its end. */
static bool run_is_elsewhere(const struct kucomms_call *call)
{
	const u32 bucket = hash_ptr(call, RUNS_BITS);
	bool found = false;
	unsigned long flags;
	struct run *run;

	raw_spin_lock_irqsave(&runs[bucket].lock, flags);
	list_for_each_entry(run, &runs[bucket].list, node) {
		if (run->call == call && run->task != current) {
			run->awaited = true;
			found = true;
		}
	}
	raw_spin_unlock_irqrestore(&runs[bucket].lock, flags);
	return found;
}

/*
 * Sets the timer only if it would be late: that it goes off for a call that has
 * been answered costs less than to set it for each. Its own handler takes the
 * lock, so it sees what is added while it is not queued.
 */
static void calls_set_timer(struct kucomms_calls *calls)
{
	struct timerqueue_node *next = timerqueue_getnext(&calls->deadlines);

	if (!next || next->expires == KTIME_MAX || calls->expiring)
		return;
	if (hrtimer_is_queued(&calls->timer) &&
	    hrtimer_get_expires(&calls->timer) <= next->expires)
		return;
	/* Hard: may be set under any lock, and wakes nobody by that. */
	hrtimer_start(&calls->timer, next->expires, HRTIMER_MODE_ABS_HARD);
}

static void calls_add(struct kucomms_channel *channel,
		      struct kucomms_call *call)
{
	struct kucomms_calls *calls = &channel->calls;
	struct rb_node **link = &calls->by_number.rb_node, *parent = NULL;

	lockdep_assert_held(&channel->lock);
	/* There is no larger number. */
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

static void calls_remove(struct kucomms_calls *calls,
			 struct kucomms_call *call)
{
	rb_erase(&call->by_number, &calls->by_number);
	timerqueue_del(&calls->deadlines, &call->deadline);
	/* Pairs with call_withdraw(): after run_begin(). */
	smp_store_release(&call->channel, NULL);
}

static struct kucomms_call *calls_find(const struct kucomms_calls *calls,
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

/* The one with the earliest deadline, if that is no later than @until. */
static struct kucomms_call *calls_find_due(struct kucomms_calls *calls,
					   ktime_t until)
{
	struct timerqueue_node *next = timerqueue_getnext(&calls->deadlines);

	return next && next->expires <= until ?
		       container_of(next, struct kucomms_call, deadline) : NULL;
}

static void call_finish(struct run *run, int err,
			const struct kucomms_message *answer, const void *data)
{
	run->call->done(run->call, err, answer, data);
	run_end(run);
}

/* In the channel's turn: ends one that is due with @err; false: there is none. */
static bool calls_end_one(struct kucomms_channel *channel, ktime_t until,
			  int err)
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
	kucomms_turn_assert_mine(channel->turn);
	while (calls_end_one(channel, KTIME_MAX, err))
		;
}

/* What is left after a turn's share is due already: the timer comes at once. */
static void calls_expire(struct kucomms_channel *channel)
{
	const ktime_t now = ktime_get();
	int left = EXPIRE_BATCH;

	kucomms_turn_assert_mine(channel->turn);
	while (left-- && calls_end_one(channel, now, -ETIMEDOUT))
		;
}

static void calls_work(struct work_struct *work)
{
	struct kucomms_channel *channel =
		container_of(work, struct kucomms_channel, calls.work);
	unsigned long flags;
	int err;

	kucomms_turn_take_surely(channel->turn);
	err = kucomms_channel_error(channel);
	if (err)
		calls_end_all(channel, err);
	else
		calls_expire(channel);
	kucomms_turn_give(channel->turn);

	raw_spin_lock_irqsave(&channel->lock, flags);
	channel->calls.expiring = false;
	calls_set_timer(&channel->calls);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

/* Queues nothing under the channel's lock, which is taken in the scheduler, too. */
static enum hrtimer_restart calls_timer(struct hrtimer *timer)
{
	struct kucomms_channel *channel =
		container_of(timer, struct kucomms_channel, calls.timer);
	struct kucomms_calls *calls = &channel->calls;
	unsigned long flags;
	bool due;

	raw_spin_lock_irqsave(&channel->lock, flags);
	due = calls_find_due(calls, ktime_get());
	if (due)
		calls->expiring = true;
	else
		calls_set_timer(calls);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (due)
		queue_work(call_queue, &calls->work);
	return HRTIMER_NORESTART;
}

/* Wherever one may wake: the state of the channel may have changed. */
void kucomms_calls_look(struct kucomms_channel *channel)
{
	if (READ_ONCE(channel->calls.given) && kucomms_channel_error(channel))
		queue_work(call_queue, &channel->calls.work);
}

/*
 * In the channel's turn: is the message an answer? Then its call is done; or it
 * comes too late, and is only counted.
 */
static bool calls_answer(struct kucomms_channel *channel,
			 const struct kucomms_message *message,
			 const void *data)
{
	struct kucomms_calls *calls = &channel->calls;
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
 * Instead of the endpoint's message handler, on channels that have called, and for
 * kucomms_bridge_message().
 */
int kucomms_calls_message(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, void *priv)
{
	if (calls_answer(channel, message, data))
		return 0;
	return channel->endpoint->ops.message(channel, message, data, priv);
}

/*
 * The number is given out, and answers are looked for, before the client can
 * have seen it.
 */
static int call_send(struct kucomms_channel *channel, struct kucomms_call *call,
		     const struct kucomms_message *request, const void *data)
{
	struct kucomms_calls *calls = &channel->calls;
	struct kucomms_message message = *request;
	int err;

	lockdep_assert_held(&channel->lock);
	if (calls->over)
		return -ESHUTDOWN;
	call->number = calls->given;
	message.id = calls->base + call->number;
	WRITE_ONCE(calls->given, call->number + 1);
	if (!channel->bridge)
		/* Unless the channel is no longer open. */
		cmpxchg(&channel->message, channel->endpoint->ops.message,
			kucomms_calls_message);
	err = kucomms_channel_put_message(channel, &message, data);
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
	if (!call->done || !channel->endpoint->ops.message)
		return -EINVAL;
	err = kucomms_channel_error(channel);
	if (err)
		return err;
	timerqueue_init(&call->deadline);
	call->deadline.expires = timeout_ms < 0 ? KTIME_MAX :
				 ktime_add_ms(ktime_get(), timeout_ms);

	raw_spin_lock_irqsave(&channel->lock, flags);
	err = call_send(channel, call, request, data);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (err) {
		/* The client may not have been told yet of what came before. */
		kucomms_channel_flush_locked(channel);
		return err;
	}
	kucomms_channel_notify(channel);
	/*
	 * Its barrier pairs with the one in channel_leave_open(): one of the two
	 * sees the other.
	 */
	if (unlikely(kucomms_channel_error(channel)))
		irq_work_queue(&channel->wake_work);
	return 0;
}
EXPORT_SYMBOL_GPL(kucomms_call_start);

/*
 * Takes the call back, if it still waits. While it names a channel that channel
 * has not come to its end, and is freed one grace period after that at least.
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

/* A done() that runs meanwhile may start it again, hence more than once. */
int kucomms_call_cancel(struct kucomms_call *call)
{
	bool mine = false;

	might_sleep();
	for (;;) {
		mine |= call_withdraw(call);
		if (!run_is_elsewhere(call))
			return mine ? 0 : -ENOENT;
		wait_event(run_ended, !run_is_elsewhere(call));
	}
}
EXPORT_SYMBOL_GPL(kucomms_call_cancel);

/* On the stack of one who waits for the answer; done() fills in what it was. */
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

/* The error that ends a wait, or 0; pairs with endpoint_stop(). */
static int call_must_stop(const struct kucomms_channel *channel)
{
	if (READ_ONCE(channel->endpoint->dead))
		return -ESHUTDOWN;
	return (current->flags & PF_KTHREAD) && kthread_should_stop() ?
	       -EINTR : 0;
}

/* Its handlers would wait for the caller, and the caller for them. */
static bool call_would_deadlock(const struct kucomms_channel *channel)
{
	return kucomms_turn_is_mine(channel->turn) ||
	       kucomms_turn_is_mine(&channel->endpoint->turn);
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
	long left = timeout_ms < 0 ? MAX_SCHEDULE_TIMEOUT :
				     msecs_to_jiffies(timeout_ms);
	int err;

	if (call_would_deadlock(channel))
		return -EDEADLK;
	err = kucomms_call_start(channel, &waiter.call, request, data, -1);
	if (err)
		return err;
	left = wait_event_killable_timeout(channel->module_wait,
					   READ_ONCE(waiter.done) ||
					   call_must_stop(channel), left);
	/* Waits for who is still about to wake this thread, too. */
	if (kucomms_call_cancel(&waiter.call))
		return waiter.err;
	return left ? call_must_stop(channel) ?: -EINTR : -ETIMEDOUT;
}
EXPORT_SYMBOL_GPL(kucomms_call_wait);

void kucomms_calls_create(struct kucomms_calls *calls)
{
	kucomms_hrtimer_setup(&calls->timer, calls_timer, CLOCK_MONOTONIC,
			      HRTIMER_MODE_ABS_HARD);
	INIT_WORK(&calls->work, calls_work);
}

/* Before the module learns of its client. */
void kucomms_calls_begin(struct kucomms_calls *calls)
{
	calls->base = get_random_u64();
	calls->given = 0;
	calls->over = false;
	calls->expiring = false;
	calls->by_number = RB_ROOT;
	timerqueue_init_head(&calls->deadlines);
}

/* In the channel's turn: the module is about to forget its client. */
void kucomms_calls_end(struct kucomms_channel *channel)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	channel->calls.over = true;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	calls_end_all(channel, kucomms_channel_error(channel) ?: -ESHUTDOWN);
}

/*
 * After that, and not in a turn: neither timer nor work runs any more. Each may
 * start what is below it, and no call is left to set the timer for.
 */
void kucomms_calls_settle(struct kucomms_channel *channel)
{
	irq_work_sync(&channel->wake_work);
	hrtimer_cancel(&channel->calls.timer);
	cancel_work_sync(&channel->calls.work);
}

int kucomms_call_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		raw_spin_lock_init(&runs[i].lock);
		INIT_LIST_HEAD(&runs[i].list);
	}
	call_queue = alloc_workqueue("kucomms_call", WQ_UNBOUND, 0);
	return call_queue ? 0 : -ENOMEM;
}

/* All channels have been freed, so nothing is in it. */
void kucomms_call_uninit(void)
{
	destroy_workqueue(call_queue);
}
