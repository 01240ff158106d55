/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_TYPES_H
#define KUCOMMS_SRC_TYPES_H

/*
 * The structures of kucomms.ko, from the lowest layer to the highest, and which
 * of them points at which:
 *
 *	open file
 *	    |
 *	    v
 *	channel ----> device ----> endpoint	each holds a reference; a device has
 *	   | |			    ^  |	an endpoint while its name is
 *	   | `----------------------'  v	registered
 *	   +--------------------> workers[]
 *	   |
 *	   +--> turn		the endpoint's, or own_turn if channels are parallel
 *	   +--> calls		struct kucomms_call of the module, which point back
 *	   `--> rw, netlink	the other end of both rings, if not the client but
 *				rw.c or kucomms_netlink.ko has it
 *
 * Lists of channels: device->attached by device_node, endpoint->channels by
 * endpoint_node, endpoint->unaccepted by accept_node, worker->channels by
 * worker_node.
 *
 * Locks, each of which may be taken while those before it in its line are held:
 *
 *	manage_lock (device.c), kc_registry_lock, worker->lock
 *	channel->attach_lock, channel->own_turn, endpoint->turn,
 *		kc_registry_lock
 *	send_lock or receive_lock of rw and netlink, channel->queue_lock, turn,
 *		channel->lock, endpoint->runs_lock
 *	endpoint->turn, endpoint->accept_wait.lock
 *	turn, worker->lock
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/timerqueue.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <kucomms/abi.h>
#include <kucomms/module.h>
#include <kucomms/ring.h>

struct cpumask;
struct kucomms_channel;
struct kucomms_endpoint;
struct kc_rw;
struct page;
struct task_struct;

/* ---- single purposes: region.c, name.c, tuning.c, turn.h */

/**
 * struct kc_region - pages that the kernel and one process share
 * @address: where the kernel sees them
 * @pages:   in the order in which both sides see them
 * @count:   of @pages; a ring's pages stand there twice
 * @unique:  how many different pages there are, the first of @pages
 */
struct kc_region {
	void *address;
	struct page **pages;
	unsigned int count;
	unsigned int unique;
};

/* A device's full name, "kucomms_NAME". */
struct kc_name {
	char text[KUCOMMS_NAME_MAX + 1];
};

/**
 * struct kc_tuning - what the administrator wants of an endpoint
 * @dispatch:     where the message handler runs
 * @poll_idle_us: of KUCOMMS_DISPATCH_POLL; 0: what the module wants
 * @cpus:         for the threads, allocated; NULL: what the module wants
 */
struct kc_tuning {
	enum kucomms_dispatch dispatch;
	unsigned int poll_idle_us;
	struct cpumask *cpus;
};

/* The longest that a polling thread may go on without a message. */
#define KC_POLL_IDLE_MAX_US	1000000u

/**
 * struct kc_turn - the right to run handlers: one task at a time
 * @mutex:   the task that holds it has the turn
 * @waiting: how many tasks wait for it
 * @holder:  the task that has the turn, so that this task can recognize itself
 *
 * A mutex and no rt_mutex, on purpose. Tasks that wait for it can be killed on
 * every kernel, it is handed over to the task that has waited longest as soon
 * as that task has run once and found it taken, and no client gets the priority
 * of another, except with PREEMPT_RT, where every mutex lends it.
 */
struct kc_turn {
	struct mutex mutex;
	atomic_t waiting;
	struct task_struct *holder;
};

/* ---- what the module has asked a client: call.c */

/**
 * struct kc_calls - what the module has asked a client and waits for
 * @base:      the id of the first call
 * @given:     how many ids have been given out; also read without the lock
 * @over:      the client has gone: no more calls
 * @by_number: those that wait for an answer
 * @deadlines: the same, in jiffies, KTIME_MAX: none
 * @timer:     goes off at the first of @deadlines, or before
 * @work:      ends those that are due, or all if the channel is no longer open
 *
 * Protected by the channel's lock, but for @base, which does not change while
 * anybody calls.
 */
