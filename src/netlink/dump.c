// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps: requests over netlink with any number of answers. Netlink calls whenever
 * the client reads, and then what the handler has sent meanwhile is moved; nobody
 * else takes it from the ring, so that fills, and the handler waits for the client.
 *
 * A dump holds the socket's structure, from its beginning to its end.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/wait.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "dump.h"
#include "ring.h"
#include "socket.h"

/* So long it waits for answers that another thread has to give. */
#define DUMP_WAIT	msecs_to_jiffies(20)

/*
 * Something for a dump, under the receive_lock: what is there, or what the handler
 * gives now, or a little later in another thread. Returns as
 * kucomms_bridge_fill().
 */
static int dump_fill(struct kucomms_socket *socket, struct sk_buff *skb,
		     int *result)
{
	struct kucomms_channel *channel = socket->channel;
	int ret;

	kucomms_consumer_disarm(&kucomms_bridge(channel)->in);
	ret = kucomms_bridge_fill(channel, skb, socket->portid, result);
	if (ret || skb->len)
		return ret;
	kucomms_consumer_tell(&kucomms_bridge(channel)->in);
	kucomms_bridge_ring(channel);
	ret = kucomms_bridge_fill(channel, skb, socket->portid, result);
	if (ret || skb->len)
		return ret;
	kucomms_consumer_arm(&kucomms_bridge(channel)->in);
	wait_event_interruptible_timeout(channel->wait,
			kucomms_consumer_ready(&kucomms_bridge(channel)->in) ||
			kucomms_channel_error(channel), DUMP_WAIT);
	return kucomms_bridge_fill(channel, skb, socket->portid, result);
}

/*
 * The client reads a dump, or has just asked for it. An empty datagram would look
 * like the end, so if there is nothing yet a message says that it is none.
 */
static int dump_more(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kucomms_socket *socket = cb->data;
	struct kucomms_channel *channel = socket->channel;
	int ret, state, result;

	mutex_lock(&kucomms_bridge(channel)->receive_lock);
	/* Before the look: what was sent before it changed counts. */
	state = kucomms_channel_error(channel);
	ret = dump_fill(socket, skb, &result);
	if (ret != -ECANCELED)
		result = skb->len || ret ? 1 : state ?: 1;
	/* The next buffer has to be longer, if this one was too short for one. */
	cb->min_dump_alloc = kucomms_bridge_size(channel, 0);
	kucomms_bridge_settle(channel);
	kucomms_socket_give_back(socket, true);
	mutex_unlock(&kucomms_bridge(channel)->receive_lock);

	if (result > 0 && !skb->len)
		nlmsg_put(skb, socket->portid, cb->nlh->nlmsg_seq, NLMSG_NOOP,
			  0, 0);
	return result;
}

static void dump_set(struct kucomms_socket *socket, bool dumping)
{
	struct mutex *lock = &kucomms_bridge(socket->channel)->receive_lock;

	mutex_lock(lock);
	socket->dumping = dumping;
	mutex_unlock(lock);
}

/* From here on what the handler sends waits for dump_more(). */
static int dump_begin(struct netlink_callback *cb)
{
	struct kucomms_socket *socket = cb->data;
	u64 until = 0;
	int err;

	dump_set(socket, true);
	err = kucomms_bridge_put(socket->channel, cb->nlh, false, &until);
	if (err)
		dump_set(socket, false);
	else
		kref_get(&socket->ref);
	return err;
}

/* All has been read, or the socket is closed; also where one cannot sleep. */
static int dump_end(struct netlink_callback *cb)
{
	struct kucomms_socket *socket = cb->data;

	WRITE_ONCE(socket->dumping, false);
	kucomms_socket_kick(socket, 0);
	kucomms_socket_put(socket);
	return 0;
}

/* A dump goes on when the client reads: so there has to be something to read. */
static void dump_prompt(struct kucomms_socket *socket, u32 sequence)
{
	struct sk_buff *skb;

	if (atomic_read(&socket->sk->sk_rmem_alloc))
		return;
	skb = nlmsg_new(0, GFP_KERNEL);
	if (!skb)
		return;
	nlmsg_put(skb, socket->portid, sequence, NLMSG_NOOP, 0, 0);
	kucomms_socket_unicast(socket, skb, true);
}

/*
 * A request whose answers are a dump. 0: it has begun, whatever comes of it; netlink
 * calls back each time that the client reads.
 */
int kucomms_dump_start(struct kucomms_socket *socket, struct sk_buff *skb,
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

	/* Begun, but there was no room, or no memory. */
	if (err == -ENOBUFS)
		dump_prompt(socket, header->nlmsg_seq);
	return err == -EINTR || err == -ENOBUFS ? 0 : err;
}
