// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch: messages from the client to the message handler, inside the
 * client's own doorbell call or in a worker's thread.
 */
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "functions.h"

/*
 * Messages, and bytes of the ring, of one turn at most. Both are limited, since
 * a client can publish the longest message as cheaply as the shortest.
 */
#define TURN_MESSAGES	256
#define TURN_BYTES	(1u << 20)

/*
 * Longest time of a turn, in ns, if another task waits: handlers may be slow.
 */
#define TURN_NS		(200 * NSEC_PER_USEC)

/*
 * Messages after which dispatch_stretch() is called, at most; it is also called
 * whenever an eighth of the ring has been read, since the client may wait for
 * room.
 */
#define STRETCH		32

/*
 * Says whether a worker looks at the channel, so that the client need not ring.
 * While the handler waits for room this takes effect later.
 */
void kc_channel_stay_awake(struct kucomms_channel *channel, bool awake)
{
	if (channel->awake == awake)
		return;
	channel->awake = awake;
	if (channel->stalled)
		return;
	if (awake)
		kc_channel_disarm(channel);
	else
		kucomms_consumer_arm(&channel->in);
}

/*
 * Tells whether the turn is to end: the endpoint is dead, the client is being
 * killed, or the channel is closed.
 */
static inline bool dispatch_must_stop(const struct kucomms_channel *channel)
{
	return READ_ONCE(channel->endpoint->dead) ||
	       fatal_signal_pending(current) || kc_channel_error(channel);
}

/*
 * The handler has returned @err instead of taking the message. If the room for
 * its answer is there already it gets the message again in the next turn.
 */
static noinline enum kc_dispatched
dispatch_refused(struct kucomms_channel *channel, u32 length, int err)
{
	bool later;

	if (err != -EAGAIN) {
		kc_channel_break(channel, KC_BREAK_HANDLER);
		return KC_BROKEN;
	}
	later = kc_channel_stall(channel);
	kucomms_consumer_unreceive(&channel->in, length);
	return later ? KC_REFUSED : KC_MORE;
}

/*
 * Tells whether another task has waited for TURN_NS or more since this turn
 * first saw one waiting. @since: when that was, in ns, or 0.
 */
static bool dispatch_is_long(const struct kucomms_channel *channel, u64 *since)
{
	u64 now;

	if (!kc_turn_contended(channel->turn))
		return false;
	now = ktime_get_ns();
	if (!*since)
		*since = now;
	return now - *since >= TURN_NS;
}

/* Releases what has been read. Tells whether the turn is to end here. */
static noinline bool dispatch_stretch(struct kucomms_channel *channel,
				      u32 start, unsigned int handled,
				      u64 *since)
{
	if (kucomms_consumer_release(&channel->in))
		channel->must_notify = true;
	return handled >= TURN_MESSAGES ||
	       channel->in.position - start >= TURN_BYTES ||
	       dispatch_is_long(channel, since) || dispatch_must_stop(channel);
}

/*
 * Hands messages to the handler, up to the bounds of a turn. If it returns
 * KC_BROKEN the channel has been broken, or the caller is to break it, for a
 * record that is invalid.
 *
 * @wipe: clears the control words of what it has read. Otherwise a client could
 * fill its ring with records once, and an endless stream of messages would be
 * read from it, lap after lap. A client that rings spends its own CPU time on
 * that; a worker would spend the kernel's.
 */
static __always_inline enum kc_dispatched
dispatch_messages(struct kucomms_channel *channel, bool shared, bool wipe)
{
	struct kucomms_consumer *in = &channel->in;
	void *priv = channel->endpoint->priv;
	const u32 eighth = in->size / 8;
	const u32 start = in->position;
	u32 next = start + eighth;
	unsigned int handled = 0, skipped = 0;
	struct kucomms_message message = { };
	const void *data;
	enum kc_dispatched ended;
	u64 since = 0;
	int got, err;
	u32 at;

	for (;;) {
		at = in->position;
		got = kucomms_consumer_receive(in, &message, &data);
		if (likely(got == 1)) {
			if (!shared)
				data = memcpy(channel->copy, data,
					      message.length);
			err = READ_ONCE(channel->message)(channel, &message,
							  data, priv);
			if (unlikely(err)) {
				ended = dispatch_refused(channel,
							 message.length, err);
				break;
			}
		} else if (got == -ENOMSG) {
			skipped++;
		} else {
			ended = unlikely(got) ? KC_BROKEN : KC_DONE;
			break;
		}
		if (wipe)
			kucomms_consumer_wipe(in, at);
		handled++;
		if (likely(handled % STRETCH && (s32)(in->position - next) < 0))
			continue;
		if (dispatch_stretch(channel, start, handled, &since)) {
			ended = KC_MORE;
			break;
		}
		next = in->position + eighth;
	}
	channel->counters.messages_to_kernel += handled - skipped;
	return ended;
}

