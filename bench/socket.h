/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A netlink socket, connected to the kernel, with as much room as the messages
 * of a benchmark take.
 */
#ifndef KUCOMMS_BENCH_SOCKET_H
#define KUCOMMS_BENCH_SOCKET_H

#include <errno.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include "bench.h"

/* Of the answers that may be waiting: a batch of the longest. */
#define NETLINK_ROOM	(32 << 20)

/* NULL, and errno, if the kernel does not have the protocol. */
static inline struct mnl_socket *netlink_socket(int protocol)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	int room = NETLINK_ROOM, file;

	if (!socket)
		return NULL;
	file = mnl_socket_get_fd(socket);
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) ||
	    setsockopt(file, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(file, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) ||
	    connect(file, (const struct sockaddr *)&kernel, sizeof(kernel)))
		die("netlink socket", errno);
	return socket;
}

/* On a connected socket send() and recv() are less work than libmnl's calls. */
static inline void netlink_send(struct mnl_socket *socket,
				const struct nlmsghdr *message)
{
	syscalls++;
	if (send(mnl_socket_get_fd(socket), message, message->nlmsg_len, 0) < 0)
		die("netlink send", errno);
}

static inline void netlink_receive(struct mnl_socket *socket,
				   struct nlmsghdr *message, size_t capacity)
{
	ssize_t length;

	syscalls++;
	length = recv(mnl_socket_get_fd(socket), message, capacity, 0);
	if (length < 0)
		die("netlink receive", errno);
	if (!mnl_nlmsg_ok(message, length))
		die("netlink receive", EBADMSG);
	if (message->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *err = mnl_nlmsg_get_payload(message);

		die("netlink answer", -err->error);
	}
}

#endif /* KUCOMMS_BENCH_SOCKET_H */
