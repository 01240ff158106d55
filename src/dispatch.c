// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch: messages from the client to the message handler, inside the
 * client's own doorbell call or in a server's thread.
 */
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "channel.h"
#include "endpoint.h"

/*
 * So many messages, or so many bytes, then it is somebody else's turn. Both,
 * since a client can publish the longest message as cheaply as the shortest.
 */
#define TURN_MESSAGES	256
#define TURN_BYTES	(1u << 20)

/* So often in a turn it is asked whether the turn must end. */
#define TURN_LOOKS	16

/* Another thread of the client may wait for the room that was just made. */
void kucomms_channel_tell_room(struct kucomms_channel *channel)
{
	if (!kucomms_consumer_must_ring(&channel->in))
		return;
	/* The full barrier in must_ring orders this, too: see wait_sleep(). */
	if (waitqueue_active(&channel->wait))
		kucomms_channel_wake(channel);
}

/*
 * Whether the client has to ring. If the handler waits for room, not for now.
 */
void kucomms_channel_stay_awake(struct kucomms_channel *channel, bool awake)
{
	if (channel->awake == awake)
		return;
	channel->awake = awake;
	if (channel->stalled)
		return;
	if (awake)
		kucomms_consumer_disarm(&channel->in);
	else
		kucomms_consumer_arm(&channel->in);
}

/* The module wants to go, the client is being killed, the channel is closed. */
static bool dispatch_must_stop(const struct kucomms_channel *channel)
{
	return READ_ONCE(channel->endpoint->dead) ||
	       fatal_signal_pending(current) || kucomms_channel_error(channel);
}

/*
 * The handler did not take the message: -EAGAIN, it wants it again later, or 1,
 * at once.
 */
static int dispatch_refused(struct kucomms_channel *channel, u32 length,
			    int err)
{
	bool later;

	if (err != -EAGAIN) {
		kucomms_channel_break(channel, KUCOMMS_WHY_HANDLER);
		return -EPROTO;
	}
	later = kucomms_channel_stall(channel);
	kucomms_consumer_unreceive(&channel->in, length);
	return later ? -EAGAIN : 1;
}

/*
 * Hands over what there is, up to the bounds of a turn. Returns 1 if more may be
 * there, 0 if there is not, -EAGAIN if the handler wants a message again later,
 * -EPROTO if the channel has been broken.
 */
static int dispatch_messages(struct kucomms_channel *channel)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;
	const bool shared = endpoint->ops.flags & KUCOMMS_SHARED_RECEIVE;
	struct kucomms_consumer *in = &channel->in;
	struct kucomms_message message;
	unsigned int handled = 0;
	const void *data;
	u32 bytes = 0;
	int ret, err;

	do {
		ret = kucomms_consumer_receive(in, &message, &data);
		if (unlikely(ret != 1)) {
			if (ret != -ENOMSG)
				break;
			ret = 1;
			kucomms_consumer_release(in);
			bytes += sizeof(message);
			continue;
		}
		if (!shared)
			data = memcpy(channel->copy, data, message.length);
		err = endpoint->ops.message(channel, &message, data,
					    endpoint->priv);
		bytes += sizeof(message) + message.length;
		if (unlikely(err)) {
			ret = dispatch_refused(channel, message.length, err);
			if (ret != 1)
				break;
			continue;
		}
		kucomms_consumer_release(in);
		if (++handled % TURN_LOOKS == 0 && dispatch_must_stop(channel))
			break;
	} while (handled < TURN_MESSAGES && bytes < TURN_BYTES);

	channel->counters.messages_to_kernel += handled;
	if (unlikely(ret == -EPROTO))
		kucomms_channel_break(channel, KUCOMMS_WHY_RECORD);
	return ret;
}

/* One turn of a channel, by whoever has it; returns as dispatch_messages(). */
int kucomms_channel_dispatch(struct kucomms_channel *channel)
{
	u32 released = channel->in.released;
	int ret;

	kucomms_turn_assert_mine(channel->turn);
	if (unlikely(channel->stalled))
		kucomms_channel_unstall(channel);
	channel->handler = current;
	ret = dispatch_messages(channel);
	channel->handler = NULL;
	kucomms_consumer_tell(&channel->in);
	if (channel->answered) {
		channel->answered = false;
		kucomms_flush(channel);
	}
	if (channel->in.released != released)
		kucomms_channel_tell_room(channel);
	return ret;
}

/* Adaptive: the client's own call does it. */
static int doorbell_dispatch(struct kucomms_channel *channel)
{
	int ret = 0;

	if (unlikely(kucomms_turn_take(channel->turn)))
		return -EINTR;
	if (likely(!dispatch_must_stop(channel))) {
		channel->counters.doorbells++;
		ret = kucomms_channel_dispatch(channel);
	}
	kucomms_turn_give(channel->turn);
	return kucomms_channel_error(channel) ?: ret == 1;
}

/*
 * The client rang: it has published something, or made room. Returns 1 if it
 * should ring again, 0 if not, or the channel's error.
 */
int kucomms_channel_doorbell(struct kucomms_channel *channel)
{
	const struct kucomms_endpoint *endpoint = channel->endpoint;
	int err;

	err = kucomms_channel_error(channel);
	if (unlikely(err))
		return err;
	/* Do not stand in the way of kucomms_unregister(). */
	if (unlikely(READ_ONCE(endpoint->dead)))
		return -ESHUTDOWN;
	if (unlikely(!endpoint->ops.message))
		kucomms_sync_call(channel);
	else if (READ_ONCE(endpoint->dispatch) != KUCOMMS_ADAPTIVE)
		kucomms_server_call(channel);
	else
		return doorbell_dispatch(channel);
	return 0;
}
