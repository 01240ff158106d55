// SPDX-License-Identifier: MIT
/*
 * The receiving half of a channel.
 */
#include <string.h>

#include "barrier.h"
#include "clock.h"
#include "conn.h"
#include "receive.h"

#if defined(__x86_64__) || defined(__i386__)
#define relax()	__builtin_ia32_pause()
#else
#define relax()	__asm__ __volatile__("" ::: "memory")
#endif

/* Looks for a message between two at the clock. */
#define LOOKS	32

/* Rings if the other side waits for the room that has just been released. */
static void ring_room(struct kc_conn *conn)
{
	/* An error is the channel's state, which the next call reports. */
	if (kucomms_consumer_must_ring(&conn->channel.in))
		conn->transport->ring(conn,
				      kucomms_load(&conn->channel.in.remote->need_room),
				      &conn->receive_doorbells);
	/*
	 * The other side is gone and does not use the room. Whatever else the
	 * ring seems to hold beyond its size is what was read before, so no
	 * more room is released.
	 */
	if (conn->transport->error(conn)) {
		conn->closing = true;
		conn->channel.in.share = ~0u;
	}
}

/* Takes the next message, past discarded ones; -EAGAIN: there is none. */
static int receive_next(struct kc_conn *conn,
			struct kucomms_message *message, const void **data)
{
	int ret;

	do {
		ret = kucomms_consumer_receive(&conn->channel.in, message,
					       data);
	} while (ret == -ENOMSG);
	if (ret == 0)
		return -EAGAIN;
	return ret < 0 ? ret : 0;
}

/*
 * Publishes how much room there is, and rings if the other side waits for it.
 * @told: a release has published some already.
 */
void kc_conn_publish_room(struct kc_conn *conn, bool told)
{
	if (!conn->closing)
		told |= kucomms_consumer_tell(&conn->channel.in);
	if (told)
		ring_room(conn);
}

/*
 * The ring is empty: releases all room, which may bring new messages at once,
 * and looks whether there can be any more. The state is read before the last
 * look, so that messages sent before the other side hung up are received.
 */
static int receive_idle(struct kc_conn *conn,
			struct kucomms_message *message, const void **data)
{
	int state, err;

	kc_conn_publish_room(conn, false);
	state = conn->transport->error(conn);
	err = receive_next(conn, message, data);
	if (err == -EPROTO)
		kc_conn_break(conn);
	if (err != -EAGAIN)
		return err;
	if (kc_conn_take_lost(conn))
		return -ENOBUFS;
	return state ? state : err;
}

/*
 * Asks for the doorbell if another thread of this process has hung up: that
 * thread may or may not have seen what this one has just written, and the
 * doorbell is how the other side learns of it. A kernel learns by the
 * descriptor.
 */
static void ask_if_gone(struct kc_conn *conn)
{
	if (kucomms_unlikely(kucomms_load(&conn->gone)) && conn->transport->user_space)
		kucomms_store(&conn->own->need_data,
			      KUCOMMS_NEED | KUCOMMS_NEED_ALWAYS);
}

/*
 * Asks for the doorbell. A ring after the bell has been read here changes it,
 * so a wait for it does not sleep.
 */
void kc_conn_arm(struct kc_conn *conn)
{
	struct kucomms_channel *channel = &conn->channel;
	const __u32 flags = KUCOMMS_NEED | conn->receive_flags;
	const __u32 need = channel->in.position | flags;

	conn->receive_bell = kucomms_load_acquire(&channel->in.remote->bell);
	if (conn->armed == need)
		return;
	kucomms_consumer_arm_as(&channel->in, flags);
	if (conn->heavy)
		kc_barrier_all();
	conn->armed = need;
	channel->awake = false;
	ask_if_gone(conn);
}

/* Withdraws the request for the doorbell: this side is awake. */
void kc_conn_disarm(struct kc_conn *conn)
{
	if (!conn->armed)
		return;
	kucomms_consumer_disarm(&conn->channel.in);
	conn->armed = 0;
	conn->channel.awake = true;
	/* Pairs with kc_shm_hangup(): one sees what the other has written. */
	kucomms_full_barrier();
	ask_if_gone(conn);
}

/*
 * A message was received, so the next wait needs a new request. A program that
 * polls may poll again before the ring is empty, so poll() has to know how far
 * it has read.
 */
