/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_NETLINK_SOCKET_H
#define KUCOMMS_SRC_NETLINK_SOCKET_H

#include <linux/kref.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct file;
struct kucomms_attach;
struct kucomms_channel;
struct net;
struct netlink_ext_ack;
struct sk_buff;
struct sock;

/**
 * struct kucomms_socket - a netlink socket that has a channel
 * @ref:      held by the table, a dump, the work, and by who has found it
 * @node:     in the table, until the socket is closed
 * @gone:     among those that are being taken out of it
 * @net:      its network namespace; for comparisons
 * @sk:       the user's; a reference until the channel is dropped: an unfinished
 *            dump, which holds this, ends with the last reference to that
 * @kernel:   the kernel's socket in the same network namespace, which lives as
 *            long as any other there
 * @portid:   of the user's socket
 * @file:     the open device: a reference until the channel is dropped, or the
 *            socket closed
 * @channel:  that of the file; a reference
 * @datagram: most bytes of a datagram, unless one message has more
 * @wait:     on the channel, among the clients that sleep
 * @work:     sends what there is
 * @drop:     ends the channel of a socket that has been closed
 * @patience: jiffies to wait for room in the socket; the work's
 * @dumping:  what there is belongs to a dump; begins under the bridge's
 *            receive_lock
 * @parted:   the client knows that the channel has come to its end, or has another
 *            one; under the receive_lock
 */
struct kucomms_socket {
	struct kref ref;
	struct hlist_node node;
	struct hlist_node gone;
	const struct net *net;
	struct sock *sk;
	struct sock *kernel;
	u32 portid;
	struct file *file;
	struct kucomms_channel *channel;
	u32 datagram;
	wait_queue_entry_t wait;
	struct delayed_work work;
	struct work_struct drop;
	unsigned long patience;
	bool dumping;
	bool parted;
	struct rcu_head rcu;
};

void kucomms_socket_uninit(void);
struct kucomms_socket *kucomms_socket_find(u32 portid, const struct sock *sk);
void kucomms_socket_put(struct kucomms_socket *socket);
struct kucomms_socket *kucomms_socket_attach(struct sk_buff *skb, int fd,
					     struct kucomms_attach *attach,
					     u32 datagram, bool broadcasts);
void kucomms_socket_push(struct kucomms_socket *socket);
void kucomms_socket_kick(struct kucomms_socket *socket, unsigned long delay);
int kucomms_socket_unicast(struct kucomms_socket *socket, struct sk_buff *skb,
			   bool own);
void kucomms_socket_give_back(struct kucomms_socket *socket, bool all);
void kucomms_socket_closed(const struct net *net, u32 portid);

#endif
