// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: netlink-watch PROTOCOL    for netlink-number.sh, after `insmod nlmon`
 *
 * Watches a channel on an nlmon interface, as tcpdump does: every datagram is whole
 * netlink messages and nothing else, and what was sent and received is all there.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>

#include "netlink.h"

#define INTERFACE	"nlmon0"

/* In a header that does not get on with <net/if.h>. */
#ifndef ARPHRD_NETLINK
#define ARPHRD_NETLINK	824
#endif

static void add_interface(void)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	char buffer[1024] = "";
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;
	struct nlattr *info;

	header->nlmsg_type = RTM_NEWLINK;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
	link = mnl_nlmsg_put_extra_header(header, sizeof(*link));
	link->ifi_change = IFF_UP;
	link->ifi_flags = IFF_UP;
	mnl_attr_put_strz(header, IFLA_IFNAME, INTERFACE);
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, "nlmon");
	mnl_attr_nest_end(header, info);
	assert_true(socket);
	assert_int_equal(mnl_socket_bind(socket, 0, 0), 0);
	assert_true(mnl_socket_sendto(socket, header, header->nlmsg_len) > 0);
	assert_true(mnl_socket_recvfrom(socket, buffer, sizeof(buffer)) > 0);
	assert_int_equal(n_error_in((void *)buffer), 0);
	mnl_socket_close(socket);
}

static int capture(void)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(0x0003 /* ETH_P_ALL */),
		.sll_ifindex = (int)if_nametoindex(INTERFACE),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      sizeof(address)), 0);
	return fd;
}

/* What has been seen of each type. */
struct seen {
	int attach;
	int messages;
	int errors;
	int done;
};

static void look_at(struct seen *seen, const struct nlmsghdr *header)
{
	switch (header->nlmsg_type) {
	case KUCOMMS_NLMSG_ATTACH:
		seen->attach++;
		break;
	case KUCOMMS_NLMSG_MESSAGE:
		assert_int_equal(mnl_nlmsg_get_payload_len(header),
				 sizeof(struct kucomms_message) +
					 ((const struct kucomms_message *)
						  mnl_nlmsg_get_payload(header))
						 ->length);
		seen->messages++;
		break;
	case NLMSG_ERROR:
		seen->errors++;
		break;
	case NLMSG_DONE:
		seen->done++;
		break;
	default:
		assert_int_equal(header->nlmsg_type, NLMSG_NOOP);
	}
}

static struct seen look(int fd, int protocol)
{
	static char packet[65536];
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	struct seen seen = { 0 };
	const struct nlmsghdr *header;
	ssize_t length;
	int left;

	while ((length = recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT,
				  (struct sockaddr *)&from, &size)) > 0) {
		assert_int_equal(from.sll_hatype, ARPHRD_NETLINK);
		if (ntohs(from.sll_protocol) != protocol)
			continue;
		header = (const void *)packet;
		left = (int)length;
		while (mnl_nlmsg_ok(header, left)) {
			look_at(&seen, header);
			header = mnl_nlmsg_next(header, &left);
		}
		assert_int_equal(left, 0);
	}
	return seen;
}

int main(int argc, char **argv)
{
	const struct kucomms_message stream = { .type = TEST_STREAM, .id = 20,
						.user = 100 };
	const struct kucomms_message sink = { .type = TEST_SINK };
	struct netlink *netlink;
	struct seen seen;
	int fd;

	assert_true(argc == 2);
	add_interface();
	fd = capture();
	netlink = n_open("test", NULL);
	n_echo(netlink, "watched");
	assert_int_equal(n_ask(netlink, NLM_F_ACK, &sink, NULL), 0);
	n_message(netlink, NLM_F_DUMP, &stream, NULL);
	n_flush(netlink);
	while (n_receive(netlink)->nlmsg_type != NLMSG_DONE)
		;
	seen = look(fd, atoi(argv[1]));
	printf("%d attach, %d messages, %d errors, %d done\n", seen.attach,
	       seen.messages, seen.errors, seen.done);
	/* Asked and answered, two acknowledged. */
	assert_int_equal(seen.attach, 2);
	assert_int_equal(seen.messages, 2 + 1 + 1 + 20);
	assert_int_equal(seen.errors, 2);
	assert_int_equal(seen.done, 1);
	n_close(netlink);
	return 0;
}
