/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_NETLINK_DUMP_H
#define KUCOMMS_SRC_NETLINK_DUMP_H

struct kucomms_socket;
struct nlmsghdr;
struct sk_buff;

int kucomms_dump_start(struct kucomms_socket *socket, struct sk_buff *skb,
		       const struct nlmsghdr *header);

#endif
