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

#include "end.h"
#include "fd.h"

static int device_attach(struct kucomms_end *end, __s64 deadline,
			 struct kucomms_attach *attach)
{
	const struct kucomms_options *options = &end->options;

	memset(attach, 0, sizeof(*attach));
	attach->size = sizeof(*attach);
	attach->to_kernel_size = options->to_kernel_size;
	attach->to_user_size = options->to_user_size;
	attach->deadline = deadline;
	if (options->flags & KUCOMMS_OPEN_NUMBER) {
		attach->flags = KUCOMMS_ATTACH_NUMBER;
		attach->channel = options->channel;
	}
	if (ioctl(end->fd, KUCOMMS_IOC_ATTACH, attach) < 0)
		return -errno;
	if (attach->version != KUCOMMS_ABI_VERSION)
		return -EPROTONOSUPPORT;
	end->number = attach->channel;
	return 0;
}

static int device_map(const struct kucomms_end *end,
		      struct kucomms_region *region, __u64 offset,
		      size_t length, int protection)
{
	void *address = mmap(NULL, length, protection, MAP_SHARED, end->fd,
			     (off_t)offset);

	if (address == MAP_FAILED)
		return -errno;
	region->address = address;
	region->length = length;
	/* Two processes on one ring would garble it: it stays with this one. */
	return madvise(address, length, MADV_DONTFORK) ? -errno : 0;
}

static int device_map_all(struct kucomms_end *end,
			  const struct kucomms_attach *attach)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct kucomms_region *user = &end->regions[0];
	struct kucomms_region *kernel = &end->regions[1];
	struct kucomms_region *to_kernel = &end->regions[2];
	struct kucomms_region *to_user = &end->regions[3];
	int err;

	err = device_map(end, user, attach->user_control_offset, page,
			 PROT_READ | PROT_WRITE);
	if (err)
		return err;
	err = device_map(end, kernel, attach->kernel_control_offset, page,
			 PROT_READ);
	if (err)
		return err;
	err = device_map(end, to_kernel, attach->to_kernel_offset,
			 2 * (size_t)attach->to_kernel_size,
			 PROT_READ | PROT_WRITE);
	if (err)
		return err;
	err = device_map(end, to_user, attach->to_user_offset,
			 2 * (size_t)attach->to_user_size, PROT_READ);
	if (err)
		return err;
	end->own = user->address;
	kucomms_producer_init(&end->channel.out, to_kernel->address,
			      attach->to_kernel_size, end->own,
			      kernel->address);
	kucomms_consumer_init(&end->channel.in, to_user->address,
			      attach->to_user_size, end->own, kernel->address);
	return 0;
}

static int device_begin(struct kucomms_end *end, __s64 deadline)
{
	struct kucomms_attach attach;
	int err;

	end->fd = open(end->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (end->fd < 0)
		return -errno;
	err = device_attach(end, deadline, &attach);
	return err ? err : device_map_all(end, &attach);
}

static void device_close(struct kucomms_end *end)
{
	kucomms_end_unmap(end);
	kucomms_fd_close(&end->fd);
}

static int device_error(struct kucomms_end *end)
{
	int gone = kucomms_load(&end->gone);

	if (gone)
		return gone;
	switch (kucomms_load_acquire(&end->channel.in.peer->state)) {
	case KUCOMMS_STATE_OPEN:
		return 0;
	case KUCOMMS_STATE_HANGUP:
		return -ESHUTDOWN;
	default:
		return -EPROTO;
	}
}

/* One call does a bounded share of the work; go on until all is done. */
static int device_ring(struct kucomms_end *end, __u32 need, __u64 *count)
{
	int ret;

	(void)need;
	do {
		(*count)++;
		ret = ioctl(end->fd, KUCOMMS_IOC_DOORBELL, 0);
	} while (kucomms_unlikely(ret > 0));
	return kucomms_unlikely(ret) ? -errno : 0;
}

static int device_wait(struct kucomms_end *end, __u32 event, __s64 deadline,
		       __u64 *count)
{
	const struct kucomms_wait wait = {
		.size = sizeof(wait),
		.events = event,
		.deadline = deadline,
	};

	(*count)++;
	return ioctl(end->fd, KUCOMMS_IOC_WAIT, &wait) < 0 ? -errno : 0;
}

const struct kucomms_transport kucomms_device_transport = {
	.begin = device_begin,
	.close = device_close,
	.error = device_error,
	.ring = device_ring,
	.wait = device_wait,
	.hangup = kucomms_end_gone,
};