static void receive_disarm(struct kc_conn *conn)
{
	struct kucomms_channel *channel = &conn->channel;

	if (conn->polled && !conn->transport->ack_event) {
		kucomms_consumer_mark(&channel->in);
		conn->armed = ~KUCOMMS_NEED;
		channel->awake = false;
		/* The next message may wait for the room of this one. */
		if (!kucomms_consumer_ready(&channel->in))
			kc_conn_publish_room(conn, false);
	} else if (conn->armed) {
		kc_conn_disarm(conn);
		conn->receive_flags = conn->polled ? 0 :
				       conn->transport->wait_flags;
	}
}

/* Looks for a while, since sleeping and being woken costs more. */
static int receive_spin(struct kc_conn *conn,
			struct kucomms_message *message, const void **data)
{
	__s64 stop;
	int i, err;

	if (!conn->spin_ns)
		return -EAGAIN;
	stop = kc_now() + conn->spin_ns;
	do {
		for (i = 0; i < LOOKS; i++) {
			err = receive_next(conn, message, data);
			if (err != -EAGAIN)
				return err;
			relax();
		}
	} while (!conn->transport->error(conn) && kc_now() < stop);
	return -EAGAIN;
}

/* Arms, looks once more, sleeps: the order that loses no wake-up. */
static int receive_wait(struct kc_conn *conn,
			struct kucomms_message *message, const void **data,
			__s64 deadline)
{
	int err;

	for (;;) {
		kc_conn_arm(conn);
		err = receive_idle(conn, message, data);
		if (err != -EAGAIN)
			return err;
		err = conn->transport->wait(conn, KUCOMMS_EVENT_DATA, deadline,
					    &conn->receive_waits);
		if (err)
			return err;
	}
}

/* Receives when the ring looks empty, or has a record to be skipped. */
static int receive_look(struct kc_conn *conn,
			struct kucomms_message *message, const void **data,
			int timeout_ms, int found)
{
	int err = found ? receive_next(conn, message, data) : -EAGAIN;

	if (err == -EAGAIN && conn->transport->refill) {
		conn->transport->refill(conn);
		err = receive_next(conn, message, data);
	}
	/* Room is released now, while there is nothing else to do. */
	if (err == -EAGAIN && timeout_ms) {
		kc_conn_publish_room(conn, false);
		err = receive_spin(conn, message, data);
	} else if (err == -EAGAIN && conn->polled) {
		/* From here on poll() reports new messages only. */
		if (conn->transport->ack_event)
			conn->transport->ack_event(conn);
		kc_conn_arm(conn);
	}
	if (err == -EAGAIN)
		err = receive_idle(conn, message, data);
	if (err == -EAGAIN && timeout_ms)
		err = receive_wait(conn, message, data,
				   kc_deadline(timeout_ms));
	return err;
}

/* @found: the result of kucomms_consumer_receive(). */
KUCOMMS_API int kucomms_receive_slow(struct kucomms_channel *channel,
				     struct kucomms_message *message,
				     const void **data, int timeout_ms,
				     int found)
{
	struct kc_conn *conn = conn_of(channel);
	int err;

	if (conn_is_inherited(conn))
		return -ESTALE;
	if (found == -EPROTO) {
		kc_conn_break(conn);
		return found;
	}
	if (found != 1) {
		err = receive_look(conn, message, data, timeout_ms, found);
		if (err)
			return err;
	}
	receive_disarm(conn);
	channel->received++;
	return 0;
}

/*
 * The slow path of kucomms_release(): the other side waits for room, or this
 * side sleeps in poll(), or the inline part has published an eighth of the
 * ring. With nothing left to read this publishes all room, as this may be the
 * last release for a while.
 */
KUCOMMS_API void kucomms_release_slow(struct kucomms_channel *channel)
{
	const struct kucomms_consumer *in = &channel->in;
	struct kc_conn *conn = conn_of(channel);

	if (conn_is_inherited(conn))
		return;
	if (in->released == in->done)
		ring_room(conn);
	else if (!kucomms_consumer_ready(in))
		kc_conn_publish_room(conn, false);
}

/*
 * Releases all room before the sending thread sleeps, if the same thread
 * receives: the other side may wait for it. Another thread that receives
 * releases the room itself.
 */
void kc_conn_give_back(struct kc_conn *conn)
{
	if (kucomms_load(&conn->channel.thread) == KUCOMMS_THIS_THREAD())
		kc_conn_publish_room(conn, false);
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
	const struct kc_conn *conn = conn_of(channel);

	return conn_is_inherited(conn) ? -ESTALE : conn->fd;
}

KUCOMMS_API int kucomms_channel_poll_start(struct kucomms_channel *channel)
{
	struct kc_conn *conn = conn_of(channel);

	if (conn_is_inherited(conn))
		return -ESTALE;
	conn->polled = true;
	conn->receive_flags = 0;
	kc_conn_arm(conn);
	return conn->fd;
}
