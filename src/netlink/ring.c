// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's ends of a channel's rings, and what moves messages between these
 * rings and netlink's datagrams. The rings are those of every channel, so
 * handlers find nothing unusual; only, the kernel is on both sides of them.
 *
 * Netlink's header has more than a message, above all the sequence number of
 * the request that it answers. For each place in a ring where a record can
 * begin an array beside the ring has an element for that, a struct kc_meta. The
 * sender of a record writes it before the commit, and the receiver reads it
 * after it has got the record, so it needs no lock of its own.
 */
#include <linux/ktime.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "types.h"

/*
 * Longest time, in ns, for which a client waits, for each of its datagrams,
 * until a thread of the endpoint makes room.
 */
#define ROOM_WAIT_NS	(20 * NSEC_PER_MSEC)

static struct kc_meta *meta_alloc(u32 ring_size)
{
	/*
	 * The array may be large: if there is no memory no process is killed
	 * for it.
	 */
	return kvcalloc(ring_size / KUCOMMS_RECORD_ALIGN,
			sizeof(struct kc_meta),
			GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL |
			__GFP_NOWARN);
}

static struct kc_meta *meta_at(struct kc_meta *meta, u32 mask, u32 position)
{
	return &meta[(position & mask) / KUCOMMS_RECORD_ALIGN];
}

/*
 * Called when the rings have been allocated; once more, with rings of the same
 * size, if the endpoint that the channel was to have has gone meanwhile.
 */
int kc_ring_create(struct kucomms_channel *channel)
{
	struct kc_socket *socket = kc_channel_socket(channel);
	struct kucomms_control *own =
		channel->regions[KC_REGION_USER_CONTROL].address;

	if (!socket->out_meta)
		socket->out_meta = meta_alloc(channel->in.size);
	if (!socket->in_meta)
		socket->in_meta = meta_alloc(channel->out.size);
	if (!socket->out_meta || !socket->in_meta)
		return -ENOMEM;
	kucomms_producer_init(&socket->out, channel->in.data, channel->in.size,
			      own, channel->in.own);
	kucomms_consumer_init(&socket->in, channel->out.data, channel->out.size,
			      own, channel->out.own);
	return 0;
}

/* A sender of the module has reserved this record, and commits it next. */
void kc_ring_reserved(struct kucomms_channel *channel,
		      const struct kucomms_message *record)
{
	struct kc_socket *socket = kc_channel_socket(channel);
	u32 offset = (const unsigned char *)record - channel->out.data;
	struct kc_meta *meta = meta_at(socket->in_meta, channel->out.mask,
				       offset);

	if (in_task() && channel->handler == current)
		*meta = socket->current_meta;
	else
		*meta = (struct kc_meta){ };
}

/*
 * Puts the acknowledgement of a request, or the end of its dump, behind the
 * answers. Returns -EAGAIN if the ring has no room for it.
 */
static int ring_finish_message(struct kucomms_channel *channel,
			       const struct kucomms_message *message,
			       int result)
{
	struct kc_socket *socket = kc_channel_socket(channel);
	const struct kucomms_message status = {
		.id = message->length,
		.user = (s64)result,
	};
	unsigned long flags;
	int err;

	socket->current_meta.kind = socket->current_meta.flags & NLM_F_MULTI ?
				    KC_META_DONE : KC_META_ACK;
	/*
	 * Takes the lock, since others may be sending, and sets @must_notify, not
	 * @replied: the end of the turn must not publish messages that others
	 * hold back. Handlers that send without the lock do so in this turn.
	 */
	raw_spin_lock_irqsave(&channel->lock, flags);
	err = kc_channel_put_message(channel, &status, NULL);
	/* The counter is for what the module has sent. */
	channel->counters.messages_to_user -= !err;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	channel->must_notify = true;
	return err;
}

static bool is_dump(u16 flags)
{
	return (flags & NLM_F_DUMP) == NLM_F_DUMP;
}

