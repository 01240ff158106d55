// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending from the kernel to clients.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/rculist.h>
#include <linux/string.h>

#include "compat.h"
#include "functions.h"

/*
 * Tells whether the message handler sends to the client whose message it has.
 */
static bool send_is_handlers(const struct kucomms_channel *channel)
{
	return in_task() && channel->handler == current;
}

/*
 * Notes that a send of @length bytes failed. If the message handler sends, and
 * there is no room, it may want to be called again when there is.
 */
static void send_note_failure(struct kucomms_channel *channel, u32 length,
			      int err)
{
	if (err == -EPROTO)
		kc_channel_break(channel, KC_BREAK_POSITION);
	if (err != -EAGAIN)
		return;
	channel->counters.to_user_full++;
	if (send_is_handlers(channel)) {
		channel->stall_length = length;
		channel->stall_position = channel->in.position;
		channel->stall_noted = true;
	}
}

/*
 * Returns the record rather than storing it: a local whose address is taken
 * would be on the stack in the fast path, too.
 */
static noinline struct kucomms_message *
send_take_netlink(struct kucomms_channel *channel, u32 length)
{
	struct kucomms_message *record;
	int err;

	if (length > KUCOMMS_NETLINK_LENGTH_MAX)
		return ERR_PTR(-EMSGSIZE);
	err = kucomms_producer_reserve(&channel->out, length, &record);
	if (err)
		return ERR_PTR(err);
	channel->netlink->ops->reserved(channel, record);
	return record;
}

static __always_inline int send_try(struct kucomms_channel *channel,
				    u32 length,
				    struct kucomms_message **record)
{
	if (unlikely(channel->netlink)) {
		*record = send_take_netlink(channel, length);
		return PTR_ERR_OR_ZERO(*record);
	}
	return kucomms_producer_reserve(&channel->out, length, record);
}

/*
 * Asks the client for room on behalf of the room handler, and then looks once
 * more: in this order no wake-up is lost. While the message handler waits for
 * room, need_room says what that handler needs; this request follows when its
 * message has been handled. Returns the record or ERR_PTR, so that the record of
 * the fast path needs no memory.
 */
static noinline struct kucomms_message *
send_ask_room(struct kucomms_channel *channel, u32 length)
{
	const bool others = channel->wants_room;
	struct kucomms_message *record;
	int err;

	if (!others || length < channel->room_length)
		channel->room_length = length;
	WRITE_ONCE(channel->wants_room, true);
	WRITE_ONCE(channel->awaited, true);
	if (channel->stalled)
		return ERR_PTR(-EAGAIN);
	kucomms_producer_arm(&channel->out, channel->room_length);
	err = send_try(channel, length, &record);
	/* Other senders found no room before: the room handler is still due. */
	if (!err && !others) {
		kucomms_producer_disarm(&channel->out);
		WRITE_ONCE(channel->wants_room, false);
	}
	return err ? ERR_PTR(err) : record;
}

static __always_inline int send_take(struct kucomms_channel *channel,
				     u32 length,
				     struct kucomms_message **record)
{
	int err = send_try(channel, length, record);

	if (unlikely(err == -EAGAIN) && channel->endpoint->ops.room &&
	    !send_is_handlers(channel)) {
		*record = send_ask_room(channel, length);
		return PTR_ERR_OR_ZERO(*record);
	}
	return err;
}

/*
 * Notes, on kernels with lockdep, that a sender has the lock but not the turn:
 * a handler that leaves out the lock may run at the same time. It is a mistake
 * of the module even if both have not met: once there has been such a sender,
 * handlers have to take the lock, too.
 */
static __always_inline void send_note_lock(struct kucomms_channel *channel)
{
	if (IS_ENABLED(CONFIG_PROVE_LOCKING) &&
	    !(in_task() && (kc_turn_held(channel->turn) ||
			    kc_turn_held(&channel->endpoint->turn))))
		WRITE_ONCE(channel->shared, true);
}

/*
 * Warns of a send without the lock after one with it. Not for a module without
 * a message handler: it has senders of its own, and no turns.
 */
