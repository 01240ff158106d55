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
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "channel.h"
#include "endpoint.h"

/* So long a client waits for room that a thread has to make. */
#define ROOM_WAIT_NS	(20 * NSEC_PER_MSEC)

static struct kucomms_tag *tags_alloc(u32 ring_size)
{
	return kvcalloc(ring_size / KUCOMMS_RECORD_ALIGN,
			sizeof(struct kucomms_tag), GFP_KERNEL_ACCOUNT);
}

static struct kucomms_tag *tag_at(struct kucomms_tag *tags, u32 mask,
				  u32 position)
{
	return &tags[(position & mask) / KUCOMMS_RECORD_ALIGN];
}

/* Before anybody knows the channel, so nothing has been sent yet. */
int kucomms_bridge_create(struct kucomms_channel *channel)
{
	struct kucomms_bridge *bridge = kzalloc(sizeof(*bridge),
						GFP_KERNEL_ACCOUNT);
	struct kucomms_control *own =
		channel->regions[KUCOMMS_REGION_USER_CONTROL].address;

	if (!bridge)
		return -ENOMEM;
	mutex_init(&bridge->send_lock);
	mutex_init(&bridge->receive_lock);
	channel->bridge = bridge;
	bridge->out_tags = tags_alloc(channel->in.size);
	bridge->in_tags = tags_alloc(channel->out.size);
	if (!bridge->out_tags || !bridge->in_tags) {
		kucomms_bridge_destroy(channel);
		return -ENOMEM;
	}
	kucomms_producer_init(&bridge->out, channel->in.data, channel->in.size,
			      own, channel->in.own);
	kucomms_consumer_init(&bridge->in, channel->out.data, channel->out.size,
			      own, channel->out.own);
	return 0;
}

/* Also for a channel that has none. Nobody can send to it any more. */
void kucomms_bridge_destroy(struct kucomms_channel *channel)
{
	struct kucomms_bridge *bridge = channel->bridge;

	if (!bridge)
		return;
	channel->bridge = NULL;
	kvfree(bridge->out_tags);
	kvfree(bridge->in_tags);
	mutex_destroy(&bridge->send_lock);
	mutex_destroy(&bridge->receive_lock);
	kfree(bridge);
}

