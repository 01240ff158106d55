/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_TURN_H
#define KUCOMMS_SRC_TURN_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/rtmutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct kucomms_waiter;

/**
 * struct kucomms_turn - the right to run handlers: one at a time
 * @mutex:    whoever holds it has the turn; clients only try it, the guardian
 *            waits for it, and lends the holder its priority by that
 * @holder:   who has the turn, for itself to see
 * @waiting:  how many want the turn
 * @lock:     protects the two below it
 * @queue:    those who want it, first come first
 * @chosen:   who has been woken to take it, and has not yet: others leave it alone
 * @patience: lets all of them try, and the guardian, when they have waited for long
 * @guarded:  more than one client may want it
 * @called:   the guardian should have a look
 * @guardian: NULL until the first time that two wanted the turn at once
 *
 * Holders and waiters may be clients that the scheduler does not want to run:
 * out of their quota, or of the lowest priority. Others must not have to wait
 * for that.
 */
struct kucomms_turn {
	struct rt_mutex mutex;
	struct task_struct *holder;
	atomic_t waiting;
	raw_spinlock_t lock;
	struct list_head queue;
	struct kucomms_waiter *chosen;
	struct hrtimer patience;
	bool guarded;
	bool called;
	struct task_struct *guardian;
};

#define kucomms_turn_init(turn, guarded) \
	do {								\
		rt_mutex_init(&(turn)->mutex);				\
		__kucomms_turn_init(turn, guarded);			\
	} while (0)

void __kucomms_turn_init(struct kucomms_turn *turn, bool guarded);
void kucomms_turn_destroy(struct kucomms_turn *turn);
int kucomms_turn_wait(struct kucomms_turn *turn, unsigned int state);
void kucomms_turn_pass(struct kucomms_turn *turn);

/* For who has it, and could go on. */
static inline bool kucomms_turn_wanted(const struct kucomms_turn *turn)
{
	return atomic_read(&turn->waiting);
}

/* Those who wait come first. */
static inline bool kucomms_turn_try(struct kucomms_turn *turn)
{
	/* What trying hides from the checkers: nothing where there are none. */
	might_lock(&turn->mutex);
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep();
	if (kucomms_turn_wanted(turn) || !rt_mutex_trylock(&turn->mutex))
		return false;
	WRITE_ONCE(turn->holder, current);
	return true;
}

/* 0, or -EINTR: killed while others had it. */
static inline int kucomms_turn_take(struct kucomms_turn *turn)
{
	return likely(kucomms_turn_try(turn)) ? 0 :
	       kucomms_turn_wait(turn, TASK_KILLABLE);
}

/* For those that cannot go back. */
static inline void kucomms_turn_take_surely(struct kucomms_turn *turn)
{
	if (unlikely(!kucomms_turn_try(turn)))
		kucomms_turn_wait(turn, TASK_UNINTERRUPTIBLE);
}

static inline void kucomms_turn_give(struct kucomms_turn *turn)
{
	WRITE_ONCE(turn->holder, NULL);
	rt_mutex_unlock(&turn->mutex);
	/* Pairs with kucomms_turn_wait(): want it, then try. */
	smp_mb__after_atomic();
	if (unlikely(kucomms_turn_wanted(turn)))
		kucomms_turn_pass(turn);
}

/* For whoever may have it already: then only itself can give it. */
static inline bool kucomms_turn_is_mine(const struct kucomms_turn *turn)
{
	return READ_ONCE(turn->holder) == current;
}

static inline void kucomms_turn_assert_mine(const struct kucomms_turn *turn)
{
	lockdep_assert_held(&turn->mutex);
}

#endif