static __always_inline void
send_note_no_lock(const struct kucomms_channel *channel)
{
	if (IS_ENABLED(CONFIG_PROVE_LOCKING) && channel->endpoint->ops.message)
		WARN_ONCE(READ_ONCE(channel->shared),
			  "kucomms: %s sends without the lock of a channel, with kucomms_reply() or kucomms_reserve(), to which others send with it\n",
			  module_name(channel->endpoint->owner));
}

/* Puts the message into the ring. The caller keeps other senders out. */
static __always_inline int send_put(struct kucomms_channel *channel,
				    const struct kucomms_message *message,
				    const void *data, bool more)
{
	struct kucomms_message *record;
	u32 length = message->length;
	int err;

	err = send_take(channel, length, &record);
	if (unlikely(err)) {
		send_note_failure(channel, length, err);
		return err;
	}
	record->type = message->type;
	record->id = message->id;
	record->user = message->user;
	memcpy(record + 1, data, length);
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				more);
	channel->counters.messages_to_user++;
	return 0;
}

/*
 * For a caller that holds the lock, and calls kc_channel_notify() afterwards.
 */
int kc_channel_put_message(struct kucomms_channel *channel,
			   const struct kucomms_message *message,
			   const void *data)
{
	lockdep_assert_held(&channel->lock);
	send_note_lock(channel);
	return send_put(channel, message, data, false);
}
KC_EXPORT(kc_channel_put_message);

/* Rings the client's doorbell, if it sleeps. */
void kc_channel_notify(struct kucomms_channel *channel)
{
	if (kucomms_producer_must_ring(&channel->out) ||
	    READ_ONCE(channel->polled))
		kc_channel_wake_reader(channel);
}

/*
 * Tells the client of a message: in a message handler only when the turn ends,
 * once for all its messages.
 */
static inline void send_tell(struct kucomms_channel *channel,
			     unsigned int flags)
{
	if (channel->handler)
		channel->replied = true;
	else if (!(flags & KUCOMMS_SEND_MORE))
		kc_channel_notify(channel);
}

static int send_check(struct kucomms_channel *channel, unsigned int flags)
{
	if (unlikely(flags & ~KUCOMMS_SEND_MORE))
		return -EINVAL;
	return kc_channel_error(channel);
}

/* Puts the message into the ring, while others may send, too. */
static int send_locked(struct kucomms_channel *channel,
		       const struct kucomms_message *message,
		       const void *data, unsigned int flags)
{
	unsigned long irq;
	int err;

	raw_spin_lock_irqsave(&channel->lock, irq);
	send_note_lock(channel);
	err = send_put(channel, message, data, flags & KUCOMMS_SEND_MORE);
	raw_spin_unlock_irqrestore(&channel->lock, irq);
	return err;
}

/*
 * Tells whether a sender that may sleep is to end, also if there is room: a
 * client may read as fast as the sender sends, for ever.
 */
static int send_yield(struct kucomms_channel *channel)
{
	const u32 position = channel->out.position;

	/* The module's stop handler waits for the sender. */
	if (unlikely(READ_ONCE(channel->endpoint->dead)))
		return -ESHUTDOWN;
	/* Once per eighth of the ring. */
	if (likely(position - channel->out_yielded < channel->out.size / 8))
		return 0;
	channel->out_yielded = position;
	return kc_module_yield(true);
}

/* There was no room: waits for it, which others may take, and sends. */
static int send_wait(struct kucomms_channel *channel,
		     const struct kucomms_message *message, const void *data,
		     unsigned int flags, int timeout_ms)
{
	long timeout = kc_module_timeout(timeout_ms);
	int err;

	/* The client's doorbells are for the message handler. */
	if (channel->endpoint->ops.message)
		return -EDEADLK;
	might_sleep();
	do {
		kc_channel_flush_locked(channel);
		err = kc_module_wait_room(channel, message->length,
					  &timeout) ?:
		      send_locked(channel, message, data, flags);
	} while (err == -EAGAIN);
	return err;
}

