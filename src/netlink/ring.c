// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bridges: the user's end of a channel over netlink. The rings are those of every
 * channel, so handlers find nothing unusual; here the kernel is on both sides of
 * them, and moves messages between them and netlink's datagrams.
 *
 * What netlink wants to know of a message beside itself, whose answer it is, is
 * kept in a tag for each unit of the ring in which a record can begin. A tag is
 * written before its record is committed and read after it was received.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "../functions.h"
#include "ring.h"

/* So long a client waits, for each datagram, for room that a thread has to make. */
#define ROOM_WAIT_NS	(20 * NSEC_PER_MSEC)

static struct kucomms_tag *tags_alloc(u32 ring_size)
{
	/* It may be much: if there is none nobody is to be killed for it. */
	return kvcalloc(ring_size / KUCOMMS_RECORD_ALIGN,
			sizeof(struct kucomms_tag),
			GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL |
			__GFP_NOWARN);
}

static struct kucomms_tag *tag_at(struct kucomms_tag *tags, u32 mask,
				  u32 position)
{
	return &tags[(position & mask) / KUCOMMS_RECORD_ALIGN];
}

static void bridge_destroy(struct kucomms_channel *channel)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);

	channel->netlink = NULL;
	kvfree(bridge->out_tags);
	kvfree(bridge->in_tags);
	mutex_destroy(&bridge->send_lock);
	mutex_destroy(&bridge->receive_lock);
	kfree(bridge);
}

/* Before anybody knows the channel, so nothing has been sent yet. */
static int bridge_create(struct kucomms_channel *channel)
{
	struct kucomms_bridge *bridge = kzalloc(sizeof(*bridge),
						GFP_KERNEL_ACCOUNT);
	struct kucomms_control *own =
		channel->regions[KUCOMMS_REGION_USER_CONTROL].address;

	if (!bridge)
		return -ENOMEM;
	mutex_init(&bridge->send_lock);
	mutex_init(&bridge->receive_lock);
	bridge->head.ops = &kucomms_bridge_ops;
	channel->netlink = &bridge->head;
	bridge->out_tags = tags_alloc(channel->in.size);
	bridge->in_tags = tags_alloc(channel->out.size);
	if (!bridge->out_tags || !bridge->in_tags) {
		bridge_destroy(channel);
		return -ENOMEM;
	}
	kucomms_producer_init(&bridge->out, channel->in.data, channel->in.size,
			      own, channel->in.own);
	kucomms_consumer_init(&bridge->in, channel->out.data, channel->out.size,
			      own, channel->out.own);
	return 0;
}

/* Whoever sends to the user, before the record is committed. */
static void bridge_tag(struct kucomms_channel *channel,
		       const struct kucomms_message *record)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	u32 offset = (const unsigned char *)record - channel->out.data;
	struct kucomms_tag *tag = tag_at(bridge->in_tags, channel->out.mask,
					 offset);

	if (in_task() && channel->handler == current)
		*tag = bridge->current_tag;
	else
		*tag = (struct kucomms_tag){ };
}

/* The last of the answers; -EAGAIN: there is no room for it. */
static int bridge_conclude(struct kucomms_channel *channel,
			   const struct kucomms_message *message, int result)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	const struct kucomms_message status = {
		.id = message->length,
		.user = (s64)result,
	};
	unsigned long flags;
	int err;

	bridge->current_tag.kind = bridge->current_tag.flags & NLM_F_MULTI ?
				   KUCOMMS_TAG_DONE : KUCOMMS_TAG_ACK;
	/*
	 * Takes the lock, since others may be sending, and sets @to_tell, not
	 * @answered: the end of the turn must not publish messages that others
	 * hold back. Handlers that send without the lock do so in this turn.
	 */
	raw_spin_lock_irqsave(&channel->lock, flags);
	err = kucomms_channel_put_message(channel, &status, NULL);
	/* Not counted: the module has not sent this message. */
	channel->counters.messages_to_user -= !err;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	channel->to_tell = true;
	return err;
}

static bool is_dump(u16 flags)
{
	return (flags & NLM_F_DUMP) == NLM_F_DUMP;
}

/*
 * In place of the endpoint's message handler. If the message has been handled and
 * only its end finds no room, that is what is tried again.
 */
static int bridge_message(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, void *priv)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	u32 at = channel->in.position -
		 kucomms_record_after(0, message->length);
	const struct kucomms_tag *tag = tag_at(bridge->out_tags,
					       channel->in.mask, at);
	int err = 0;

	bridge->current_tag.sequence = tag->sequence;
	bridge->current_tag.flags = is_dump(tag->flags) ? NLM_F_MULTI : 0;
	bridge->current_tag.kind = KUCOMMS_TAG_MESSAGE;
	if (!bridge->handled)
		err = kucomms_calls_message(channel, message, data, priv);
	if (err == -EAGAIN)
		return err;
	if (err) {
		/* The channel breaks: the client may as well know for what. */
		bridge_conclude(channel, message, err < 0 ? err : -EPROTO);
		return err;
	}
	if (tag->flags & NLM_F_ACK || is_dump(tag->flags))
		err = bridge_conclude(channel, message, 0);
	bridge->handled = err == -EAGAIN;
	return err;
}

