// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink sockets that have a channel, and what is sent to them.
 *
 * A socket is found by its port id and its address, since another socket may
 * have the port id as soon as the first one is being closed. For the same
 * reason a task that sends to a socket holds the user's file, or is in a call
 * of the user on that socket: then the port id remains the socket's own.
 *
 * What the module sends is moved into datagrams
 *  - in the client's own sendmsg(), after the handler has run there;
 *  - by the socket's work, which the channel wakes like any client that sleeps;
 *  - for a dump, in the client's recvmsg() and nowhere else (dump.c).
 * What the socket has no room for stays in the ring, until the client sends
 * something or the work tries again.
 */
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "../compat.h"
#include "types.h"

/*
 * Most datagrams that are sent in the client's call; the work sends the rest.
 */
#define PUSH_DATAGRAMS	64

/*
 * Shortest and longest time, in jiffies, until the work tries a full socket
 * again.
 */
#define BACKOFF_MIN	1
#define BACKOFF_MAX	(4 * HZ)

static DEFINE_HASHTABLE(sockets, 8);
static DEFINE_SPINLOCK(sockets_lock);

void kc_socket_put(struct kc_socket *socket)
{
	kucomms_channel_put(socket->channel);
}

static struct kc_socket *socket_lookup(u32 portid, const struct sock *sk)
{
	struct kc_socket *socket;

	hash_for_each_possible_rcu(sockets, socket, node, portid,
				   lockdep_is_held(&sockets_lock))
		if (socket->sk == sk)
			return socket;
	return NULL;
}

/*
 * Returns the socket with a reference, or NULL if it has no channel. The memory
 * of a channel, and with it the socket's, is freed one grace period after the
 * last reference.
 */
struct kc_socket *kc_socket_find(u32 portid, const struct sock *sk)
{
	struct kc_socket *socket;

	rcu_read_lock();
	socket = socket_lookup(portid, sk);
	if (socket && !kref_get_unless_zero(&socket->channel->ref))
		socket = NULL;
	rcu_read_unlock();
	return socket;
}

/* Any context. The work has a reference while it is queued or runs. */
void kc_socket_kick(struct kc_socket *socket, unsigned long delay)
{
	kucomms_channel_get(socket->channel);
	if (mod_delayed_work(socket->channel->endpoint->queue, &socket->work,
			     delay))
		kc_socket_put(socket);
}

/* The channel wakes its client. */
static int socket_woken(wait_queue_entry_t *wait, unsigned int mode, int flags,
			void *key)
{
	kc_socket_kick(container_of(wait, struct kc_socket, wait), 0);
	return 0;
}

/*
 * Tells whether the socket has room for a datagram of @size bytes. Netlink
 * loses a datagram for which there is no room, and tells the client so.
 */
static bool socket_has_room(const struct kc_socket *socket, unsigned int size)
{
	unsigned int used = atomic_read(&socket->sk->sk_rmem_alloc);

	return !used || used + size < READ_ONCE(socket->sk->sk_rcvbuf);
}

/*
 * Allocates a buffer with room for @size bytes and no more, since the client's
 * buffer may be no longer.
 */
static struct sk_buff *datagram_alloc(size_t size)
{
	struct sk_buff *skb = alloc_skb(size, GFP_KERNEL | __GFP_NOWARN);

	if (!skb)
		return NULL;
	skb_reserve(skb, skb_tailroom(skb) - size);
	/*
	 * A socket filter of the client must not see what is in front of that.
	 */
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	return skb;
}

/*
 * Returns the user's file, which keeps the socket from being closed, or NULL if
 * the socket is being closed. While @sk has a socket that socket's file is
 * there.
 */
static struct file *socket_hold(struct sock *sk)
{
	struct file *file = NULL;

	read_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_socket)
		file = kc_file_get_active(&sk->sk_socket->file);
	read_unlock_bh(&sk->sk_callback_lock);
	return file;
}

/*
 * Sends a datagram. @own: the task is in a call of the client on this socket;
 * any other task holds the client's file as briefly as possible: a client that
 * closes the socket as soon as it has the answer expects that the socket is
 * closed then. So bottom halves are off, and the client that is woken cannot
 * run on this CPU before the file is put.
 */
