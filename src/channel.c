// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels: one open file each. This file has their state and the notification
 * of both sides, which all that is done with channels needs; attach.c has their
 * life.
 *
 * Who may use a channel, and until when:
 *  - the file's own calls (ioctl, mmap, poll, read, write): hold the file, and
 *    close comes from its release;
 *  - the endpoint's handlers, and what the module does between connect and
 *    disconnect: kc_channel_disconnect() ends that;
 *  - threads, interrupts and timers of the module that have a reference, from
 *    kucomms_accept() or kucomms_channel_get(): find the channel closed when it
 *    is no longer connected;
 *  - a netlink socket: holds the file until it is closed, and a reference;
 *  - a worker: takes a reference while the channel is in its list, which
 *    kc_channel_disconnect() ends;
 *  - kucomms_broadcast(), under RCU: the memory goes one grace period after
 *    the last reference, which is not put before the channel has left the
 *    endpoint's list;
 *  - the work of its calls: holds a reference;
 *  - the interrupt work that wakes the client, and the timer of its calls: the
 *    free work waits for them;
 *  - mappings: hold the file, and references to the pages.
 */
#include <linux/export.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "compat.h"
#include "functions.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static struct workqueue_struct *free_queue;

static void channel_last_put(struct kref *ref)
{
	struct kucomms_channel *channel =
		container_of(ref, struct kucomms_channel, ref);

	queue_rcu_work(free_queue, &channel->free_work);
}

struct kucomms_channel *kucomms_channel_get(struct kucomms_channel *channel)
{
	kref_get(&channel->ref);
	return channel;
}
EXPORT_SYMBOL_GPL(kucomms_channel_get);

/* Any context: the free work does everything that may sleep. */
void kucomms_channel_put(struct kucomms_channel *channel)
{
	if (channel)
		kref_put(&channel->ref, channel_last_put);
}
EXPORT_SYMBOL_GPL(kucomms_channel_put);

/*
 * Queues the work that ends calls, with a reference to the channel. If no
 * reference is left the channel has ended, and all its calls before, so there
 * is nothing to queue.
 */
void kc_channel_queue_calls(struct kucomms_channel *channel)
{
	if (!kref_get_unless_zero(&channel->ref))
		return;
	if (!queue_work(channel->endpoint->queue, &channel->calls.work))
		kucomms_channel_put(channel);
}

void kc_channel_wake_work(struct irq_work *work)
{
	struct kucomms_channel *channel =
		container_of(work, struct kucomms_channel, wake_work);

	wake_up_interruptible_all(&channel->wait);
	wake_up_interruptible_all(&channel->module_wait);
	/* Calls end with the channel. */
	if (READ_ONCE(channel->calls.given) && kc_channel_error(channel))
		kc_channel_queue_calls(channel);
}

/*
 * Tells whether this context may wake tasks. With interrupts off it may be
 * inside the scheduler, or under a lock that a wake-up takes; with PREEMPT_RT a
 * wake-up takes a lock that sleeps.
 */
