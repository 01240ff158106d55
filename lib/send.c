// SPDX-License-Identifier: MIT
/*
 * The sending half of a channel.
 */
#include <string.h>

#include "clock.h"
#include "end.h"
#include "event.h"
#include "futex.h"
#include "receive.h"
#include "send.h"

/*
 * Is what the other side sleeps for there? It may have taken what was published
 * before this side looked, and sleep for what is still to come.
 */
static bool send_has(const struct kucomms_end *end, __u32 need)
{
	const struct kucomms_producer *out = &end->channel.out;
	const struct kucomms_message *record =
		kucomms_record_at(out->data, out->mask,
				  need & ~(KUCOMMS_RECORD_ALIGN - 1u));

	return kucomms_load(&record->control) != KUCOMMS_CONTROL_EMPTY;
}

/*
 * The other side slept when it said @need. Who is in user space is woken once
 * for what is there: it will find all of it by then, and sleep for something
 * else, with another word, the next time.
 */
static int send_ring(struct kucomms_end *end, __u32 need)
{
	if (end->transport->how && !(need & KUCOMMS_NEED_ALWAYS)) {
		if (need == end->rung)
			return end->transport->error(end);
		if (send_has(end, need))
			end->rung = need;
	}
	return end->transport->ring(end, need, &end->send_doorbells);
}

int kucomms_end_ring(struct kucomms_end *end)
{
	__u32 need = kucomms_producer_must_ring(&end->channel.out);

	return need ? send_ring(end, need) : 0;
}

/* Room may be wanting only because the other side was not told of what is there. */
int kucomms_end_try_reserve(struct kucomms_end *end, __u32 length,
			    struct kucomms_message **record)
{
	struct kucomms_producer *out = &end->channel.out;
	int err = end->transport->error(end);

	if (err)
		return err;
	err = kucomms_producer_reserve(out, length, record);
	if (err == -EPROTO)
		kucomms_end_break(end);
	if (err != -EAGAIN || !kucomms_producer_flush(out))
		return err;
	err = kucomms_end_ring(end);
	return err ? err : kucomms_producer_reserve(out, length, record);
}

static void send_arm(struct kucomms_end *end, __u32 length, __u32 how)
{
	struct kucomms_producer *out = &end->channel.out;

	/* Whoever rings after this changes it. */
	end->send_bell = kucomms_load_acquire(&out->peer->bell);
	kucomms_producer_arm_as(out, length, KUCOMMS_NEED | how);
	end->room_armed = true;
}

void kucomms_end_forget_room(struct kucomms_end *end)
{
	if (!end->room_armed)
		return;
	kucomms_producer_disarm(&end->channel.out);
	end->room_armed = false;
}

/*
 * As kucomms_end_try_reserve(); if there is no room the other side rings for it.
 * An old wish must not stay, for positions come round again: so that the next
 * reserve comes here, whatever its length, there is no room until then.
 */
int kucomms_end_ask_room(struct kucomms_end *end, __u32 length, __u32 how,
			 struct kucomms_message **record)
{
	int err;

	send_arm(end, length, how);
	/* The other side may be waiting for room itself: for this thread. */
	kucomms_end_give_back(end);
	err = kucomms_end_try_reserve(end, length, record);
	if (err == -EAGAIN)
		end->channel.out.end = end->channel.out.position;
	else
		kucomms_end_forget_room(end);
	return err;
}

/* Arms, looks once more, sleeps: the order that loses no wake-up. */
static int send_wait_room(struct kucomms_end *end, __u32 length,
			  struct kucomms_message **record, __s64 deadline)
{
	int err;

	for (;;) {
		err = kucomms_end_ask_room(end, length, end->transport->how,
					   record);
		if (err != -EAGAIN)
			return err;
		err = end->transport->wait(end, KUCOMMS_EVENT_ROOM, deadline,
					   &end->send_waits);
		if (err) {
			kucomms_end_forget_room(end);
			return err;
		}
	}
}

/* There is no room, as far as is known, or worse. */
KUCOMMS_API int kucomms_reserve_slow(struct kucomms_channel *channel,
				     __u32 length,
				     struct kucomms_message **record,
				     int timeout_ms)
{
	struct kucomms_end *end = end_of(channel);
	int err;

	if (end_is_inherited(end))
		return -ESTALE;
	err = kucomms_end_try_reserve(end, length, record);
	if (err == -EAGAIN && end->member.endpoint)
		/* A handler that refuses a message for it gets that once more. */
		return timeout_ms ? -EDEADLK :
				    kucomms_end_ask_room(end, length, 0, record);
	if (err == -EAGAIN && timeout_ms)
		return send_wait_room(end, length, record,
				      kucomms_deadline(timeout_ms));
	/* poll() says when this much room has been made. */
	if (err == -EAGAIN && end->polled)
		return kucomms_end_ask_room(end, length, 0, record);
	kucomms_end_forget_room(end);
	return err;
}

/* Somebody sleeps, or the message handler runs in the call. */
KUCOMMS_API int kucomms_commit_slow(struct kucomms_channel *channel,
				    __u32 need)
{
	return send_ring(end_of(channel), need);
}

/*
 * There may be messages behind it that had to wait for this, so the other
 * side is told as of a message; unless something before it is held back anyway.
 */
KUCOMMS_API int kucomms_discard(struct kucomms_channel *channel,
				struct kucomms_message *record)
{
	bool held = channel->out.held_control != KUCOMMS_CONTROL_EMPTY;

