// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system calls of a client: ring, to have its messages handled, and wait,
 * for an answer or for room.
 */
#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "functions.h"

/*
 * Waits for the turn. The threads of one client first wait for one another, so
 * that each client has one place in the queue.
 */
static noinline int doorbell_wait(struct kucomms_channel *channel)
{
	int err;

	if (mutex_lock_killable(&channel->queue_lock))
		return -EINTR;
	err = kc_turn_lock_killable(channel->turn);
	mutex_unlock(&channel->queue_lock);
	return err;
}

/* Adaptive dispatch: the message handler runs in the client's own call. */
static inline int doorbell_dispatch(struct kucomms_channel *channel)
{
	enum kc_dispatched ended;
	int ret;

	if (unlikely(!kc_turn_trylock(channel->turn)) &&
	    doorbell_wait(channel))
		return -EINTR;
	/*
	 * Checked under the turn, which kc_channel_disconnect() takes. The
	 * state alone is not enough: it may change a little later.
	 */
	ret = kc_channel_error(channel);
	if (likely(!ret && channel->connected &&
		   !READ_ONCE(channel->endpoint->dead))) {
		channel->counters.doorbells++;
		ended = kc_channel_dispatch(channel, false);
		if (unlikely(ended == KC_MORE))
			ret = 1;
		/*
		 * The channel was broken, or hung up while the handler ran, so
		 * that the handler failed.
		 */
		else if (unlikely(ended == KC_BROKEN))
			ret = kc_channel_error(channel);
	}
	kc_turn_unlock(channel->turn);
	return ret;
}

/*
 * Other dispatch: wakes the worker or the module's thread that reads the
 * messages.
 */
static int doorbell_wake(struct kucomms_channel *channel)
{
	int err = kc_channel_error(channel);

	if (err)
		return err;
	if (channel->endpoint->ops.message)
		kc_channel_wake_worker(channel);
	else
		kc_channel_wake_module(channel);
	return 0;
}

/*
 * Handles a doorbell: the client has published messages, or made room. Returns
 * 1 if it should ring again, 0 if not, or the channel's error.
 */
int kc_channel_doorbell(struct kucomms_channel *channel)
{
	if (likely(READ_ONCE(channel->endpoint->adaptive)))
		return doorbell_dispatch(channel);
	return doorbell_wake(channel);
}
KC_EXPORT(kc_channel_doorbell);

/*
 * Rings until the endpoint has looked at all messages. A signal ends this after
 * one more turn, in which the endpoint tells the client of all the room that it
 * has made. Returns 0, -ERESTARTSYS or the channel's error.
 */
int kc_channel_ring(struct kucomms_channel *channel)
{
	bool last;
	int ret;

	do {
		last = signal_pending(current);
		ret = kc_channel_doorbell(channel);
		cond_resched();
	} while (ret > 0 && !last);
	return ret > 0 || ret == -EINTR ? -ERESTARTSYS : ret;
}

/*
 * Data is reported before an error: messages that arrived before a hang-up can
 * be read.
 */
static int wait_outcome(struct kucomms_channel *channel, unsigned int wanted)
{
	int err = kc_channel_error(channel);
	unsigned int events = kc_channel_events(channel) & wanted;

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

/* Waits as abi.h says of KUCOMMS_IOC_WAIT. */
int kc_channel_wait(struct kucomms_channel *channel, unsigned int events,
		    s64 deadline)
{
	const unsigned int wanted = events & (KUCOMMS_EVENT_DATA |
					      KUCOMMS_EVENT_ROOM);
	ktime_t expires = ns_to_ktime(deadline);
	int ret;

	if (!wanted || (events & ~(wanted | KUCOMMS_EVENT_RING)))
		return -EINVAL;
	if (events & KUCOMMS_EVENT_RING) {
		ret = kc_channel_ring(channel);
		if (ret == -ERESTARTSYS)
			return ret;
	}
	ret = wait_outcome(channel, wanted);
	if (ret)
		return ret;
	return wait_sleep(channel, wanted, deadline < 0 ? NULL : &expires);
}
KC_EXPORT(kc_channel_wait);
