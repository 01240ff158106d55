// SPDX-License-Identifier: MIT
/*
 * The receiving half of a channel.
 */
#include <string.h>

#include "channel.h"

/* The kernel's side may be waiting for the room that has just been made. */
static void receive_ring(struct kucomms_channel *channel)
{
	/* An error is the channel's state, which the next call will find. */
	if (kucomms_consumer_must_ring(&channel->in))
		kucomms_channel_doorbell(channel, &channel->receive_doorbells);
}

/* The next message, or -EAGAIN; what is to be skipped is. */
static int receive_next(struct kucomms_channel *channel,
			struct kucomms_message *message, const void **data)
{
	int ret;

	do {
		ret = kucomms_consumer_receive(&channel->in, message, data);
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
static int receive_idle(struct kucomms_channel *channel,
			struct kucomms_message *message, const void **data)
{
	int state, err;

	if (kucomms_consumer_tell(&channel->in))
		receive_ring(channel);
	state = kucomms_channel_error(channel);
	err = receive_next(channel, message, data);
	return err == -EAGAIN && state ? state : err;
}

static void receive_arm(struct kucomms_channel *channel)
{
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
static inline void receive_disarm(struct kucomms_channel *channel)
{
	if (kucomms_unlikely(channel->polled)) {
		kucomms_consumer_mark(&channel->in);
		channel->armed = 0;
	} else if (channel->armed) {
		kucomms_consumer_disarm(&channel->in);
		channel->armed = 0;
	}
}

/* Arms, looks once more, sleeps: the order that loses no wake-up. */
static int receive_wait(struct kucomms_channel *channel,
			struct kucomms_message *message, const void **data,
			__s64 deadline)
{
	int err;

	for (;;) {
		receive_arm(channel);
		err = receive_idle(channel, message, data);
		if (err != -EAGAIN)
			return err;
		err = kucomms_channel_wait(channel, KUCOMMS_EVENT_DATA,
					   deadline, &channel->receive_waits);
		if (err)
			return err;
	}
}

/* There is nothing to read yet, or worse. */
static __attribute__((noinline)) int
receive_slowly(struct kucomms_channel *channel, struct kucomms_message *message,
	       const void **data, int timeout_ms)
{
	int err = receive_next(channel, message, data);

	if (err != -EAGAIN)
		return err;
	if (!timeout_ms && channel->polled)
		receive_arm(channel);
	err = receive_idle(channel, message, data);
	if (err == -EAGAIN && timeout_ms)
		err = receive_wait(channel, message, data,
				   kucomms_deadline(timeout_ms));
	return err;
}

/* What every message takes is inline, and no more than that. */
static inline int receive(struct kucomms_channel *channel,
			  struct kucomms_message *message, const void **data,
			  int timeout_ms)
{
	int ret = kucomms_consumer_receive(&channel->in, message, data);

	if (kucomms_unlikely(ret != 1)) {
		if (ret == -EPROTO)
			return ret;
		ret = receive_slowly(channel, message, data, timeout_ms);
		if (ret)
			return ret;
	}
	receive_disarm(channel);
	channel->received++;
	return 0;
}

KUCOMMS_API int kucomms_receive(struct kucomms_channel *channel,
				struct kucomms_message *message,
				const void **data, int timeout_ms)
{
	return receive(channel, message, data, timeout_ms);
}

/*
 * The kernel's side that waits for room is told at once, since this may be the
 * last release for a while; else it is told by and by.
 */
static inline void receive_release(struct kucomms_channel *channel)
{
	bool told = kucomms_consumer_release(&channel->in);

	if (kucomms_unlikely(kucomms_load(&channel->kernel->need_room)) &&
	    kucomms_consumer_tell(&channel->in))
		told = true;
	if (told)
		receive_ring(channel);
	kucomms_store(&channel->receiver, pthread_self());
}

/*
 * Before the sending thread sleeps: what it has received and released itself
 * may be what the kernel waits for. If another thread receives, that one will.
 */
void kucomms_channel_give_back(struct kucomms_channel *channel)
{
	if (!pthread_equal(kucomms_load(&channel->receiver), pthread_self()))
		return;
	if (kucomms_consumer_tell(&channel->in))
		receive_ring(channel);
}

KUCOMMS_API void kucomms_release(struct kucomms_channel *channel)
{
	receive_release(channel);
}

KUCOMMS_API int kucomms_receive_copy(struct kucomms_channel *channel,
				     struct kucomms_message *message,
				     void *buffer, size_t capacity,
				     int timeout_ms)
{
	const void *data;
	int err = receive(channel, message, &data, timeout_ms);

	if (kucomms_unlikely(err))
		return err;
	if (kucomms_unlikely(message->length > capacity)) {
		kucomms_consumer_unreceive(&channel->in, message->length);
		channel->received--;
		return -EMSGSIZE;
	}
	if (message->length)
		memcpy(buffer, data, message->length);
	receive_release(channel);
	return 0;
}

KUCOMMS_API int kucomms_fd(struct kucomms_channel *channel)
{
	channel->polled = true;
	receive_arm(channel);
	return channel->fd;
}