int kc_socket_unicast(struct kc_socket *socket, struct sk_buff *skb, bool own)
{
	struct file *file = own ? NULL : socket_hold(socket->sk);
	int ret;

	if (!own && !file) {
		kfree_skb(skb);
		return -ECONNREFUSED;
	}
	local_bh_disable();
	ret = netlink_unicast(socket->kernel, skb, socket->portid,
			      MSG_DONTWAIT);
	if (file)
		fput(file);
	local_bh_enable();
	return ret;
}

/*
 * Returns 1 if a datagram was sent, 0 if there was nothing to send, -EAGAIN if
 * the socket or the memory has no room, or another error.
 */
static int socket_send(struct kc_socket *socket, bool own)
{
	size_t size = kc_ring_size(socket, socket->datagram);
	struct kc_checkpoint checkpoint;
	struct sk_buff *skb;
	int err;

	if (!size)
		return 0;
	if (!socket_has_room(socket, SKB_TRUESIZE(size)))
		return -EAGAIN;
	/*
	 * If there is no memory for all messages, then for the first of them.
	 */
	skb = datagram_alloc(size) ?: datagram_alloc(kc_ring_size(socket, 0));
	if (!skb)
		return -EAGAIN;
	/* The buffer may be larger than what was asked for. */
	if (!socket_has_room(socket, skb->truesize)) {
		kfree_skb(skb);
		return -EAGAIN;
	}
	kc_ring_checkpoint(socket, &checkpoint);
	kc_ring_fill(socket, skb, NULL);
	if (skb->len) {
		err = kc_socket_unicast(socket, skb, own);
		if (err < 0) {
			kc_ring_rollback(socket, &checkpoint);
			return err;
		}
	} else {
		kfree_skb(skb);
	}
	kc_ring_commit(socket);
	return 1;
}

/*
 * If the channel has come to its end (@err) tells the client, which may be
 * waiting for an answer. Returns 0, or -EAGAIN if the socket has no room for
 * that.
 */
static int socket_tell_end(struct kc_socket *socket, int err, bool own)
{
	struct nlmsghdr *header;
	struct nlmsgerr *error;
	struct sk_buff *skb;

	if (!err)
		return 0;
	skb = nlmsg_new(sizeof(*error), GFP_KERNEL);
	if (!skb || !socket_has_room(socket, skb->truesize)) {
		kfree_skb(skb);
		return -EAGAIN;
	}
	header = nlmsg_put(skb, socket->portid, 0, NLMSG_ERROR, sizeof(*error),
			   0);
	error = nlmsg_data(header);
	memset(error, 0, sizeof(*error));
	error->error = err;
	error->msg.nlmsg_len = NLMSG_HDRLEN;
	err = kc_socket_unicast(socket, skb, own);
	if (err < 0)
		return err;
	socket->parted = true;
	return 0;
}

/*
 * Tells the endpoint, which may be waiting for room, of the room that has been
 * made: once per eighth of the ring or, when there is nothing more to send
 * (@all), of all of it.
 */
void kc_socket_tell_room(struct kc_socket *socket, bool all)
{
	struct kucomms_consumer *in = &socket->in;

	if (all)
		kucomms_consumer_tell(in);
	if (in->released == in->done && kucomms_consumer_must_ring(in))
		kc_ring_doorbell(socket);
}

/*
 * Sends what there is, and then asks to be woken for more. Under the
 * receive_lock, which keeps socket->sk valid until the socket has parted. @own:
 * see kc_socket_unicast(). Returns 0, 1 if there is more, -EAGAIN if the socket
 * has no room, or another error.
 */
static int socket_drain(struct kc_socket *socket, bool own)
{
	struct kucomms_consumer *in = &socket->in;
	unsigned int left = PUSH_DATAGRAMS;
	int ret, state;

	while (left-- && !socket->parted) {
		ret = socket_send(socket, own);
		kc_socket_tell_room(socket, ret != 1);
		if (ret < 0)
			return ret;
		if (ret)
			continue;
		/*
		 * Arms, then looks once more: the order that loses no wake-up.
		 * The state is read before that look: what was sent before the
		 * state changed is sent on.
		 */
		kucomms_consumer_arm(in);
		state = kc_channel_error(socket->channel);
		if (!kc_ring_size(socket, 0))
			return socket_tell_end(socket, state, own);
		kucomms_consumer_disarm(in);
	}
	return !socket->parted;
}

