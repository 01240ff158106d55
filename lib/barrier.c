// SPDX-License-Identifier: MIT
/*
 * Barriers for others. Who sends publishes, executes a full barrier, and looks
 * whether the receiver sleeps; who receives says that it is about to sleep,
 * executes a full barrier, and looks for a message. With membarrier(2) the
 * receiver executes both: its own, and one in every thread that is running in a
 * process that has joined; those who do not run have had theirs when they stopped.
 * So each sender's two accesses are both before it, or the second one is after
 * it, as if there had been a barrier between them.
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "barrier.h"

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

/* This process gets the barriers of others. Can be said as often as one likes. */
bool kc_barrier_join(void)
{
	return !membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
}

void kc_barrier_all(void)
{
	membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}
