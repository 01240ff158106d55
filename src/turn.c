// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns: who may run the handlers of an endpoint.
 *
 * A message handler runs in its client's context, and so at the mercy of what
 * the administrator or the client itself has set for that process: a CPU quota
 * (a throttled task keeps what it holds until the next period), a nice level,
 * SCHED_IDLE. So the lock is one with priority inheritance, and when somebody
 * has waited for longer than an ordinary turn takes, a real-time thread queues
 * for the turn, too: its priority is the holder's until the turn is over.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include "compat.h"
#include "turn.h"

#define PATIENCE_NS	(2 * NSEC_PER_MSEC)

/* Hiring is rare; one lock does for all. */
static DEFINE_MUTEX(hire_lock);

static enum hrtimer_restart turn_impatient(struct hrtimer *timer)
{
	struct kucomms_turn *turn =
		container_of(timer, struct kucomms_turn, patience);

	if (atomic_read(&turn->waiting))
		wake_up_process(turn->guardian);
	return HRTIMER_NORESTART;
}

static void turn_start_patience(struct kucomms_turn *turn)
{
	if (!hrtimer_active(&turn->patience))
		hrtimer_start(&turn->patience, ns_to_ktime(PATIENCE_NS),
			      HRTIMER_MODE_REL);
}

static int turn_guard(void *arg)
{
	struct kucomms_turn *turn = arg;

	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule();
		if (!atomic_read(&turn->waiting))
			continue;
		rt_mutex_lock(&turn->mutex);
		rt_mutex_unlock(&turn->mutex);
		turn_start_patience(turn);
	}
	__set_current_state(TASK_RUNNING);
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
			/* Pairs with the load in kucomms_turn_wait(). */
			smp_store_release(&turn->guardian, guardian);
		}
	}
	mutex_unlock(&hire_lock);
	return turn->guardian;
}

static void turn_queue(struct kucomms_turn *turn)
{
	atomic_inc(&turn->waiting);
	if (!turn->guarded)
		return;
	/* Pairs with turn_hire(): the timer must find the guardian. */
	if (smp_load_acquire(&turn->guardian) || turn_hire(turn))
		turn_start_patience(turn);
}

/* Somebody else has it. */
int kucomms_turn_wait(struct kucomms_turn *turn)
{
	int err;

	turn_queue(turn);
	err = kucomms_rt_mutex_lock_killable(&turn->mutex);
	atomic_dec(&turn->waiting);
	return err;
}

void kucomms_turn_wait_surely(struct kucomms_turn *turn)
{
	turn_queue(turn);
	rt_mutex_lock(&turn->mutex);
	atomic_dec(&turn->waiting);
}

void __kucomms_turn_init(struct kucomms_turn *turn, bool guarded)
{
	atomic_set(&turn->waiting, 0);
	turn->guarded = guarded;
	kucomms_hrtimer_setup(&turn->patience, turn_impatient, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL);
	turn->guardian = NULL;
}

/* Nobody has it, and nobody wants it any more. */
void kucomms_turn_destroy(struct kucomms_turn *turn)
{
	if (!turn->guardian)
		return;
	/* The guardian starts the timer, and the timer wakes the guardian. */
	kthread_stop(turn->guardian);
	hrtimer_cancel(&turn->patience);
}
