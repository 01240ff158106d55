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

/* The other side may be waiting for the room that has just been made. */
static void ring_room(struct kc_conn *conn)
{
	/* An error is the channel's state, which the next call will find. */
	if (kucomms_consumer_must_ring(&conn->channel.in))
		conn->transport->ring(conn,
				      kucomms_load(&conn->channel.in.peer->need_room),
				      &conn->receive_doorbells);
	/*
	 * Nobody is there to use the room. If more is found than the ring holds, it
	 * is what was read before: so nothing is ever given back again.
	 */
	if (conn->transport->error(conn)) {
		conn->closing = true;
		conn->channel.in.share = ~0u;
	}
}

/* The next message, or -EAGAIN; what is to be skipped is. */
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
 * Says how much room there is, and wakes the other side if it waits for it.
 * @told: what a release said: the other side has been told of something already.
 */
void kc_conn_tell(struct kc_conn *conn, bool told)
{
	if (!conn->closing)
		told |= kucomms_consumer_tell(&conn->channel.in);
	if (told)
		ring_room(conn);
}

/*
 * Nothing to read: gives back what is not needed any more, which may bring new
 * messages at once, and finds out whether there can be any more at all. The
 * state is read before the last look: what was sent before it changed counts.
 */
static int receive_idle(struct kc_conn *conn,
			struct kucomms_message *message, const void **data)
{
	int state, err;

	kc_conn_tell(conn, false);
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
 * Another thread may have hung up, which did or did not see what has just been
 * written: the doorbell is what tells the other side, for good. A device's
 * kernel tells by itself.
 */
static void ask_if_gone(struct kc_conn *conn)
{
	if (kucomms_unlikely(kucomms_load(&conn->gone)) && conn->transport->user_space)
		kucomms_store(&conn->own->need_data,
			      KUCOMMS_NEED | KUCOMMS_NEED_ALWAYS);
}

/* Whoever rings after the bell has been read here changes it. */
void kc_conn_arm(struct kc_conn *conn)
{
	struct kucomms_channel *channel = &conn->channel;
	const __u32 flags = KUCOMMS_NEED | conn->receive_flags;
	const __u32 need = channel->in.position | flags;

	conn->receive_bell = kucomms_load_acquire(&channel->in.peer->bell);
	if (conn->armed == need)
		return;
	kucomms_consumer_arm_as(&channel->in, flags);
	if (conn->heavy)
		kc_barrier_all();
	conn->armed = need;
	channel->awake = false;
	ask_if_gone(conn);
}

/* Awake: no doorbell is needed. */
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
 * Something was received. One who polls need not have found the ring empty
 * before he polls again, so poll() has to know how far he got.
 */
static void receive_disarm(struct kc_conn *conn)
{
	struct kucomms_channel *channel = &conn->channel;

	if (conn->polled && !conn->transport->ack_event) {
		kucomms_consumer_mark(&channel->in);
		conn->armed = ~KUCOMMS_NEED;
		channel->awake = false;
		/* The next message may wait for the room that was released. */
		if (!kucomms_consumer_ready(&channel->in))
			kc_conn_tell(conn, false);
	} else if (conn->armed) {
		kc_conn_disarm(conn);
		conn->receive_flags = conn->polled ? 0 :
				       conn->transport->wait_flags;
	}
}

/*
 * Sleeping and being woken costs more than looking for a little longer. What is
 * found is taken at once: from the look to the caller nothing is asked twice.
 */
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

/* There is nothing to read yet, or worse. */
static int receive_look(struct kc_conn *conn,
			struct kucomms_message *message, const void **data,
			int timeout_ms, int found)
{
	int err = found ? receive_next(conn, message, data) : -EAGAIN;

	if (err == -EAGAIN && conn->transport->refill) {
		conn->transport->refill(conn);
		err = receive_next(conn, message, data);
	}
	/* What is told now is told while there is nothing else to do. */
	if (err == -EAGAIN && timeout_ms) {
		kc_conn_tell(conn, false);
		err = receive_spin(conn, message, data);
	} else if (err == -EAGAIN && conn->polled) {
		/* poll() says when there is more than this. */
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

/* @found: what kucomms_consumer_receive() said. */
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
 * Finishes a release for kucomms_release(): the other side waits for room, or
 * this side sleeps in poll(), or the inline part has told of an eighth of the
 * ring. If nothing is left to read this tells of all room, as this may be the
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
		kc_conn_tell(conn, false);
}

/*
 * Before the sending thread sleeps: what it has received and released itself
 * may be what the other side waits for. If another thread receives, that one will.
 */
void kc_conn_give_back(struct kc_conn *conn)
{
	if (kucomms_load(&conn->channel.thread) == KUCOMMS_THIS_THREAD())
		kc_conn_tell(conn, false);
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