/*
 * As kucomms_channel_doorbell(), until all has been done that was there when it
 * began: in the client's call, so that it is the client's time. If that is killed,
 * or others have sent more meanwhile, whoever sleeps on the channel is to see to the
 * rest.
 */
int kucomms_bridge_ring(struct kucomms_channel *channel)
{
	const u32 until = READ_ONCE(kucomms_bridge(channel)->out.position);
	int ret;

	do {
		ret = kucomms_channel_doorbell(channel);
		cond_resched();
	} while (ret > 0 && !fatal_signal_pending(current) &&
		 (s32)(READ_ONCE(channel->in.position) - until) < 0);
	if (ret > 0 || ret == -EINTR) {
		WRITE_ONCE(kucomms_bridge(channel)->unfinished, true);
		wake_up(&channel->wait);
	}
	return ret < 0 ? ret : 0;
}

/*
 * What another one has not finished, or as much of it as one may do at once; says
 * whether there is more.
 */
bool kucomms_bridge_finish(struct kucomms_channel *channel)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);

	if (!READ_ONCE(bridge->unfinished))
		return false;
	/* Before the bell: if it is set again that is for something more. */
	WRITE_ONCE(bridge->unfinished, false);
	if (kucomms_channel_doorbell(channel) <= 0)
		return false;
	WRITE_ONCE(bridge->unfinished, true);
	return true;
}

/*
 * If there is no room at once the endpoint has a look at what it has, and if it is
 * a thread that does is given a moment; unless the endpoint itself waits, for the
 * client to read.
 */
static int bridge_wait_room(struct kucomms_channel *channel, u32 length,
			    u64 *until)
{
	struct kucomms_producer *out = &kucomms_bridge(channel)->out;
	const u64 now = ktime_get_ns();
	int err;

	if (!*until)
		*until = now + ROOM_WAIT_NS;

	kucomms_producer_flush(out);
	kucomms_producer_arm(out, length);
	err = kucomms_bridge_ring(channel) ?:
	      kucomms_producer_room(out, length);
	if (err == -EAGAIN && now < *until && !READ_ONCE(channel->stalled))
		err = kucomms_channel_wait(channel, KUCOMMS_EVENT_ROOM, *until);
	kucomms_producer_disarm(out);
	return err < 0 ? err : 0;
}

static int bridge_reserve(struct kucomms_channel *channel, u32 length,
			  struct kucomms_message **record, u64 *until)
{
	struct kucomms_producer *out = &kucomms_bridge(channel)->out;
	int err = kucomms_channel_error(channel) ?:
		  kucomms_producer_reserve(out, length, record);

	if (err != -EAGAIN)
		return err;
	err = bridge_wait_room(channel, length, until);
	if (err == -ETIMEDOUT || err == -ERESTARTSYS || err == -EAGAIN)
		return -EAGAIN;
	return err ?: kucomms_producer_reserve(out, length, record);
}

/*
 * A module with threads of its own sends when it likes, so what says that it is done
 * with a message cannot go through the ring: it is kept here. Before the commit, or
 * the module might be first.
 */
static void bridge_expect_receipt(struct kucomms_bridge *bridge,
				  const struct nlmsghdr *header, u32 length)
{
	u32 put = bridge->receipts_put;

	bridge->receipts[put % KUCOMMS_RECEIPTS] = (struct kucomms_receipt){
		.after = bridge->out.position,
		.sequence = header->nlmsg_seq,
		.length = length,
	};
	/* Pairs with bridge_receipt_due(). */
	smp_store_release(&bridge->receipts_put, put + 1);
}

static bool bridge_receipt_due(const struct kucomms_channel *channel)
{
	const struct kucomms_bridge *bridge = kucomms_bridge(channel);
	u32 got = READ_ONCE(bridge->receipts_got);

	/* Pairs with bridge_expect_receipt(). */
	return got != smp_load_acquire(&bridge->receipts_put) &&
	       (s32)(READ_ONCE(channel->in.done) -
		     bridge->receipts[got % KUCOMMS_RECEIPTS].after) >= 0;
}

/*
 * Wakes the client if a receipt is due for a message that the module's thread
 * has released.
 */
static void bridge_released(struct kucomms_channel *channel)
{
	if (bridge_receipt_due(channel))
		wake_up(&channel->wait);
}

