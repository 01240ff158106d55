// SPDX-License-Identifier: MIT
/*
 * The sending half of a channel.
 */
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "event.h"
#include "futex.h"
#include "receive.h"
#include "send.h"

/*
 * Tells whether the message for which the other side sleeps has been published.
 * The other side may have taken all messages before this side looked at
 * need_data, and sleep for the next one.
 */
static bool send_has(const struct kc_conn *conn, __u32 need)
{
	const struct kucomms_producer *out = &conn->channel.out;
	const struct kucomms_message *record =
		kucomms_record_at(out->data, out->mask,
				  need & ~(KUCOMMS_RECORD_ALIGN - 1u));

	return kucomms_load(&record->control) != KUCOMMS_CONTROL_EMPTY;
}

/*
 * Rings for the other side, which set need_data or need_room to @need before it
 * slept. A process is rung for once per value of @need: when it wakes up it
 * finds every message that was there, and sets another value before it sleeps
 * again.
 */
static int send_ring(struct kc_conn *conn, __u32 need)
{
	if (conn->transport->user_space && !(need & KUCOMMS_NEED_ALWAYS)) {
		if (need == conn->rung)
			return conn->transport->error(conn);
		if (send_has(conn, need))
			conn->rung = need;
	}
	return conn->transport->ring(conn, need, &conn->send_doorbells);
}

int kc_conn_ring(struct kc_conn *conn)
{
	__u32 need = kucomms_producer_must_ring(&conn->channel.out);

	return need ? send_ring(conn, need) : 0;
}

/*
 * Reserves without waiting. There may be no room only because messages that
 * were held back have not been published: publishes these and tries again.
 */
int kc_conn_try_reserve(struct kc_conn *conn, __u32 length,
			struct kucomms_message **record)
{
	struct kucomms_producer *out = &conn->channel.out;
	int err = conn->transport->error(conn);

	if (err)
		return err;
	err = kucomms_producer_reserve(out, length, record);
	if (err == -EPROTO)
		kc_conn_break(conn);
	if (err != -EAGAIN || !kucomms_producer_flush(out))
		return err;
	err = kc_conn_ring(conn);
	return err ? err : kucomms_producer_reserve(out, length, record);
}

static void send_arm(struct kc_conn *conn, __u32 length, __u32 flags)
{
	struct kucomms_producer *out = &conn->channel.out;

	/* A ring from here on changes the bell, so the wait does not sleep. */
	conn->send_bell = kucomms_load_acquire(&out->remote->bell);
	kucomms_producer_arm_as(out, length, KUCOMMS_NEED | flags);
	conn->room_armed = true;
}

void kc_conn_disarm_room(struct kc_conn *conn)
{
	if (!conn->room_armed)
		return;
	kucomms_producer_disarm(&conn->channel.out);
	conn->room_armed = false;
}

/*
 * Asks the other side to ring for room, and tries to reserve. If there is still
 * no room, out->end is set to the position, so that the next reserve of any
 * length comes here and renews or withdraws the request: a stale need_room
 * would match again when positions wrap.
 */
int kc_conn_arm_room(struct kc_conn *conn, __u32 length, __u32 flags,
		     struct kucomms_message **record)
{
	int err;

	send_arm(conn, length, flags);
	/* The other side may wait for this thread, too. */
	kc_conn_give_back(conn);
	err = kc_conn_try_reserve(conn, length, record);
	if (err == -EAGAIN)
		conn->channel.out.end = conn->channel.out.position;
	else
		kc_conn_disarm_room(conn);
	return err;
}

/* Arms, looks once more, sleeps: the order that loses no wake-up. */
static int send_wait_room(struct kc_conn *conn, __u32 length,
			  struct kucomms_message **record, __s64 deadline)
{
	int err;

	for (;;) {
		err = kc_conn_arm_room(conn, length,
				       conn->transport->wait_flags, record);
		if (err != -EAGAIN)
			return err;
		err = conn->transport->wait(conn, KUCOMMS_EVENT_ROOM, deadline,
					    &conn->send_waits);
		if (err) {
			kc_conn_disarm_room(conn);
			return err;
		}
	}
}

