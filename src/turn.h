/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_TURN_H
#define KUCOMMS_SRC_TURN_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/rtmutex.h>

struct task_struct;

/**
 * struct kucomms_turn - the right to run handlers: one at a time
 * @mutex:    whoever holds it has the turn; waiters get it in their order
 * @waiting:  how many wait for it
 * @patience: fires when somebody has waited for a while
 * @guardian: comes then, and lends the holder its own priority; NULL until the
 *            first time that two wanted the turn at once
 *
 * Its holder may be a client that the scheduler does not want to run: out of its
 * quota, or of the lowest priority. Others must not have to wait for that.
 */
struct kucomms_turn {
	struct rt_mutex mutex;
	atomic_t waiting;
	struct hrtimer patience;
	struct task_struct *guardian;
};

#define kucomms_turn_init(turn) \
	do {								\
		rt_mutex_init(&(turn)->mutex);				\
		__kucomms_turn_init(turn);				\
	} while (0)

void __kucomms_turn_init(struct kucomms_turn *turn);
void kucomms_turn_destroy(struct kucomms_turn *turn);
int kucomms_turn_wait(struct kucomms_turn *turn);

/* 0, or -EINTR: killed (before Linux 5.15: any signal) while others had it. */
static inline int kucomms_turn_take(struct kucomms_turn *turn)
{
	/* Where it is checked; elsewhere it would only cost. */
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep();
	if (likely(rt_mutex_trylock(&turn->mutex)))
		return 0;
	return kucomms_turn_wait(turn);
}

/* For those that cannot go back. */
static inline void kucomms_turn_take_surely(struct kucomms_turn *turn)
{
	rt_mutex_lock(&turn->mutex);
}

static inline void kucomms_turn_give(struct kucomms_turn *turn)
{
	rt_mutex_unlock(&turn->mutex);
}

static inline void kucomms_turn_assert_mine(const struct kucomms_turn *turn)
{
	lockdep_assert_held(&turn->mutex);
}

#endif
