/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The types of kucomms_netlink.ko, and the functions that its files share.
 */
#ifndef KUCOMMS_SRC_NETLINK_TYPES_H
#define KUCOMMS_SRC_NETLINK_TYPES_H

#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <kucomms/ring.h>

#include "../functions.h"

struct file;
struct net;
struct nlmsghdr;
struct sk_buff;
struct sock;

/* What a record in the ring towards the user is. */
enum kc_meta_kind {
	KC_META_MESSAGE,
	KC_META_ACK,	/* the handler has finished with a request */
	KC_META_DONE,	/* the handler has finished with a dump */
};

/**
 * struct kc_meta - what netlink's header says of a record
 * @sequence: sequence number of the request; 0: the module sends by itself
 * @flags:    NLM_F_*
 * @kind:     enum kc_meta_kind
 */
struct kc_meta {
	u32 sequence;
	u16 flags;
	u16 kind;
};

/*
 * Acknowledgements that a module without a message handler may owe at a time.
 */
#define KC_PENDING_ACKS	64

/**
 * struct kc_pending_ack - an acknowledgement that is due when the module has
 *                         released the request
 * @after:    position behind the request in the ring towards the kernel
 * @sequence: sequence number of the request
 * @length:   bytes of the request's data
 */
struct kc_pending_ack {
	u32 after;
	u32 sequence;
	u32 length;
};

/**
 * struct kc_checkpoint - what kc_ring_fill() changes, for kc_ring_rollback()
 * @position:     of the next record that the user gets
 * @missed:       kc_socket.missed
 * @missed_first: kc_socket.missed_first
 */
struct kc_checkpoint {
	u32 position;
	bool missed;
	u32 missed_first;
};

/**
 * struct kc_socket - a netlink socket that has a channel, and the user's ends
 *                    of the channel's rings
 * @netlink:  what kucomms.ko knows of it
 * @channel:  the channel, whose reference count counts the users of this
 *            structure as well: the table, a dump, the queued or running works,
 *            and tasks that have found it there
 *
 * @node:     in the table, until the socket is closed
 * @closed:   in the list of those that kc_socket_closed() takes out of the
 *            table
 * @net:      the socket's network namespace; for comparisons only
 * @sk:       the user's socket; a reference until the channel is dropped, since
 *            an unfinished dump, which holds this structure, ends with the last
 *            reference to the socket
 * @kernel:   the kernel's socket in that network namespace, which lives as long
 *            as any other socket there
 * @portid:   port id of the user's socket
 * @file:     the open device; a reference until the channel is dropped or the
 *            socket closed
 * @datagram: bytes of the longest datagram, unless a single message needs more
 * @wait:     entry in the channel's queue of sleeping clients
 * @work:     sends what is in the ring
 * @drop:     ends the channel of a socket that has been closed
 * @backoff:  jiffies until @work tries again to send to a full socket; used by
 *            @work only
 *
 * @send_lock:    held by the task that sends towards the kernel; protects @out
 *                and @out_meta
 * @out:          the ring towards the kernel
 * @out_meta:     an element for each place in @out where a record can begin
 * @acks:         the acknowledgements that the module owes, if it has no
 *                message handler, and those that are being sent
 * @acks_put:     number of those that have ever been put there; under
 *                @send_lock
 * @acks_got:     number of those that have been moved into a datagram; under
 *                @receive_lock
 * @acks_sent:    number of those whose datagram has been sent; under
 *                @receive_lock
 *
 * @receive_lock: held by the task that moves records into datagrams; protects
 *                @in
 * @in:           the ring towards the user
 * @in_meta:      an element for each place in @in where a record can begin,
 *                written by the sender of the record
 * @dumping:      what is in @in belongs to a dump; set under @receive_lock
 * @parted:       the client knows that the channel has come to its end, or has
 *                another channel; under @receive_lock
 * @told:         the datagram that is being filled has an NLMSG_OVERRUN; under
 *                @receive_lock
 *
 * @current_meta: for the answers to the message that is being handled; under
 *                the turn
 * @handled:      of that message only the acknowledgement, or the end of the
 *                dump, has yet to be sent; under the turn
 * @unfinished:   a task was interrupted when the endpoint had more to do
 *
 * @missed:       there was no room for a broadcast; under the channel's lock
 * @missed_first: position of the first gap that the client has not been told
 *                of; under the channel's lock
 * @missed_last:  position of the last gap; under the channel's lock
 */
struct kc_socket {
	struct kc_netlink netlink;
	struct kucomms_channel *channel;

	struct hlist_node node;
	struct hlist_node closed;
	const struct net *net;
	struct sock *sk;
	struct sock *kernel;
	u32 portid;
	struct file *file;
	u32 datagram;
	wait_queue_entry_t wait;
	struct delayed_work work;
	struct work_struct drop;
	unsigned long backoff;

	struct mutex send_lock;
	struct kucomms_producer out;
	struct kc_meta *out_meta;
	struct kc_pending_ack acks[2 * KC_PENDING_ACKS];
	u32 acks_put;
	u32 acks_got;
	u32 acks_sent;

	struct mutex receive_lock;
	struct kucomms_consumer in;
	struct kc_meta *in_meta;
	bool dumping;
	bool parted;
	bool told;

	struct kc_meta current_meta;
	bool handled;
	bool unfinished;

	bool missed;
	u32 missed_first;
	u32 missed_last;
};

static inline struct kc_socket *
kc_channel_socket(const struct kucomms_channel *channel)
{
	return container_of(channel->netlink, struct kc_socket, netlink);
}

/* ring.c: between rings and datagrams */
int kc_ring_create(struct kucomms_channel *channel);
void kc_ring_reserved(struct kucomms_channel *channel,
		      const struct kucomms_message *record);
int kc_ring_message(struct kucomms_channel *channel,
		    const struct kucomms_message *message, const void *data,
		    void *priv);
void kc_ring_missed(struct kucomms_channel *channel);
void kc_ring_released(struct kucomms_channel *channel);
int kc_ring_doorbell(struct kc_socket *socket);
bool kc_ring_finish(struct kc_socket *socket);
int kc_ring_put(struct kc_socket *socket, const struct nlmsghdr *header,
		bool more, u64 *until);
size_t kc_ring_size(const struct kc_socket *socket, size_t most);
int kc_ring_fill(struct kc_socket *socket, struct sk_buff *skb, int *result);
void kc_ring_checkpoint(struct kc_socket *socket,
			struct kc_checkpoint *checkpoint);
void kc_ring_rollback(struct kc_socket *socket,
		      const struct kc_checkpoint *checkpoint);
void kc_ring_commit(struct kc_socket *socket);

/* socket.c: the sockets that have a channel */
struct kc_socket *kc_socket_find(u32 portid, const struct sock *sk);
void kc_socket_put(struct kc_socket *socket);
struct kc_socket *kc_socket_attach(struct sk_buff *skb, int fd,
				   struct kucomms_attach *attach, u32 datagram,
				   bool broadcasts);
void kc_socket_push(struct kc_socket *socket);
void kc_socket_kick(struct kc_socket *socket, unsigned long delay);
int kc_socket_unicast(struct kc_socket *socket, struct sk_buff *skb, bool own);
void kc_socket_tell_room(struct kc_socket *socket, bool all);
void kc_socket_closed(const struct net *net, u32 portid);

/* dump.c: requests with any number of answers */
int kc_dump_start(struct kc_socket *socket, struct sk_buff *skb,
		  const struct nlmsghdr *header);

#endif
