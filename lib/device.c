// SPDX-License-Identifier: MIT
/*
 * The transport to the kernel: a channel is an open and attached device.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conn.h"
#include "fd.h"

static int device_attach(struct kc_conn *conn, __s64 deadline,
			 struct kucomms_attach *attach)
{
	const struct kucomms_options *options = &conn->options;

	memset(attach, 0, sizeof(*attach));
	attach->size = sizeof(*attach);
	attach->to_kernel_size = options->send_size;
	attach->to_user_size = options->receive_size;
	attach->deadline = deadline;
	if (options->flags & KUCOMMS_OPEN_NUMBER) {
		attach->flags = KUCOMMS_ATTACH_NUMBER;
		attach->channel = options->number;
	}
	if (ioctl(conn->fd, KUCOMMS_IOC_ATTACH, attach) < 0)
		return -errno;
	if (attach->version != KUCOMMS_ABI_VERSION)
		return -EPROTONOSUPPORT;
	conn->number = attach->channel;
	return 0;
}

static int device_map(const struct kc_conn *conn,
		      struct kc_region *region, __u64 offset,
		      size_t length, int protection)
{
	void *address = mmap(NULL, length, protection, MAP_SHARED, conn->fd,
			     (off_t)offset);

	if (address == MAP_FAILED)
		return -errno;
	region->address = address;
	region->length = length;
	/* Two processes that use one side of a ring would garble it. */
	return madvise(address, length, MADV_DONTFORK) ? -errno : 0;
}

static int device_map_all(struct kc_conn *conn,
			  const struct kucomms_attach *attach)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct kc_region *user = &conn->regions[0];
	struct kc_region *kernel = &conn->regions[1];
	struct kc_region *to_kernel = &conn->regions[2];
	struct kc_region *to_user = &conn->regions[3];
	int err;

	err = device_map(conn, user, attach->user_control_offset, page,
			 PROT_READ | PROT_WRITE);
	if (err)
		return err;
	err = device_map(conn, kernel, attach->kernel_control_offset, page,
			 PROT_READ);
	if (err)
		return err;
	err = device_map(conn, to_kernel, attach->to_kernel_offset,
			 2 * (size_t)attach->to_kernel_size,
			 PROT_READ | PROT_WRITE);
	if (err)
		return err;
	err = device_map(conn, to_user, attach->to_user_offset,
			 2 * (size_t)attach->to_user_size, PROT_READ);
	if (err)
		return err;
	conn->own = user->address;
	kucomms_producer_init(&conn->channel.out, to_kernel->address,
			      attach->to_kernel_size, conn->own,
			      kernel->address);
	kucomms_consumer_init(&conn->channel.in, to_user->address,
			      attach->to_user_size, conn->own, kernel->address);
	return 0;
}

static int device_begin(struct kc_conn *conn, __s64 deadline)
{
	struct kucomms_attach attach;
	int err;

	conn->fd = open(conn->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (conn->fd < 0)
		return -errno;
	err = device_attach(conn, deadline, &attach);
	return err ? err : device_map_all(conn, &attach);
}

static void device_close(struct kc_conn *conn)
{
	kc_conn_unmap(conn);
	kc_fd_close(&conn->fd);
}

static int device_error(struct kc_conn *conn)
{
	int gone = kucomms_load(&conn->gone);

	return gone ? gone : kc_conn_state_error(conn);
}

/* Rings until the kernel has handled all messages: a call has a limit. */
static int device_ring(struct kc_conn *conn, __u32 need, __u64 *count)
{
	int ret;

	(void)need;
	do {
		(*count)++;
		ret = ioctl(conn->fd, KUCOMMS_IOC_DOORBELL, 0);
	} while (kucomms_unlikely(ret > 0));
	return kucomms_unlikely(ret) ? -errno : 0;
}

static int device_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
		       __u64 *count)
{
	const struct kucomms_wait wait = {
		.size = sizeof(wait),
		.events = event,
		.deadline = deadline,
	};

	(*count)++;
	return ioctl(conn->fd, KUCOMMS_IOC_WAIT, &wait) < 0 ? -errno : 0;
}

const struct kc_transport kc_device_transport = {
	.begin = device_begin,
	.close = device_close,
	.error = device_error,
	.ring = device_ring,
	.wait = device_wait,
	.hangup = kc_conn_set_gone,
};