/* There is no room, as far as is known, or an error. */
KUCOMMS_API int kucomms_reserve_slow(struct kucomms_channel *channel,
				     __u32 length,
				     struct kucomms_message **record,
				     int timeout_ms)
{
	struct kc_conn *conn = conn_of(channel);
	int err;

	if (conn_is_inherited(conn))
		return -ESTALE;
	err = kc_conn_try_reserve(conn, length, record);
	if (err == -EAGAIN && conn->entry.endpoint)
		/* A handler that returns -EAGAIN gets the message again. */
		return timeout_ms ? -EDEADLK :
				    kc_conn_arm_room(conn, length, 0, record);
	if (err == -EAGAIN && timeout_ms)
		return send_wait_room(conn, length, record,
				      kc_deadline(timeout_ms));
	/* From here on poll() reports when there is room for @length bytes. */
	if (err == -EAGAIN && conn->polled)
		return kc_conn_arm_room(conn, length, 0, record);
	kc_conn_disarm_room(conn);
	return err;
}

/*
 * The slow path of kucomms_commit(): rings, since the other side sleeps, or
 * since its message handler runs in this call.
 */
KUCOMMS_API int kucomms_commit_slow(struct kucomms_channel *channel,
				    __u32 need)
{
	return send_ring(conn_of(channel), need);
}

/*
 * Discards a record. Messages behind it may have waited for this, so the other
 * side is rung for as after a commit, unless an earlier message is held back.
 */
KUCOMMS_API int kucomms_discard(struct kucomms_channel *channel,
				struct kucomms_message *record)
{
	bool held = channel->out.held_control != KUCOMMS_CONTROL_EMPTY;

	if (conn_is_inherited(conn_of(channel)))
		return -ESTALE;
	kucomms_producer_commit(&channel->out, record,
				KUCOMMS_CONTROL_DISCARDED, held);
	return held ? 0 : kc_conn_ring(conn_of(channel));
}

KUCOMMS_API int kucomms_flush(struct kucomms_channel *channel)
{
	if (conn_is_inherited(conn_of(channel)))
		return -ESTALE;
	if (!kucomms_producer_flush(&channel->out))
		return 0;
	return kc_conn_ring(conn_of(channel));
}

/* Copies header and data into a record of the same length. */
void kc_record_fill(struct kucomms_message *record,
		    const struct kucomms_message *message,
		    const void *data)
{
	record->type = message->type;
	record->id = message->id;
	record->user = message->user;
	if (message->length)
		memcpy(record + 1, data, message->length);
}

static int reserve_by(struct kc_conn *conn, __u32 length,
		      struct kucomms_message **record, __s64 deadline)
{
	int err;

	for (;;) {
		err = kucomms_reserve(&conn->channel, length, record, 0);
		if (err != -EAGAIN || !deadline)
			return err;
		if (kc_event_is_own_thread(conn->entry.endpoint))
			return -EDEADLK;
		/* The endpoint's thread gets the doorbell, and broadcasts. */
		conn->waiters++;
		err = kc_cond_wait(&conn->room_cond, &conn->lock, deadline);
		conn->waiters--;
		if (err)
			return err;
	}
}

/*
 * Reserves with the channel's lock held; the lock is released while waiting.
 * When this returns anything but -EAGAIN the request for room is withdrawn, so
 * other threads that wait are woken to renew it.
 */
int kc_conn_reserve_locked(struct kc_conn *conn, __u32 length,
			   struct kucomms_message **record, __s64 deadline)
{
	int err = reserve_by(conn, length, record, deadline);

	if (err != -EAGAIN) {
		kc_conn_disarm_room(conn);
		if (conn->waiters)
			kc_cond_broadcast(&conn->room_cond);
	}
	return err;
}

