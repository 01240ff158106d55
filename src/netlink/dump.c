// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps: requests over netlink with any number of answers. Netlink calls
 * dump_more() whenever the client reads, which moves what the handler has sent
 * meanwhile into a datagram. Nothing else takes it from the ring, so the ring
 * fills up, and the handler waits for the client.
 *
 * A dump holds a reference to the socket's structure from its beginning to its
 * end.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/wait.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "types.h"

/*
 * Longest time, in jiffies, to wait for answers that a thread of the module
 * sends.
 */
#define DUMP_WAIT	msecs_to_jiffies(20)

/*
 * Fills @skb, under the receive_lock, with what is in the ring, or what the
 * handler sends now, or a thread a little later. Returns as kc_ring_fill()
 * does.
 */
static int dump_fill(struct kc_socket *socket, struct sk_buff *skb, int *result)
{
	struct kucomms_channel *channel = socket->channel;
	struct kucomms_consumer *in = &socket->in;
	int ret;

	kucomms_consumer_disarm(in);
	ret = kc_ring_fill(socket, skb, result);
	if (ret || skb->len)
		return ret;
	kucomms_consumer_tell(in);
	kc_ring_doorbell(socket);
	ret = kc_ring_fill(socket, skb, result);
	if (ret || skb->len)
		return ret;
	kucomms_consumer_arm(in);
	wait_event_interruptible_timeout(channel->wait,
					 kucomms_consumer_ready(in) ||
					 kc_channel_error(channel),
					 DUMP_WAIT);
	return kc_ring_fill(socket, skb, result);
}

/*
 * Called by netlink: the client reads a dump, or has just asked for it. To the
 * client an empty datagram would look like the end of the dump, so if there is
 * nothing to send yet this sends an NLMSG_NOOP.
 */
static int dump_more(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kc_socket *socket = cb->data;
	int ret, state, result;

	mutex_lock(&socket->receive_lock);
	/* Read first: what was sent before the state changed is sent on. */
	state = kc_channel_error(socket->channel);
	ret = dump_fill(socket, skb, &result);
	if (ret != -ECANCELED)
		result = skb->len || ret ? 1 : state ?: 1;
	/* If the next message did not fit, the next buffer must be longer. */
	cb->min_dump_alloc = kc_ring_size(socket, 0);
	kc_ring_commit(socket);
	kc_socket_tell_room(socket, true);
	mutex_unlock(&socket->receive_lock);

	if (result > 0 && !skb->len)
		nlmsg_put(skb, socket->portid, cb->nlh->nlmsg_seq, NLMSG_NOOP,
			  0, 0);
	return result;
}

static void dump_set(struct kc_socket *socket, bool dumping)
{
	mutex_lock(&socket->receive_lock);
	socket->dumping = dumping;
	mutex_unlock(&socket->receive_lock);
}

/*
 * Called by netlink. From here on what the handler sends waits for dump_more().
 */
static int dump_begin(struct netlink_callback *cb)
{
	struct kc_socket *socket = cb->data;
	u64 until = 0;
	int err;

	dump_set(socket, true);
	err = kc_ring_put(socket, cb->nlh, false, &until);
	if (err)
		dump_set(socket, false);
	else
		kucomms_channel_get(socket->channel);
	return err;
}

/*
 * Called by netlink, also where it must not sleep: the client has read the
 * whole dump, or the socket is closed.
 */
static int dump_end(struct netlink_callback *cb)
{
	struct kc_socket *socket = cb->data;

	WRITE_ONCE(socket->dumping, false);
	kc_socket_kick(socket, 0);
	kc_socket_put(socket);
	return 0;
}

/*
 * Netlink goes on with a dump when the client reads. If there is nothing that
 * the client could read, sends an NLMSG_NOOP.
 */
static void dump_prompt(struct kc_socket *socket, u32 sequence)
{
	struct sk_buff *skb;

	if (atomic_read(&socket->sk->sk_rmem_alloc))
		return;
	skb = nlmsg_new(0, GFP_KERNEL);
	if (!skb)
		return;
	nlmsg_put(skb, socket->portid, sequence, NLMSG_NOOP, 0, 0);
	kc_socket_unicast(socket, skb, true);
}

/*
 * Begins a dump. Returns 0 if it has begun, whatever comes of it; netlink calls
 * dump_more() each time that the client reads.
 */
int kc_dump_start(struct kc_socket *socket, struct sk_buff *skb,
		  const struct nlmsghdr *header)
{
	struct netlink_dump_control control = {
		.start = dump_begin,
		.dump = dump_more,
		.done = dump_end,
		.data = socket,
		.module = THIS_MODULE,
	};
	int err = netlink_dump_start(socket->kernel, skb, header, &control);

	/*
	 * The dump has begun, but the socket had no room, or there was no
	 * memory.
	 */
	if (err == -ENOBUFS)
		dump_prompt(socket, header->nlmsg_seq);
	return err == -EINTR || err == -ENOBUFS ? 0 : err;
}
