/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_BRIDGE_H
#define KUCOMMS_SRC_BRIDGE_H

#include <linux/mutex.h>
#include <kucomms/ring.h>

struct kucomms_channel;
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

/**
 * struct kucomms_bridge - the user's end of a channel over netlink
 * @send_lock:    one sender at a time; protects @out and @out_tags
 * @out:          the ring towards the kernel
 * @out_tags:     of the records in it, by where they begin
 * @receive_lock: one receiver at a time; protects @in
 * @in:           the ring towards the user
 * @in_tags:      of the records in that, written by who sends them
 * @current_tag:  of the answers to the message that is being handled; under the
 *                turn, like @handled
 * @handled:      all but the ACK or DONE of that message has been sent
 * @unfinished:   a signal came when the endpoint had more to do
 * @broadcasts:   the client wants them in the channel
 * @missed:       there was no room for one
 */
struct kucomms_bridge {
	struct mutex send_lock;
	struct kucomms_producer out;
	struct kucomms_tag *out_tags;
	struct mutex receive_lock;
	struct kucomms_consumer in;
	struct kucomms_tag *in_tags;
	struct kucomms_tag current_tag;
	bool handled;
	bool unfinished;
	bool broadcasts;
	bool missed;
};

int kucomms_bridge_create(struct kucomms_channel *channel);
void kucomms_bridge_destroy(struct kucomms_channel *channel);
void kucomms_bridge_tag(struct kucomms_channel *channel,
			const struct kucomms_message *record);
int kucomms_bridge_message(struct kucomms_channel *channel,
			   const struct kucomms_message *message,
			   const void *data, void *priv);
int kucomms_bridge_put(struct kucomms_channel *channel,
		       const struct nlmsghdr *header, bool more);
int kucomms_bridge_ring(struct kucomms_channel *channel);
void kucomms_bridge_finish(struct kucomms_channel *channel);
size_t kucomms_bridge_size(const struct kucomms_channel *channel, size_t most);
int kucomms_bridge_fill(struct kucomms_channel *channel, struct sk_buff *skb,
			u32 portid, int *result);

#endif