int kucomms_send(struct kucomms_channel *channel,
		 const struct kucomms_message *message, const void *data,
		 unsigned int flags, int timeout_ms)
{
	int err = send_check(channel, flags);

	if (!err && timeout_ms)
		err = send_yield(channel);
	if (likely(!err))
		err = send_locked(channel, message, data, flags);
	if (unlikely(err == -EAGAIN) && timeout_ms)
		err = send_wait(channel, message, data, flags, timeout_ms);
	if (unlikely(err)) {
		/*
		 * Messages that were held back before may not have been
		 * published yet.
		 */
		kc_channel_flush_locked(channel);
		return err;
	}
	if (!(flags & KUCOMMS_SEND_MORE))
		kc_channel_notify(channel);
	return 0;
}
EXPORT_SYMBOL_GPL(kucomms_send);

int kucomms_reply(struct kucomms_channel *channel,
		  const struct kucomms_message *message,
		  const void *data, unsigned int flags)
{
	int err;

	send_note_no_lock(channel);
	err = send_check(channel, flags) ?:
	      send_put(channel, message, data, flags & KUCOMMS_SEND_MORE);
	if (unlikely(err)) {
		kucomms_flush(channel);
		return err;
	}
	send_tell(channel, flags);
	return 0;
}
EXPORT_SYMBOL_GPL(kucomms_reply);

/*
 * Tells whether a client gets broadcasts: over netlink it has to ask for them.
 */
static bool broadcast_is_wanted(const struct kucomms_channel *channel)
{
	return !channel->netlink || channel->netlink->broadcasts;
}

/* Sends a broadcast to one client. Returns whether the client has got it. */
static bool broadcast_to(struct kucomms_channel *channel,
			 const struct kucomms_message *message,
			 const void *data, unsigned int flags)
{
	int err = kucomms_send(channel, message, data, flags, 0);

	if (channel->netlink && (err == -EAGAIN || err == -EMSGSIZE))
		channel->netlink->ops->missed(channel);
	return !err;
}

int kucomms_broadcast_topics(struct kucomms_endpoint *endpoint, u32 topics,
			     const struct kucomms_message *message,
			     const void *data, unsigned int flags)
{
	struct kucomms_channel *channel;
	int reached = 0;

	if (flags & ~KUCOMMS_SEND_MORE)
		return -EINVAL;
	rcu_read_lock();
	list_for_each_entry_rcu(channel, &endpoint->channels, endpoint_node)
		if (READ_ONCE(channel->topics) & topics)
			reached += broadcast_to(channel, message, data, flags);
	rcu_read_unlock();
	return reached ?: -ESRCH;
}
EXPORT_SYMBOL_GPL(kucomms_broadcast_topics);

int kucomms_broadcast(struct kucomms_endpoint *endpoint,
		      const struct kucomms_message *message, const void *data,
		      unsigned int flags)
{
	struct kucomms_channel *channel;
	int reached = 0;

	if (flags & ~KUCOMMS_SEND_MORE)
		return -EINVAL;
	rcu_read_lock();
	list_for_each_entry_rcu(channel, &endpoint->channels, endpoint_node)
		if (broadcast_is_wanted(channel))
			reached += broadcast_to(channel, message, data, flags);
	rcu_read_unlock();
	return reached ?: -ESRCH;
}
EXPORT_SYMBOL_GPL(kucomms_broadcast);

static int send_reserve(struct kucomms_channel *channel, u32 length,
			struct kucomms_message **record)
{
	int err;

	send_note_no_lock(channel);
	err = kc_channel_error(channel) ?:
	      send_take(channel, length, record);
	if (unlikely(err)) {
		send_note_failure(channel, length, err);
		/*
		 * The ring may be full of messages that have not been published
		 * yet.
		 */
		kucomms_flush(channel);
	}
	return err;
}

int kucomms_reserve(struct kucomms_channel *channel, u32 length,
		    struct kucomms_message **record, int timeout_ms)
{
	int err = timeout_ms ? send_yield(channel) : 0;
	long timeout;

	if (unlikely(err)) {
		kucomms_flush(channel);
		return err;
	}
	err = send_reserve(channel, length, record);
	if (likely(err != -EAGAIN) || !timeout_ms)
		return err;
	/* The client's doorbells are for the message handler. */
	if (channel->endpoint->ops.message)
		return -EDEADLK;
	might_sleep();
	timeout = kc_module_timeout(timeout_ms);
	do {
		err = kc_module_wait_room(channel, length, &timeout) ?:
		      send_reserve(channel, length, record);
	} while (err == -EAGAIN);
	return err;
}
EXPORT_SYMBOL_GPL(kucomms_reserve);

