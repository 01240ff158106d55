// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer for benchmarks: the kernel's own routing tables, over its own netlink
 * protocol, as a program would use it that cares for speed: many requests in a
 * datagram, an acknowledgement for the last of them only, long buffers. The routes
 * are blackholes, which cost the kernel least, in tables of their own.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "routes.h"

#define TABLES		10000u

static struct nlmsghdr *add_request(struct peer *peer, size_t filled,
				    const struct route *route, __u16 type,
				    __u16 flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(peer->buffer + filled);
	struct rtmsg *message;

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = ++peer->sequence;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->rtm_family = route->family;
	message->rtm_dst_len = route->length;
	message->rtm_protocol = RTPROT_STATIC;
	message->rtm_type = RTN_BLACKHOLE;
	message->rtm_scope = RT_SCOPE_UNIVERSE;
	mnl_attr_put_u32(header, RTA_TABLE, TABLES + route->table);
	mnl_attr_put_u32(header, RTA_PRIORITY, route->metric);
	mnl_attr_put(header, RTA_DST, (size_t)route_bits(route) / 8,
		     route->prefix);
	return header;
}

static void peer_send(struct peer *peer, size_t length)
{
	if (mnl_socket_sendto(peer->socket, peer->buffer, length) < 0)
		die("rtnetlink: cannot send: %s", strerror(errno));
}

static int count_route(const struct nlmsghdr *header, void *priv)
{
	const struct rtmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;
	size_t *count = priv;

	mnl_attr_for_each(attribute, header, sizeof(*message)) {
		if (mnl_attr_get_type(attribute) == RTA_TABLE)
			*count += mnl_attr_get_u32(attribute) >= TABLES;
	}
	return MNL_CB_OK;
}

/* Until the acknowledgement, or the end of a dump. */
static void peer_receive(struct peer *peer, unsigned int sequence,
			 size_t *count)
{
	const unsigned int port = mnl_socket_get_portid(peer->socket);
	ssize_t length;
	int ret;

	do {
		length = mnl_socket_recvfrom(peer->socket, peer->buffer,
					     sizeof(peer->buffer));
		if (length < 0)
			die("rtnetlink: cannot receive: %s", strerror(errno));
		ret = mnl_cb_run(peer->buffer, (size_t)length, sequence, port,
				 count_route, count);
		if (ret < 0)
			die("rtnetlink: %s", strerror(errno));
	} while (ret > 0);
}

static void change_all(struct peer *peer, const struct book *book, __u16 type,
		       __u16 flags, size_t batch)
{
	struct nlmsghdr *header;
	size_t i, filled = 0;

	for (i = 0; i < book->number; i++) {
		header = add_request(peer, filled, &book->routes[i], type,
				     flags);
		filled += header->nlmsg_len;
		if ((i + 1) % batch && i + 1 < book->number)
			continue;
		header->nlmsg_flags |= NLM_F_ACK;
		peer_send(peer, filled);
		peer_receive(peer, peer->sequence, NULL);
		filled = 0;
	}
}

void peer_open(struct peer *peer)
{
	peer->sequence = 0;
	peer->socket = mnl_socket_open(NETLINK_ROUTE);
	if (!peer->socket || mnl_socket_bind(peer->socket, 0, 0))
		die("rtnetlink: %s", strerror(errno));
}

void peer_close(struct peer *peer)
{
	mnl_socket_close(peer->socket);
}

void peer_load(struct peer *peer, const struct book *book, size_t batch)
{
	change_all(peer, book, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, batch);
}

void peer_unload(struct peer *peer, const struct book *book)
{
	change_all(peer, book, RTM_DELROUTE, 0, 64);
}

size_t peer_list(struct peer *peer)
{
	static const __u8 families[] = { AF_INET, AF_INET6 };
	struct nlmsghdr *header;
	struct rtmsg *message;
	size_t i, count = 0;

	for (i = 0; i < 2; i++) {
		header = mnl_nlmsg_put_header(peer->buffer);
		header->nlmsg_type = RTM_GETROUTE;
		header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		header->nlmsg_seq = ++peer->sequence;
		message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
		message->rtm_family = families[i];
		peer_send(peer, header->nlmsg_len);
		peer_receive(peer, peer->sequence, &count);
	}
	return count;
}
