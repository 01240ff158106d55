// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink: as netlink, with a family that is looked up by its name and
 * the data in an attribute.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <string.h>

#include "bench.h"
#include "socket.h"

static struct mnl_socket *socket_;
static struct nlmsghdr *message;
static size_t capacity;
static uint16_t family;

/* The length of an attribute has 16 bits. */
static bool genetlink_fits(const struct cell *wanted)
{
	return wanted->size < UINT16_MAX - MNL_ATTR_HDRLEN;
}

static void begin(uint16_t type, uint8_t command)
{
	struct genlmsghdr *header;

	mnl_nlmsg_put_header(message);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->cmd = command;
	header->version = BENCH_GENL_VERSION;
}

static int find_family(const struct nlattr *attribute, void *found)
{
	if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
		*(uint16_t *)found = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

/* Returns 0, or the error that the kernel answers with. */
static int look_up(uint16_t *id)
{
	int file = mnl_socket_get_fd(socket_);

	begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, BENCH_GENL_NAME);
	netlink_send(socket_, message);
	if (recv(file, message, capacity, 0) < 0)
		die("generic netlink", errno);
	if (message->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *err = mnl_nlmsg_get_payload(message);

		return -err->error;
	}
	mnl_attr_parse(message, sizeof(struct genlmsghdr), find_family, id);
	/* The rest of the answer, an acknowledgement, was not asked for. */
	return 0;
}

static const char *genetlink_open(const struct subject *subject,
				  const struct cell *wanted)
{
	int err;

	(void)subject;
	socket_ = netlink_socket(NETLINK_GENERIC);
	if (!socket_)
		return reason("generic netlink", errno);
	capacity = MNL_SOCKET_BUFFER_SIZE + wanted->size;
	message = buffer(capacity);
	err = look_up(&family);
	if (!err)
		return NULL;
	free(message);
	mnl_socket_close(socket_);
	return reason("generic netlink family " BENCH_GENL_NAME, err);
}

static void genetlink_close(void)
{
	free(message);
	mnl_socket_close(socket_);
}

static const void *get(void)
{
	const struct nlattr *attribute;

	netlink_receive(socket_, message, capacity);
	attribute = mnl_nlmsg_get_payload_offset(message,
						 sizeof(struct genlmsghdr));
	return mnl_attr_get_payload(attribute);
}

/* Made once for each batch: only the number is another in each message. */
static void send_batch(uint8_t command)
{
	struct nlattr *attribute;
	uint64_t *data;
	uint32_t i;

	begin(family, command);
	attribute = mnl_nlmsg_get_payload_tail(message);
	attribute->nla_type = BENCH_GENL_DATA;
	attribute->nla_len = MNL_ATTR_HDRLEN + cell.size;
	message->nlmsg_len += MNL_ALIGN(attribute->nla_len);
	data = mnl_attr_get_payload(attribute);
	for (i = 0; i < cell.batch; i++) {
		*data = sequence++;
		netlink_send(socket_, message);
	}
}

static void receive_batch(uint64_t number)
{
	uint32_t i;

	for (i = 0; i < cell.batch; i++)
		check(get(), number++);
}

static void genetlink_echo(uint64_t count)
{
	for (; count; count -= cell.batch) {
		send_batch(BENCH_ECHO);
		receive_batch(sequence - cell.batch);
	}
}

static void genetlink_to_kernel(uint64_t count)
{
	for (; count; count -= cell.batch)
		send_batch(BENCH_SINK);
}

static void genetlink_to_user(uint64_t count)
{
	for (; count; count -= cell.batch) {
		begin(family, BENCH_BURST);
		mnl_attr_put_u32(message, BENCH_GENL_MESSAGES, cell.batch);
		mnl_attr_put_u32(message, BENCH_GENL_SIZE, cell.size);
		netlink_send(socket_, message);
		receive_batch(sequence);
		sequence += cell.batch;
	}
}

static struct bench_count genetlink_count(void)
{
	begin(family, BENCH_COUNT);
	netlink_send(socket_, message);
	return *(const struct bench_count *)get();
}

const struct subject subject_genetlink = {
	.name = "genetlink",
	.fits = genetlink_fits,
	.open = genetlink_open,
	.close = genetlink_close,
	.run = { genetlink_echo, genetlink_to_kernel, genetlink_to_user },
	.count = genetlink_count,
};
