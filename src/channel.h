/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_CHANNEL_H
#define KUCOMMS_SRC_CHANNEL_H

#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <kucomms/module.h>
#include <kucomms/ring.h>

#include "call.h"
#include "device.h"
#include "netlink.h"
#include "region.h"
#include "turn.h"

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

/*
 * Far enough apart for the largest ring, mapped twice. A 32-bit kernel lets
 * drivers map offsets below 4 GiB only, and has no address space for rings that
 * would need more than this.
 */
#define KUCOMMS_REGION_SHIFT	(BITS_PER_LONG == 32 ? 30 : 32)

/* How the other end of a channel is used. */
enum kucomms_manner {
	KUCOMMS_DETACHED,
	KUCOMMS_MAPPED,		/* by a process that sees the rings */
	KUCOMMS_COPIED,		/* by read() and write() */
	KUCOMMS_BRIDGED,	/* by datagrams of netlink */
};

struct file;
struct iov_iter;
struct kucomms_endpoint;
struct kucomms_plain;
struct kucomms_server;

/**
 * struct kucomms_channel - one open file of a device
 * @head:        what the module's inline functions know
 * @ref:         held by the file, by callers of kucomms_accept() and
 *               kucomms_channel_get(), and for a moment by a server
 * @device:      holds a reference
 * @cred:        of who opened the file
 * @endpoint:    set by attach; holds a reference
 * @attach_lock: one attach at a time
 * @manner:      the rest is there unless DETACHED; stored with release, loaded
 *               with acquire
 * @connected:   the endpoint knows it; changed under @turn and the endpoint's
 * @number:      of the channel on its device
 * @numbered:    no other channel may have @number; under the endpoint's turn
 * @stopping:    kucomms_unregister() has looked at the channel; under the
 *               endpoint's turn
 * @pid:         the process that attached
 *
 * @turn:        who may call the message handler: the endpoint's turn or, if
 *               the handler is safe per channel, @own_turn. What is "under the
 *               turn" below is under this one
 * @queueing:    held by the one of the client's tasks that waits for the turn
 * @message:     the endpoint's message handler or, when the channel has called,
 *               kucomms_calls_message(), which looks for answers first, or,
 *               over netlink, kc_netlink_ops.message, which calls that;
 *               when the channel is no longer open, one that refuses
 * @in:          the ring towards the kernel; under the turn or, without a
 *               message handler, the receiver's
 * @glanced:     the position in @in where the receiving thread last looked
 *               whether it is to end
 * @releaser:    the thread that released something last, so that this thread
 *               can recognize itself
 * @copy:        where handlers see the data of a message, unless shared
 * @handler:     who is having the client's messages handled; under the turn
 * @awake:       the client need not ring; under the turn
 * @stalled:     the handler waits for room in @out; under the turn
 * @answered:    a handler has sent without @lock in this turn; under the turn
 * @to_tell:     in this turn the client has got room or an acknowledgement, for
 *               which it may sleep; under the turn
 *
 * @lock:        protects @out and the eight members below it
 * @out:         the ring towards the user
 * @wanted:      length of the last message of the message handler that found
 *               no room
 * @short_at:    the position in @in of the message that it was handling
 * @short_of_room: there has been one
 * @sent_glanced: the position in @out where a sending thread last looked whether
 *               it is to end
 * @room_length: length of the shortest message for which a sender other than
 *               the message handler had no room
 * @wants_room:  there has been such a message, so the room handler is to be
 *               called
 * @awaited:     @stalled or @wants_room is set
 * @calls:       those that wait for the client's answer
 *
 * @server:      the thread that serves the channel, if one does
 * @served:      in the server's list, while it looks; under the server's lock
 * @idle_since:  when the server first found nothing, in ns, or 0; the server's
 *
 * @shared:      somebody has sent to it with the lock and without the turn; noted
 *               on kernels with lockdep only
 * @topics:      which of the endpoint's broadcasts the client is sent
 * @unaccepted:  in the endpoint's list of those that kucomms_accept() has not
 *               given out yet; under the lock of its accept_wait
 * @module_wait: where the module's own threads sleep
 *
 * @plain:       the user's end of a channel that is COPIED
 * @netlink:     that of one that is BRIDGED; from before the module learns of
 *               the channel until nobody can send to it any more
 *
 * @polled:      somebody has found nothing in poll(), and wants to be woken
 * @state:       KUCOMMS_STATE_*, leaves OPEN once; the shared page has a copy
 * @wait:        where the client sleeps
 * @wake_work:   wakes it from contexts that cannot
 * @peers:       in the endpoint's list; under the endpoint's turn, read under RCU
 * @siblings:    in the device's list; under kucomms_registry_lock
 * @close_work:  ends the channel when a kernel thread, which cannot wait, has
 *               closed the file
 * @free_work:   frees everything, when neither kucomms_broadcast() nor a server
 *               can see it
 * @counters:    doorbells, messages_to_kernel and late_answers under the turn,
 *               all others under @lock
 */