int kucomms_commit(struct kucomms_channel *channel,
		   struct kucomms_message *record, unsigned int flags)
{
	if (unlikely(flags & ~KUCOMMS_SEND_MORE))
		return -EINVAL;
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				flags & KUCOMMS_SEND_MORE);
	channel->counters.messages_to_user++;
	send_tell(channel, flags);
	return 0;
}
EXPORT_SYMBOL_GPL(kucomms_commit);

int kucomms_discard(struct kucomms_channel *channel,
		    struct kucomms_message *record)
{
	bool held = channel->out.held_control != KUCOMMS_CONTROL_EMPTY;

	/* Messages behind this record may wait for it to be published. */
	kucomms_producer_commit(&channel->out, record,
				KUCOMMS_CONTROL_DISCARDED, held);
	if (!held)
		kc_channel_notify(channel);
	return 0;
}
EXPORT_SYMBOL_GPL(kucomms_discard);

/* Publishes what has been held back. The caller keeps other senders out. */
int kucomms_flush(struct kucomms_channel *channel)
{
	if (kucomms_producer_flush(&channel->out))
		kc_channel_notify(channel);
	return 0;
}
EXPORT_SYMBOL_GPL(kucomms_flush);

/* Publishes what has been held back, with the channel's lock. */
void kc_channel_flush_locked(struct kucomms_channel *channel)
{
	unsigned long flags;
	bool flushed;

	raw_spin_lock_irqsave(&channel->lock, flags);
	flushed = kucomms_producer_flush(&channel->out);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (flushed)
		kc_channel_notify(channel);
}

void kucomms_channel_shutdown(struct kucomms_channel *channel)
{
	kc_channel_flush_locked(channel);
	kc_channel_hang_up(channel);
}
EXPORT_SYMBOL_GPL(kucomms_channel_shutdown);

/*
 * The message handler has refused the message that ends at in.position. If it
 * found no room for an answer, asks the client to ring when it has made that
 * room, and not to ring for messages meanwhile. Otherwise the handler gets the
 * message again at the next doorbell. Returns false if the room is there
 * already.
 */
bool kc_channel_stall(struct kucomms_channel *channel)
{
	unsigned long flags;

	kc_channel_flush_locked(channel);
	raw_spin_lock_irqsave(&channel->lock, flags);
	if (!channel->stall_noted ||
	    channel->stall_position != channel->in.position) {
		raw_spin_unlock_irqrestore(&channel->lock, flags);
		return true;
	}
	channel->stall_noted = false;
	kucomms_producer_arm(&channel->out, channel->stall_length);
	channel->stalled =
		kucomms_producer_room(&channel->out, channel->stall_length) ==
		-EAGAIN;
	if (channel->stalled) {
		WRITE_ONCE(channel->awaited, true);
		kc_channel_disarm(channel);
	} else {
		kucomms_producer_disarm(&channel->out);
	}
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	return channel->stalled;
}

/* The client rang: the handler gets its message once more. */
void kc_channel_unstall(struct kucomms_channel *channel)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	kucomms_producer_disarm(&channel->out);
	channel->stalled = false;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (!channel->awake)
		kucomms_consumer_arm(&channel->in);
}

/*
 * Tells whether there is room again for the message for which a sender other
 * than the message handler had none; if not, asks the client for it. Under the
 * turn.
 */
bool kc_channel_find_room(struct kucomms_channel *channel)
{
	unsigned long flags;
	bool found = false;
	int err = 0;

	raw_spin_lock_irqsave(&channel->lock, flags);
	if (channel->wants_room && !channel->stalled) {
		kucomms_producer_arm(&channel->out, channel->room_length);
		err = kucomms_producer_room(&channel->out, channel->room_length);
		found = !err;
		WRITE_ONCE(channel->awaited, !found);
	}
	if (found) {
		kucomms_producer_disarm(&channel->out);
		WRITE_ONCE(channel->wants_room, false);
	}
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (err == -EPROTO)
		kc_channel_break(channel, KC_BREAK_POSITION);
	return found;
}
