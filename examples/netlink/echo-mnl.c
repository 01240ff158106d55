// SPDX-License-Identifier: MIT
/*
 * Sends a message to a kernel module over netlink, and prints the answer: with
 * libmnl, and without libkucomms. kucomms_netlink(7) has the protocol.
 *
 *	echo-mnl mymodule "hello, kernel"
 */
#include <errno.h>
#include <fcntl.h>
#include <kucomms/abi.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int print(const struct nlmsghdr *header, void *priv)
{
	const struct kucomms_message *message = mnl_nlmsg_get_payload(header);

	(void)priv;
	if (header->nlmsg_type == KUCOMMS_NLMSG_MESSAGE)
		printf("%.*s\n", (int)message->length,
		       (const char *)(message + 1));
	return MNL_CB_OK;
}

/* Sends a request, and prints messages up to its acknowledgement. */
static int ask(struct mnl_socket *socket, const struct nlmsghdr *request)
{
	static char buffer[KUCOMMS_NETLINK_LENGTH_MAX + 4096];
	ssize_t length;
	int ret;

	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -1;
	do {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0)
			return -1;
		ret = mnl_cb_run(buffer, (size_t)length, request->nlmsg_seq,
				 mnl_socket_get_portid(socket), print, NULL);
	} while (ret == MNL_CB_OK);
	return ret;
}

static struct nlmsghdr *begin(void *buffer, __u16 type, __u32 sequence)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header->nlmsg_seq = sequence;
	return header;
}

/* Passes an open device to the kernel; the process may close it then. */
static int attach(struct mnl_socket *socket, const char *name)
{
	char path[sizeof("/dev/") + KUCOMMS_NAME_MAX], buffer[256];
	struct nlmsghdr *request = begin(buffer, KUCOMMS_NLMSG_ATTACH, 1);
	int device, ret;

	snprintf(path, sizeof(path), "/dev/" KUCOMMS_NAME_PREFIX "%s", name);
	device = open(path, O_RDWR | O_CLOEXEC);
	if (device < 0)
		return -1;
	mnl_attr_put_u32(request, KUCOMMS_NLA_FD, (__u32)device);
	ret = ask(socket, request);
	close(device);
	return ret;
}

static int say(struct mnl_socket *socket, const char *text)
{
	char buffer[4096];
	struct nlmsghdr *request = begin(buffer, KUCOMMS_NLMSG_MESSAGE, 2);
	struct kucomms_message *message =
		mnl_nlmsg_put_extra_header(request, sizeof(*message));
	size_t length = strlen(text);

	if (length > sizeof(buffer) - request->nlmsg_len) {
		errno = EMSGSIZE;
		return -1;
	}
	message->length = (__u32)length;
	memcpy(message + 1, text, length);
	/* The exact length: padding is not part of the message. */
	request->nlmsg_len += (__u32)length;
	return ask(socket, request);
}

int main(int argc, char **argv)
{
	struct mnl_socket *socket;

	if (argc != 3) {
		fputs("usage: echo-mnl NAME TEXT\n", stderr);
		return 2;
	}
	socket = mnl_socket_open2(KUCOMMS_NETLINK_PROTOCOL, SOCK_CLOEXEC);
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) ||
	    attach(socket, argv[1]) || say(socket, argv[2])) {
		perror(argv[1]);
		return 1;
	}
	mnl_socket_close(socket);
	return 0;
}
