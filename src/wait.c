// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting: where a client sleeps.
 */
#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>

#include "channel.h"
#include "compat.h"

/*
 * What is there is given out before bad news: messages that arrived before a
 * hang-up can be read.
 */
static int wait_outcome(struct kucomms_channel *channel, unsigned int wanted)
{
	int err = kucomms_channel_error(channel);
	unsigned int events = kucomms_channel_events(channel) & wanted;

	if (err)
		events &= KUCOMMS_EVENT_DATA;
	return events ?: err;
}

static int wait_sleep(struct kucomms_channel *channel, unsigned int wanted,
		      ktime_t *deadline)
{
	DEFINE_WAIT(wait);
	int ret;

	for (;;) {
		/*
		 * Its barrier pairs with the one in kucomms_producer_must_ring()
		 * or kucomms_consumer_must_ring(): queue, then look; publish,
		 * then look at the queue.
		 */
		prepare_to_wait(&channel->wait, &wait, TASK_INTERRUPTIBLE);
		ret = wait_outcome(channel, wanted);
		if (ret)
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		if (!schedule_hrtimeout_range(deadline, 0, HRTIMER_MODE_ABS)) {
			ret = wait_outcome(channel, wanted) ?: -ETIMEDOUT;
			break;
		}
	}
	finish_wait(&channel->wait, &wait);
	return ret;
}

/* As abi.h says of KUCOMMS_IOC_WAIT. */
int kucomms_channel_wait(struct kucomms_channel *channel, unsigned int events,
			 s64 deadline)
{
	const unsigned int wanted = events & (KUCOMMS_EVENT_DATA |
					      KUCOMMS_EVENT_ROOM);
	ktime_t expires = ns_to_ktime(deadline);
	int ret;

	if (!wanted || (events & ~(wanted | KUCOMMS_EVENT_RING)))
		return -EINVAL;
	if (events & KUCOMMS_EVENT_RING) {
		ret = kucomms_channel_ring(channel);
		if (ret == -ERESTARTSYS)
			return ret;
	}
	ret = wait_outcome(channel, wanted);
	if (ret)
		return ret;
	return wait_sleep(channel, wanted, deadline < 0 ? NULL : &expires);
}
KC_EXPORT(kucomms_channel_wait);
