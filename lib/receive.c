// SPDX-License-Identifier: MIT
/*
 * The receiving half of a channel.
 */
#include <string.h>

#include "barrier.h"
#include "clock.h"
#include "end.h"
#include "receive.h"

#if defined(__x86_64__) || defined(__i386__)
#define relax()	__builtin_ia32_pause()
#else
#define relax()	__asm__ __volatile__("" ::: "memory")
#endif

/* So many looks between two at the clock. */
#define LOOKS	32

/* The other side may be waiting for the room that has just been made. */
static void ring_room(struct kucomms_end *end)
{
	/* An error is the channel's state, which the next call will find. */
	if (kucomms_consumer_must_ring(&end->channel.in))
		end->transport->ring(end,
				     kucomms_load(&end->channel.in.peer->need_room),
				     &end->receive_doorbells);
	/*
	 * Nobody is there to use the room. If more is found than the ring holds, it
	 * is what was read before: so nothing is ever given back again.
	 */
	if (end->transport->error(end)) {
		end->closing = true;
		end->channel.in.share = ~0u;
	}
}

/* The next message, or -EAGAIN; what is to be skipped is. */
static int receive_next(struct kucomms_end *end,
			struct kucomms_message *message, const void **data)
{
	int ret;

	do {
		ret = kucomms_consumer_receive(&end->channel.in, message,
					       data);
	} while (ret == -ENOMSG);
	if (ret == 0)
		return -EAGAIN;
	return ret < 0 ? ret : 0;
}

/*
 * Says how much room there is, and wakes the other side if it waits for it.
 * @told: what a release said: the other side has been told of something already.
 */
void kucomms_end_tell(struct kucomms_end *end, bool told)
{
	if (!end->closing)
		told |= kucomms_consumer_tell(&end->channel.in);
	if (told)
		ring_room(end);
}

/*
 * Nothing to read: gives back what is not needed any more, which may bring new
 * messages at once, and finds out whether there can be any more at all. The
 * state is read before the last look: what was sent before it changed counts.
 */
static int receive_idle(struct kucomms_end *end,
			struct kucomms_message *message, const void **data)
{
	int state, err;

	kucomms_end_tell(end, false);
	state = end->transport->error(end);
	err = receive_next(end, message, data);
	if (err == -EPROTO)
		kucomms_end_break(end);
	if (err != -EAGAIN)
		return err;
	if (kucomms_end_take_lost(end))
		return -ENOBUFS;
	return state ? state : err;
}

/*
 * Another thread may have hung up, which did or did not see what has just been
 * written: the doorbell is what tells the other side, for good. A device's
 * kernel tells by itself.
 */
static void ask_if_gone(struct kucomms_end *end)
{
	if (kucomms_unlikely(kucomms_load(&end->gone)) && end->transport->how)
		kucomms_store(&end->own->need_data,
			      KUCOMMS_NEED | KUCOMMS_NEED_ALWAYS);
}

/* Whoever rings after the bell has been read here changes it. */
void kucomms_end_arm(struct kucomms_end *end)
{
	struct kucomms_channel *channel = &end->channel;
	const __u32 how = KUCOMMS_NEED | end->receive_how;
	const __u32 need = channel->in.position | how;

	end->receive_bell = kucomms_load_acquire(&channel->in.peer->bell);
	if (end->armed == need)
		return;
	kucomms_consumer_arm_as(&channel->in, how);
	if (end->heavy)
		kucomms_barrier_all();
	end->armed = need;
	channel->awake = false;
	ask_if_gone(end);
}

/* Awake: no doorbell is needed. */
void kucomms_end_disarm(struct kucomms_end *end)
{
	if (!end->armed)
		return;
	kucomms_consumer_disarm(&end->channel.in);
	end->armed = 0;
	end->channel.awake = true;
	/* Pairs with kucomms_peer_hangup(): one sees what the other has written. */
	kucomms_full_barrier();
	ask_if_gone(end);
}

/*
 * Something was received. One who polls need not have found the ring empty
 * before he polls again, so poll() has to know how far he got.
 */
static void receive_disarm(struct kucomms_end *end)
{
	struct kucomms_channel *channel = &end->channel;

	if (end->polled && !end->transport->quiet) {
		kucomms_consumer_mark(&channel->in);
		end->armed = ~KUCOMMS_NEED;
		channel->awake = false;
		/* The next message may wait for the room that was released. */
		if (!kucomms_consumer_ready(&channel->in))
			kucomms_end_tell(end, false);
	} else if (end->armed) {
		kucomms_end_disarm(end);
		end->receive_how = end->polled ? 0 : end->transport->how;
	}
}

