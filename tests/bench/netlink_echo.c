// SPDX-License-Identifier: GPL-2.0-only
/*
 * The yardstick: what a module author would write with netlink. Every message
 * goes back to the port that it came from.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>
#include <net/netlink.h>

#define NETLINK_ECHO	30

static struct sock *kernel_socket;

static void echo(struct sk_buff *in)
{
	const struct nlmsghdr *request = nlmsg_hdr(in);
	struct nlmsghdr *answer;
	struct sk_buff *out;

	if (in->len < NLMSG_HDRLEN || request->nlmsg_len < NLMSG_HDRLEN ||
	    request->nlmsg_len > in->len)
		return;
	out = nlmsg_new(nlmsg_len(request), GFP_KERNEL);
	if (!out)
		return;
	answer = nlmsg_put(out, NETLINK_CB(in).portid, request->nlmsg_seq,
			   request->nlmsg_type, nlmsg_len(request), 0);
	memcpy(nlmsg_data(answer), nlmsg_data(request), nlmsg_len(request));
	nlmsg_unicast(kernel_socket, out, NETLINK_CB(in).portid);
}

static int __init netlink_echo_init(void)
{
	struct netlink_kernel_cfg config = { .input = echo };

	kernel_socket = netlink_kernel_create(&init_net, NETLINK_ECHO, &config);
	return kernel_socket ? 0 : -EBUSY;
}

static void __exit netlink_echo_exit(void)
{
	netlink_kernel_release(kernel_socket);
}

module_init(netlink_echo_init);
module_exit(netlink_echo_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("kucomms: netlink echo to compare with");
