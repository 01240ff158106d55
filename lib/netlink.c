// SPDX-License-Identifier: MIT
/*
 * The transport to the kernel by netlink: a channel is a socket that has been given
 * one for an open device. What then goes over it is in netlink-ring.c.
 *
 * The framing is three headers' worth, with the macros of the kernel's own header;
 * libmnl would be one more thing to install, and cannot be linked statically.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "fd.h"
#include "memory.h"
#include "netlink-ring.h"

#define PROTOCOL_FILE	"/sys/module/kucomms_netlink/parameters/protocol"

/* Largest ring towards the kernel: each message fits into a datagram. */
#define RING_SIZE_MAX	KUCOMMS_NETLINK_LENGTH_MAX

/* Bytes of a datagram besides the data. */
#define DATAGRAM_EXTRA	64

/* Room for all attributes that a request can have. */
#define REQUEST_SIZE	256

struct request {
	struct nlmsghdr header;
	char attributes[REQUEST_SIZE];
};

/* Returns the number of the protocol: the default if the module is not loaded. */
static int netlink_protocol(void)
{
	FILE *file = fopen(PROTOCOL_FILE, "re");
	int protocol;

	if (!file)
		return KUCOMMS_NETLINK_PROTOCOL;
	if (fscanf(file, "%d", &protocol) != 1)
		protocol = KUCOMMS_NETLINK_PROTOCOL;
	fclose(file);
	return protocol;
}

/*
 * Returns a socket, or -EPROTONOSUPPORT if the module is neither loaded nor
 * installed. The first socket() loads the module, which may have been configured
 * for another number than the default: only then is that number known.
 */
static int netlink_socket(void)
{
	const int type = SOCK_RAW | SOCK_CLOEXEC;
	int fd = socket(AF_NETLINK, type, netlink_protocol());

	if (fd < 0 && errno == EPROTONOSUPPORT)
		fd = socket(AF_NETLINK, type, netlink_protocol());
	return fd < 0 ? -errno : fd;
}

static void add_attribute(struct request *request, __u16 type,
			  const void *data, size_t length)
{
	char *place = (char *)request + NLMSG_ALIGN(request->header.nlmsg_len);
	const struct nlattr attribute = {
		.nla_len = (__u16)(NLA_HDRLEN + length),
		.nla_type = type,
	};

	memcpy(place, &attribute, sizeof(attribute));
	if (length)
		memcpy(place + NLA_HDRLEN, data, length);
	request->header.nlmsg_len += NLA_ALIGN(attribute.nla_len);
}

static void add_u32(struct request *request, __u16 type, __u32 value)
{
	add_attribute(request, type, &value, sizeof(value));
}

/* Connects the socket, so that only the kernel can send to it. */
static int netlink_connect(const struct kc_conn *conn)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	/* The kernel assigns a port id on this occasion. */
	return connect(conn->fd, (const struct sockaddr *)&kernel,
		       sizeof(kernel)) ? -errno : 0;
}

/* Requests a channel. @to_kernel: 0: the default of the device. */
static int send_attach(const struct kc_conn *conn, int device,
		       __u32 to_kernel)
{
	const struct kucomms_options *options = &conn->options;
	struct request request = {
		.header = {
			.nlmsg_len = sizeof(request.header),
			.nlmsg_type = KUCOMMS_NLMSG_ATTACH,
			.nlmsg_flags = NLM_F_REQUEST,
		},
	};

	add_u32(&request, KUCOMMS_NLA_FD, (__u32)device);
	add_u32(&request, KUCOMMS_NLA_DATAGRAM, KC_DATAGRAM);
	add_attribute(&request, KUCOMMS_NLA_BROADCASTS, NULL, 0);
	if (to_kernel)
		add_u32(&request, KUCOMMS_NLA_TO_KERNEL_SIZE, to_kernel);
	if (options->receive_size)
		add_u32(&request, KUCOMMS_NLA_TO_USER_SIZE,
			options->receive_size);
	if (options->flags & KUCOMMS_OPEN_NUMBER)
		add_u32(&request, KUCOMMS_NLA_CHANNEL, options->number);
	return send(conn->fd, &request, request.header.nlmsg_len, 0) < 0 ?
	       -errno : 0;
}

/* What the kernel says of the channel that it has given. */
struct given {
	__u32 version;
	__u32 channel;
	__u32 to_kernel;
	__u32 to_user;
};

static void read_attribute(struct given *given, __u16 type, __u32 value)
{
	switch (type) {
	case KUCOMMS_NLA_VERSION:
		given->version = value;
		break;
	case KUCOMMS_NLA_CHANNEL:
		given->channel = value;
		break;
	case KUCOMMS_NLA_TO_KERNEL_SIZE:
		given->to_kernel = value;
		break;
	case KUCOMMS_NLA_TO_USER_SIZE:
		given->to_user = value;
		break;
	}
}

static void read_attributes(struct given *given, const char *from, size_t left)
{
	struct nlattr attribute;
	__u32 value;

	while (left >= NLA_HDRLEN + sizeof(value)) {
		memcpy(&attribute, from, sizeof(attribute));
		memcpy(&value, from + NLA_HDRLEN, sizeof(value));
		/* All attributes of the answer are numbers of 32 bits. */
		if (attribute.nla_len != NLA_HDRLEN + sizeof(value))
			return;
		read_attribute(given, attribute.nla_type, value);
		from += NLA_ALIGN(attribute.nla_len);
		left -= NLA_ALIGN(attribute.nla_len);
	}
}