/*
 * Takes the place of the endpoint's message handler. If the handler has
 * finished and only the acknowledgement finds no room, only that is tried again
 * when the message is delivered again.
 */
int kc_ring_message(struct kucomms_channel *channel,
		    const struct kucomms_message *message, const void *data,
		    void *priv)
{
	struct kc_socket *socket = kc_channel_socket(channel);
	u32 at = channel->in.position -
		 kucomms_record_after(0, message->length);
	const struct kc_meta *meta = meta_at(socket->out_meta,
					     channel->in.mask, at);
	int err = 0;

	socket->current_meta.sequence = meta->sequence;
	socket->current_meta.flags = is_dump(meta->flags) ? NLM_F_MULTI : 0;
	socket->current_meta.kind = KC_META_MESSAGE;
	if (!socket->handled)
		err = kc_calls_message(channel, message, data, priv);
	if (err == -EAGAIN)
		return err;
	if (err) {
		/*
		 * This breaks the channel; the client learns by which request.
		 */
		ring_finish_message(channel, message, err < 0 ? err : -EPROTO);
		return err;
	}
	if (meta->flags & NLM_F_ACK || is_dump(meta->flags))
		err = ring_finish_message(channel, message, 0);
	socket->handled = err == -EAGAIN;
	return err;
}

/*
 * Rings like kc_channel_doorbell(), until the endpoint has handled all
 * that was in the ring at the beginning: in the client's call, so that the time
 * is charged to the client. If the task is killed, or others have sent more
 * meanwhile, the socket's work sees to the rest.
 */
int kc_ring_doorbell(struct kc_socket *socket)
{
	struct kucomms_channel *channel = socket->channel;
	const u32 until = READ_ONCE(socket->out.position);
	int ret;

	do {
		ret = kc_channel_doorbell(channel);
		cond_resched();
	} while (ret > 0 && !fatal_signal_pending(current) &&
		 (s32)(READ_ONCE(channel->in.position) - until) < 0);
	if (ret > 0 || ret == -EINTR) {
		WRITE_ONCE(socket->unfinished, true);
		wake_up(&channel->wait);
	}
	return ret < 0 ? ret : 0;
}

/*
 * Does what a task has left unfinished, or as much of it as one doorbell does.
 * Returns whether there is more.
 */
bool kc_ring_finish(struct kc_socket *socket)
{
	if (!READ_ONCE(socket->unfinished))
		return false;
	/*
	 * Before the doorbell: whoever sets it from now on means something
	 * more.
	 */
	WRITE_ONCE(socket->unfinished, false);
	if (kc_channel_doorbell(socket->channel) <= 0)
		return false;
	WRITE_ONCE(socket->unfinished, true);
	return true;
}

/*
 * There is no room for @length bytes: rings, so that the endpoint takes what is
 * in the ring. If a thread serves the endpoint, then sleeps for room until
 * *@until; but not if the handler itself waits for room, which only the client
 * can make, by reading. *@until is set if it is 0.
 */
static int ring_wait_room(struct kc_socket *socket, u32 length, u64 *until)
{
	struct kucomms_channel *channel = socket->channel;
	struct kucomms_producer *out = &socket->out;
	const u64 now = ktime_get_ns();
	int err;

	if (!*until)
		*until = now + ROOM_WAIT_NS;

	kucomms_producer_flush(out);
	kucomms_producer_arm(out, length);
	err = kc_ring_doorbell(socket) ?: kucomms_producer_room(out, length);
	if (err == -EAGAIN && now < *until && !READ_ONCE(channel->stalled))
		err = kc_channel_wait(channel, KUCOMMS_EVENT_ROOM, *until);
	kucomms_producer_disarm(out);
	return err < 0 ? err : 0;
}

static int ring_reserve(struct kc_socket *socket, u32 length,
			struct kucomms_message **record, u64 *until)
{
	int err = kc_channel_error(socket->channel) ?:
		  kucomms_producer_reserve(&socket->out, length, record);