static bool channel_may_wake(void)
{
	return !irqs_disabled() &&
	       (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

static void channel_wake(struct kucomms_channel *channel)
{
	if (likely(channel_may_wake()))
		wake_up_interruptible_all(&channel->wait);
	else
		irq_work_queue(&channel->wake_work);
}

/*
 * Wakes a client that sleeps for data. The caller has published data and
 * executed a full barrier, which also orders the look at the wait queue: see
 * wait_sleep().
 */
void kc_channel_wake_reader(struct kucomms_channel *channel)
{
	unsigned long flags;

	/* Ordered by the caller's barrier. */
	if (!waitqueue_active(&channel->wait))
		return;
	raw_spin_lock_irqsave(&channel->lock, flags);
	channel->counters.wakeups++;
	WRITE_ONCE(channel->polled, false);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	channel_wake(channel);
}
KC_EXPORT(kc_channel_wake_reader);

/*
 * Wakes a client that sleeps for room. The caller has made room and executed a
 * full barrier, as for kc_channel_wake_reader().
 */
void kc_channel_wake_writer(struct kucomms_channel *channel)
{
	unsigned long flags;

	/* Ordered by the caller's barrier. */
	if (!waitqueue_active(&channel->wait))
		return;
	raw_spin_lock_irqsave(&channel->lock, flags);
	channel->counters.wakeups++;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	channel_wake(channel);
}

/* Wakes both sides: the channel has left the state OPEN. */
static void channel_wake_both(struct kucomms_channel *channel)
{
	if (channel_may_wake())
		kc_channel_wake_work(&channel->wake_work);
	else
		irq_work_queue(&channel->wake_work);
}

/*
 * Lets the client send without ringing. A client of a channel that is no longer
 * open has to ring: the doorbell tells it so.
 */
void kc_channel_disarm(struct kucomms_channel *channel)
{
	kucomms_consumer_disarm(&channel->in);
	/* Pairs with channel_leave_open(): one of the two sees the other. */
	smp_mb();
	if (unlikely(READ_ONCE(channel->state) != KUCOMMS_STATE_OPEN))
		kucomms_store(&channel->in.own->need_data, KUCOMMS_NEED);
}

/* Takes the place of the message handler when a channel is no longer open. */
static int channel_refuse(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, void *priv)
{
	return -ESHUTDOWN;
}

/*
 * Takes the channel out of the state OPEN; the first caller sets the new state.
 * The private state decides; the copy in shared memory tells a client that
 * makes no system call, and need_data makes a client that only sends ring,
 * which tells it.
 */
static bool channel_leave_open(struct kucomms_channel *channel, u32 state)
{
	struct kucomms_control *control =
		channel->regions[KC_REGION_KERNEL_CONTROL].address;

	if (cmpxchg(&channel->state, KUCOMMS_STATE_OPEN, state) !=
	    KUCOMMS_STATE_OPEN)
		return false;
	/* Ends the turn that runs now; later turns look at the state. */
	WRITE_ONCE(channel->message, channel_refuse);
	/* A client that sees this state also sees what was published before. */
	smp_store_release(&control->state, state);
	/*
	 * cmpxchg() was a full barrier: pairs with kc_channel_disarm() and
	 * kucomms_call_start().
	 */
	kucomms_store(&control->need_data, KUCOMMS_NEED);
	channel_wake_both(channel);
	return true;
}

void kc_channel_hang_up(struct kucomms_channel *channel)
{
	channel_leave_open(channel, KUCOMMS_STATE_HANGUP);
}

/* Has an effect at most once for each channel, so it cannot flood a log. */
void kc_channel_break(struct kucomms_channel *channel,
		      enum kc_break_reason reason)
{
	u32 position = reason == KC_BREAK_POSITION ? channel->out.position :
						     channel->in.position;

	if (!channel_leave_open(channel, KUCOMMS_STATE_BROKEN))
		return;
	WRITE_ONCE(channel->counters.broken, 1);
	trace_kucomms_broken(channel->device->minor, channel->number, reason,
			     position);
}

/*
 * Tells whether a message is published at position @read of the client. The
 * client may lie about @read: then this reads other bytes of the ring, which
 * only the kernel writes, and the client wakes too early or too late.
 */
static bool channel_has_data(const struct kucomms_channel *channel, u32 read)
{
	const struct kucomms_producer *out = &channel->out;
	const struct kucomms_message *record =
		kucomms_record_at(out->data, out->mask,
				  read & ~(KUCOMMS_RECORD_ALIGN - 1));

	return smp_load_acquire(&record->control) != KUCOMMS_CONTROL_EMPTY;
}

/*
 * Returns those KUCOMMS_EVENT_* that are true. The client's control page says
 * what it has read and how much it wants to write.
 */
unsigned int kc_channel_events(struct kucomms_channel *channel)
{
	const struct kucomms_control *user =
		channel->regions[KC_REGION_USER_CONTROL].address;
	u32 need_data = READ_ONCE(user->need_data);
	u32 need_room = READ_ONCE(user->need_room);
	u32 read = need_data ?: READ_ONCE(user->position);
	unsigned int events = 0;

	if (channel_has_data(channel, read))
		events |= KUCOMMS_EVENT_DATA;
	if (!(need_room & KUCOMMS_NEED) ||
	    kucomms_consumer_has_room(&channel->in, need_room))
		events |= KUCOMMS_EVENT_ROOM;
	return events;
}

struct kucomms_endpoint *
kucomms_channel_endpoint(const struct kucomms_channel *channel)
{
	return channel->endpoint;
}
EXPORT_SYMBOL_GPL(kucomms_channel_endpoint);

unsigned int kucomms_channel_number(const struct kucomms_channel *channel)
{
	return channel->number;
}
EXPORT_SYMBOL_GPL(kucomms_channel_number);

const struct cred *kucomms_channel_cred(const struct kucomms_channel *channel)
{
	return channel->cred;
}
EXPORT_SYMBOL_GPL(kucomms_channel_cred);

struct pid *kucomms_channel_pid(const struct kucomms_channel *channel)
{
	return channel->pid;
}
EXPORT_SYMBOL_GPL(kucomms_channel_pid);

void kucomms_channel_set_priv(struct kucomms_channel *channel, void *priv)
{
	WRITE_ONCE(channel->head.priv, priv);
}
EXPORT_SYMBOL_GPL(kucomms_channel_set_priv);

u32 kucomms_channel_length_max(const struct kucomms_channel *channel)
{
	u32 most = KUCOMMS_LENGTH_MAX(channel->out.size);

	return channel->netlink ? min_t(u32, most, KUCOMMS_NETLINK_LENGTH_MAX) :
				 most;
}
EXPORT_SYMBOL_GPL(kucomms_channel_length_max);

/*
 * Loads the client's position first: a message that is sent meanwhile counts as
 * used, so @used is never too small. If the client lies about its position
 * @used is wrong, but within bounds, and the kernel does not depend on it.
 */
void kucomms_channel_get_space(const struct kucomms_channel *channel,
			       struct kucomms_space *space)
{
	const struct kucomms_producer *out = &channel->out;
	const u32 capacity = kucomms_ring_capacity(out->size);
	const u32 released = kucomms_load_acquire(&out->remote->position);

	memset(space, 0, sizeof(*space));
	space->in_size = channel->in.size;
	space->out_size = out->size;
	space->used = min(READ_ONCE(out->position) - released, capacity);
	space->free = capacity - space->used;
}
EXPORT_SYMBOL_GPL(kucomms_channel_get_space);

void kucomms_channel_set_topics(struct kucomms_channel *channel, u32 topics)
{
	WRITE_ONCE(channel->topics, topics);
}
EXPORT_SYMBOL_GPL(kucomms_channel_set_topics);

u32 kucomms_channel_topics(const struct kucomms_channel *channel)
{
	return READ_ONCE(channel->topics);
}
EXPORT_SYMBOL_GPL(kucomms_channel_topics);

int kc_channel_init(void)
{
	free_queue = alloc_workqueue("kucomms_free", WQ_UNBOUND, 0);
	return free_queue ? 0 : -ENOMEM;
}

/* All channels have been freed. */
void kc_channel_uninit(void)
{
	destroy_workqueue(free_queue);
}
