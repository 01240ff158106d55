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
 * Or the turn is free, but the one who was woken for it does not get to run: all
 * who wait are woken, and whoever comes first has it.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "turn.h"

#define PATIENCE_NS	(2 * NSEC_PER_MSEC)

/* Hiring is rare; one lock does for all. */
static DEFINE_MUTEX(hire_lock);

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

/* Starts anew instead of going on: a waiter may have started it meanwhile. */
static enum hrtimer_restart turn_impatient(struct hrtimer *timer)
{
	struct kucomms_turn *turn =
		container_of(timer, struct kucomms_turn, patience);

	if (kucomms_turn_wanted(turn)) {
		wake_up_all(&turn->queue);
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

/* Wakes the one who has waited longest. */
void kucomms_turn_pass(struct kucomms_turn *turn)
{
	wake_up(&turn->queue);
}

/*
 * Somebody has it, or somebody else waits for it. Who finds others waiting does
 * not try before it is woken, by who gives the turn or gives up waiting.
 */
static int turn_queue(struct kucomms_turn *turn, unsigned int state)
{
	bool woken = false;
	DEFINE_WAIT(wait);
	int err = 0;

	for (;;) {
		prepare_to_wait_exclusive(&turn->queue, &wait, state);
		/* Its barrier pairs with the one in kucomms_turn_give(). */
		if ((woken || atomic_read(&turn->waiting) == 1) &&
		    rt_mutex_trylock(&turn->mutex))
			break;
		if (signal_pending_state(state, current)) {
			err = -EINTR;
			break;
		}
		schedule();
		woken = true;
	}
	finish_wait(&turn->queue, &wait);
	return err;
}

/* @state: TASK_KILLABLE or TASK_UNINTERRUPTIBLE. */
int kucomms_turn_wait(struct kucomms_turn *turn, unsigned int state)
{
	int err;

	atomic_inc(&turn->waiting);
	if (turn_has_guardian(turn))
		turn_start_patience(turn);
	err = turn_queue(turn, state);
	atomic_dec(&turn->waiting);
	/* It may have been woken for a turn that it does not take. */
	smp_mb__after_atomic();
	if (err && kucomms_turn_wanted(turn))
		kucomms_turn_pass(turn);
	return err;
}

void __kucomms_turn_init(struct kucomms_turn *turn, bool guarded)
{
	atomic_set(&turn->waiting, 0);
	init_waitqueue_head(&turn->queue);
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
