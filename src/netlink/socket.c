// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets: those of netlink that have a channel, and what is sent to them.
 *
 * A socket is found by its port id and its address, since its port id may belong
 * to another one as soon as it is being closed. For the same reason whoever sends
 * holds the user's file, or is called by it: then the port id stays what it is.
 *
 * What the endpoint sends is moved into datagrams
 *  - in the client's own sendmsg(), after the handler has run there;
 *  - by the work, which the channel wakes like any client that sleeps;
 *  - for a dump in the client's recvmsg(), and nowhere else (dump.c).
 * What the socket has no room for stays in the ring, until the client sends
 * something, or the work has another look.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "../compat.h"
#include "../functions.h"
#include "ring.h"
#include "socket.h"

/* So many datagrams in the client's call, the others are left to the work. */
#define PUSH_DATAGRAMS	64

/* For so long, in jiffies, the work leaves a socket alone that is full. */
#define PATIENCE_MIN	1
#define PATIENCE_MAX	(4 * HZ)

static DEFINE_HASHTABLE(sockets, 8);
static DEFINE_SPINLOCK(sockets_lock);
/* How many there are: the module stays until their last work has run. */
static atomic_t sockets_alive;

static void socket_release(struct kref *ref)
{
	struct kucomms_socket *socket =
		container_of(ref, struct kucomms_socket, ref);

	kucomms_channel_put(socket->channel);
	kfree_rcu(socket, rcu);
	if (atomic_dec_and_test(&sockets_alive))
		wake_up_var(&sockets_alive);
}

void kucomms_socket_put(struct kucomms_socket *socket)
{
	kref_put(&socket->ref, socket_release);
}

static struct kucomms_socket *socket_lookup(u32 portid, const struct sock *sk)
{
	struct kucomms_socket *socket;

	hash_for_each_possible_rcu(sockets, socket, node, portid,
				   lockdep_is_held(&sockets_lock))
		if (socket->sk == sk)
			return socket;
	return NULL;
}

/* With a reference; NULL: it has no channel. */
struct kucomms_socket *kucomms_socket_find(u32 portid, const struct sock *sk)
{
	struct kucomms_socket *socket;

	rcu_read_lock();
	socket = socket_lookup(portid, sk);
	if (socket && !kref_get_unless_zero(&socket->ref))
		socket = NULL;
	rcu_read_unlock();
	return socket;
}

/* Any context. The work holds a reference while it is queued or runs. */
void kucomms_socket_kick(struct kucomms_socket *socket, unsigned long delay)
{
	kref_get(&socket->ref);
	if (mod_delayed_work(socket->channel->endpoint->queue, &socket->work,
			     delay))
		kucomms_socket_put(socket);
}

/* The channel has something for a client that sleeps. */
static int socket_woken(wait_queue_entry_t *wait, unsigned int mode, int flags,
			void *key)
{
	kucomms_socket_kick(container_of(wait, struct kucomms_socket, wait), 0);
	return 0;
}

/*
 * One more datagram must not be what fills the socket: what does not get in is
 * lost, and the client told so.
 */
static bool socket_has_room(const struct kucomms_socket *socket,
			    unsigned int size)
{
	unsigned int used = atomic_read(&socket->sk->sk_rmem_alloc);

	return !used || used + size < READ_ONCE(socket->sk->sk_rcvbuf);
}

/* With room for @size bytes and no more: the client's buffer may be no longer. */
static struct sk_buff *datagram_alloc(size_t size)
{
	struct sk_buff *skb = alloc_skb(size, GFP_KERNEL | __GFP_NOWARN);

	if (!skb)
		return NULL;
	skb_reserve(skb, skb_tailroom(skb) - size);
	/* What is in front of that is not for a filter of the client's. */
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	return skb;
}

/*
 * The user's file, which keeps the socket from being closed; NULL: it is being
 * closed. As long as it has a socket the file is there.
 */
static struct file *socket_hold(struct sock *sk)
{
	struct file *file = NULL;

	read_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_socket)
		file = kucomms_file_get_active(&sk->sk_socket->file);
	read_unlock_bh(&sk->sk_callback_lock);
	return file;
}

/*
 * @own: the client is in a call of its own. If not, its file is held as short as can
 * be: a client that closes the socket as soon as it has the answer shall find it
 * closed; so whom this wakes must not run here before the file is let go.
 */
int kucomms_socket_unicast(struct kucomms_socket *socket, struct sk_buff *skb,
			   bool own)
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