int kc_conn_send_shared(struct kc_conn *conn,
			const struct kucomms_message *message, const void *data,
			unsigned int flags, int timeout_ms)
{
	struct kucomms_message *record;
	int err;

	if (conn_is_inherited(conn))
		return -ESTALE;
	pthread_mutex_lock(&conn->lock);
	err = kc_conn_reserve_locked(conn, message->length, &record,
				     kc_deadline(timeout_ms));
	if (!err) {
		kc_record_fill(record, message, data);
		err = kucomms_commit(&conn->channel, record, flags);
	}
	pthread_mutex_unlock(&conn->lock);
	return err;
}

KUCOMMS_API int kucomms_send(struct kucomms_channel *channel,
			     const struct kucomms_message *message,
			     const void *data, unsigned int flags,
			     int timeout_ms)
{
	struct kucomms_message *record;
	int err;

	if (kucomms_unlikely(flags & ~KUCOMMS_SEND_MORE))
		return -EINVAL;
	if (kucomms_unlikely(conn_of(channel)->entry.endpoint))
		return kc_conn_send_shared(conn_of(channel), message, data,
					   flags, timeout_ms);
	err = kucomms_reserve(channel, message->length, &record, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	kc_record_fill(record, message, data);
	return kucomms_commit(channel, record, flags);
}

/*
 * Rings for the request. Where the doorbell only wakes a thread of the kernel,
 * one system call rings and waits for the answer.
 */
static int call_ring(struct kc_conn *conn, int timeout_ms)
{
	__u32 need = kucomms_producer_must_ring(&conn->channel.out);

	if (!need)
		return 0;
	if (!conn->answers_late || !timeout_ms || conn->transport->user_space)
		return send_ring(conn, need);
	/* The answer may need the room of messages that were read before. */
	kc_conn_publish_room(conn, false);
	kc_conn_arm(conn);
	return conn->transport->wait(conn,
				     KUCOMMS_EVENT_RING | KUCOMMS_EVENT_DATA,
				     kc_deadline(timeout_ms),
				     &conn->send_doorbells);
}

KUCOMMS_API int kucomms_exchange(struct kucomms_channel *channel,
				 const struct kucomms_message *request,
				 const void *data,
				 struct kucomms_message *answer,
				 const void **answer_data, int timeout_ms)
{
	struct kc_conn *conn = conn_of(channel);
	struct kucomms_message *record;
	int err;

	err = kucomms_reserve(channel, request->length, &record, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	kc_record_fill(record, request, data);
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
	channel->sent++;
	err = call_ring(conn, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	if (!kucomms_consumer_ready(&channel->in))
		conn->answers_late = true;
	return kucomms_receive(channel, answer, answer_data, timeout_ms);
}

KUCOMMS_API __u32
kucomms_channel_length_max(const struct kucomms_channel *channel)
{
	return channel->out.size ? KUCOMMS_LENGTH_MAX(channel->out.size) : 0;
}

/*
 * Returns how many bytes of the ring are used. This goes by the other side's
 * position, not by out->end, which is the position while a sender waits for
 * room.
 */
static __u32 space_used(const struct kucomms_producer *out, __u32 capacity)
{
	__u32 used = kucomms_load(&out->position) -
		     kucomms_load_acquire(&out->remote->position);

	return used < capacity ? used : capacity;
}

KUCOMMS_API void kucomms_channel_get_space(struct kucomms_channel *channel,
					   struct kucomms_space *space)
{
	struct kc_conn *conn = conn_of(channel);
	__u32 capacity;

	memset(space, 0, sizeof(*space));
	/* The endpoint's thread unmaps the rings with this lock held. */
	pthread_mutex_lock(&conn->lock);
	if (conn->own) {
		capacity = kucomms_ring_capacity(channel->out.size);
		space->in_size = channel->in.size;
		space->out_size = channel->out.size;
		space->used = space_used(&channel->out, capacity);
		space->free = capacity - space->used;
	}
	pthread_mutex_unlock(&conn->lock);
}
