// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns: who may run the handlers of an endpoint. Here are those who wait; who
 * has a turn sees how many they are, and makes it short.
 */
#include "turn.h"

int kucomms_turn_wait(struct kucomms_turn *turn)
{
	int err;

	atomic_inc(&turn->waiting);
	err = mutex_lock_killable(&turn->mutex);
	if (!err)
		WRITE_ONCE(turn->holder, current);
	atomic_dec(&turn->waiting);
	return err;
}

void kucomms_turn_wait_surely(struct kucomms_turn *turn)
{
	atomic_inc(&turn->waiting);
	mutex_lock(&turn->mutex);
	WRITE_ONCE(turn->holder, current);
	atomic_dec(&turn->waiting);
}
