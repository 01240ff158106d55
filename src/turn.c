// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns: the right to run the handlers of an endpoint. This file has the
 * waiting for a turn; the task that has the turn sees how many tasks wait, and
 * makes it short.
 */
#include "turn.h"

int kc_turn_lock_killable_slow(struct kc_turn *turn)
{
	int err;

	atomic_inc(&turn->waiting);
	err = mutex_lock_killable(&turn->mutex);
	if (!err)
		WRITE_ONCE(turn->holder, current);
	atomic_dec(&turn->waiting);
	return err;
}

void kc_turn_lock_slow(struct kc_turn *turn)
{
	atomic_inc(&turn->waiting);
	mutex_lock(&turn->mutex);
	WRITE_ONCE(turn->holder, current);
	atomic_dec(&turn->waiting);
}