struct kucomms_channel {
	struct kucomms_channel_head head;
	struct kref ref;
	struct kucomms_device *device;
	const struct cred *cred;
	struct kucomms_endpoint *endpoint;
	struct mutex attach_lock;
	enum kucomms_manner manner;
	bool connected;
	unsigned int number;
	bool numbered;
	bool stopping;
	struct pid *pid;

	struct kucomms_turn *turn;
	struct mutex queueing;
	int (*message)(struct kucomms_channel *channel,
		       const struct kucomms_message *message,
		       const void *data, void *priv);
	struct kucomms_consumer in;
	u32 glanced;
	struct task_struct *releaser;
	void *copy;
	struct task_struct *handler;
	bool awake;
	bool stalled;
	bool answered;
	bool to_tell;

	raw_spinlock_t lock;
	struct kucomms_producer out;
	u32 wanted;
	u32 short_at;
	bool short_of_room;
	u32 sent_glanced;
	u32 room_length;
	bool wants_room;
	bool awaited;
	struct kucomms_calls calls;

	bool polled;
	u32 state;
	wait_queue_head_t wait;
	struct kucomms_counters counters;

	struct kucomms_server *server;
	struct list_head served;
	u64 idle_since;

	bool shared;
	u32 topics;
	struct list_head unaccepted;
	wait_queue_head_t module_wait;

	struct kucomms_plain *plain;
	struct kc_netlink *netlink;
	struct irq_work wake_work;
	struct list_head peers;
	struct list_head siblings;
	struct work_struct close_work;
	struct rcu_work free_work;
	struct kucomms_turn own_turn;
	struct kucomms_region regions[KUCOMMS_REGIONS];
};

/* channel.c: state, notification */
int kucomms_channel_init(void);
void kucomms_channel_uninit(void);
void kucomms_channel_queue_calls(struct kucomms_channel *channel);
void kucomms_channel_wake_work(struct irq_work *work);
void kucomms_channel_disarm(struct kucomms_channel *channel);
void kucomms_channel_hang_up(struct kucomms_channel *channel);
void kucomms_channel_break(struct kucomms_channel *channel,
			   enum kucomms_why why);
void kucomms_channel_wake_reader(struct kucomms_channel *channel);
void kucomms_channel_wake_writer(struct kucomms_channel *channel);
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

/*
 * Tells whether the room handler waits to be called and the client has released
 * something since the producer last looked. The answer is only a hint.
 */
static inline bool kucomms_channel_has_room(const struct kucomms_channel *channel)
{
	return unlikely(READ_ONCE(channel->wants_room)) &&
	       READ_ONCE(channel->out.peer->position) !=
		       READ_ONCE(channel->out.released);
}

/* attach.c */
int kucomms_attach_init(void);
void kucomms_attach_uninit(void);
struct kucomms_channel *kucomms_channel_create(struct kucomms_device *device,
					       const struct cred *cred);
void kucomms_channel_close(struct kucomms_channel *channel);
int kucomms_channel_attach(struct kucomms_channel *channel,
			   struct kucomms_attach *attach,
			   enum kucomms_manner manner,
			   const struct kc_netlink_ops *netlink);

/* client.c */
int kucomms_channel_connect(struct kucomms_channel *channel);
void kucomms_channel_detach(struct kucomms_channel *channel);
void kucomms_channel_give_number(struct kucomms_channel *channel);

/* dispatch.c */
int kucomms_channel_dispatch(struct kucomms_channel *channel, bool wipe);
void kucomms_channel_stay_awake(struct kucomms_channel *channel, bool awake);

/* send.c */
int kucomms_channel_put_message(struct kucomms_channel *channel,
				const struct kucomms_message *message,
				const void *data);
void kucomms_channel_notify(struct kucomms_channel *channel);
void kucomms_channel_flush_locked(struct kucomms_channel *channel);
bool kucomms_channel_stall(struct kucomms_channel *channel);
void kucomms_channel_unstall(struct kucomms_channel *channel);
bool kucomms_channel_find_room(struct kucomms_channel *channel);

/* receive.c */
int kucomms_sync_sleep(const struct kucomms_endpoint *endpoint, long *timeout);
void kucomms_sync_call(struct kucomms_channel *channel);
int kucomms_sync_glance(bool may_sleep);
int kucomms_sync_wait_room(struct kucomms_channel *channel, u32 length,
			   long timeout);

/* doorbell.c */
int kucomms_channel_doorbell(struct kucomms_channel *channel);
int kucomms_channel_ring(struct kucomms_channel *channel);
int kucomms_channel_wait(struct kucomms_channel *channel, unsigned int events,
			 s64 deadline);

/* plain.c */
int kucomms_plain_create(struct kucomms_channel *channel);
void kucomms_plain_destroy(struct kucomms_channel *channel);
ssize_t kucomms_plain_write(struct kucomms_channel *channel,
			    struct iov_iter *from, bool nonblocking);
ssize_t kucomms_plain_read(struct kucomms_channel *channel,
			   struct iov_iter *to, bool nonblocking);

/* file.c */
struct kucomms_channel *kucomms_file_channel(const struct file *file);
extern const struct file_operations kucomms_file_operations;
int kucomms_file_init(void);
void kucomms_file_uninit(void);

#endif