	if (end_is_inherited(end_of(channel)))
		return -ESTALE;
	kucomms_producer_commit(&channel->out, record,
				KUCOMMS_CONTROL_DISCARDED, held);
	return held ? 0 : kucomms_end_ring(end_of(channel));
}

KUCOMMS_API int kucomms_flush(struct kucomms_channel *channel)
{
	if (end_is_inherited(end_of(channel)))
		return -ESTALE;
	if (!kucomms_producer_flush(&channel->out))
		return 0;
	return kucomms_end_ring(end_of(channel));
}

/* The header and the data, into a record that is as long. */
void kucomms_record_fill(struct kucomms_message *record,
			 const struct kucomms_message *message,
			 const void *data)
{
	record->type = message->type;
	record->id = message->id;
	record->user = message->user;
	if (message->length)
		memcpy(record + 1, data, message->length);
}

static int reserve_by(struct kucomms_end *end, __u32 length,
		      struct kucomms_message **record, __s64 deadline)
{
	struct kucomms_member *member = &end->member;
	int err;

	for (;;) {
		err = kucomms_reserve(&end->channel, length, record, 0);
		if (err != -EAGAIN || !deadline)
			return err;
		if (kucomms_endpoint_is_mine(member->endpoint))
			return -EDEADLK;
		/* The endpoint's thread hears of room from the other side. */
		member->waiters++;
		err = kucomms_event_wait(&member->room, &member->lock, deadline);
		member->waiters--;
		if (err)
			return err;
	}
}

/*
 * Under the member's lock, which is given up while waiting. Unless room is still
 * wanted for this message the other side is not asked for any more; so others who
 * wait have to ask anew.
 */
int kucomms_member_reserve(struct kucomms_end *end, __u32 length,
			   struct kucomms_message **record, __s64 deadline)
{
	int err = reserve_by(end, length, record, deadline);

	if (err != -EAGAIN) {
		kucomms_end_forget_room(end);
		if (end->member.waiters)
			kucomms_event_tell(&end->member.room);
	}
	return err;
}

int kucomms_member_send(struct kucomms_end *end,
			const struct kucomms_message *message, const void *data,
			unsigned int flags, int timeout_ms)
{
	struct kucomms_message *record;
	int err;

	if (end_is_inherited(end))
		return -ESTALE;
	pthread_mutex_lock(&end->member.lock);
	err = kucomms_member_reserve(end, message->length, &record,
				     kucomms_deadline(timeout_ms));
	if (!err) {
		kucomms_record_fill(record, message, data);
		err = kucomms_commit(&end->channel, record, flags);
	}
	pthread_mutex_unlock(&end->member.lock);
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
	if (kucomms_unlikely(end_of(channel)->member.endpoint))
		return kucomms_member_send(end_of(channel), message, data,
					   flags, timeout_ms);
	err = kucomms_reserve(channel, message->length, &record, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	kucomms_record_fill(record, message, data);
	return kucomms_commit(channel, record, flags);
}

/*
 * Rings, so that the answer may come. Where the doorbell only wakes somebody in
 * the kernel, one call rings and sleeps.
 */
static int call_ring(struct kucomms_end *end, int timeout_ms)
{
	__u32 need = kucomms_producer_must_ring(&end->channel.out);

	if (!need)
		return 0;
	if (!end->answers_late || !timeout_ms || end->transport->how)
		return send_ring(end, need);
	/* The answer may need the room of those before. */
	kucomms_end_tell(end, false);
	kucomms_end_arm(end);
	return end->transport->wait(end,
				    KUCOMMS_EVENT_RING | KUCOMMS_EVENT_DATA,
				    kucomms_deadline(timeout_ms),
				    &end->send_doorbells);
}

KUCOMMS_API int kucomms_exchange(struct kucomms_channel *channel,
				 const struct kucomms_message *request,
				 const void *data,
				 struct kucomms_message *answer,
				 const void **answer_data, int timeout_ms)
{
	struct kucomms_end *end = end_of(channel);
	struct kucomms_message *record;
	int err;

	err = kucomms_reserve(channel, request->length, &record, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	kucomms_record_fill(record, request, data);
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
	channel->sent++;
	err = call_ring(end, timeout_ms);
	if (kucomms_unlikely(err))
		return err;
	if (!kucomms_consumer_ready(&channel->in))
		end->answers_late = true;
	return kucomms_receive(channel, answer, answer_data, timeout_ms);
}

KUCOMMS_API __u32
kucomms_channel_length_max(const struct kucomms_channel *channel)
{
	return channel->out.size ? KUCOMMS_LENGTH_MAX(channel->out.size) : 0;
}

/*
 * Returns how many bytes of the ring are used. Goes by the other side's
 * position and not by @end: that is set to @position while a sender waits for
 * room, so that the inline functions find none.
 */
static __u32 space_used(const struct kucomms_producer *out, __u32 capacity)
{
	__u32 used = kucomms_load(&out->position) -
		     kucomms_load_acquire(&out->peer->position);

	return used < capacity ? used : capacity;
}

KUCOMMS_API void kucomms_channel_get_space(struct kucomms_channel *channel,
					   struct kucomms_space *space)
{
	struct kucomms_end *end = end_of(channel);
	__u32 capacity;

	memset(space, 0, sizeof(*space));
	/* The memory goes under this lock. */
	pthread_mutex_lock(&end->member.lock);
	if (end->own) {
		capacity = kucomms_ring_capacity(channel->out.size);
		space->in_size = channel->in.size;
		space->out_size = channel->out.size;
		space->used = space_used(&channel->out, capacity);
		space->free = capacity - space->used;
	}
	pthread_mutex_unlock(&end->member.lock);
}
