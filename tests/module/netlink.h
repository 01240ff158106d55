/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of channels over netlink, by libmnl: what other programs see, who
 * know nothing of kucomms but abi.h.
 */
#ifndef KUCOMMS_TEST_NETLINK_H
#define KUCOMMS_TEST_NETLINK_H

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <poll.h>

#include "test.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

#define N_BUFFER	(256 * 1024)

struct netlink {
	struct mnl_socket *socket;
	int fd;
	unsigned int sequence;
	char out[N_BUFFER];
	size_t filled;
	char in[N_BUFFER];
	long length;
	const struct nlmsghdr *next;
};

static inline int n_protocol(void)
{
	char text[16] = "";
	int fd = open("/sys/module/kucomms_netlink/parameters/protocol",
		      O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atoi(text);
}

/*
 * A socket with this port id, or any: 0. That of a client which has just died may
 * be in use for a moment: the kernel was about to send to it.
 */
static inline struct netlink *n_socket(unsigned int port)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));

	assert_true(netlink);
	netlink->socket = mnl_socket_open2(n_protocol(), SOCK_CLOEXEC);
	assert_true(netlink->socket);
	while (mnl_socket_bind(netlink->socket, 0, port))
		assert_int_equal(errno, EADDRINUSE);
	netlink->fd = mnl_socket_get_fd(netlink->socket);
	return netlink;
}

static inline void n_close(struct netlink *netlink)
{
	mnl_socket_close(netlink->socket);
	free(netlink);
}

/* Adds a message of @length bytes to what is to be sent; returns its header. */
static inline struct nlmsghdr *n_put(struct netlink *netlink, unsigned int type,
				     unsigned int flags, size_t length)
{
	struct nlmsghdr *header;

	assert_true(netlink->filled + length + 64 < N_BUFFER);
	header = mnl_nlmsg_put_header(netlink->out + netlink->filled);
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = ++netlink->sequence;
	mnl_nlmsg_put_extra_header(header, length);
	header->nlmsg_len = NLMSG_HDRLEN + length;
	netlink->filled += NLMSG_ALIGN(header->nlmsg_len);
	return header;
}

/* A message for the endpoint; returns its sequence number. */
static inline unsigned int n_message(struct netlink *netlink,
				     unsigned int flags,
				     const struct kucomms_message *message,
				     const void *data)
{
	struct nlmsghdr *header = n_put(netlink, KUCOMMS_NLMSG_MESSAGE, flags,
					sizeof(*message) + message->length);
	struct kucomms_message *copy = mnl_nlmsg_get_payload(header);

	*copy = *message;
	if (message->length)
		memcpy(copy + 1, data, message->length);
	return header->nlmsg_seq;
}

/* One datagram. */
static inline void n_flush(struct netlink *netlink)
{
	assert_int_equal(mnl_socket_sendto(netlink->socket, netlink->out,
					   netlink->filled), netlink->filled);
	netlink->filled = 0;
}

static inline void n_wait_readable(const struct netlink *netlink)
{
	struct pollfd fd = { .fd = netlink->fd, .events = POLLIN };

	assert_int_equal(poll(&fd, 1, t_patience_ms()), 1);
}

static inline int n_error_in(const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);

	return error->error;
}

/* The next message, or NULL, and errno says why there is none. */
static inline const struct nlmsghdr *n_receive_by(struct netlink *netlink,
						  int flags)
{
	const struct nlmsghdr *header = netlink->next;
	int left = (int)netlink->length;

	if (!left) {
		left = (int)recv(netlink->fd, netlink->in, N_BUFFER, flags);
		if (left < 0)
			return NULL;
		/* Nobody must ever get an empty one. */
		assert_true(left > 0);
		header = (const void *)netlink->in;
	}
	assert_true(mnl_nlmsg_ok(header, left));
	assert_true(!header->nlmsg_pid ||
		    mnl_nlmsg_portid_ok(
			    header, mnl_socket_get_portid(netlink->socket)));
	netlink->next = mnl_nlmsg_next(header, &left);
	netlink->length = left;
	return header;
}

static inline const struct nlmsghdr *n_receive(struct netlink *netlink)
{
	const struct nlmsghdr *header = n_receive_by(netlink, 0);

	assert_true(header);
	return header;
}

static inline void n_nothing(struct netlink *netlink)
{
	assert_true(!n_receive_by(netlink, MSG_DONTWAIT));
	assert_int_equal(errno, EAGAIN);
}

