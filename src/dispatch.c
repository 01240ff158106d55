// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch: messages from the client to the message handler, inside the
 * client's own doorbell call.
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

/* What became of one look at the ring. */
enum outcome {
	OUTCOME_HANDLED,	/* look again */
	OUTCOME_EMPTY,		/* nothing more to read */
	OUTCOME_STALLED,	/* the handler wants the message again, later */
	OUTCOME_BROKEN,
};

static enum outcome dispatch_message(struct kucomms_channel *channel,
				     const struct kucomms_message *message,
				     const void *data)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;
	int err;

	if (!(endpoint->ops.flags & KUCOMMS_SHARED_RECEIVE))
		data = memcpy(channel->copy, data, message->length);
	WRITE_ONCE(channel->short_of_room, false);
	err = endpoint->ops.message(channel, message, data, endpoint->priv);
	if (likely(!err)) {
		channel->counters.messages_to_kernel++;
		return OUTCOME_HANDLED;
	}
	if (err == -EAGAIN) {
		kucomms_consumer_unreceive(&channel->in, message->length);
		return kucomms_channel_stall(channel) ? OUTCOME_STALLED :
							OUTCOME_HANDLED;
	}
	kucomms_channel_break(channel, KUCOMMS_WHY_HANDLER);
	return OUTCOME_BROKEN;
}

static enum outcome dispatch_one(struct kucomms_channel *channel, u32 *bytes)
{
	struct kucomms_message message;
	const void *data;
	int ret;

	ret = kucomms_consumer_receive(&channel->in, &message, &data);
	if (ret == 1) {
		*bytes += message.length;
		return dispatch_message(channel, &message, data);
	}
	if (ret == 0)
		return OUTCOME_EMPTY;
	if (ret == -ENOMSG)
		return OUTCOME_HANDLED;
	kucomms_channel_break(channel, KUCOMMS_WHY_RECORD);
	return OUTCOME_BROKEN;
}

/* Another thread of the client may wait for the room that was just made. */
static void dispatch_tell_room(struct kucomms_channel *channel)
{
	if (!kucomms_consumer_must_ring(&channel->in))
		return;
	/* The full barrier in must_ring orders this, too: see wait_sleep(). */
	if (waitqueue_active(&channel->wait))
		kucomms_channel_wake(channel);
}

/* The module wants to go, the client is being killed, the channel is closed. */
static bool dispatch_must_stop(const struct kucomms_channel *channel)
{
	return READ_ONCE(channel->endpoint->dead) ||
	       fatal_signal_pending(current) || kucomms_channel_error(channel);
}

/* One turn; returns true if the next one would find more at once. */
static bool dispatch_turn(struct kucomms_channel *channel)
{
	enum outcome outcome = OUTCOME_HANDLED;
	bool told = false;
	u32 bytes = 0;
	int i;

	if (unlikely(channel->stalled))
		kucomms_channel_unstall(channel);
	channel->turn = current;
	for (i = 0; i < TURN_MESSAGES && bytes < TURN_BYTES; i++) {
		outcome = dispatch_one(channel, &bytes);
		told |= kucomms_consumer_release(&channel->in);
		if (outcome != OUTCOME_HANDLED)
			break;
		if (i % TURN_LOOKS == TURN_LOOKS - 1 &&
		    dispatch_must_stop(channel))
			break;
	}
	channel->turn = NULL;
	told |= kucomms_consumer_tell(&channel->in);
	if (channel->answered) {
		channel->answered = false;
		kucomms_channel_flush_unlocked(channel);
	}
	if (told)
		dispatch_tell_room(channel);
	return outcome == OUTCOME_HANDLED;
}

/*
 * The client rang: it has published something, or made room. Returns 1 if it
 * should ring again, 0 if not, or the channel's error.
 */
int kucomms_channel_doorbell(struct kucomms_channel *channel)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;
	bool more = false;
	int err;

	err = kucomms_channel_error(channel);
	if (unlikely(err))
		return err;
	/* Do not stand in the way of kucomms_unregister(). */
	if (unlikely(READ_ONCE(endpoint->dead)))
		return -ESHUTDOWN;
	if (mutex_lock_killable(&endpoint->turn))
		return -EINTR;
	if (likely(!dispatch_must_stop(channel))) {
		channel->counters.doorbells++;
		if (endpoint->ops.message)
			more = dispatch_turn(channel);
	}
	mutex_unlock(&endpoint->turn);
	return kucomms_channel_error(channel) ?: more;
}
