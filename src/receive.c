// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving, by modules that own their threads: how these wait for a client, for
 * its messages and for room.
 */
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "functions.h"

/*
 * Sleeps, in the state and on the queue that the caller has prepared, unless
 * something ends the wait: kucomms_unregister(), kthread_stop(), a signal, or
 * the timeout.
 */
int kc_module_sleep(const struct kucomms_endpoint *endpoint, long *timeout)
{
	/* Pairs with kc_endpoint_stop(): dead, then wake. */
	if (READ_ONCE(endpoint->dead))
		return -ESHUTDOWN;
	if ((current->flags & PF_KTHREAD) && kthread_should_stop())
		return -EINTR;
	if (signal_pending(current))
		return -ERESTARTSYS;
	if (!*timeout)
		return -ETIMEDOUT;
	*timeout = schedule_timeout(*timeout);
	return 0;
}

/* The client rang: wakes the module's threads that wait for it. */
void kc_channel_wake_module(struct kucomms_channel *channel)
{
	/* Its barrier pairs with prepare_to_wait(): queue, then look. */
	bool asleep = wq_has_sleeper(&channel->module_wait);
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	channel->counters.doorbells++;
	channel->counters.thread_wakeups += asleep;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (asleep)
		wake_up_interruptible_all(&channel->module_wait);
}

/*
 * Tells the client what has been released, and wakes it if it waits for room.
 * Does nothing when the channel has come to its end: without new room a client
 * that still writes cannot keep the reader busy for longer than one ring.
 */
static void receive_tell(struct kucomms_channel *channel, bool told)
{
	if (kc_channel_error(channel))
		return;
	told |= kucomms_consumer_tell(&channel->in);
	if (told && kucomms_consumer_must_ring(&channel->in))
		kc_channel_wake_writer(channel);
}

/*
 * Gives way to other tasks, if the caller may sleep, and tells whether the
 * caller's thread is to end. A thread that never sleeps, because its client
 * sends or reads all the time, has to call this now and then.
 */
int kc_module_yield(bool may_sleep)
{
	if (may_sleep)
		cond_resched();
	if (!in_task())
		return 0;
	if ((current->flags & PF_KTHREAD) && kthread_should_stop())
		return -EINTR;
	return fatal_signal_pending(current) ? -ERESTARTSYS : 0;
}

/* Once per eighth of the ring. */
static int receive_yield(struct kucomms_channel *channel, bool may_sleep)
{
	const u32 position = channel->in.position;

	if (likely(position - channel->in_yielded < channel->in.share))
		return 0;
	channel->in_yielded = position;
	return kc_module_yield(may_sleep);
}

/*
 * Returns the next message, or -EAGAIN, and skips discarded records. Wipes each
 * record that it has read: otherwise a client could fill its ring once, and an
 * endless stream of messages would be read from it, lap after lap. The loop
 * skips no more than one ring, since nothing is released meanwhile.
 */
static int receive_next(struct kucomms_channel *channel,
			struct kucomms_message *message, const void **data)
{
	struct kucomms_consumer *in = &channel->in;
	u32 at;
	int ret;

	do {
		at = in->position;
		ret = kucomms_consumer_receive(in, message, data);
		if (ret == 1 || ret == -ENOMSG)
			kucomms_consumer_wipe(in, at);
	} while (ret == -ENOMSG);
	if (ret != -EPROTO)
		return ret ? 0 : -EAGAIN;
	kc_channel_break(channel, KC_BREAK_RECORD);
	return kc_channel_error(channel);
}

/*
 * Looks once more when there was nothing to read, after releasing what is not
 * needed any more. Reads the state before the last look, so that messages sent
 * before the state changed are received.
 */
static int receive_idle(struct kucomms_channel *channel,
			struct kucomms_message *message, const void **data)
{
	int state, err;

	receive_tell(channel, false);
	state = kc_channel_error(channel);
	err = receive_next(channel, message, data);
	return err == -EAGAIN && state ? state : err;
}

