// SPDX-License-Identifier: GPL-2.0-only
/*
 * kucomms_netlink.ko: the protocol, as kucomms_netlink(7) has it, and the
 * kernel's socket in each network namespace.
 *
 * A client's datagram is parsed in the client's own sendmsg(). The kernel
 * believes nothing in it: a message is delimited by what has been received, its
 * length is compared with that, and a message that is not accepted is answered
 * with an error.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/netns/generic.h>
#include <net/sock.h>

#include "../compat.h"
#include "types.h"

static int protocol = KUCOMMS_NETLINK_PROTOCOL;
module_param(protocol, int, 0444);
MODULE_PARM_DESC(protocol, "number of the netlink protocol (0 to 31, default 31)");

/**
 * struct netlink_net - what the module has in each network namespace
 * @kernel: the kernel's socket; NULL if another module has the protocol's
 *          number in this namespace
 */
struct netlink_net {
	struct sock *kernel;
};

static unsigned int net_id;

/**
 * struct input - a datagram that is being parsed
 * @skb:    the rest of the datagram
 * @socket: the sender's, with a reference; NULL if the sender has no channel
 * @until:  the time until which the sender may wait for room; 0 if it has not
 *          waited yet
 * @taken:  the last message is in the ring, so its acknowledgement comes from
 *          there
 */
struct input {
	struct sk_buff *skb;
	struct kc_socket *socket;
	u64 until;
	bool taken;
};

static const struct nla_policy attach_policy[KUCOMMS_NLA_MAX + 1] = {
	[KUCOMMS_NLA_FD] = { .type = NLA_U32 },
	[KUCOMMS_NLA_TO_KERNEL_SIZE] = { .type = NLA_U32 },
	[KUCOMMS_NLA_TO_USER_SIZE] = { .type = NLA_U32 },
	[KUCOMMS_NLA_CHANNEL] = { .type = NLA_U32 },
	[KUCOMMS_NLA_DEADLINE] = { .type = NLA_S64 },
	[KUCOMMS_NLA_DATAGRAM] = { .type = NLA_U32 },
	[KUCOMMS_NLA_BROADCASTS] = { .type = NLA_FLAG },
	[KUCOMMS_NLA_VERSION] = { .type = NLA_REJECT },
};

static u32 attribute_u32(struct nlattr **attributes, int type, u32 otherwise)
{
	return attributes[type] ? nla_get_u32(attributes[type]) : otherwise;
}

#define REPLY_SIZE	(4 * nla_total_size(sizeof(u32)))

/*
 * Tells the client of its channel, in @skb, which has room for REPLY_SIZE
 * bytes.
 */
static void attach_reply(const struct kc_socket *socket,
			 struct sk_buff *skb, const struct nlmsghdr *request,
			 const struct kucomms_attach *attach)
{
	struct nlmsghdr *header;

	header = nlmsg_put(skb, socket->portid, request->nlmsg_seq,
			   KUCOMMS_NLMSG_ATTACH, 0, 0);
	if (nla_put_u32(skb, KUCOMMS_NLA_VERSION, attach->version) ||
	    nla_put_u32(skb, KUCOMMS_NLA_CHANNEL, attach->channel) ||
	    nla_put_u32(skb, KUCOMMS_NLA_TO_KERNEL_SIZE,
			attach->to_kernel_size) ||
	    nla_put_u32(skb, KUCOMMS_NLA_TO_USER_SIZE, attach->to_user_size)) {
		nlmsg_free(skb);
		return;
	}
	nlmsg_end(skb, header);
	nlmsg_unicast(socket->kernel, skb, socket->portid);
}

static const char *attach_failure(int err)
{
	switch (err) {
	case -EBADF:
		return "no such descriptor";
	case -EPERM:
		return "the descriptor is no kucomms device that is open for reading and writing";
	case -EBUSY:
		return "the socket or the descriptor has a channel already";
	case -ENOTCONN:
		return "no kernel module serves the device";
	case -ENODEV:
		return "the device has been removed";
	case -EUSERS:
		return "the device has as many channels as it may";
	case -EINVAL:
		return "the device allows neither such a ring nor such a number";
	case -ENOMEM:
		return "not enough memory, or not for this process's memory cgroup";
	case -EADDRINUSE:
		return "the channel's number is taken";
	case -EINTR:
		return "a signal came before the channel was there";
	default:
		return "no channel";
	}
}

