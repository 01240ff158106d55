// SPDX-License-Identifier: MIT
/*
 * The receiving half of a channel.
 */
#include <string.h>

#include "channel.h"

#if defined(__x86_64__) || defined(__i386__)
#define relax()	__builtin_ia32_pause()
#else
#define relax()	__asm__ __volatile__("" ::: "memory")
#endif

/* So many looks between two at the clock. */
#define LOOKS	32

/* The kernel's side may be waiting for the room that has just been made. */
static void receive_ring(struct kucomms_client *client)
{
	/* An error is the channel's state, which the next call will find. */
	if (kucomms_consumer_must_ring(&client->channel.in))
		kucomms_client_doorbell(client, &client->receive_doorbells);
}

/* The next message, or -EAGAIN; what is to be skipped is. */
static int receive_next(struct kucomms_client *client,
			struct kucomms_message *message, const void **data)
{
	int ret;

	do {
		ret = kucomms_consumer_receive(&client->channel.in, message,
					       data);
	} while (ret == -ENOMSG);
	if (ret == 0)
		return -EAGAIN;
	return ret < 0 ? ret : 0;
}

/*
 * Nothing to read: gives back what is not needed any more, which may bring new
 * messages at once, and finds out whether there can be any more at all. The
 * state is read before the last look: what was sent before it changed counts.
 */
static int receive_idle(struct kucomms_client *client,
			struct kucomms_message *message, const void **data)
{
	int state, err;

	if (kucomms_consumer_tell(&client->channel.in))
		receive_ring(client);
	state = kucomms_client_error(client);
	err = receive_next(client, message, data);
	return err == -EAGAIN && state ? state : err;
}

void kucomms_client_arm(struct kucomms_client *client)
{
	struct kucomms_channel *channel = &client->channel;
	__u32 need = channel->in.position | KUCOMMS_NEED;

	if (channel->armed == need)
		return;
	kucomms_consumer_arm(&channel->in);
	channel->armed = need;
}

/*
 * Something was received. One who polls need not have found the ring empty
 * before he polls again, so poll() has to know how far he got.
 */
static void receive_disarm(struct kucomms_client *client)
{
	struct kucomms_channel *channel = &client->channel;

	if (client->polled) {
		kucomms_consumer_mark(&channel->in);
		channel->armed = ~KUCOMMS_NEED;
	} else if (channel->armed) {
		kucomms_consumer_disarm(&channel->in);
		channel->armed = 0;
	}
}

/* Sleeping and being woken costs more than looking for a little longer. */
static void receive_spin(const struct kucomms_client *client)
{
	const struct kucomms_consumer *in = &client->channel.in;
	__s64 end;
	int i;

	if (!client->spin_ns)
		return;
	end = kucomms_now() + client->spin_ns;
	do {
		for (i = 0; i < LOOKS; i++) {
			if (kucomms_consumer_ready(in))
				return;
			relax();
		}
	} while (!kucomms_client_error(client) && kucomms_now() < end);
}

/* Arms, looks once more, sleeps: the order that loses no wake-up. */
static int receive_wait(struct kucomms_client *client,
			struct kucomms_message *message, const void **data,
			__s64 deadline)
{
	int err;

	for (;;) {
		kucomms_client_arm(client);
		err = receive_idle(client, message, data);
		if (err != -EAGAIN)
			return err;
		err = kucomms_client_wait(client, KUCOMMS_EVENT_DATA, deadline,
					  &client->receive_waits);
		if (err)
			return err;
	}
}

/* There is nothing to read yet, or worse. */
static int receive_look(struct kucomms_client *client,
			struct kucomms_message *message, const void **data,
			int timeout_ms)
{
	int err = receive_next(client, message, data);

	if (err == -EAGAIN && timeout_ms)
		receive_spin(client);
	else if (err == -EAGAIN && client->polled)
		kucomms_client_arm(client);
	if (err == -EAGAIN)
		err = receive_idle(client, message, data);
	if (err == -EAGAIN && timeout_ms)
		err = receive_wait(client, message, data,
				   kucomms_deadline(timeout_ms));
	return err;
}

/* @found: what kucomms_consumer_receive() said. */
KUCOMMS_API int kucomms_receive_slowly(struct kucomms_channel *channel,
				       struct kucomms_message *message,
				       const void **data, int timeout_ms,
				       int found)
{
	struct kucomms_client *client = client_of(channel);
	int err;

	if (found == -EPROTO)
		return found;
	if (found != 1) {
		err = receive_look(client, message, data, timeout_ms);
		if (err)
			return err;
	}
	receive_disarm(client);
	channel->received++;
	return 0;
}

/*
 * The kernel's side that waits for room is told at once, since this may be the
 * last release for a while; else it is told by and by.
 */
KUCOMMS_API void kucomms_release_slowly(struct kucomms_channel *channel)
{
	kucomms_consumer_tell(&channel->in);
	receive_ring(client_of(channel));
}

/*
 * Before the sending thread sleeps: what it has received and released itself
 * may be what the kernel waits for. If another thread receives, that one will.
 */
void kucomms_client_give_back(struct kucomms_client *client)
{
	if (kucomms_load(&client->channel.thread) != KUCOMMS_THIS_THREAD())
		return;
	if (kucomms_consumer_tell(&client->channel.in))
		receive_ring(client);
}

KUCOMMS_API int kucomms_receive_copy(struct kucomms_channel *channel,
				     struct kucomms_message *message,
				     void *buffer, size_t capacity,
				     int timeout_ms)
{
	const void *data;
	int err = kucomms_receive(channel, message, &data, timeout_ms);

	if (kucomms_unlikely(err))
		return err;
	if (kucomms_unlikely(message->length > capacity)) {
		kucomms_consumer_unreceive(&channel->in, message->length);
		channel->received--;
		return -EMSGSIZE;
	}
	if (message->length)
		memcpy(buffer, data, message->length);
	kucomms_release(channel);
	return 0;
}

KUCOMMS_API int kucomms_fd(struct kucomms_channel *channel)
{
	struct kucomms_client *client = client_of(channel);

	client->polled = true;
	kucomms_client_arm(client);
	return client->fd;
}
