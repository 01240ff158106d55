// SPDX-License-Identifier: MIT
/*
 * Barriers that one side executes for the other. A sender publishes, executes a
 * full barrier, and looks whether the receiver sleeps; a receiver says that it
 * is about to sleep, executes a full barrier, and looks for a message. With
 * membarrier(2) the receiver executes both barriers: its own, and one in every
 * running thread of a process that has joined; threads that do not run have
 * executed theirs when they stopped. So the two accesses of a sender are both
 * before it, or the second one is after it, as if the sender had executed a
 * barrier between them.
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "barrier.h"

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

/* Lets other processes execute barriers in this one. May be called again. */
bool kc_barrier_join(void)
{
	return !membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
}

void kc_barrier_all(void)
{
	membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}
