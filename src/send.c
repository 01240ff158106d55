// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending from the kernel to clients.
 */
#include <linux/export.h>
#include <linux/rculist.h>
#include <linux/string.h>

#include "channel.h"
#include "endpoint.h"

/* Puts the message into the ring. Whoever sends keeps others from it. */
static int send_put(struct kucomms_channel *channel,
		    const struct kucomms_message *message, const void *data,
		    bool more)
{
	struct kucomms_message *record;
	u32 length = message->length;
	int err;

	err = kucomms_producer_reserve(&channel->out, length, &record);
	if (unlikely(err)) {
		if (err == -EAGAIN) {
			channel->counters.to_user_full++;
			if (in_task() && channel->turn == current) {
				channel->wanted = length;
				WRITE_ONCE(channel->short_of_room, true);
			}
		}
		return err;
	}
	record->type = message->type;
	record->id = message->id;
	record->user = message->user;
	memcpy(record + 1, data, length);
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				more);
	if (!more)
		WRITE_ONCE(channel->published, channel->out.position);
	channel->counters.messages_to_user++;
	return 0;
}

/* Rings the client's doorbell, if it sleeps. */
static void send_notify(struct kucomms_channel *channel)
{
	unsigned long flags;

	if (!kucomms_producer_must_ring(&channel->out) &&
	    !READ_ONCE(channel->polled))
		return;
	/* The full barrier in must_ring orders this, too: see wait_sleep(). */
	if (!waitqueue_active(&channel->wait))
		return;
	raw_spin_lock_irqsave(&channel->lock, flags);
	channel->counters.wakeups++;
	WRITE_ONCE(channel->polled, false);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	kucomms_channel_wake(channel);
}

static int send_check(struct kucomms_channel *channel, unsigned int flags)
{
	if (unlikely(flags & ~KUCOMMS_MORE))
		return -EINVAL;
	return kucomms_channel_error(channel);
}

int kucomms_send(struct kucomms_channel *channel,
		 const struct kucomms_message *message, const void *data,
		 unsigned int flags)
{
	unsigned long irq;
	int err;

	err = send_check(channel, flags);
	if (err)
		return err;
	raw_spin_lock_irqsave(&channel->lock, irq);
	err = send_put(channel, message, data, flags & KUCOMMS_MORE);
	raw_spin_unlock_irqrestore(&channel->lock, irq);

	if (likely(!err)) {
		if (!(flags & KUCOMMS_MORE))
			send_notify(channel);
		return 0;
	}
	if (err == -EPROTO)
		kucomms_channel_break(channel, KUCOMMS_WHY_POSITION);
	/* The client may not have been told yet of what came before. */
	kucomms_channel_flush(channel);
	return err;
}
EXPORT_SYMBOL_GPL(kucomms_send);

int kucomms_send_unlocked(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, unsigned int flags)
{
	bool more;
	int err;

	err = send_check(channel, flags);
	if (err)
		return err;
	/* The client is in its doorbell call: told all when its turn ends. */
	more = channel->turn || (flags & KUCOMMS_MORE);
	err = send_put(channel, message, data, more);
	if (likely(!err)) {
		channel->answered = true;
		if (!more)
			send_notify(channel);
		return 0;
	}
	if (err == -EPROTO)
		kucomms_channel_break(channel, KUCOMMS_WHY_POSITION);
	kucomms_channel_flush_unlocked(channel);
	return err;
}
EXPORT_SYMBOL_GPL(kucomms_send_unlocked);

int kucomms_broadcast(struct kucomms_endpoint *endpoint,
		      const struct kucomms_message *message, const void *data,
		      unsigned int flags)
{
	struct kucomms_channel *channel;
	int missed = 0;

	if (flags & ~KUCOMMS_MORE)
		return -EINVAL;
	rcu_read_lock();
	list_for_each_entry_rcu(channel, &endpoint->channels, peers) {
		int err = kucomms_send(channel, message, data, flags);

		if (err == -EAGAIN || err == -EMSGSIZE)
			missed++;
	}
	rcu_read_unlock();
	return missed;
}
EXPORT_SYMBOL_GPL(kucomms_broadcast);

/* Publishes what has been held back. Whoever flushes keeps others from it. */
static bool flush_put(struct kucomms_channel *channel)
{
	if (!kucomms_producer_flush(&channel->out))
		return false;
	WRITE_ONCE(channel->published, channel->out.position);
	return true;
}

void kucomms_channel_flush(struct kucomms_channel *channel)
{
	unsigned long flags;
	bool flushed;

	raw_spin_lock_irqsave(&channel->lock, flags);
	flushed = flush_put(channel);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (flushed)
		send_notify(channel);
}

/* For an endpoint that sends from handlers only, as kucomms_send_unlocked(). */
void kucomms_channel_flush_unlocked(struct kucomms_channel *channel)
{
	if (flush_put(channel))
		send_notify(channel);
}

/*
 * The message handler cannot go on. If that is for want of room in the ring
 * towards its client, asks the client to ring when it has made some, and not to
 * ring for messages meanwhile. Returns false if the room is there already.
 */
bool kucomms_channel_stall(struct kucomms_channel *channel)
{
	unsigned long flags;

	kucomms_channel_flush(channel);
	raw_spin_lock_irqsave(&channel->lock, flags);
	if (!channel->short_of_room) {
		/* Its own reasons: it is asked again at the next doorbell. */
		raw_spin_unlock_irqrestore(&channel->lock, flags);
		return true;
	}
	channel->short_of_room = false;
	kucomms_producer_arm(&channel->out, channel->wanted);
	channel->stalled = kucomms_producer_room(&channel->out,
						 channel->wanted) == -EAGAIN;
	if (channel->stalled)
		kucomms_consumer_disarm(&channel->in);
	else
		kucomms_producer_disarm(&channel->out);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	return channel->stalled;
}

/* The client rang, whatever for: the handler gets its message once more. */
void kucomms_channel_unstall(struct kucomms_channel *channel)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	kucomms_producer_disarm(&channel->out);
	channel->stalled = false;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	kucomms_consumer_arm(&channel->in);
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

void kucomms_channel_set_priv(struct kucomms_channel *channel, void *priv)
{
	WRITE_ONCE(channel->priv, priv);
}
EXPORT_SYMBOL_GPL(kucomms_channel_set_priv);

void *kucomms_channel_priv(const struct kucomms_channel *channel)
{
	return READ_ONCE(channel->priv);
}
EXPORT_SYMBOL_GPL(kucomms_channel_priv);
