/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_NETLINK_RING_H
#define KUCOMMS_SRC_NETLINK_RING_H

#include <linux/mutex.h>
#include <kucomms/ring.h>

#include "../functions.h"

struct nlmsghdr;
struct sk_buff;

/* What a record in the ring towards the user is. */
enum kucomms_tag_kind {
	KUCOMMS_TAG_MESSAGE,
	KUCOMMS_TAG_ACK,	/* the handler is done with a request */
	KUCOMMS_TAG_DONE,	/* that ends a dump */
};

/* What netlink knows of a message, and kucomms does not. */
struct kucomms_tag {
	u32 sequence;
	u16 flags;
	u16 kind;
};

/* So many are due at most, where a module has no message handler. */
#define KUCOMMS_RECEIPTS	64

/* An acknowledgement that is due when the module has given back a message. */
struct kucomms_receipt {
	u32 after;	/* the position behind the message */
	u32 sequence;
	u32 length;
};

/* How far the client has got what is for it: what kucomms_bridge_fill() changes. */
struct kucomms_mark {
	u32 position;
	bool missed;
	u32 missed_first;
};

/**
 * struct kucomms_bridge - the user's end of a channel over netlink
 * @head:         what kucomms.ko knows of it
 * @send_lock:    one sender at a time; protects @out and @out_tags
 * @out:          the ring towards the kernel
 * @out_tags:     of the records in it, by where they begin
 * @receive_lock: one receiver at a time; protects @in
 * @in:           the ring towards the user
 * @in_tags:      of the records in that, written by who sends them
 * @receipts:     those that are to come, if the module has no message handler
 * @receipts_put: how many have been put there, under the send_lock
 * @receipts_got: how many have been moved into a datagram, under the receive_lock
 * @receipts_sent: how many of those have been sent, likewise
 * @current_tag:  of the answers to the message that is being handled; under the
 *                turn, like @handled
 * @handled:      all but the ACK or DONE of that message has been sent
 * @unfinished:   a signal came when the endpoint had more to do
 * @missed:       there was no room for one; this and the next two under the
 *                channel's lock
 * @missed_first, @missed_last: positions in the ring where some are missing: the
 *                first of which the client has not been told, and the last
 * @told:         the datagram that is being filled tells it of some; under the
 *                receive_lock
 */
struct kucomms_bridge {
	struct kc_netlink head;
	struct mutex send_lock;
	struct kucomms_producer out;
	struct kucomms_tag *out_tags;
	struct mutex receive_lock;
	struct kucomms_consumer in;
	struct kucomms_tag *in_tags;
	struct kucomms_receipt receipts[KUCOMMS_RECEIPTS];
	u32 receipts_put;
	u32 receipts_got;
	u32 receipts_sent;
	struct kucomms_tag current_tag;
	bool handled;
	bool unfinished;
	bool missed;
	u32 missed_first;
	u32 missed_last;
	bool told;
};

static inline struct kucomms_bridge *
kucomms_bridge(const struct kucomms_channel *channel)
{
	return container_of(channel->netlink, struct kucomms_bridge, head);
}

extern const struct kc_netlink_ops kucomms_bridge_ops;

int kucomms_bridge_put(struct kucomms_channel *channel,
		       const struct nlmsghdr *header, bool more, u64 *until);
int kucomms_bridge_ring(struct kucomms_channel *channel);
bool kucomms_bridge_finish(struct kucomms_channel *channel);
size_t kucomms_bridge_size(const struct kucomms_channel *channel, size_t most);
int kucomms_bridge_fill(struct kucomms_channel *channel, struct sk_buff *skb,
			u32 portid, int *result);
void kucomms_bridge_mark(struct kucomms_channel *channel,
			 struct kucomms_mark *mark);
void kucomms_bridge_unfill(struct kucomms_channel *channel,
			   const struct kucomms_mark *mark);
void kucomms_bridge_settle(struct kucomms_channel *channel);

#endif
