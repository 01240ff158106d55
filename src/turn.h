/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_TURN_H
#define KUCOMMS_SRC_TURN_H

#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "types.h"

/* A macro, so that lockdep tells one kind of turn from another. */
#define kc_turn_init(turn) \
	do {								\
		mutex_init(&(turn)->mutex);				\
		atomic_set(&(turn)->waiting, 0);			\
		(turn)->holder = NULL;					\
	} while (0)

static inline void kc_turn_destroy(struct kc_turn *turn)
{
	mutex_destroy(&turn->mutex);
}

int kc_turn_lock_killable_slow(struct kc_turn *turn);
void kc_turn_lock_slow(struct kc_turn *turn);

/*
 * Tells the task that has the turn whether others wait for it. The answer is
 * only a hint.
 */
static inline bool kc_turn_contended(const struct kc_turn *turn)
{
	return atomic_read(&turn->waiting);
}

/*
 * Takes the turn if it is free and, as far as can be seen, no other task waits.
 */
static inline bool kc_turn_trylock(struct kc_turn *turn)
{
	/*
	 * mutex_trylock() is invisible to lockdep and might_sleep(): annotates
	 * by hand.
	 */
	might_lock(&turn->mutex);
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep();
	if (kc_turn_contended(turn) || !mutex_trylock(&turn->mutex))
		return false;
	WRITE_ONCE(turn->holder, current);
	return true;
}

/* Takes the turn. Returns 0, or -EINTR if the task is killed while it waits. */
static inline int kc_turn_lock_killable(struct kc_turn *turn)
{
	return likely(kc_turn_trylock(turn))
		       ? 0
		       : kc_turn_lock_killable_slow(turn);
}

/* Takes the turn, uninterruptibly. */
static inline void kc_turn_lock(struct kc_turn *turn)
{
	if (unlikely(!kc_turn_trylock(turn)))
		kc_turn_lock_slow(turn);
}

static inline void kc_turn_unlock(struct kc_turn *turn)
{
	WRITE_ONCE(turn->holder, NULL);
	mutex_unlock(&turn->mutex);
}

/*
 * Tells whether the calling task has the turn. A true answer is stable: only
 * that task can give the turn back.
 */
static inline bool kc_turn_held(const struct kc_turn *turn)
{
	return READ_ONCE(turn->holder) == current;
}

static inline void kc_turn_assert_held(const struct kc_turn *turn)
{
	lockdep_assert_held(&turn->mutex);
}

#endif