/* Returns 1 if a datagram was sent, 0 if there was nothing to send, -EAGAIN... */
static int socket_send(struct kucomms_socket *socket, bool own)
{
	struct kucomms_channel *channel = socket->channel;
	size_t size = kucomms_bridge_size(channel, socket->datagram);
	struct kucomms_mark mark;
	struct sk_buff *skb;
	int err;

	if (!size)
		return 0;
	if (!socket_has_room(socket, SKB_TRUESIZE(size)))
		return -EAGAIN;
	/* If there is no memory for all then for as little as can be. */
	skb = datagram_alloc(size) ?:
	      datagram_alloc(kucomms_bridge_size(channel, 0));
	if (!skb)
		return -EAGAIN;
	/* Which may be more than was asked for. */
	if (!socket_has_room(socket, skb->truesize)) {
		kfree_skb(skb);
		return -EAGAIN;
	}
	kucomms_bridge_mark(channel, &mark);
	kucomms_bridge_fill(channel, skb, socket->portid, NULL);
	if (skb->len) {
		err = kucomms_socket_unicast(socket, skb, own);
		if (err < 0) {
			kucomms_bridge_unfill(channel, &mark);
			return err;
		}
	} else {
		kfree_skb(skb);
	}
	kucomms_bridge_settle(channel);
	return 1;
}

/*
 * Whoever waits for an answer learns that there will be none: @err, if the channel
 * has come to its end. Returns 0, or -EAGAIN if the socket has no room even for
 * that.
 */
static int socket_part(struct kucomms_socket *socket, int err, bool own)
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
	err = kucomms_socket_unicast(socket, skb, own);
	if (err < 0)
		return err;
	socket->parted = true;
	return 0;
}

/*
 * Tells the endpoint, which may be waiting for room, of the room that has been
 * made: when it is an eighth of the ring, or at once when there is nothing more
 * to send (@all).
 */
void kucomms_socket_give_back(struct kucomms_socket *socket, bool all)
{
	struct kucomms_consumer *in = &kucomms_bridge(socket->channel)->in;

	if (all)
		kucomms_consumer_tell(in);
	if (in->released == in->done && kucomms_consumer_must_ring(in))
		kucomms_bridge_ring(socket->channel);
}

/*
 * Sends what there is, and then asks to be woken. Under the receive_lock, which
 * keeps socket->sk until the socket has parted. -EAGAIN: it has no room; 1: there is
 * more; @own: the client's own call.
 */
static int socket_drain(struct kucomms_socket *socket, bool own)
{
	struct kucomms_consumer *in = &kucomms_bridge(socket->channel)->in;
	unsigned int left = PUSH_DATAGRAMS;
	int ret, state;

	while (left-- && !socket->parted) {
		ret = socket_send(socket, own);
		kucomms_socket_give_back(socket, ret != 1);
		if (ret < 0)
			return ret;
		if (ret)
			continue;
		/*
		 * Asks, then looks once more: the order that loses nothing. And
		 * the state before that: what was sent before it changed counts.
		 */
		kucomms_consumer_arm(in);
		state = kucomms_channel_error(socket->channel);
		if (!kucomms_bridge_size(socket->channel, 0))
			return socket_part(socket, state, own);
		kucomms_consumer_disarm(in);
	}
	return !socket->parted;
}

/* In the client's sendmsg(): the doorbell, and the answers. */
void kucomms_socket_push(struct kucomms_socket *socket)
{
	struct kucomms_channel *channel = socket->channel;
	struct kucomms_bridge *bridge = kucomms_bridge(channel);
	bool ring;
	int ret = 1;

	mutex_lock(&bridge->send_lock);
	kucomms_producer_flush(&bridge->out);
	ring = kucomms_producer_must_ring(&bridge->out);
	mutex_unlock(&bridge->send_lock);

	mutex_lock(&bridge->receive_lock);
	/* This one will see what the handler sends: no need to be woken. */
	kucomms_consumer_disarm(&bridge->in);
	if (ring)
		kucomms_bridge_ring(channel);
	if (!socket->dumping)
		ret = socket_drain(socket, true);
	mutex_unlock(&bridge->receive_lock);
	if (ret)
		kucomms_socket_kick(socket, ret == -EAGAIN ? PATIENCE_MIN : 0);
}

static void socket_work(struct work_struct *work)
{
	struct kucomms_socket *socket =
		container_of(to_delayed_work(work), struct kucomms_socket,
			     work);
	struct kucomms_bridge *bridge = kucomms_bridge(socket->channel);
	bool more = kucomms_bridge_finish(socket->channel);
	u32 position;
	int ret = 0;

	mutex_lock(&bridge->receive_lock);
	position = bridge->in.position;
	if (!socket->dumping)
		ret = socket_drain(socket, false);
	/* A client that reads, if slowly, has all patience again. */
	if (ret != -EAGAIN || bridge->in.position != position)
		socket->patience = PATIENCE_MIN;
	mutex_unlock(&bridge->receive_lock);

	if (ret == 1 || more) {
		kucomms_socket_kick(socket, 0);
	} else if (ret == -EAGAIN) {
		kucomms_socket_kick(socket, socket->patience);
		socket->patience = min_t(unsigned long, socket->patience * 2,
					 PATIENCE_MAX);
	}
	kucomms_socket_put(socket);
}

