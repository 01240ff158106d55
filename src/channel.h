/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_CHANNEL_H
#define KUCOMMS_SRC_CHANNEL_H

#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <kucomms/module.h>
#include <kucomms/ring.h>

#include "device.h"
#include "region.h"

/* In the order of their mmap offsets. */
enum kucomms_region_index {
	KUCOMMS_REGION_USER_CONTROL,
	KUCOMMS_REGION_KERNEL_CONTROL,
	KUCOMMS_REGION_TO_KERNEL,
	KUCOMMS_REGION_TO_USER,
	KUCOMMS_REGIONS
};

/* What a channel can be broken for. */
enum kucomms_why {
	KUCOMMS_WHY_RECORD,	/* what the client published is no record */
	KUCOMMS_WHY_POSITION,	/* it released what it was never given */
	KUCOMMS_WHY_HANDLER,	/* the message handler said so */
};

/* Far enough apart for the largest ring, mapped twice. */
#define KUCOMMS_REGION_SHIFT	32

/**
 * struct kucomms_channel - one open file of a device
 * @device:      holds a reference
 * @endpoint:    set by attach; holds a reference
 * @attach_lock: one attach at a time
 * @attached:    the rest is there; stored with release, loaded with acquire
 * @connected:   the endpoint knows it; under the endpoint's turn
 * @number:      of the channel on its device
 *
 * @in:          the ring towards the kernel; under the endpoint's turn
 * @copy:        where handlers see the data of a message, unless shared
 * @turn:        who is having the client's messages handled; under the turn
 * @stalled:     the handler waits for room in @out; under the turn
 * @answered:    a handler has sent without @lock in this turn; under the turn
 *
 * @lock:        protects @out and the five below it
 * @out:         the ring towards the user
 * @published:   its position as far as the client can see; read without @lock
 * @wanted:      length of the last message of the message handler that found
 *               no room
 * @short_of_room: there was one since the handler was called
 *
 * @polled:      somebody has found nothing in poll(), and wants to be woken
 * @state:       KUCOMMS_STATE_*, leaves OPEN once; the shared page has a copy
 * @wait:        where the client sleeps
 * @wake_work:   wakes it from contexts that cannot
 * @peers:       in the endpoint's list; under the turn, read under RCU
 * @siblings:    in the device's list; under kucomms_registry_lock
 * @free_work:   frees everything, when no kucomms_broadcast() can see it
 * @counters:    doorbells and messages_to_kernel under the turn, others @lock
 * @priv:        the module's own
 */
struct kucomms_channel {
	struct kucomms_device *device;
	struct kucomms_endpoint *endpoint;
	struct mutex attach_lock;
	bool attached;
	bool connected;
	unsigned int number;

	struct kucomms_consumer in;
	void *copy;
	struct task_struct *turn;
	bool stalled;
	bool answered;

	raw_spinlock_t lock;
	struct kucomms_producer out;
	u32 published;
	u32 wanted;
	bool short_of_room;

	bool polled;
	u32 state;
	wait_queue_head_t wait;
	struct irq_work wake_work;
	struct list_head peers;
	struct list_head siblings;
	struct rcu_work free_work;
	struct kucomms_counters counters;
	void *priv;
	struct kucomms_region regions[KUCOMMS_REGIONS];
};

/* channel.c: life, state, notification */
int kucomms_channel_init(void);
void kucomms_channel_uninit(void);
struct kucomms_channel *kucomms_channel_create(struct kucomms_device *device);
void kucomms_channel_destroy(struct kucomms_channel *channel);
void kucomms_channel_hang_up(struct kucomms_channel *channel);
void kucomms_channel_break(struct kucomms_channel *channel,
			   enum kucomms_why why);
void kucomms_channel_wake(struct kucomms_channel *channel);
unsigned int kucomms_channel_events(struct kucomms_channel *channel);

/* What every call on a channel that is no longer open comes back with. */
static inline int kucomms_channel_error(const struct kucomms_channel *channel)
{
	/* Pairs with channel_leave_open(). */
	u32 state = smp_load_acquire(&channel->state);

	if (likely(state == KUCOMMS_STATE_OPEN))
		return 0;
	return state == KUCOMMS_STATE_HANGUP ? -ESHUTDOWN : -EPROTO;
}

/* attach.c */
int kucomms_channel_attach(struct kucomms_channel *channel,
			   struct kucomms_attach *attach);
void kucomms_channel_detach(struct kucomms_channel *channel);

/* dispatch.c */
int kucomms_channel_doorbell(struct kucomms_channel *channel);

/* send.c */
void kucomms_channel_flush(struct kucomms_channel *channel);
void kucomms_channel_flush_unlocked(struct kucomms_channel *channel);
bool kucomms_channel_stall(struct kucomms_channel *channel);
void kucomms_channel_unstall(struct kucomms_channel *channel);

/* wait.c */
int kucomms_channel_wait(struct kucomms_channel *channel, unsigned int events,
			 s64 deadline);

/* main.c: module parameters */
extern unsigned int kucomms_ring_size;
extern unsigned int kucomms_ring_size_max;
extern unsigned int kucomms_channels_max;
extern unsigned int kucomms_devices_max;

/* file.c */
extern const struct file_operations kucomms_file_operations;

#endif