/*
 * Tells whether the writing process means to attach. The descriptor is looked
 * up among those of the writer. A process that got the socket from another one,
 * for instance as its standard output, must not give away one of its
 * descriptors just by writing what it was told to. So the writer must name the
 * kernel's address, or have no more rights than the process that opened the
 * socket, as with netlink_capable().
 */
static bool attach_is_meant(const struct sk_buff *skb)
{
	const struct cred *writer = current_cred();
	const struct cred *opener;

	if (NETLINK_CB(skb).flags & NETLINK_SKB_DST)
		return true;
	/* A task is writing to the socket, so the socket has a file. */
	opener = NETLINK_CB(skb).sk->sk_socket->file->f_cred;
	return uid_eq(writer->euid, opener->euid) &&
	       gid_eq(writer->egid, opener->egid) &&
	       writer->user_ns == opener->user_ns &&
	       cap_issubset(writer->cap_effective, opener->cap_effective);
}

/**
 * struct attach_request - what a client asks for
 * @attach:     as in an ioctl; completed by the answer
 * @fd:         descriptor of the device
 * @datagram:   bytes of the longest datagram
 * @broadcasts: the client wants broadcasts
 */
struct attach_request {
	struct kucomms_attach attach;
	u32 fd;
	u32 datagram;
	bool broadcasts;
};

static int attach_parse(const struct nlmsghdr *header,
			struct attach_request *request,
			struct netlink_ext_ack *extack)
{
	struct nlattr *attributes[KUCOMMS_NLA_MAX + 1];
	struct kucomms_attach *attach = &request->attach;
	int err;

	err = nlmsg_parse(header, 0, attributes, KUCOMMS_NLA_MAX,
			  attach_policy, extack);
	if (err)
		return err;
	if (!attributes[KUCOMMS_NLA_FD]) {
		NL_SET_ERR_MSG(extack, "the descriptor of a device is missing");
		return -EINVAL;
	}
	request->fd = nla_get_u32(attributes[KUCOMMS_NLA_FD]);
	request->datagram = attribute_u32(attributes, KUCOMMS_NLA_DATAGRAM,
					  KUCOMMS_DATAGRAM_DEFAULT);
	request->broadcasts = attributes[KUCOMMS_NLA_BROADCASTS];
	attach->to_kernel_size = attribute_u32(attributes,
					       KUCOMMS_NLA_TO_KERNEL_SIZE, 0);
	attach->to_user_size = attribute_u32(attributes,
					     KUCOMMS_NLA_TO_USER_SIZE, 0);
	if (attributes[KUCOMMS_NLA_CHANNEL]) {
		attach->flags = KUCOMMS_ATTACH_NUMBER;
		attach->channel = nla_get_u32(attributes[KUCOMMS_NLA_CHANNEL]);
	}
	if (attributes[KUCOMMS_NLA_DEADLINE])
		attach->deadline =
			nla_get_s64(attributes[KUCOMMS_NLA_DEADLINE]);
	return 0;
}

static int attach_allowed(const struct input *input,
			  struct netlink_ext_ack *extack)
{
	if (!attach_is_meant(input->skb)) {
		NL_SET_ERR_MSG(extack, "the socket was opened with another user, group or user namespace, or with fewer capabilities: send to the kernel's address");
		return -EPERM;
	}
	/*
	 * Looked at here, before the descriptor's channel is used up, and once
	 * more for the table, since two threads may attach at the same time.
	 */
	if (input->socket && !kc_channel_error(input->socket->channel)) {
		NL_SET_ERR_MSG(extack, "the socket has a channel already");
		return -EBUSY;
	}
	return 0;
}

static int input_attach(struct input *input, const struct nlmsghdr *header,
			struct netlink_ext_ack *extack)
{
	struct attach_request request = {
		.attach.size = sizeof(request.attach),
	};
	struct kc_socket *socket;
	struct sk_buff *reply;
	int err;

