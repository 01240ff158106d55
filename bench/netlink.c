// SPDX-License-Identifier: GPL-2.0-only
/*
 * A netlink protocol of one's own: one call for each message, in each
 * direction.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "bench.h"
#include "socket.h"

static struct mnl_socket *socket_;
static struct nlmsghdr *message;
static size_t capacity;

static const char *netlink_open(const struct subject *subject,
				const struct cell *wanted)
{
	(void)subject;
	socket_ = netlink_socket(BENCH_NETLINK);
	if (!socket_)
		return reason("netlink protocol 31 (bench_peers.ko)", errno);
	capacity = MNL_NLMSG_HDRLEN + wanted->size + sizeof(struct nlmsgerr);
	message = buffer(capacity);
	return NULL;
}

static void netlink_close(void)
{
	free(message);
	mnl_socket_close(socket_);
}

/* Begins a message with room for @size bytes of data. */
static inline void *begin(uint64_t type, size_t size)
{
	mnl_nlmsg_put_header(message);
	message->nlmsg_type = BENCH_NETLINK_TYPE(type);
	message->nlmsg_flags = NLM_F_REQUEST;
	/* mnl_nlmsg_put_extra_header() would clear it first. */
	message->nlmsg_len += MNL_ALIGN(size);
	return mnl_nlmsg_get_payload(message);
}

static inline void put(void)
{
	netlink_send(socket_, message);
}

static inline void *get(void)
{
	netlink_receive(socket_, message, capacity);
	return mnl_nlmsg_get_payload(message);
}

/* Made once for each batch: only the number is another in each message. */
static void send_batch(uint64_t type)
{
	uint64_t *data = begin(type, cell.size);
	uint32_t i;

	for (i = 0; i < cell.batch; i++) {
		*data = sequence++;
		put();
	}
}

static void receive_batch(uint64_t number)
{
	uint32_t i;

	for (i = 0; i < cell.batch; i++)
		check(get(), number++);
}

static void netlink_echo(uint64_t count)
{
	for (; count; count -= cell.batch) {
		send_batch(BENCH_ECHO);
		receive_batch(sequence - cell.batch);
	}
}

static void netlink_to_kernel(uint64_t count)
{
	for (; count; count -= cell.batch)
		send_batch(BENCH_SINK);
}

static void netlink_to_user(uint64_t count)
{
	struct bench_message *request;

	for (; count; count -= cell.batch) {
		request = begin(BENCH_BURST, sizeof(*request));
		request->id = cell.batch;
		request->user = cell.size;
		put();
		receive_batch(sequence);
		sequence += cell.batch;
	}
}

static struct bench_count netlink_count(void)
{
	begin(BENCH_COUNT, 0);
	put();
	return *(const struct bench_count *)get();
}

const struct subject subject_netlink = {
	.name = "netlink",
	.open = netlink_open,
	.close = netlink_close,
	.run = { netlink_echo, netlink_to_kernel, netlink_to_user },
	.count = netlink_count,
};