/*
 * Gives back the room of the messages that the turn has read, and tells the
 * client: at once, or, if more turns follow (@more), only when an eighth of the
 * ring has been read. Returns whether the client has been told. A task with a
 * pending signal may not come back for another turn, so it tells at once.
 */
static __always_inline bool dispatch_release(struct kucomms_channel *channel,
					     bool more)
{
	if (more && !signal_pending(current))
		return kucomms_consumer_release(&channel->in);
	channel->in.done = channel->in.position;
	return kucomms_consumer_tell(&channel->in);
}

/*
 * Ends a turn: publishes the room that was made and what was sent to the
 * client, and wakes it. One full barrier serves both, C and D of the ring.
 */
static __always_inline void dispatch_publish(struct kucomms_channel *channel,
					     bool more)
{
	bool told = dispatch_release(channel, more);

	if (channel->replied) {
		channel->replied = false;
		kucomms_producer_flush(&channel->out);
	} else if (!told && !channel->must_notify) {
		return;
	}
	channel->must_notify = false;
	smp_mb();
	if (kucomms_producer_is_awaited(&channel->out) ||
	    READ_ONCE(channel->polled))
		kc_channel_wake_reader(channel);
	if (unlikely(kucomms_consumer_is_awaited(&channel->in)))
		kc_channel_wake_writer(channel);
}

/* Ends a turn that others will follow, or in which something went wrong. */
static noinline void dispatch_unfinished(struct kucomms_channel *channel,
					 enum kc_dispatched ended)
{
	dispatch_publish(channel, ended == KC_MORE);
	if (ended == KC_BROKEN)
		kc_channel_break(channel, KC_BREAK_RECORD);
}

static enum kc_dispatched dispatch_turn(struct kucomms_channel *channel,
					bool wipe)
{
	enum kc_dispatched ended;

	channel->handler = current;
	if (channel->copy)
		ended = dispatch_messages(channel, false, true);
	else if (likely(!wipe))
		ended = dispatch_messages(channel, true, false);
	else
		ended = dispatch_messages(channel, true, true);
	channel->handler = NULL;
	if (likely(ended == KC_DONE))
		dispatch_publish(channel, false);
	else
		dispatch_unfinished(channel, ended);
	return ended;
}

/*
 * Runs a turn of a channel whose client has been asked for room: first for the
 * message that the message handler refused, if there is one, and last for the
 * room handler.
 */
static noinline enum kc_dispatched
dispatch_awaited(struct kucomms_channel *channel, bool wipe)
{
	enum kc_dispatched ended;

	WRITE_ONCE(channel->awaited, false);
	if (channel->stalled)
		kc_channel_unstall(channel);
	ended = dispatch_turn(channel, wipe);
	if (!READ_ONCE(channel->endpoint->dead) &&
	    !kc_channel_error(channel) &&
	    kc_channel_find_room(channel)) {
		channel->endpoint->ops.room(channel, channel->endpoint->priv);
		/* The turn has published already: publishes what room() held. */
		kc_channel_flush_locked(channel);
	}
	return ended;
}

/*
 * Handles a channel's messages for one turn. The caller has the turn.
 *
 * @wipe: a worker calls, so the CPU time is not the client's.
 */
enum kc_dispatched kc_channel_dispatch(struct kucomms_channel *channel,
				       bool wipe)
{
	kc_turn_assert_held(channel->turn);
	if (unlikely(READ_ONCE(channel->awaited)))
		return dispatch_awaited(channel, wipe);
	return dispatch_turn(channel, wipe);
}