/*
 * Sleeping and being woken costs more than looking for a little longer. What is
 * found is taken at once: from the look to the caller nothing is asked twice.
 */
static int receive_spin(struct kucomms_end *end,
			struct kucomms_message *message, const void **data)
{
	__s64 stop;
	int i, err;

	if (!end->spin_ns)
		return -EAGAIN;
	stop = kucomms_now() + end->spin_ns;
	do {
		for (i = 0; i < LOOKS; i++) {
			err = receive_next(end, message, data);
			if (err != -EAGAIN)
				return err;
			relax();
		}
	} while (!end->transport->error(end) && kucomms_now() < stop);
	return -EAGAIN;
}

/* Arms, looks once more, sleeps: the order that loses no wake-up. */
static int receive_wait(struct kucomms_end *end,
			struct kucomms_message *message, const void **data,
			__s64 deadline)
{
	int err;

	for (;;) {
		kucomms_end_arm(end);
		err = receive_idle(end, message, data);
		if (err != -EAGAIN)
			return err;
		err = end->transport->wait(end, KUCOMMS_EVENT_DATA, deadline,
					   &end->receive_waits);
		if (err)
			return err;
	}
}

/* There is nothing to read yet, or worse. */
static int receive_look(struct kucomms_end *end,
			struct kucomms_message *message, const void **data,
			int timeout_ms, int found)
{
	int err = found ? receive_next(end, message, data) : -EAGAIN;

	if (err == -EAGAIN && end->transport->fill) {
		end->transport->fill(end);
		err = receive_next(end, message, data);
	}
	/* What is told now is told while there is nothing else to do. */
	if (err == -EAGAIN && timeout_ms) {
		kucomms_end_tell(end, false);
		err = receive_spin(end, message, data);
	} else if (err == -EAGAIN && end->polled) {
		/* poll() says when there is more than this. */
		if (end->transport->quiet)
			end->transport->quiet(end);
		kucomms_end_arm(end);
	}
	if (err == -EAGAIN)
		err = receive_idle(end, message, data);
	if (err == -EAGAIN && timeout_ms)
		err = receive_wait(end, message, data,
				   kucomms_deadline(timeout_ms));
	return err;
}

/* @found: what kucomms_consumer_receive() said. */
KUCOMMS_API int kucomms_receive_slow(struct kucomms_channel *channel,
				     struct kucomms_message *message,
				     const void **data, int timeout_ms,
				     int found)
{
	struct kucomms_end *end = end_of(channel);
	int err;

	if (end_is_inherited(end))
		return -ESTALE;
	if (found == -EPROTO) {
		kucomms_end_break(end);
		return found;
	}
	if (found != 1) {
		err = receive_look(end, message, data, timeout_ms, found);
		if (err)
			return err;
	}
	receive_disarm(end);
	channel->received++;
	return 0;
}

/*
 * Finishes a release for kucomms_release(): the other side waits for room, or
 * this side sleeps in poll(), or the inline part has told of an eighth of the
 * ring. If nothing is left to read this tells of all room, as this may be the
 * last release for a while.
 */
KUCOMMS_API void kucomms_release_slow(struct kucomms_channel *channel)
{
	const struct kucomms_consumer *in = &channel->in;
	struct kucomms_end *end = end_of(channel);

	if (end_is_inherited(end))
		return;
	if (in->released == in->done)
		ring_room(end);
	else if (!kucomms_consumer_ready(in))
		kucomms_end_tell(end, false);
}

/*
 * Before the sending thread sleeps: what it has received and released itself
 * may be what the other side waits for. If another thread receives, that one will.
 */
void kucomms_end_give_back(struct kucomms_end *end)
{
	if (kucomms_load(&end->channel.thread) == KUCOMMS_THIS_THREAD())
		kucomms_end_tell(end, false);
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

KUCOMMS_API int kucomms_channel_fd(const struct kucomms_channel *channel)
{
	const struct kucomms_end *end = end_of(channel);

	return end_is_inherited(end) ? -ESTALE : end->fd;
}

KUCOMMS_API int kucomms_channel_poll_start(struct kucomms_channel *channel)
{
	struct kucomms_end *end = end_of(channel);

	if (end_is_inherited(end))
		return -ESTALE;
	end->polled = true;
	end->receive_how = 0;
	kucomms_end_arm(end);
	return end->fd;
}
