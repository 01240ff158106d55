// SPDX-License-Identifier: GPL-2.0-only
/* rt_mutex_lock_killable(), since 5.15. */
#include <linux/rtmutex.h>

int probe(struct rt_mutex *mutex);

int probe(struct rt_mutex *mutex)
{
	return rt_mutex_lock_killable(mutex);
}
