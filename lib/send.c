// SPDX-License-Identifier: MIT
/*
 * The sending half of a channel.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "channel.h"

static int send_ring(struct kucomms_client *client)
{
	if (!kucomms_producer_must_ring(&client->channel.out))
		return 0;
	return kucomms_client_doorbell(client, &client->send_doorbells);
}

/* Room may be wanting only because the kernel was not told of what is there. */
static int send_try_reserve(struct kucomms_client *client, __u32 length,
			    struct kucomms_message **record)
{
	struct kucomms_producer *out = &client->channel.out;
	int err = kucomms_client_error(client);

	if (err)
		return err;
	err = kucomms_producer_reserve(out, length, record);
	if (err != -EAGAIN || !kucomms_producer_flush(out))
		return err;
	err = send_ring(client);
	return err ? err : kucomms_producer_reserve(out, length, record);
}

/*
 * Asks to be told of room for @length bytes. An old wish must not stay, for
 * positions come round again: so that the next reserve comes here, whatever its
 * length, there is no room until then.
 */
static void send_arm(struct kucomms_client *client, __u32 length)
{
	struct kucomms_producer *out = &client->channel.out;

	kucomms_producer_arm(out, length);
	client->room_armed = true;
	out->end = out->position;
}

static void send_disarm(struct kucomms_client *client)
{
	if (!client->room_armed)
		return;
	kucomms_producer_disarm(&client->channel.out);
	client->room_armed = false;
}

/* Arms, looks once more, sleeps: the order that loses no wake-up. */
static int send_wait_room(struct kucomms_client *client, __u32 length,
			  struct kucomms_message **record, __s64 deadline)
{
	int err;

	for (;;) {
		send_arm(client, length);
		/* The kernel may be waiting for room itself: for this thread. */
		kucomms_client_give_back(client);
		err = send_try_reserve(client, length, record);
		if (err != -EAGAIN)
			return err;
		err = kucomms_client_wait(client, KUCOMMS_EVENT_ROOM, deadline,
					  &client->send_waits);
		if (err)
			return err;
	}
}

/* There is no room, as far as is known, or worse. */
static int send_reserve_by(struct kucomms_client *client, __u32 length,
			   struct kucomms_message **record, __s64 deadline)
{
	int err = send_try_reserve(client, length, record);

	if (err == -EAGAIN && deadline) {
		err = send_wait_room(client, length, record, deadline);
	} else if (err == -EAGAIN && client->polled) {
		/* poll() says POLLOUT when this much room has been made. */
		send_arm(client, length);
		err = send_try_reserve(client, length, record);
		if (err == -EAGAIN)
			return err;
	}
	send_disarm(client);
	return err;
}

KUCOMMS_API int kucomms_reserve_slowly(struct kucomms_channel *channel,
				       __u32 length,
				       struct kucomms_message **record,
				       int timeout_ms)
{
	return send_reserve_by(client_of(channel), length, record,
			       kucomms_deadline(timeout_ms));
}

/* Somebody sleeps, or the message handler runs in the call: one does, mostly. */
KUCOMMS_API int kucomms_commit_slowly(struct kucomms_channel *channel)
{
	struct kucomms_client *client = client_of(channel);

	client->send_doorbells++;
	if (kucomms_likely(!ioctl(client->fd, KUCOMMS_IOC_DOORBELL, 0)))
		return 0;
	return kucomms_client_doorbell(client, &client->send_doorbells);
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
	return held ? 0 : send_ring(client_of(channel));
}

KUCOMMS_API int kucomms_flush(struct kucomms_channel *channel)
{
	if (!kucomms_producer_flush(&channel->out))
		return 0;
	return send_ring(client_of(channel));
}

/* The header and the data, into a record that is as long. */
static void send_fill(struct kucomms_message *record,
		      const struct kucomms_message *message, const void *data)
{
	record->type = message->type;
	record->id = message->id;
	record->user = message->user;
	if (message->length)
		memcpy(record + 1, data, message->length);
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
	err = kucomms_reserve(channel, message->length, &record, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	send_fill(record, message, data);
	return kucomms_commit(channel, record, flags);
}

/*
 * Rings, so that the answer may come. Where the doorbell only wakes somebody,
 * one call rings and sleeps.
 */
static int call_ring(struct kucomms_client *client, int timeout_ms)
{
	if (!kucomms_producer_must_ring(&client->channel.out))
		return 0;
	if (!client->answers_late || !timeout_ms)
		return kucomms_commit_slowly(&client->channel);
	/* The answer may need the room of those before. */
	kucomms_consumer_tell(&client->channel.in);
	kucomms_client_arm(client);
	return kucomms_client_wait(client,
				   KUCOMMS_EVENT_RING | KUCOMMS_EVENT_DATA,
				   kucomms_deadline(timeout_ms),
				   &client->send_doorbells);
}

KUCOMMS_API int kucomms_call(struct kucomms_channel *channel,
			     const struct kucomms_message *request,
			     const void *data, struct kucomms_message *answer,
			     const void **answer_data, int timeout_ms)
{
	struct kucomms_client *client = client_of(channel);
	struct kucomms_message *record;
	int err;

	err = kucomms_reserve(channel, request->length, &record, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	send_fill(record, request, data);
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
	channel->sent++;
	err = call_ring(client, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	if (!kucomms_consumer_ready(&channel->in))
		client->answers_late = true;
	return kucomms_receive(channel, answer, answer_data, timeout_ms);
}

KUCOMMS_API __u32 kucomms_length_max(const struct kucomms_channel *channel)
{
	return KUCOMMS_LENGTH_MAX(channel->out.size);
}