	if (err != -EAGAIN)
		return err;
	err = ring_wait_room(socket, length, until);
	if (err == -ETIMEDOUT || err == -ERESTARTSYS || err == -EAGAIN)
		return -EAGAIN;
	return err ?: kucomms_producer_reserve(&socket->out, length, record);
}

/*
 * Tells whether the module may owe one more acknowledgement. A client that has
 * got acknowledgements may send as many requests again at once, but the places
 * in the array are not free before kc_ring_commit().
 */
static bool ring_may_owe_ack(const struct kc_socket *socket)
{
	const u32 put = socket->acks_put;

	/* The acquire pairs with kc_ring_commit(). */
	return put - READ_ONCE(socket->acks_got) < KC_PENDING_ACKS &&
	       put - smp_load_acquire(&socket->acks_sent) <
		       ARRAY_SIZE(socket->acks);
}

/*
 * Notes that the module owes an acknowledgement. A module with threads of its
 * own sends at any time, so the acknowledgement cannot go through the ring.
 * Called before the commit, since the module may release the request at once.
 */
static void ring_expect_ack(struct kc_socket *socket,
			    const struct nlmsghdr *header, u32 length)
{
	u32 put = socket->acks_put;

	socket->acks[put % ARRAY_SIZE(socket->acks)] = (struct kc_pending_ack){
		.after = socket->out.position,
		.sequence = header->nlmsg_seq,
		.length = length,
	};
	/* Pairs with ring_ack_is_due(). */
	smp_store_release(&socket->acks_put, put + 1);
}

static bool ring_ack_is_due(const struct kc_socket *socket)
{
	u32 got = READ_ONCE(socket->acks_got);

	/* Pairs with ring_expect_ack(). */
	return got != smp_load_acquire(&socket->acks_put) &&
	       (s32)(READ_ONCE(socket->channel->in.done) -
		     socket->acks[got % ARRAY_SIZE(socket->acks)].after) >= 0;
}

/*
 * A thread of the module has released a message: wakes the client if an
 * acknowledgement is due.
 */
void kc_ring_released(struct kucomms_channel *channel)
{
	if (ring_ack_is_due(kc_channel_socket(channel)))
		wake_up(&channel->wait);
}

/*
 * Tells whether the module, not its message handler, owes an acknowledgement.
 */
static bool module_owes_ack(const struct kc_socket *socket,
			    const struct nlmsghdr *header)
{
	return header->nlmsg_flags & NLM_F_ACK &&
	       !socket->channel->endpoint->ops.message;
}

/*
 * Puts a message from the client, whose length has been checked, into the ring.
 * @more: holds it back until the ring is flushed. @until: the time until which
 *        the
 * task may wait for room, or 0 if it has not waited yet.
 */
int kc_ring_put(struct kc_socket *socket, const struct nlmsghdr *header,
		bool more, u64 *until)
{
	const void *payload = nlmsg_data(header);
	struct kucomms_message message;
	struct kucomms_message *record;
	bool owes_ack;
	u32 offset;
	int err;

	if (mutex_lock_killable(&socket->send_lock))
		return -EINTR;
	/* Netlink aligns the payload to 4 bytes only. */
	memcpy(&message, payload, sizeof(message));
	owes_ack = module_owes_ack(socket, header);
	if (owes_ack && !ring_may_owe_ack(socket))
		err = -EAGAIN;
	else
		err = ring_reserve(socket, message.length, &record, until);
	if (!err) {
		offset = (unsigned char *)record - socket->out.data;
		*meta_at(socket->out_meta, socket->out.mask, offset) =
			(struct kc_meta){
				.sequence = header->nlmsg_seq,
				.flags = header->nlmsg_flags,
			};
		record->type = message.type;
		record->id = message.id;
		record->user = message.user;
		memcpy(record + 1, payload + sizeof(message), message.length);
		if (owes_ack)
			ring_expect_ack(socket, header, message.length);
		kucomms_producer_commit(&socket->out, record,
					KUCOMMS_CONTROL_MESSAGE, more);
	}
	mutex_unlock(&socket->send_lock);
	return err;
}