struct kc_calls {
	u64 base;
	u64 given;
	bool over;
	struct rb_root by_number;
	struct timerqueue_head deadlines;
	struct timer_list timer;
	struct work_struct work;
};

/* ---- endpoints and their threads: worker.c, endpoint.c, client.c */

/**
 * struct kc_worker - a thread of an endpoint
 * @endpoint: whose handlers it runs
 * @index:    which of the endpoint's threads it is
 * @lock:     protects the rest
 * @task:     the thread; NULL before it is started and after it is stopped; may
 *            also be read under RCU
 * @channels: those that it looks at, whose turn is next first
 */
struct kc_worker {
	struct kucomms_endpoint *endpoint;
	unsigned int index;
	spinlock_t lock;
	struct task_struct *task;
	struct list_head channels;
};

/*
 * Time for which threads poll before they sleep: about the cost of being put to
 * sleep and woken.
 */
#define KC_SPIN_NS	(20 * NSEC_PER_USEC)

/**
 * struct kucomms_endpoint - the kernel side of a device
 * @ref:        held by the module that registered it, by the device of that
 *              name, by every channel that was attached to it, until the
 *              channel is freed, and by every thread in kucomms_accept()
 * @registry_node: in the table of endpoints, until kucomms_unregister()
 * @name:       of the device it serves
 * @ops:        a copy of the module's; no handler is called when @dead
 * @priv:       the module's own
 * @owner:      the module
 * @turn:       held while a handler runs: they never run at the same time
 * @dead:       unregistered; set without @turn, so that turns end early, and
 *              final for whoever has it
 * @channels:   the connected ones; changed under @turn, read under RCU
 * @unaccepted: those that kucomms_accept() has not given out; under the lock of
 *              @accept_wait
 * @accept_wait: where it waits for more
 * @queue:      for the work of calls and of clients that come by netlink; a
 *              queue of its own, since that work waits for handlers
 * @runs_lock:  protects @runs; inside a channel's lock
 * @runs:       the calls whose done() runs now
 * @run_ended:  where kucomms_call_cancel() waits for a done() to end
 *
 * @dispatch:   where the message handler runs now; read without a lock
 * @adaptive:   doorbells call it; likewise
 * @poll_idle_us: after how much time a polling thread gives up; likewise
 * @cpus:       where the threads may run, NULL: anywhere
 * @own_cpus:   what the module wanted
 * @threads:    how many @workers there are
 * @workers:    the threads; channel N belongs to number N modulo @threads, and
 *              the first runs the work and timer handlers, too
 *
 * @work_wanted: the work handler is to be called
 * @wake_work:  wakes the thread that calls it
 *
 * What the administrator may tune is written under kc_registry_lock.
 */
struct kucomms_endpoint {
	struct kref ref;
	struct hlist_node registry_node;
	struct kc_name name;
	struct kucomms_ops ops;
	void *priv;
	struct module *owner;
	struct kc_turn turn;
	bool dead;
	struct list_head channels;
	struct list_head unaccepted;
	wait_queue_head_t accept_wait;
	struct workqueue_struct *queue;
	raw_spinlock_t runs_lock;
	struct list_head runs;
	wait_queue_head_t run_ended;

	enum kucomms_dispatch dispatch;
	bool adaptive;
	unsigned int poll_idle_us;
	struct cpumask *cpus;
	struct cpumask *own_cpus;
	unsigned int threads;
	struct kc_worker *workers;

	u32 work_wanted;
	struct irq_work wake_work;
};

/* ---- devices: device.c */

/* What a channel has done, and what all that are gone did. */
struct kc_counters {
	u64 messages_to_kernel;
	u64 messages_to_user;
	u64 doorbells;		/* calls that rang */
	u64 wakeups;		/* sleeping clients woken */
	u64 thread_wakeups;	/* sleeping threads of the endpoint woken */
	u64 to_user_full;	/* sends that found no room */
	u64 late_answers;	/* answers to calls that had ended */
	u64 broken;		/* channels that broke the rules */
};