/* In the client's sendmsg(): rings the doorbell, and sends the answers. */
void kc_socket_push(struct kc_socket *socket)
{
	bool ring;
	int ret = 1;

	mutex_lock(&socket->send_lock);
	kucomms_producer_flush(&socket->out);
	ring = kucomms_producer_must_ring(&socket->out);
	mutex_unlock(&socket->send_lock);

	mutex_lock(&socket->receive_lock);
	/* This task will see what the handler sends and need not be woken. */
	kucomms_consumer_disarm(&socket->in);
	if (ring)
		kc_ring_doorbell(socket);
	if (!socket->dumping)
		ret = socket_drain(socket, true);
	mutex_unlock(&socket->receive_lock);
	if (ret)
		kc_socket_kick(socket, ret == -EAGAIN ? BACKOFF_MIN : 0);
}

static void socket_work(struct work_struct *work)
{
	struct kc_socket *socket = container_of(to_delayed_work(work),
						struct kc_socket, work);
	bool more = kc_ring_finish(socket);
	u32 position;
	int ret = 0;

	mutex_lock(&socket->receive_lock);
	position = socket->in.position;
	if (!socket->dumping)
		ret = socket_drain(socket, false);
	/* The client reads, if slowly: begins with the shortest time again. */
	if (ret != -EAGAIN || socket->in.position != position)
		socket->backoff = BACKOFF_MIN;
	mutex_unlock(&socket->receive_lock);

	if (ret == 1 || more) {
		kc_socket_kick(socket, 0);
	} else if (ret == -EAGAIN) {
		kc_socket_kick(socket, socket->backoff);
		socket->backoff = min_t(unsigned long, socket->backoff * 2,
					BACKOFF_MAX);
	}
	kc_socket_put(socket);
}

/*
 * Puts the references that a socket has from its creation until it is dropped.
 */
static void socket_let_go(struct kc_socket *socket)
{
	if (socket->file)
		fput(socket->file);
	sock_put(socket->sk);
	kc_socket_put(socket);
}

/*
 * The socket is out of the table; a task that has found it there finds a
 * hang-up.
 */
static void socket_drop(struct kc_socket *socket)
{
	struct kucomms_channel *channel = socket->channel;

	remove_wait_queue(&channel->wait, &socket->wait);
	/*
	 * If the user's socket has another channel by now, the two must not
	 * mix.
	 */
	mutex_lock(&socket->receive_lock);
	socket->parted = true;
	mutex_unlock(&socket->receive_lock);
	/*
	 * The device's file may stay open: the channel ends here all the same.
	 */
	kc_channel_disconnect(channel);
	socket_let_go(socket);
}

static void socket_drop_work(struct work_struct *work)
{
	socket_drop(container_of(work, struct kc_socket, drop));
}

/* Puts the socket into the table, unless it has a channel that still works. */
static int socket_insert(struct kc_socket *socket)
{
	struct kc_socket *old;
	int err = 0;

	spin_lock(&sockets_lock);
	old = socket_lookup(socket->portid, socket->sk);
	if (old && !kc_channel_error(old->channel)) {
		err = -EBUSY;
	} else {
		if (old)
			hash_del_rcu(&old->node);
		hash_add_rcu(sockets, &socket->node, socket->portid);
	}
	spin_unlock(&sockets_lock);
	if (!err && old)
		socket_drop(old);
	return err;
}

/*
 * A work that has put the last reference may still be about to return: the
 * module's code must not go before it has.
 */
static void socket_free(struct kc_socket *socket)
{
	cancel_delayed_work_sync(&socket->work);
	cancel_work_sync(&socket->drop);
	kvfree(socket->out_meta);
	kvfree(socket->in_meta);
	mutex_destroy(&socket->send_lock);
	mutex_destroy(&socket->receive_lock);
	kfree(socket);
}

static void socket_destroy(struct kucomms_channel *channel)
{
	socket_free(kc_channel_socket(channel));
}

