// SPDX-License-Identifier: GPL-2.0-only
/* timer_delete_sync(), since 6.2, in place of del_timer_sync(), which is gone. */
#include <linux/timer.h>

void probe(struct timer_list *timer);

void probe(struct timer_list *timer)
{
	timer_delete_sync(timer);
}