/* Reads the answer, which is in the socket when the request has been sent. */
static int receive_given(const struct kc_conn *conn, struct given *given)
{
	struct request answer;
	const struct nlmsgerr *error = NLMSG_DATA(&answer.header);
	ssize_t length = recv(conn->fd, &answer, sizeof(answer), MSG_DONTWAIT);

	memset(given, 0, sizeof(*given));
	if (length < (ssize_t)sizeof(answer.header) ||
	    answer.header.nlmsg_len > (size_t)length)
		return -EPROTO;
	length = (ssize_t)answer.header.nlmsg_len;
	if (answer.header.nlmsg_type == NLMSG_ERROR)
		return length < (ssize_t)NLMSG_LENGTH(sizeof(*error)) ||
		       error->error >= 0 ? -EPROTO : error->error;
	if (answer.header.nlmsg_type != KUCOMMS_NLMSG_ATTACH)
		return -EPROTO;
	read_attributes(given, answer.attributes,
			(size_t)length - sizeof(answer.header));
	return given->version == KUCOMMS_ABI_VERSION ? 0 : -EPROTONOSUPPORT;
}

/*
 * Returns the largest ring whose longest message fits into the socket's send
 * buffer, which net.core.wmem_max limits.
 */
static __u32 ring_size_max(int fd)
{
	int bytes = RING_SIZE_MAX + DATAGRAM_EXTRA;
	socklen_t length = sizeof(bytes);
	__u32 size = RING_SIZE_MAX;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) ||
	    getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &length))
		return size;
	while (size > KUCOMMS_RING_SIZE_MIN &&
	       size + DATAGRAM_EXTRA > (__u32)bytes)
		size /= 2;
	return size;
}

static int attach(const struct kc_conn *conn, int device, __u32 to_kernel,
		  struct given *given)
{
	int err = send_attach(conn, device, to_kernel);

	return err ? err : receive_given(conn, given);
}

/*
 * Attaches with a ring of the kernel that is twice as large as the one here,
 * which is the one of the caller's option. If the device does not allow that
 * much, and there is no option, the ring here gets half of the device's.
 */
static int attach_twice(const struct kc_conn *conn, int device, __u32 size,
			struct given *given)
{
	const __u32 wish = conn->options.send_size;
	int err;

	if (wish && wish < size)
		size = wish;
	err = attach(conn, device, size * 2, given);
	return err == -EINVAL && !wish ? attach(conn, device, 0, given) : err;
}

static int netlink_open(struct kc_conn *conn, int device)
{
	const __u32 size = ring_size_max(conn->fd);
	struct given given;
	__u32 to_kernel;
	int err;

	err = netlink_connect(conn);
	if (!err)
		err = attach_twice(conn, device, size, &given);
	if (err)
		return err;
	to_kernel = given.to_kernel / 2;
	if (to_kernel > size)
		to_kernel = size;
	if (!kc_memory_size_valid(to_kernel, KUCOMMS_RING_SIZE_MAX) ||
	    !kc_memory_size_valid(given.to_user, KUCOMMS_RING_SIZE_MAX))
		return -EPROTO;
	conn->number = given.channel;
	return kc_nlring_create(conn, to_kernel, given.to_user);
}

/*
 * Connects, but does not wait for a module. The kernel could wait, but then
 * sendmsg() would fail with EINTR also in a process that was only stopped and
 * continued.
 */
static int netlink_begin(struct kc_conn *conn, __s64 deadline)
{
	int device = open(conn->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	int err;

	(void)deadline;
	if (device < 0)
		return -errno;
	/* Messages are not in the ring before the socket is read. */
	conn->spin_ns = 0;
	err = netlink_socket();
	conn->fd = err < 0 ? -1 : err;
	if (err >= 0)
		err = netlink_open(conn, device);
	close(device);
	return err;
}

static void netlink_close(struct kc_conn *conn)
{
	kc_fd_close(&conn->fd);
	kc_nlring_free(conn);
	kc_conn_unmap(conn);
}

static int netlink_error(struct kc_conn *conn)
{
	return kucomms_load(&conn->gone);
}

/* Sends messages, and reads datagrams if there is room now. */
static int netlink_ring(struct kc_conn *conn, __u32 need, __u64 *count)
{
	int err = kc_nlring_push(conn, count);

	(void)need;
	if (kc_nlring_is_blocked(conn->nlring))
		kc_nlring_pull(conn);
	return err;
}

static int netlink_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
			__u64 *count)
{
	int err = event & KUCOMMS_EVENT_RING ? kc_nlring_push(conn, count)
					     : 0;

	return err ? err : kc_nlring_wait(conn, event, deadline, count);
}

const struct kc_transport kc_netlink_transport = {
	.begin = netlink_begin,
	.close = netlink_close,
	.abandon = kc_nlring_abandon,
	.error = netlink_error,
	.ring = netlink_ring,
	.wait = netlink_wait,
	.ack_event = kc_nlring_pull,
	.refill = kc_nlring_pull,
	.hangup = kc_conn_set_gone,
};