	err = attach_parse(header, &request, extack) ?:
	      attach_allowed(input, extack);
	if (err)
		return err;
	/* A client that cannot be told of its channel must not have one. */
	reply = nlmsg_new(REPLY_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	socket = kc_socket_attach(input->skb, request.fd, &request.attach,
				  request.datagram, request.broadcasts);
	if (IS_ERR(socket)) {
		nlmsg_free(reply);
		err = PTR_ERR(socket);
		/* A sendmsg() that has taken messages must not be restarted. */
		if (err == -ERESTARTSYS)
			err = -EINTR;
		extack->_msg = attach_failure(err);
		return err;
	}
	if (input->socket)
		kc_socket_put(input->socket);
	input->socket = socket;
	attach_reply(socket, reply, header, &request.attach);
	return 0;
}

static int message_check(const struct nlmsghdr *header,
			 struct netlink_ext_ack *extack)
{
	struct kucomms_message message;

	if (nlmsg_len(header) < (int)sizeof(message)) {
		NL_SET_ERR_MSG(extack, "too short for a struct kucomms_message");
		return -EINVAL;
	}
	/* Netlink aligns the payload to 4 bytes only. */
	memcpy(&message, nlmsg_data(header), sizeof(message));
	if (message.length != nlmsg_len(header) - sizeof(message)) {
		NL_SET_ERR_MSG(extack, "length is not what follows the struct kucomms_message");
		return -EINVAL;
	}
	return 0;
}

static void message_explain(struct netlink_ext_ack *extack, int err)
{
	switch (err) {
	case -EMSGSIZE:
		NL_SET_ERR_MSG(extack, "longer than the ring admits");
		break;
	case -EAGAIN:
		NL_SET_ERR_MSG(extack, "no room: read the answers first");
		break;
	case -EBUSY:
		NL_SET_ERR_MSG(extack, "the last dump has not been read to its end");
		break;
	case -ESHUTDOWN:
		NL_SET_ERR_MSG(extack, "the endpoint has gone");
		break;
	case -EPROTO:
		NL_SET_ERR_MSG(extack, "the channel is broken");
		break;
	case -EINTR:
		NL_SET_ERR_MSG(extack, "a signal came before the message was taken");
		break;
	}
}

/*
 * Puts the message into the ring. The acknowledgement of a message that has
 * been taken is sent when the handler has finished with it.
 */
static int input_message(struct input *input, const struct nlmsghdr *header,
			 struct netlink_ext_ack *extack)
{
	struct kc_socket *socket = input->socket;
	bool handled;
	int err;