static void receive_spin(const struct kucomms_channel *channel)
{
	u64 end;

	if (num_online_cpus() == 1)
		return;
	end = ktime_get_ns() + KC_SPIN_NS;
	while (!kucomms_consumer_ready(&channel->in) && !need_resched() &&
	       ktime_get_ns() < end)
		cpu_relax();
}

/* Queues, arms, looks once more, sleeps: in this order no wake-up is lost. */
static int receive_wait(struct kucomms_channel *channel,
			struct kucomms_message *message, const void **data,
			int timeout_ms)
{
	long timeout = kc_module_timeout(timeout_ms);
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait(&channel->module_wait, &wait,
				TASK_INTERRUPTIBLE);
		kucomms_consumer_arm(&channel->in);
		err = receive_idle(channel, message, data);
		if (err != -EAGAIN)
			break;
		err = kc_module_sleep(channel->endpoint, &timeout);
		if (err)
			break;
	}
	finish_wait(&channel->module_wait, &wait);
	kc_channel_disarm(channel);
	return err;
}

int kucomms_receive(struct kucomms_channel *channel,
		    struct kucomms_message *message, const void **data,
		    int timeout_ms)
{
	int err;

	if (unlikely(channel->endpoint->ops.message))
		return -EINVAL;
	/*
	 * A client that goes on sending must not keep the module from
	 * unregistering.
	 */
	if (unlikely(READ_ONCE(channel->endpoint->dead)))
		return -ESHUTDOWN;
	err = receive_yield(channel, timeout_ms) ?:
	      receive_next(channel, message, data);
	if (err == -EAGAIN && timeout_ms)
		receive_spin(channel);
	if (err == -EAGAIN)
		err = receive_idle(channel, message, data);
	if (err == -EAGAIN && timeout_ms) {
		might_sleep();
		err = receive_wait(channel, message, data, timeout_ms);
	}
	if (err)
		return err;
	channel->counters.messages_to_kernel++;
	if (channel->copy)
		*data = memcpy(channel->copy, *data, message->length);
	return 0;
}
EXPORT_SYMBOL_GPL(kucomms_receive);

/*
 * Tells the client of the room once per eighth of the ring, and of all room
 * when nothing is left to read, as this may be the last release for a while.
 */
void kucomms_release(struct kucomms_channel *channel)
{
	struct kucomms_consumer *in = &channel->in;

	/* Pairs with kc_module_wait_room(). */
	WRITE_ONCE(channel->releaser, in_task() ? current : NULL);
	if (unlikely(kc_channel_error(channel)))
		WRITE_ONCE(in->done, in->position);
	else if (kucomms_consumer_release(in))
		receive_tell(channel, true);
	else if (kucomms_consumer_is_last(in))
		receive_tell(channel, false);
	if (channel->netlink)
		channel->netlink->ops->released(channel);
}
EXPORT_SYMBOL_GPL(kucomms_release);

/*
 * Returns 0 when there is room for @length bytes, or the channel's error. Takes
 * the lock: others may send at the same time.
 */
static int room_look(struct kucomms_channel *channel, u32 length)
{
	unsigned long flags;
	int err;

	raw_spin_lock_irqsave(&channel->lock, flags);
	err = kc_channel_error(channel) ?:
	      kucomms_producer_room(&channel->out, length);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	return err;
}

static void room_arm(struct kucomms_channel *channel, u32 length)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	kucomms_producer_arm(&channel->out, length);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

/* Waits until there is room for @length bytes. For one thread at a time. */
int kc_module_wait_room(struct kucomms_channel *channel, u32 length,
			long *timeout)
{
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait(&channel->module_wait, &wait,
				TASK_INTERRUPTIBLE);
		room_arm(channel, length);
		/*
		 * The client may itself wait for room that this thread makes.
		 */
		if (READ_ONCE(channel->releaser) == current)
			receive_tell(channel, false);
		err = room_look(channel, length);
		if (err != -EAGAIN)
			break;
		err = kc_module_sleep(channel->endpoint, timeout);
		if (err)
			break;
	}
	finish_wait(&channel->module_wait, &wait);
	kucomms_producer_disarm(&channel->out);
	return err;
}