/* Tells whether all messages before the first gap have been moved. */
static bool ring_is_at_gap(const struct kc_socket *socket)
{
	return READ_ONCE(socket->missed) &&
	       (s32)(socket->in.position -
		     READ_ONCE(socket->missed_first)) >= 0;
}

/*
 * Returns how many bytes a buffer for what is in the ring should have: @most at
 * most, but enough for the first message. 0: there is nothing.
 */
size_t kc_ring_size(const struct kc_socket *socket, size_t most)
{
	const struct kucomms_consumer *in = &socket->in;
	const struct kucomms_message *record =
		kucomms_record_at(in->data, in->mask, in->position);
	size_t pending = READ_ONCE(socket->channel->out.position) -
			 in->position;
	size_t first;

	/* The acquire orders this before the length is read. */
	if (kucomms_load_acquire(&record->control) == KUCOMMS_CONTROL_EMPTY)
		return ring_is_at_gap(socket) || ring_ack_is_due(socket) ?
		       nlmsg_total_size(sizeof(struct nlmsgerr)) : 0;
	first = nlmsg_total_size(sizeof(*record) + record->length);
	/* With netlink's header a record is at most half as long again. */
	return max(first, min(pending + pending / 2, most));
}

static bool fill_message(const struct kc_socket *socket, struct sk_buff *skb,
			 const struct kc_meta *meta,
			 struct kucomms_message *message, const void *data)
{
	struct nlmsghdr *header = nlmsg_put(skb, socket->portid, meta->sequence,
					    KUCOMMS_NLMSG_MESSAGE,
					    sizeof(*message) + message->length,
					    meta->flags);

	if (!header)
		return false;
	message->control = KUCOMMS_CONTROL_MESSAGE;
	memcpy(nlmsg_data(header), message, sizeof(*message));
	memcpy(nlmsg_data(header) + sizeof(*message), data, message->length);
	return true;
}

/*
 * Acknowledges the request @sequence, whose message had @length bytes of data.
 */
static bool fill_ack(const struct kc_socket *socket, struct sk_buff *skb,
		     u32 sequence, u32 length, int result)
{
	struct nlmsghdr *header = nlmsg_put(skb, socket->portid, sequence,
					    NLMSG_ERROR,
					    sizeof(struct nlmsgerr),
					    NLM_F_CAPPED);
	struct nlmsgerr *error;

	if (!header)
		return false;
	error = nlmsg_data(header);
	error->error = result;
	error->msg.nlmsg_len = nlmsg_msg_size(sizeof(struct kucomms_message) +
					      length);
	error->msg.nlmsg_type = KUCOMMS_NLMSG_MESSAGE;
	error->msg.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	error->msg.nlmsg_seq = sequence;
	error->msg.nlmsg_pid = socket->portid;
	return true;
}

static bool fill_record(const struct kc_socket *socket, struct sk_buff *skb,
			const struct kc_meta *meta,
			struct kucomms_message *message, const void *data)
{
	switch (meta->kind) {
	case KC_META_MESSAGE:
		return fill_message(socket, skb, meta, message, data);
	case KC_META_ACK:
		/* As ring_finish_message() has sent it. */
		return fill_ack(socket, skb, meta->sequence, message->id,
				(int)message->user);
	default:
		/* The end of a dump that the client has given up. */
		return true;
	}
}

/* There was no room for a broadcast. Any context but NMI. */
void kc_ring_missed(struct kucomms_channel *channel)
{
	struct kc_socket *socket = kc_channel_socket(channel);
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	socket->missed_last = channel->out.position;
	if (!socket->missed)
		socket->missed_first = socket->missed_last;
	WRITE_ONCE(socket->missed, true);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	/*
	 * Needs no barrier: the socket is in the queue while it has the
	 * channel.
	 */
	kc_channel_wake_reader(channel);
}

/*
 * Tells the client of the first gap. Of the gaps behind it only the last is
 * remembered: one more report, there, covers all of them.
 */