/* The next one is a message, an answer to @sequence. */
static inline const struct kucomms_message *n_answer(struct netlink *netlink,
						     unsigned int sequence)
{
	const struct nlmsghdr *header = n_receive(netlink);
	const struct kucomms_message *message = mnl_nlmsg_get_payload(header);

	assert_int_equal(header->nlmsg_type, KUCOMMS_NLMSG_MESSAGE);
	assert_int_equal(header->nlmsg_seq, sequence);
	assert_true(mnl_nlmsg_get_payload_len(header) >= sizeof(*message));
	assert_int_equal(mnl_nlmsg_get_payload_len(header),
			 sizeof(*message) + message->length);
	assert_int_equal(message->control, KUCOMMS_CONTROL_MESSAGE);
	return message;
}

/* The next one is an NLMSG_ERROR for @sequence; returns the (negative) error. */
static inline int n_error(struct netlink *netlink, unsigned int sequence)
{
	const struct nlmsghdr *header = n_receive(netlink);
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);

	assert_int_equal(header->nlmsg_type, NLMSG_ERROR);
	assert_true(mnl_nlmsg_get_payload_len(header) >= sizeof(*error));
	assert_int_equal(header->nlmsg_seq, sequence);
	assert_int_equal(error->msg.nlmsg_seq, sequence);
	return error->error;
}

/* What one message alone is answered with, as an error. */
static inline int n_ask(struct netlink *netlink, unsigned int flags,
			const struct kucomms_message *message,
			const void *data)
{
	unsigned int sequence = n_message(netlink, flags, message, data);

	n_flush(netlink);
	return n_error(netlink, sequence);
}

struct n_options {
	__u32 to_kernel_size;
	__u32 to_user_size;
	__u32 datagram;
	bool broadcasts;
};

/* 0 or the error: the descriptor @fd is what gives the right. */
static inline int n_attach_fd(struct netlink *netlink, int fd,
			      const struct n_options *options)
{
	struct nlmsghdr *header = n_put(netlink, KUCOMMS_NLMSG_ATTACH,
					NLM_F_ACK, 0);
	const struct nlmsghdr *answer;
	const struct nlattr *attribute;
	unsigned int sequence = header->nlmsg_seq;

	mnl_attr_put_u32(header, KUCOMMS_NLA_FD, (__u32)fd);
	if (options && options->to_kernel_size)
		mnl_attr_put_u32(header, KUCOMMS_NLA_TO_KERNEL_SIZE,
				 options->to_kernel_size);
	if (options && options->to_user_size)
		mnl_attr_put_u32(header, KUCOMMS_NLA_TO_USER_SIZE,
				 options->to_user_size);
	if (options && options->datagram)
		mnl_attr_put_u32(header, KUCOMMS_NLA_DATAGRAM,
				 options->datagram);
	if (options && options->broadcasts)
		mnl_attr_put(header, KUCOMMS_NLA_BROADCASTS, 0, NULL);
	netlink->filled = header->nlmsg_len;
	n_flush(netlink);

	answer = n_receive(netlink);
	assert_int_equal(answer->nlmsg_seq, sequence);
	if (answer->nlmsg_type == NLMSG_ERROR)
		return n_error_in(answer);
	assert_int_equal(answer->nlmsg_type, KUCOMMS_NLMSG_ATTACH);
	mnl_attr_for_each(attribute, answer, 0) {
		assert_int_equal(mnl_attr_get_payload_len(attribute),
				 sizeof(__u32));
		if (mnl_attr_get_type(attribute) == KUCOMMS_NLA_VERSION)
			assert_int_equal(mnl_attr_get_u32(attribute),
					 KUCOMMS_ABI_VERSION);
	}
	return n_error(netlink, sequence);
}

static inline int n_device(const char *name)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/dev/kucomms_%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The descriptor is closed at once, as everywhere below. */
static inline int n_attach(struct netlink *netlink, const char *name)
{
	int fd = n_device(name);
	int err = n_attach_fd(netlink, fd, NULL);

	close(fd);
	return err;
}

/* A client of the device. */
static inline struct netlink *n_open(const char *name,
				     const struct n_options *options)
{
	struct netlink *netlink = n_socket(0);
	int fd = n_device(name);

	assert_int_equal(n_attach_fd(netlink, fd, options), 0);
	close(fd);
	return netlink;
}

/* Whether the channel still does what it is for. */
static inline void n_echo(struct netlink *netlink, const char *text)
{
	const struct kucomms_message message = {
		.length = (__u32)strlen(text), .type = TEST_ECHO, .id = 77,
		.user = 78,
	};
	const struct kucomms_message *answer;
	unsigned int sequence = n_message(netlink, 0, &message, text);

	n_flush(netlink);
	answer = n_answer(netlink, sequence);
	assert_int_equal(answer->type, TEST_ECHO);
	assert_int_equal(answer->id, 77);
	assert_int_equal(answer->user, 78);
	assert_int_equal(answer->length, strlen(text));
	assert_true(!memcmp(answer + 1, text, answer->length));
}

#endif
