/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_TURN_H
#define KUCOMMS_SRC_TURN_H

#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "types.h"

/* A macro, so that lockdep tells one kind of turn from another. */
#define kucomms_turn_init(turn) \
	do {								\
		mutex_init(&(turn)->mutex);				\
		atomic_set(&(turn)->waiting, 0);			\
		(turn)->holder = NULL;					\
	} while (0)

static inline void kucomms_turn_destroy(struct kucomms_turn *turn)
{
	mutex_destroy(&turn->mutex);
}

int kucomms_turn_lock_killable_slow(struct kucomms_turn *turn);
void kucomms_turn_lock_slow(struct kucomms_turn *turn);

/*
 * Tells the task that has the turn whether others wait for it. The answer is
 * only a hint.
 */
static inline bool kucomms_turn_contended(const struct kucomms_turn *turn)
{
	return atomic_read(&turn->waiting);
}

/*
 * Takes the turn if it is free and, as far as can be seen, no other task waits.
 */
static inline bool kucomms_turn_trylock(struct kucomms_turn *turn)
{
	/* What trying hides from the checkers: nothing where there are none. */
	might_lock(&turn->mutex);
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep();
	if (kucomms_turn_contended(turn) || !mutex_trylock(&turn->mutex))
		return false;
	WRITE_ONCE(turn->holder, current);
	return true;
}

/* Takes the turn. Returns 0, or -EINTR if killed while another task had it. */
static inline int kucomms_turn_lock_killable(struct kucomms_turn *turn)
{
	return likely(kucomms_turn_trylock(turn))
		       ? 0
		       : kucomms_turn_lock_killable_slow(turn);
}

/* For those that cannot go back. */
static inline void kucomms_turn_lock(struct kucomms_turn *turn)
{
	if (unlikely(!kucomms_turn_trylock(turn)))
		kucomms_turn_lock_slow(turn);
}

static inline void kucomms_turn_unlock(struct kucomms_turn *turn)
{
	WRITE_ONCE(turn->holder, NULL);
	mutex_unlock(&turn->mutex);
}

/*
 * Tells whether the calling task has the turn. If so it stays true: only that
 * task can give the turn.
 */
static inline bool kucomms_turn_held(const struct kucomms_turn *turn)
{
	return READ_ONCE(turn->holder) == current;
}

static inline void kucomms_turn_assert_held(const struct kucomms_turn *turn)
{
	lockdep_assert_held(&turn->mutex);
}

#endif