static const struct kc_netlink_ops socket_ops = {
	.owner = THIS_MODULE,
	.create = kc_ring_create,
	.destroy = socket_destroy,
	.message = kc_ring_message,
	.reserved = kc_ring_reserved,
	.missed = kc_ring_missed,
	.released = kc_ring_released,
};

/* Takes over the caller's reference to @file. */
static struct kc_socket *socket_create(struct sk_buff *skb, struct file *file,
				       u32 datagram, bool broadcasts)
{
	struct kc_socket *socket = kzalloc(sizeof(*socket), GFP_KERNEL_ACCOUNT);

	if (!socket) {
		fput(file);
		return NULL;
	}
	socket->netlink.ops = &socket_ops;
	socket->netlink.broadcasts = broadcasts;
	socket->channel = kucomms_channel_get(kc_file_channel(file));
	socket->sk = NETLINK_CB(skb).sk;
	sock_hold(socket->sk);
	socket->net = sock_net(socket->sk);
	socket->kernel = skb->sk;
	socket->portid = NETLINK_CB(skb).portid;
	socket->file = file;
	socket->datagram = round_down(min_t(u32, datagram,
					    KUCOMMS_NETLINK_LENGTH_MAX),
				      NLMSG_ALIGNTO);
	init_waitqueue_func_entry(&socket->wait, socket_woken);
	INIT_DELAYED_WORK(&socket->work, socket_work);
	INIT_WORK(&socket->drop, socket_drop_work);
	socket->backoff = BACKOFF_MIN;
	mutex_init(&socket->send_lock);
	mutex_init(&socket->receive_lock);
	return socket;
}

/*
 * Returns the file of an open device. Having opened it, for both directions, is
 * what gives the right to a channel.
 */
static struct file *attach_file(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (kc_file_channel(file))
		return file;
	fput(file);
	return ERR_PTR(-EPERM);
}

/*
 * Gives the sender of @skb a channel. Returns the socket, with a reference, or
 * the errors that kucomms_netlink(7) lists.
 */
struct kc_socket *kc_socket_attach(struct sk_buff *skb, int fd,
				   struct kucomms_attach *attach, u32 datagram,
				   bool broadcasts)
{
	struct file *file = attach_file(fd);
	struct kc_socket *socket;
	int err;

	if (IS_ERR(file))
		return ERR_CAST(file);
	socket = socket_create(skb, file, datagram, broadcasts);
	if (!socket)
		return ERR_PTR(-ENOMEM);
	err = kc_channel_attach(socket->channel, attach, KC_NETLINK,
				&socket->netlink);
	if (err) {
		socket_let_go(socket);
		socket_free(socket);
		return ERR_PTR(err);
	}
	/*
	 * For the caller: nothing else keeps the socket once it is in the
	 * table.
	 */
	kucomms_channel_get(socket->channel);
	add_wait_queue(&socket->channel->wait, &socket->wait);
	err = socket_insert(socket);
	if (err) {
		socket_drop(socket);
		kc_socket_put(socket);
		return ERR_PTR(err);
	}
	return socket;
}

/*
 * Called by netlink: the socket with this port id is being closed. Another
 * socket may have the port id already, which is not dead. This must not wait
 * for a handler: tasks that close other sockets, or load a module that has such
 * a notifier, would wait for it. So a work ends the channel; but the device's
 * file is put here, and if that was the last reference the device is closed in
 * the client's own call.
 */
void kc_socket_closed(const struct net *net, u32 portid)
{
	struct kc_socket *socket;
	struct hlist_node *next;
	struct file *file;
	HLIST_HEAD(closed);

	spin_lock(&sockets_lock);
	hash_for_each_possible_safe(sockets, socket, next, node, portid) {
		if (socket->portid != portid ||
		    !sock_flag(socket->sk, SOCK_DEAD) ||
		    !net_eq(socket->net, net))
			continue;
		hash_del_rcu(&socket->node);
		hlist_add_head(&socket->closed, &closed);
	}
	spin_unlock(&sockets_lock);
	hlist_for_each_entry_safe(socket, next, &closed, closed) {
		file = socket->file;
		socket->file = NULL;
		queue_work(socket->channel->endpoint->queue, &socket->drop);
		fput(file);
	}
}