/* Whoever sends to the user, before the record is committed. */
void kucomms_bridge_tag(struct kucomms_channel *channel,
			const struct kucomms_message *record)
{
	struct kucomms_bridge *bridge = channel->bridge;
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
	struct kucomms_bridge *bridge = channel->bridge;
	const struct kucomms_message status = {
		.id = message->length,
		.user = (s64)result,
	};
	unsigned long flags;
	int err;

	bridge->current_tag.kind = bridge->current_tag.flags & NLM_F_MULTI ?
				   KUCOMMS_TAG_DONE : KUCOMMS_TAG_ACK;
	/* Modules whose handlers send without the lock do so in this turn. */
	raw_spin_lock_irqsave(&channel->lock, flags);
	err = kucomms_channel_put_message(channel, &status, NULL);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	channel->answered = true;
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
int kucomms_bridge_message(struct kucomms_channel *channel,
			   const struct kucomms_message *message,
			   const void *data, void *priv)
{
	struct kucomms_bridge *bridge = channel->bridge;
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
 * As kucomms_channel_doorbell(), until all has been done; or a signal comes, then
 * whoever sleeps on the channel is to see to the rest.
 */
int kucomms_bridge_ring(struct kucomms_channel *channel)
{
	int ret;

	do {
		ret = kucomms_channel_doorbell(channel);
		cond_resched();
	} while (ret > 0 && !signal_pending(current));
	if (ret > 0) {
		WRITE_ONCE(channel->bridge->unfinished, true);
		wake_up(&channel->wait);
	}
	return ret < 0 ? ret : 0;
}

/* In a thread that gets no signals: what another one has not finished. */
void kucomms_bridge_finish(struct kucomms_channel *channel)
{
	if (!READ_ONCE(channel->bridge->unfinished))
		return;
	/* Before the bell: if it is set again that is for something more. */
	WRITE_ONCE(channel->bridge->unfinished, false);
	kucomms_bridge_ring(channel);
}

/*
 * If there is no room at once the endpoint has a look at what it has, and if it is
 * a thread that does is given a moment; unless the endpoint itself waits, for the
 * client to read.
 */
static int bridge_wait_room(struct kucomms_channel *channel, u32 length)
{
	struct kucomms_producer *out = &channel->bridge->out;
	int err;

	kucomms_producer_flush(out);
	kucomms_producer_arm(out, length);
	err = kucomms_bridge_ring(channel) ?:
	      kucomms_producer_room(out, length);
	if (err == -EAGAIN && !READ_ONCE(channel->stalled))
		err = kucomms_channel_wait(channel, KUCOMMS_EVENT_ROOM,
					   ktime_get_ns() + ROOM_WAIT_NS);
	kucomms_producer_disarm(out);
	return err < 0 ? err : 0;
}

static int bridge_reserve(struct kucomms_channel *channel, u32 length,
			  struct kucomms_message **record)
{
	struct kucomms_producer *out = &channel->bridge->out;
	int err = kucomms_channel_error(channel) ?:
		  kucomms_producer_reserve(out, length, record);

	if (err != -EAGAIN)
		return err;
	err = bridge_wait_room(channel, length);
	if (err == -ETIMEDOUT || err == -ERESTARTSYS || err == -EAGAIN)
		return -EAGAIN;
	return err ?: kucomms_producer_reserve(out, length, record);
}

/*
 * A message from the client, whose length has been checked. With @more it is held
 * back until the bell is rung, by kucomms_socket_push().
 */
int kucomms_bridge_put(struct kucomms_channel *channel,
		       const struct nlmsghdr *header, bool more)
{
	const struct kucomms_message *message = nlmsg_data(header);
	struct kucomms_bridge *bridge = channel->bridge;
	struct kucomms_message *record;
	u32 offset;
	int err;

	if (mutex_lock_killable(&bridge->send_lock))
		return -EINTR;
	err = bridge_reserve(channel, message->length, &record);
	if (!err) {
		offset = (unsigned char *)record - bridge->out.data;
		*tag_at(bridge->out_tags, bridge->out.mask, offset) =
			(struct kucomms_tag){
				.sequence = header->nlmsg_seq,
				.flags = header->nlmsg_flags,
			};
		record->type = message->type;
		record->id = message->id;
		record->user = message->user;
		memcpy(record + 1, message + 1, message->length);
		kucomms_producer_commit(&bridge->out, record,
					KUCOMMS_CONTROL_MESSAGE, more);
	}
	mutex_unlock(&bridge->send_lock);
	return err;
}

/*
 * How long a buffer should be: for what there is, @most bytes at most, but for the
 * first message whatever it needs. 0: there is none.
 */
size_t kucomms_bridge_size(const struct kucomms_channel *channel, size_t most)
{
	const struct kucomms_consumer *in = &channel->bridge->in;
	const struct kucomms_message *record =
		kucomms_record_at(in->data, in->mask, in->position);
	size_t pending = READ_ONCE(channel->out.position) - in->position;
	size_t first;

	if (!kucomms_consumer_ready(in))
		return READ_ONCE(channel->bridge->missed) ?
		       nlmsg_total_size(0) : 0;
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

/* @status is what bridge_conclude() has sent. */
static bool bridge_fill_ack(struct sk_buff *skb, u32 portid,
			    const struct kucomms_tag *tag,
			    const struct kucomms_message *status)
{
	struct nlmsghdr *header = nlmsg_put(skb, portid, tag->sequence,
					    NLMSG_ERROR,
					    sizeof(struct nlmsgerr),
					    NLM_F_CAPPED);
	struct nlmsgerr *error;

	if (!header)
		return false;
	error = nlmsg_data(header);
	error->error = (int)status->user;
	error->msg.nlmsg_len = nlmsg_msg_size(sizeof(*status) + status->id);
	error->msg.nlmsg_type = KUCOMMS_NLMSG_MESSAGE;
	error->msg.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	error->msg.nlmsg_seq = tag->sequence;
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
		return bridge_fill_ack(skb, portid, tag, message);
	default:
		/* Of a dump that nobody takes any more. */
		return true;
	}
}

/* Those that are there have been moved: what comes now is after the gap. */
static bool bridge_fill_overrun(struct kucomms_bridge *bridge,
				struct sk_buff *skb, u32 portid)
{
	if (!READ_ONCE(bridge->missed))
		return true;
	if (!nlmsg_put(skb, portid, 0, NLMSG_OVERRUN, 0, 0))
		return false;
	WRITE_ONCE(bridge->missed, false);
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
	struct kucomms_bridge *bridge = channel->bridge;
	struct kucomms_consumer *in = &bridge->in;
	struct kucomms_message message = { };
	const struct kucomms_tag *tag;
	const void *data;
	int ret;

	for (;;) {
		tag = tag_at(bridge->in_tags, in->mask, in->position);
		ret = kucomms_consumer_receive(in, &message, &data);
		if (ret == -ENOMSG)
			continue;
		if (ret != 1)
			return bridge_fill_overrun(bridge, skb, portid) ? 0 : 1;
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