/* What it has from its creation until then. */
static void socket_give_up(struct kucomms_socket *socket)
{
	if (socket->file)
		fput(socket->file);
	sock_put(socket->sk);
	kucomms_socket_put(socket);
}

/* Out of the table: whoever found it before finds a channel that is hung up. */
static void socket_drop(struct kucomms_socket *socket)
{
	struct kucomms_channel *channel = socket->channel;

	remove_wait_queue(&channel->wait, &socket->wait);
	/* If there is another channel by now nobody is to confuse them. */
	mutex_lock(&kucomms_bridge(channel)->receive_lock);
	socket->parted = true;
	mutex_unlock(&kucomms_bridge(channel)->receive_lock);
	/* The file may stay open: the channel ends here all the same. */
	kucomms_channel_detach(channel);
	kucomms_channel_hang_up(channel);
	socket_give_up(socket);
}

static void socket_drop_work(struct work_struct *work)
{
	socket_drop(container_of(work, struct kucomms_socket, drop));
}

/* In the table, unless the socket has a channel by now that still works. */
static int socket_insert(struct kucomms_socket *socket)
{
	struct kucomms_socket *old;
	int err = 0;

	spin_lock(&sockets_lock);
	old = socket_lookup(socket->portid, socket->sk);
	if (old && !kucomms_channel_error(old->channel)) {
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

static struct kucomms_socket *socket_create(struct sk_buff *skb,
					    struct file *file)
{
	struct kucomms_socket *socket = kzalloc(sizeof(*socket),
						GFP_KERNEL_ACCOUNT);

	if (!socket)
		return NULL;
	kref_init(&socket->ref);
	socket->sk = NETLINK_CB(skb).sk;
	sock_hold(socket->sk);
	socket->net = sock_net(socket->sk);
	socket->kernel = skb->sk;
	socket->portid = NETLINK_CB(skb).portid;
	socket->file = file;
	socket->channel = kucomms_file_channel(file);
	kref_get(&socket->channel->ref);
	init_waitqueue_func_entry(&socket->wait, socket_woken);
	INIT_DELAYED_WORK(&socket->work, socket_work);
	INIT_WORK(&socket->drop, socket_drop_work);
	atomic_inc(&sockets_alive);
	socket->patience = PATIENCE_MIN;
	return socket;
}

/* An open device is what gives the right: it must have been opened for both. */
static struct file *attach_file(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (kucomms_file_channel(file))
		return file;
	fput(file);
	return ERR_PTR(-EPERM);
}

/*
 * The sender of @skb gets a channel. Returns the socket, with a reference, or the
 * errors that abi.h lists.
 */
struct kucomms_socket *kucomms_socket_attach(struct sk_buff *skb, int fd,
					     struct kucomms_attach *attach,
					     u32 datagram, bool broadcasts)
{
	struct file *file = attach_file(fd);
	struct kucomms_socket *socket;
	int err;

	if (IS_ERR(file))
		return ERR_CAST(file);
	socket = socket_create(skb, file);
	if (!socket) {
		fput(file);
		return ERR_PTR(-ENOMEM);
	}
	socket->datagram = round_down(min_t(u32, datagram,
					    KUCOMMS_NETLINK_LENGTH_MAX),
				      NLMSG_ALIGNTO);
	err = kucomms_channel_attach(socket->channel, attach, KUCOMMS_BRIDGED,
				     &kucomms_bridge_ops);
	if (err) {
		socket_give_up(socket);
		return ERR_PTR(err);
	}
	socket->channel->netlink->broadcasts = broadcasts;
	add_wait_queue(&socket->channel->wait, &socket->wait);
	err = socket_insert(socket);
	if (err) {
		socket_drop(socket);
		return ERR_PTR(err);
	}
	kref_get(&socket->ref);
	return socket;
}

/*
 * The socket with this port id is being closed: not the one that may have got the
 * port id since. Here nothing may wait for a handler: who loads a module that has
 * such a notifier, too, waits for all that are called, and whoever closes a socket
 * for him. But with its last reference the device is closed: in the client's own
 * call, as ever, when it is done with this.
 */
void kucomms_socket_closed(const struct net *net, u32 portid)
{
	struct kucomms_socket *socket;
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
		hlist_add_head(&socket->gone, &closed);
	}
	spin_unlock(&sockets_lock);
	hlist_for_each_entry_safe(socket, next, &closed, gone) {
		file = socket->file;
		socket->file = NULL;
		queue_work(socket->channel->endpoint->queue, &socket->drop);
		fput(file);
	}
}

/*
 * No socket of the protocol is open: the kernel counts them. But the work of one
 * may still be waiting for its time.
 */
void kucomms_socket_uninit(void)
{
	wait_var_event(&sockets_alive, !atomic_read(&sockets_alive));
}