/**
 * struct kc_limits - what clients of a device may have
 * @channels_max:  channels at a time
 * @ring_size:     bytes of a ring, if the client does not say
 * @ring_size_max: most bytes that a client may ask for
 */
struct kc_limits {
	unsigned int channels_max;
	unsigned int ring_size;
	unsigned int ring_size_max;
};

/**
 * struct kc_device - /dev/kucomms_NAME
 * @dev:      holds the reference count: one for the table of devices until the
 *            device is removed, one for each open file
 * @registry_node: in the table of devices
 * @name:     dev_name(), as a key
 * @minor:    number in the region of device numbers
 * @limits:   never change
 * @tuning:   what the administrator wants of the endpoint
 * @removed:  it is out of the tables; also read without the lock
 * @endpoint: the kernel side, if a module has registered the name; holds a
 *            reference
 * @opens:    how many files are open
 * @attached: the channels of those that are attached
 * @numbers:  of @attached
 * @past:     counters of channels that are closed
 *
 * What changes is protected by kc_registry_lock, but for @numbers.
 */
struct kc_device {
	struct device dev;
	struct hlist_node registry_node;
	struct kc_name name;
	u32 minor;
	struct kc_limits limits;
	struct kc_tuning tuning;
	bool removed;
	struct kucomms_endpoint *endpoint;
	unsigned int opens;
	struct list_head attached;
	struct ida numbers;
	struct kc_counters past;
};

static inline struct kc_device *to_kc_device(struct device *dev)
{
	return container_of(dev, struct kc_device, dev);
}

/* ---- channels */

/* In the order of their mmap offsets. */
enum kc_region_index {
	KC_REGION_USER_CONTROL,
	KC_REGION_KERNEL_CONTROL,
	KC_REGION_TO_KERNEL,
	KC_REGION_TO_USER,
	KC_REGIONS
};

/*
 * Far enough apart for the largest ring, mapped twice. A 32-bit kernel lets
 * drivers map offsets below 4 GiB only, and has no address space for rings that
 * would need more than this.
 */
#define KC_REGION_SHIFT	(BITS_PER_LONG == 32 ? 30 : 32)

/* How a channel's turn ended. */
enum kc_dispatched {
	KC_DONE,	/* no message is left */
	KC_MORE,	/* there may be more messages */
	KC_REFUSED,	/* the message handler wants its message again later */
	KC_BROKEN,	/* the channel is broken */
};

/* What a channel can be broken for. */
enum kc_break_reason {
	KC_BREAK_RECORD,	/* what the client published is no record */
	KC_BREAK_POSITION,	/* it released what it was never given */
	KC_BREAK_HANDLER,	/* the message handler said so */
};

/* How the other end of a channel is used. */
enum kc_transport {
	KC_DETACHED,
	KC_MAPPED,		/* by a process that sees the rings */
	KC_COPIED,		/* by read() and write() */
	KC_NETLINK,	/* by datagrams of netlink */
};