static bool fill_overrun(struct kc_socket *socket, struct sk_buff *skb)
{
	struct kucomms_channel *channel = socket->channel;
	unsigned long flags;

	if (!nlmsg_put(skb, socket->portid, 0, NLMSG_OVERRUN, 0, 0))
		return false;
	raw_spin_lock_irqsave(&channel->lock, flags);
	WRITE_ONCE(socket->missed,
		   (s32)(socket->in.position - socket->missed_last) < 0);
	socket->missed_first = socket->missed_last;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	socket->told = true;
	return true;
}

/* Returns false if not all acknowledgements that are due fit into @skb. */
static bool fill_pending_acks(struct kc_socket *socket, struct sk_buff *skb)
{
	const struct kc_pending_ack *ack;

	while (ring_ack_is_due(socket)) {
		ack = &socket->acks[socket->acks_got % ARRAY_SIZE(socket->acks)];
		if (!fill_ack(socket, skb, ack->sequence, ack->length, 0))
			return false;
		WRITE_ONCE(socket->acks_got, socket->acks_got + 1);
	}
	return true;
}

/*
 * Moves records into @skb, as many as fit, under the receive_lock. Returns 1 if
 * the next record does not fit, 0 if there is none. With @result this ends at
 * the record that ends a dump, sets *@result to what that says, and returns
 * -ECANCELED.
 *
 * Only the kernel writes this ring, so no record in it can be wrong.
 */
int kc_ring_fill(struct kc_socket *socket, struct sk_buff *skb, int *result)
{
	struct kucomms_consumer *in = &socket->in;
	struct kucomms_message message = { };
	const struct kc_meta *meta;
	const void *data;
	int ret;

	if (!fill_pending_acks(socket, skb))
		return 1;
	for (;;) {
		if (unlikely(ring_is_at_gap(socket)) &&
		    !fill_overrun(socket, skb))
			return 1;
		meta = meta_at(socket->in_meta, in->mask, in->position);
		ret = kucomms_consumer_receive(in, &message, &data);
		if (ret == -ENOMSG)
			continue;
		if (ret != 1)
			return 0;
		if (result && meta->kind == KC_META_DONE) {
			*result = (int)message.user;
			return -ECANCELED;
		}
		if (!fill_record(socket, skb, meta, &message, data)) {
			kucomms_consumer_unreceive(in, message.length);
			return 1;
		}
	}
}

/* Under the receive_lock, like kc_ring_rollback() and kc_ring_commit(). */
void kc_ring_checkpoint(struct kc_socket *socket,
			struct kc_checkpoint *checkpoint)
{
	struct kucomms_channel *channel = socket->channel;
	unsigned long flags;

	checkpoint->position = socket->in.position;
	socket->told = false;
	raw_spin_lock_irqsave(&channel->lock, flags);
	checkpoint->missed = socket->missed;
	checkpoint->missed_first = socket->missed_first;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

/* What kc_ring_fill() has moved since the checkpoint could not be sent. */
void kc_ring_rollback(struct kc_socket *socket,
		      const struct kc_checkpoint *checkpoint)
{
	struct kucomms_channel *channel = socket->channel;
	unsigned long flags;

	/* No record has been released, so all of them are still there. */
	socket->in.position = checkpoint->position;
	WRITE_ONCE(socket->acks_got, socket->acks_sent);
	if (!socket->told)
		return;
	/*
	 * The client is told a little early of a gap that has come since then.
	 */
	raw_spin_lock_irqsave(&channel->lock, flags);
	socket->missed_first = checkpoint->missed ? checkpoint->missed_first :
						    checkpoint->position;
	WRITE_ONCE(socket->missed, true);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

/* What kc_ring_fill() has moved since the checkpoint has been sent. */
void kc_ring_commit(struct kc_socket *socket)
{
	/* Pairs with kc_ring_put(), which uses the places of these again. */
	smp_store_release(&socket->acks_sent, socket->acks_got);
	kucomms_consumer_release(&socket->in);
}