	if (!socket) {
		NL_SET_ERR_MSG(extack, "the socket has no channel: attach first");
		return -EPERM;
	}
	err = message_check(header, extack);
	if (err)
		return err;
	handled = socket->channel->endpoint->ops.message;
	if ((header->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) {
		err = kc_ring_put(socket, header, true, &input->until);
	} else if (handled) {
		err = kc_dump_start(socket, input->skb, header);
	} else {
		NL_SET_ERR_MSG(extack, "the module does not say where answers end");
		return -EOPNOTSUPP;
	}
	message_explain(extack, err);
	input->taken = !err;
	return err;
}

static int input_request(struct input *input, const struct nlmsghdr *header,
			 struct netlink_ext_ack *extack)
{
	/* Messages of netlink's own, such as NLMSG_NOOP, only ring. */
	if (!(header->nlmsg_flags & NLM_F_REQUEST) ||
	    header->nlmsg_type < NLMSG_MIN_TYPE)
		return 0;
	switch (header->nlmsg_type) {
	case KUCOMMS_NLMSG_ATTACH:
		return input_attach(input, header, extack);
	case KUCOMMS_NLMSG_MESSAGE:
		return input_message(input, header, extack);
	default:
		NL_SET_ERR_MSG(extack, "unknown type of message");
		return -EOPNOTSUPP;
	}
}

/*
 * Answers the rest of a datagram, which is no message, with an error. What
 * there is of its header is sent back.
 */
static void input_refuse(struct sk_buff *skb)
{
	static const char reason[] = "truncated, or nlmsg_len is wrong";
	struct netlink_ext_ack extack = { ._msg = reason };
	struct nlmsghdr header = { };

	memcpy(&header, skb->data, min_t(size_t, skb->len, sizeof(header)));
	header.nlmsg_len = sizeof(header);
	netlink_ack(skb, &header, -EINVAL, &extack);
}

static void input_all(struct input *input)
{
	struct sk_buff *skb = input->skb;
	struct netlink_ext_ack extack;
	struct nlmsghdr *header;
	int err;

	do {
		header = nlmsg_hdr(skb);
		if (skb->len < NLMSG_HDRLEN ||
		    header->nlmsg_len < NLMSG_HDRLEN ||
		    header->nlmsg_len > skb->len) {
			input_refuse(skb);
			return;
		}
		memset(&extack, 0, sizeof(extack));
		input->taken = false;
		err = input_request(input, header, &extack);
		if (err || (header->nlmsg_flags & NLM_F_ACK && !input->taken))
			netlink_ack(skb, header, err, &extack);
		skb_pull(skb, min_t(size_t, NLMSG_ALIGN(header->nlmsg_len),
				    skb->len));
	} while (skb->len);
}

static void netlink_input(struct sk_buff *skb)
{
	struct input input = {
		.skb = skb,
		.socket = kc_socket_find(NETLINK_CB(skb).portid,
					      NETLINK_CB(skb).sk),
	};

	input_all(&input);
	if (!input.socket)
		return;
	kc_socket_push(input.socket);
	kc_socket_put(input.socket);
}

static int netlink_event(struct notifier_block *block, unsigned long event,
			 void *data)
{
	const struct netlink_notify *notify = data;

	if (event == NETLINK_URELEASE &&
	    notify->protocol == protocol)
		kc_socket_closed(notify->net, notify->portid);
	return NOTIFY_DONE;
}

static struct notifier_block netlink_notifier = {
	.notifier_call = netlink_event,
};

/*
 * Fails in the first namespace only, which is initialized before all others,
 * and then the module is not loaded. Another module that has the number there
 * has it everywhere: netlink would take this module's sockets elsewhere for the
 * other module's, and call that module after it has gone.
 */
static int __net_init netlink_net_init(struct net *net)
{
	struct netlink_kernel_cfg config = {
		.input = netlink_input,
	};
	struct netlink_net *own = net_generic(net, net_id);

	own->kernel = netlink_kernel_create(net, protocol, &config);
	return own->kernel || !net_eq(net, &init_net) ? 0 : -EADDRINUSE;
}

static void __net_exit netlink_net_exit(struct net *net)
{
	struct netlink_net *own = net_generic(net, net_id);

	if (own->kernel)
		netlink_kernel_release(own->kernel);
}

static struct pernet_operations netlink_net_ops = {
	.init = netlink_net_init,
	.exit = netlink_net_exit,
	.id = &net_id,
	.size = sizeof(struct netlink_net),
};

static int __init netlink_init(void)
{
	int err;

	if (protocol < 0 || protocol >= MAX_LINKS)
		return -EINVAL;
	err = netlink_register_notifier(&netlink_notifier);
	if (err)
		return err;
	err = register_pernet_subsys(&netlink_net_ops);
	if (err)
		netlink_unregister_notifier(&netlink_notifier);
	return err;
}

/*
 * No socket of the protocol is open, nor any file whose channel is over
 * netlink: their references to the module have been put. Channels may still be
 * about to be freed.
 */
static void __exit netlink_exit(void)
{
	unregister_pernet_subsys(&netlink_net_ops);
	netlink_unregister_notifier(&netlink_notifier);
	kc_netlink_wait();
}

module_init(netlink_init);
module_exit(netlink_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(KUCOMMS_VERSION);
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("Channels of kucomms over netlink");
MODULE_ALIAS_NET_PF_PROTO(PF_NETLINK, KUCOMMS_NETLINK_PROTOCOL);
KC_IMPORT();
