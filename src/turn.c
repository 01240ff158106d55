// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns: who may run the handlers of an endpoint.
 *
 * A message handler runs in its client's context, and so at the mercy of what
 * the administrator or the client itself has set for that process: a CPU quota
 * (a throttled task keeps what it holds until the next period), a nice level,
 * SCHED_IDLE. Two things follow when somebody has waited for longer than an
 * ordinary turn takes. The holder may be one that does not get to run: a
 * real-time thread, the guardian, waits for the turn as well, on a mutex with
 * priority inheritance, and its priority is the holder's until the turn is over.
 * Or the turn is free, but the one who was woken for it does not get to run:
 * several of those who wait are woken, and whoever comes first has it.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "turn.h"

#define PATIENCE_NS	(2 * NSEC_PER_MSEC)

/* So many may try at once: waking takes time, with interrupts off. */
#define CROWD		16

/* Hiring is rare; one lock does for all. */
static DEFINE_MUTEX(hire_lock);

/* On the stack of one who wants the turn; under the turn's lock. */
struct kucomms_waiter {
	struct list_head node;
	struct task_struct *task;
	bool may_try;
};

/*
 * A timer that runs at this moment is not queued: it may have decided already
 * that nobody waits.
 */
static void turn_start_patience(struct kucomms_turn *turn)
{
	if (!hrtimer_is_queued(&turn->patience))
		hrtimer_start(&turn->patience, ns_to_ktime(PATIENCE_NS),
			      HRTIMER_MODE_REL);
}

static void turn_wake(struct kucomms_waiter *waiter)
{
	waiter->may_try = true;
	wake_up_process(waiter->task);
}

/*
 * The one that was chosen does not get to run: whoever comes first of the next
 * few. They go to the end of the queue, so that others have their chance if none
 * of these can run either.
 */
static void turn_open(struct kucomms_turn *turn)
{
	struct kucomms_waiter *waiter, *last;
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&turn->lock, flags);
	turn->chosen = NULL;
	last = list_empty(&turn->queue) ? NULL :
	       list_last_entry(&turn->queue, struct kucomms_waiter, node);
	for (i = 0, waiter = NULL; i < CROWD && waiter != last; i++) {
		waiter = list_first_entry(&turn->queue, struct kucomms_waiter,
					  node);
		list_move_tail(&waiter->node, &turn->queue);
		turn_wake(waiter);
	}
	raw_spin_unlock_irqrestore(&turn->lock, flags);
}

/* Starts anew instead of going on: a waiter may have started it meanwhile. */
static enum hrtimer_restart turn_impatient(struct hrtimer *timer)
{
	struct kucomms_turn *turn =
		container_of(timer, struct kucomms_turn, patience);

	if (kucomms_turn_wanted(turn)) {
		turn_open(turn);
		WRITE_ONCE(turn->called, true);
		wake_up_process(turn->guardian);
		turn_start_patience(turn);
	}
	return HRTIMER_NORESTART;
}

static int turn_guard(void *arg)
{
	struct kucomms_turn *turn = arg;

	while (!kthread_should_stop()) {
		/* Pairs with turn_impatient() and kthread_stop(). */
		set_current_state(TASK_IDLE);
		if (!READ_ONCE(turn->called) && !kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
		WRITE_ONCE(turn->called, false);
		rt_mutex_lock(&turn->mutex);
		kucomms_turn_give(turn);
	}
	return 0;
}

/* Without a guardian, for want of memory, turns are as good as a plain mutex. */
static bool turn_hire(struct kucomms_turn *turn)
{
	struct task_struct *guardian;

	mutex_lock(&hire_lock);
	if (!turn->guardian) {
		guardian = kthread_create(turn_guard, turn, "kucomms_turn");
		if (!IS_ERR(guardian)) {
			sched_set_fifo_low(guardian);
			wake_up_process(guardian);
			/* Pairs with the load in turn_has_guardian(). */
			smp_store_release(&turn->guardian, guardian);
		}
	}
	mutex_unlock(&hire_lock);
	return turn->guardian;
}

static bool turn_has_guardian(struct kucomms_turn *turn)
{
	/* Pairs with turn_hire(): the timer must find it. */
	return turn->guarded &&
	       (smp_load_acquire(&turn->guardian) || turn_hire(turn));
}

/* Chooses the one who has waited longest. */
void kucomms_turn_pass(struct kucomms_turn *turn)
{
	struct kucomms_waiter *first;
	unsigned long flags;

	raw_spin_lock_irqsave(&turn->lock, flags);
	first = list_first_entry_or_null(&turn->queue, struct kucomms_waiter,
					 node);
	turn->chosen = first;
	if (first)
		turn_wake(first);
	raw_spin_unlock_irqrestore(&turn->lock, flags);
}

/*
 * Everything that decides who may try happens under the lock: whoever fails here
 * is in the queue when the holder gives the turn, and whoever may not try knows
 * of one who will.
 */
static bool turn_try(struct kucomms_turn *turn, struct kucomms_waiter *waiter)
{
	unsigned long flags;
	bool mine = false;

	raw_spin_lock_irqsave(&turn->lock, flags);
	if (waiter->may_try || !turn->chosen)
		mine = rt_mutex_trylock(&turn->mutex);
	waiter->may_try = false;
	if (turn->chosen == waiter)
		turn->chosen = NULL;
	if (mine)
		list_del(&waiter->node);
	raw_spin_unlock_irqrestore(&turn->lock, flags);
	return mine;
}

/* It may have been chosen for a turn that it does not take: somebody else is. */
static void turn_give_up(struct kucomms_turn *turn,
			 struct kucomms_waiter *waiter)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&turn->lock, flags);
	list_del(&waiter->node);
	raw_spin_unlock_irqrestore(&turn->lock, flags);
	kucomms_turn_pass(turn);
}

/* @state: TASK_KILLABLE or TASK_UNINTERRUPTIBLE. */
int kucomms_turn_wait(struct kucomms_turn *turn, unsigned int state)
{
	struct kucomms_waiter waiter = { .task = current };
	unsigned long flags;
	int err = 0;

	atomic_inc(&turn->waiting);
	if (turn_has_guardian(turn))
		turn_start_patience(turn);
	raw_spin_lock_irqsave(&turn->lock, flags);
	list_add_tail(&waiter.node, &turn->queue);
	raw_spin_unlock_irqrestore(&turn->lock, flags);

	for (;;) {
		/* Pairs with turn_wake(): may try, then wake. */
		set_current_state(state);
		if (turn_try(turn, &waiter))
			break;
		if (signal_pending_state(state, current)) {
			turn_give_up(turn, &waiter);
			err = -EINTR;
			break;
		}
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	if (!err)
		WRITE_ONCE(turn->holder, current);
	atomic_dec(&turn->waiting);
	return err;
}

void __kucomms_turn_init(struct kucomms_turn *turn, bool guarded)
{
	turn->holder = NULL;
	atomic_set(&turn->waiting, 0);
	raw_spin_lock_init(&turn->lock);
	INIT_LIST_HEAD(&turn->queue);
	turn->chosen = NULL;
	kucomms_hrtimer_setup(&turn->patience, turn_impatient, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL);
	turn->guarded = guarded;
	turn->called = false;
	turn->guardian = NULL;
}

/* Nobody has it, and nobody wants it any more. */
void kucomms_turn_destroy(struct kucomms_turn *turn)
{
	if (!turn->guardian)
		return;
	hrtimer_cancel(&turn->patience);
	kthread_stop(turn->guardian);
}
