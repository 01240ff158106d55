// SPDX-License-Identifier: MIT
/*
 * The sending half of a channel.
 */
#include <string.h>

#include "channel.h"

static inline int send_ring(struct kucomms_channel *channel)
{
	if (!kucomms_producer_must_ring(&channel->out))
		return 0;
	return kucomms_channel_doorbell(channel, &channel->send_doorbells);
}

/* Room may be wanting only because the kernel was not told of what is there. */
static int send_try_reserve(struct kucomms_channel *channel, __u32 length,
			    struct kucomms_message **record)
{
	int err = kucomms_channel_error(channel);

	if (err)
		return err;
	err = kucomms_producer_reserve(&channel->out, length, record);
	if (err != -EAGAIN || !kucomms_producer_flush(&channel->out))
		return err;
	err = send_ring(channel);
	return err ? err : kucomms_producer_reserve(&channel->out, length,
						    record);
}

static void send_arm(struct kucomms_channel *channel, __u32 length)
{
	kucomms_producer_arm(&channel->out, length);
	channel->room_armed = true;
}

/* An old wish must not stay: positions come round again. */
static void send_disarm(struct kucomms_channel *channel)
{
	kucomms_producer_disarm(&channel->out);
	channel->room_armed = false;
}

/* Arms, looks once more, sleeps: the order that loses no wake-up. */
static int send_wait_room(struct kucomms_channel *channel, __u32 length,
			  struct kucomms_message **record, __s64 deadline)
{
	int err;

	for (;;) {
		send_arm(channel, length);
		/* The kernel may be waiting for room itself: for this thread. */
		kucomms_channel_give_back(channel);
		err = send_try_reserve(channel, length, record);
		if (err != -EAGAIN)
			break;
		err = kucomms_channel_wait(channel, KUCOMMS_EVENT_ROOM,
					   deadline, &channel->send_waits);
		if (err)
			break;
	}
	send_disarm(channel);
	return err;
}

/* There is no room, or worse. */
static __attribute__((noinline)) int
send_reserve_slowly(struct kucomms_channel *channel, __u32 length,
		    struct kucomms_message **record, int timeout_ms)
{
	int err = send_try_reserve(channel, length, record);

	if (err != -EAGAIN)
		return err;
	if (timeout_ms)
		return send_wait_room(channel, length, record,
				      kucomms_deadline(timeout_ms));
	if (!channel->polled)
		return -EAGAIN;
	/* poll() says POLLOUT when this much room has been made. */
	send_arm(channel, length);
	err = send_try_reserve(channel, length, record);
	if (err != -EAGAIN)
		send_disarm(channel);
	return err;
}

/* What every message takes is inline, and no more than that. */
static inline int send_reserve(struct kucomms_channel *channel, __u32 length,
			       struct kucomms_message **record, int timeout_ms)
{
	if (kucomms_likely(kucomms_channel_open(channel) &&
			   !kucomms_producer_reserve(&channel->out, length,
						     record))) {
		if (kucomms_unlikely(channel->room_armed))
			send_disarm(channel);
		return 0;
	}
	return send_reserve_slowly(channel, length, record, timeout_ms);
}

static inline int send_commit(struct kucomms_channel *channel,
			      struct kucomms_message *record,
			      unsigned int flags)
{
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				flags & KUCOMMS_MORE);
	channel->sent++;
	return flags & KUCOMMS_MORE ? 0 : send_ring(channel);
}

KUCOMMS_API int kucomms_reserve(struct kucomms_channel *channel, __u32 length,
				struct kucomms_message **record, int timeout_ms)
{
	return send_reserve(channel, length, record, timeout_ms);
}

KUCOMMS_API int kucomms_commit(struct kucomms_channel *channel,
			       struct kucomms_message *record,
			       unsigned int flags)
{
	if (flags & ~KUCOMMS_MORE)
		return -EINVAL;
	return send_commit(channel, record, flags);
}

/*
 * There may be messages behind it that had to wait for this, so the kernel is
 * told as of a message; unless something before it is held back anyway.
 */
KUCOMMS_API int kucomms_discard(struct kucomms_channel *channel,
				struct kucomms_message *record)
{
	bool held = channel->out.held_control != KUCOMMS_CONTROL_EMPTY;

	kucomms_producer_commit(&channel->out, record,
				KUCOMMS_CONTROL_DISCARDED, held);
	return held ? 0 : send_ring(channel);
}

KUCOMMS_API int kucomms_flush(struct kucomms_channel *channel)
{
	if (!kucomms_producer_flush(&channel->out))
		return 0;
	return send_ring(channel);
}

KUCOMMS_API int kucomms_send(struct kucomms_channel *channel,
			     const struct kucomms_message *message,
			     const void *data, unsigned int flags,
			     int timeout_ms)
{
	struct kucomms_message *record;
	int err;

	if (kucomms_unlikely(flags & ~KUCOMMS_MORE))
		return -EINVAL;
	err = send_reserve(channel, message->length, &record, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	record->type = message->type;
	record->id = message->id;
	record->user = message->user;
	if (message->length)
		memcpy(record + 1, data, message->length);
	return send_commit(channel, record, flags);
}

KUCOMMS_API __u32 kucomms_length_max(const struct kucomms_channel *channel)
{
	return KUCOMMS_LENGTH_MAX(channel->out.size);
}