/* Is it for a receipt that the client waits, not for the end of a handler? */
static bool wants_receipt(const struct kucomms_channel *channel,
			  const struct nlmsghdr *header)
{
	return header->nlmsg_flags & NLM_F_ACK &&
	       !channel->endpoint->ops.message;
}

/*
 * A message from the client, whose length has been checked. With @more it is held
 * back until the bell is rung, by kucomms_socket_push(). @until: up to when one may
 * wait for room, or 0, and then it is set at the first time.
 */
int kucomms_bridge_put(struct kucomms_channel *channel,
		       const struct nlmsghdr *header, bool more, u64 *until)
{
	const void *payload = nlmsg_data(header);
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	struct kucomms_message message;
	struct kucomms_message *record;
	bool receipt;
	u32 offset;
	int err;

	if (mutex_lock_killable(&bridge->send_lock))
		return -EINTR;
	/* Netlink aligns less than the structure wants to be. */
	memcpy(&message, payload, sizeof(message));
	receipt = wants_receipt(channel, header);
	/* Pairs with kucomms_bridge_settle(): what has been sent is forgotten. */
	if (receipt && bridge->receipts_put -
		       smp_load_acquire(&bridge->receipts_sent) ==
		       KUCOMMS_RECEIPTS)
		err = -EAGAIN;
	else
		err = bridge_reserve(channel, message.length, &record, until);
	if (!err) {
		offset = (unsigned char *)record - bridge->out.data;
		*tag_at(bridge->out_tags, bridge->out.mask, offset) =
			(struct kucomms_tag){
				.sequence = header->nlmsg_seq,
				.flags = header->nlmsg_flags,
			};
		record->type = message.type;
		record->id = message.id;
		record->user = message.user;
		memcpy(record + 1, payload + sizeof(message), message.length);
		if (receipt)
			bridge_expect_receipt(bridge, header, message.length);
		kucomms_producer_commit(&bridge->out, record,
					KUCOMMS_CONTROL_MESSAGE, more);
	}
	mutex_unlock(&bridge->send_lock);
	return err;
}

/* Tells whether all messages before the first gap have been moved. */
static bool bridge_is_at_gap(const struct kucomms_bridge *bridge)
{
	return READ_ONCE(bridge->missed) &&
	       (s32)(bridge->in.position - READ_ONCE(bridge->missed_first)) >= 0;
}

/*
 * How long a buffer should be: for what there is, @most bytes at most, but for the
 * first message whatever it needs. 0: there is none.
 */
size_t kucomms_bridge_size(const struct kucomms_channel *channel, size_t most)
{
	const struct kucomms_consumer *in = &kucomms_bridge(channel)->in;
	const struct kucomms_message *record =
		kucomms_record_at(in->data, in->mask, in->position);
	size_t pending = READ_ONCE(channel->out.position) - in->position;
	size_t first;

	/* The length is read after that. */
	if (kucomms_load_acquire(&record->control) == KUCOMMS_CONTROL_EMPTY)
		return bridge_is_at_gap(kucomms_bridge(channel)) ||
		       bridge_receipt_due(channel) ?
		       nlmsg_total_size(sizeof(struct nlmsgerr)) : 0;
	first = nlmsg_total_size(sizeof(*record) + record->length);
	/* With netlink's header a record is half as long again at most. */
	return max(first, min(pending + pending / 2, most));
}

static bool bridge_fill_message(struct sk_buff *skb, u32 portid,
				const struct kucomms_tag *tag,
				struct kucomms_message *message,
				const void *data)
{
	struct nlmsghdr *header = nlmsg_put(skb, portid, tag->sequence,
					    KUCOMMS_NLMSG_MESSAGE,
					    sizeof(*message) + message->length,
					    tag->flags);

	if (!header)
		return false;
	message->control = KUCOMMS_CONTROL_MESSAGE;
	memcpy(nlmsg_data(header), message, sizeof(*message));
	memcpy(nlmsg_data(header) + sizeof(*message), data, message->length);
	return true;
}

/* For the request @sequence, whose message had @length bytes of data. */
static bool bridge_fill_ack(struct sk_buff *skb, u32 portid, u32 sequence,
			    u32 length, int result)
{
	struct nlmsghdr *header = nlmsg_put(skb, portid, sequence,
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
	error->msg.nlmsg_pid = portid;
	return true;
}

static bool bridge_fill_one(struct sk_buff *skb, u32 portid,
			    const struct kucomms_tag *tag,
			    struct kucomms_message *message, const void *data)
{
	switch (tag->kind) {
	case KUCOMMS_TAG_MESSAGE:
		return bridge_fill_message(skb, portid, tag, message, data);
	case KUCOMMS_TAG_ACK:
		/* As bridge_conclude() has sent it. */
		return bridge_fill_ack(skb, portid, tag->sequence, message->id,
				       (int)message->user);
	default:
		/* Of a dump that nobody takes any more. */
		return true;
	}
}

/* There was no room for a broadcast. Any context but NMI. */
static void bridge_missed(struct kucomms_channel *channel)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	bridge->missed_last = channel->out.position;
	if (!bridge->missed)
		bridge->missed_first = bridge->missed_last;
	WRITE_ONCE(bridge->missed, true);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	/* No barrier: its socket is in the queue as long as it has the channel. */
	kucomms_channel_wake_reader(channel);
}

