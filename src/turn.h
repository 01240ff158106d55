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
 * @guarded:  more than one client may want it
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
	bool guarded;
	struct task_struct *guardian;
};

#define kucomms_turn_init(turn, guarded) \
	do {								\
		rt_mutex_init(&(turn)->mutex);				\
		__kucomms_turn_init(turn, guarded);			\
	} while (0)

void __kucomms_turn_init(struct kucomms_turn *turn, bool guarded);
void kucomms_turn_destroy(struct kucomms_turn *turn);
int kucomms_turn_wait(struct kucomms_turn *turn);
void kucomms_turn_wait_surely(struct kucomms_turn *turn);

/* What trying hides from the checkers; it costs nothing where there are none. */
static inline void kucomms_turn_check(struct kucomms_turn *turn)
{
	might_lock(&turn->mutex);
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep();
}

/* 0, or -EINTR: killed (before Linux 5.15: any signal) while others had it. */
static inline int kucomms_turn_take(struct kucomms_turn *turn)
{
	kucomms_turn_check(turn);
	if (likely(rt_mutex_trylock(&turn->mutex)))
		return 0;
	return kucomms_turn_wait(turn);
}

/* For those that cannot go back. */
static inline void kucomms_turn_take_surely(struct kucomms_turn *turn)
{
	kucomms_turn_check(turn);
	if (unlikely(!rt_mutex_trylock(&turn->mutex)))
		kucomms_turn_wait_surely(turn);
}

/* For who has it, and could go on. */
static inline bool kucomms_turn_wanted(const struct kucomms_turn *turn)
{
	return atomic_read(&turn->waiting);
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
