// SPDX-License-Identifier: GPL-2.0-only
/*
 * A netlink protocol of its own: one message per call, answered at once in the
 * sender's context, as netlink does it.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>
#include <net/netlink.h>

#include "count.h"
#include "peers.h"

static struct sock *kernel_socket;
static struct count count;
static u64 sequence;

/* An answer of @length bytes; where to put them goes to @data. */
static struct sk_buff *answer_new(const struct nlmsghdr *request, u32 portid,
				  u32 length, void **data)
{
	struct sk_buff *answer = nlmsg_new(length, GFP_KERNEL);
	struct nlmsghdr *header;

	if (!answer)
		return NULL;
	header = nlmsg_put(answer, portid, request->nlmsg_seq,
			   request->nlmsg_type, length, 0);
	*data = nlmsg_data(header);
	return answer;
}

static int echo(const struct nlmsghdr *request, u32 portid)
{
	struct sk_buff *answer;
	void *data;

	answer = answer_new(request, portid, nlmsg_len(request), &data);
	if (!answer)
		return -ENOMEM;
	memcpy(data, nlmsg_data(request), nlmsg_len(request));
	return nlmsg_unicast(kernel_socket, answer, portid);
}

static int burst(const struct nlmsghdr *request, u32 portid)
{
	const struct bench_message *what = nlmsg_data(request);
	struct sk_buff *answer;
	void *data;
	int err = 0;
	u64 i;

	if (nlmsg_len(request) < sizeof(*what) || what->user > BENCH_SIZE_MAX)
		return -EINVAL;
	for (i = 0; !err && i < what->id; i++) {
		answer = answer_new(request, portid, what->user, &data);
		if (!answer)
			return -ENOMEM;
		*(u64 *)data = sequence++;
		err = nlmsg_unicast(kernel_socket, answer, portid);
	}
	return err;
}

static int send_count(const struct nlmsghdr *request, u32 portid)
{
	struct sk_buff *answer;
	void *data;

	answer = answer_new(request, portid, sizeof(struct bench_count), &data);
	if (!answer)
		return -ENOMEM;
	*(struct bench_count *)data = count_take(&count);
	sequence = 0;
	return nlmsg_unicast(kernel_socket, answer, portid);
}

static int handle(const struct nlmsghdr *request, u32 portid)
{
	switch (request->nlmsg_type) {
	case BENCH_NETLINK_TYPE(BENCH_ECHO):
		return echo(request, portid);
	case BENCH_NETLINK_TYPE(BENCH_SINK):
		if (nlmsg_len(request) < sizeof(u64))
			return -EINVAL;
		count_message(&count, nlmsg_data(request));
		return 0;
	case BENCH_NETLINK_TYPE(BENCH_BURST):
		return burst(request, portid);
	case BENCH_NETLINK_TYPE(BENCH_COUNT):
		return send_count(request, portid);
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * Without netlink_rcv_skb(), which is for more than one message in a call and
 * for acknowledgements, and takes 80 instructions.
 */
static void input(struct sk_buff *in)
{
	const struct nlmsghdr *request = nlmsg_hdr(in);
	u32 portid = NETLINK_CB(in).portid;
	int err;

	if (in->len < NLMSG_HDRLEN || request->nlmsg_len < NLMSG_HDRLEN ||
	    request->nlmsg_len > in->len)
		return;
	err = handle(request, portid);
	if (err)
		netlink_ack(in, (struct nlmsghdr *)request, err, NULL);
}

int netlink_peer_init(void)
{
	struct netlink_kernel_cfg config = { .input = input };

	kernel_socket = netlink_kernel_create(&init_net, BENCH_NETLINK,
					      &config);
	return kernel_socket ? 0 : -EBUSY;
}

void netlink_peer_exit(void)
{
	netlink_kernel_release(kernel_socket);
}