/* Of those behind the first gap the last one is told of, too, which is enough. */
static bool bridge_fill_overrun(struct kucomms_channel *channel,
				struct sk_buff *skb, u32 portid)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	unsigned long flags;

	if (!nlmsg_put(skb, portid, 0, NLMSG_OVERRUN, 0, 0))
		return false;
	raw_spin_lock_irqsave(&channel->lock, flags);
	WRITE_ONCE(bridge->missed,
		   (s32)(bridge->in.position - bridge->missed_last) < 0);
	bridge->missed_first = bridge->missed_last;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	bridge->told = true;
	return true;
}

/* Returns false if there are more than fit. */
static bool bridge_fill_receipts(struct kucomms_channel *channel,
				 struct sk_buff *skb, u32 portid)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	const struct kucomms_receipt *receipt;

	while (bridge_receipt_due(channel)) {
		receipt = &bridge->receipts[bridge->receipts_got %
					    KUCOMMS_RECEIPTS];
		if (!bridge_fill_ack(skb, portid, receipt->sequence,
				     receipt->length, 0))
			return false;
		WRITE_ONCE(bridge->receipts_got, bridge->receipts_got + 1);
	}
	return true;
}

/*
 * Moves records into @skb, as many as fit, under the receive_lock. Returns 1 when
 * the next one does not fit, 0 when there is none. With @result it ends with the
 * record that ends a dump, which says how that went, and returns -ECANCELED.
 *
 * Only the kernel writes this ring, so nothing in it can be wrong.
 */
int kucomms_bridge_fill(struct kucomms_channel *channel, struct sk_buff *skb,
			u32 portid, int *result)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	struct kucomms_consumer *in = &bridge->in;
	struct kucomms_message message = { };
	const struct kucomms_tag *tag;
	const void *data;
	int ret;

	if (!bridge_fill_receipts(channel, skb, portid))
		return 1;
	for (;;) {
		if (unlikely(bridge_is_at_gap(bridge)) &&
		    !bridge_fill_overrun(channel, skb, portid))
			return 1;
		tag = tag_at(bridge->in_tags, in->mask, in->position);
		ret = kucomms_consumer_receive(in, &message, &data);
		if (ret == -ENOMSG)
			continue;
		if (ret != 1)
			return 0;
		if (result && tag->kind == KUCOMMS_TAG_DONE) {
			*result = (int)message.user;
			return -ECANCELED;
		}
		if (!bridge_fill_one(skb, portid, tag, &message, data)) {
			kucomms_consumer_unreceive(in, message.length);
			return 1;
		}
	}
}

/* Under the receive_lock, as the next two. */
void kucomms_bridge_mark(struct kucomms_channel *channel,
			 struct kucomms_mark *mark)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	unsigned long flags;

	mark->position = bridge->in.position;
	bridge->told = false;
	raw_spin_lock_irqsave(&channel->lock, flags);
	mark->missed = bridge->missed;
	mark->missed_first = bridge->missed_first;
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

/* What kucomms_bridge_fill() has moved since then has not been sent after all. */
void kucomms_bridge_unfill(struct kucomms_channel *channel,
			   const struct kucomms_mark *mark)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	unsigned long flags;

	/* Nothing has been released, so all is there still. */
	bridge->in.position = mark->position;
	WRITE_ONCE(bridge->receipts_got, bridge->receipts_sent);
	if (!bridge->told)
		return;
	/* A gap that has come since then is told of a little early. */
	raw_spin_lock_irqsave(&channel->lock, flags);
	bridge->missed_first = mark->missed ? mark->missed_first :
					      mark->position;
	WRITE_ONCE(bridge->missed, true);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

/* What has been moved has been sent. */
void kucomms_bridge_settle(struct kucomms_channel *channel)
{
	struct kucomms_bridge *bridge = kucomms_bridge(channel);

	/* Pairs with kucomms_bridge_put(), which takes their places. */
	smp_store_release(&bridge->receipts_sent, bridge->receipts_got);
	kucomms_consumer_release(&bridge->in);
}

const struct kc_netlink_ops kucomms_bridge_ops = {
	.owner = THIS_MODULE,
	.create = bridge_create,
	.destroy = bridge_destroy,
	.message = bridge_message,
	.reserved = bridge_tag,
	.missed = bridge_missed,
	.released = bridge_released,
};