/**
 * struct kucomms_channel - one open file of a device
 * @head:        what the module's inline functions know
 * @ref:         held by the file, by callers of kucomms_accept() and
 *               kucomms_channel_get(), and for a moment by a worker
 * @device:      holds a reference
 * @cred:        of who opened the file
 * @endpoint:    set by attach; holds a reference
 * @attach_lock: one attach at a time
 * @transport:   the rest is there unless DETACHED; stored with release, loaded
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
 * @queue_lock:  held by the one of the client's tasks that waits for the turn
 * @message:     the endpoint's message handler or, when the channel has called,
 *               kc_calls_message(), which looks for answers first, or,
 *               over netlink, kc_netlink_ops.message, which calls that;
 *               when the channel is no longer open, one that refuses
 * @in:          the ring towards the kernel; under the turn or, without a
 *               message handler, the receiver's
 * @in_yielded:  the position in @in where the receiving thread last looked
 *               whether it is to end
 * @releaser:    the thread that released something last, so that this thread
 *               can recognize itself
 * @copy:        where handlers see the data of a message, unless shared
 * @handler:     who is having the client's messages handled; under the turn
 * @awake:       the client need not ring; under the turn
 * @stalled:     the handler waits for room in @out; under the turn
 * @replied:     a handler has sent without @lock in this turn; under the turn
 * @must_notify: in this turn the client has got room or an acknowledgement, for
 *               which it may sleep; under the turn
 *
 * @lock:        protects @out and the eight members below it
 * @out:         the ring towards the user
 * @stall_length: length of the last message of the message handler that found
 *               no room
 * @stall_position: the position in @in of the message that it was handling
 * @stall_noted: there has been one
 * @out_yielded: the position in @out where a sending thread last looked
 *               whether it is to end
 * @room_length: length of the shortest message for which a sender other than
 *               the message handler had no room
 * @wants_room:  there has been such a message, so the room handler is to be
 *               called
 * @awaited:     @stalled or @wants_room is set
 * @calls:       those that wait for the client's answer
 *
 * @worker:      the thread that serves the channel, if one does
 * @worker_node: in the worker's list, while it looks; under the worker's lock
 * @idle_since:  when the worker first found nothing, in ns, or 0; the worker's
 *
 * @shared:      somebody has sent to it with the lock and without the turn;
 *               noted on kernels with lockdep only
 * @topics:      which of the endpoint's broadcasts the client is sent
 * @accept_node: in the endpoint's list of those that kucomms_accept() has not
 *               given out yet; under the lock of its accept_wait
 * @module_wait: where the module's own threads sleep
 *
 * @rw:          the user's end of a channel that is COPIED
 * @netlink:     that of one that is NETLINK; from before the module learns of
 *               the channel until nobody can send to it any more
 *
 * @polled:      somebody has found nothing in poll(), and wants to be woken
 * @state:       KUCOMMS_STATE_*, leaves OPEN once; the shared page has a copy
 * @wait:        where the client sleeps
 * @wake_work:   wakes it from contexts that cannot
 * @endpoint_node: in the endpoint's list; under the endpoint's turn, read under
 *               RCU
 * @device_node: in the device's list; under kc_registry_lock
 * @close_work:  ends the channel when a kernel thread, which cannot wait, has
 *               closed the file
 * @free_work:   frees everything, when neither kucomms_broadcast() nor a worker
 *               can see it
 * @counters:    doorbells, messages_to_kernel and late_answers under the turn,
 *               all others under @lock
 */
struct kucomms_channel {
	struct kucomms_channel_head head;
	struct kref ref;
	struct kc_device *device;
	const struct cred *cred;
	struct kucomms_endpoint *endpoint;
	struct mutex attach_lock;
	enum kc_transport transport;
	bool connected;
	unsigned int number;
	bool numbered;
	bool stopping;
	struct pid *pid;

	struct kc_turn *turn;
	struct mutex queue_lock;
	int (*message)(struct kucomms_channel *channel,
		       const struct kucomms_message *message,
		       const void *data, void *priv);
	struct kucomms_consumer in;
	u32 in_yielded;
	struct task_struct *releaser;
	void *copy;
	struct task_struct *handler;
	bool awake;
	bool stalled;
	bool replied;
	bool must_notify;

	raw_spinlock_t lock;
	struct kucomms_producer out;
	u32 stall_length;
	u32 stall_position;
	bool stall_noted;
	u32 out_yielded;
	u32 room_length;
	bool wants_room;
	bool awaited;
	struct kc_calls calls;

	bool polled;
	u32 state;
	wait_queue_head_t wait;
	struct kc_counters counters;

	struct kc_worker *worker;
	struct list_head worker_node;
	u64 idle_since;

	bool shared;
	u32 topics;
	struct list_head accept_node;
	wait_queue_head_t module_wait;

	struct kc_rw *rw;
	struct kc_netlink *netlink;
	struct irq_work wake_work;
	struct list_head endpoint_node;
	struct list_head device_node;
	struct work_struct close_work;
	struct rcu_work free_work;
	struct kc_turn own_turn;
	struct kc_region regions[KC_REGIONS];
};

#endif
