// SPDX-License-Identifier: MIT
/*
 * Opening a device, attaching a channel, mapping its memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel.h"

#define DEVICE_DIR	"/dev/"

struct device_path {
	char text[sizeof(DEVICE_DIR) + KUCOMMS_NAME_MAX];
};

/* Names are checked as the kernel does, so none can lead out of /dev. */
static int device_path(struct device_path *path, const char *name)
{
	const size_t prefix = strlen(KUCOMMS_NAME_PREFIX);
	size_t length;

	if (!strncmp(name, KUCOMMS_NAME_PREFIX, prefix))
		name += prefix;
	length = strlen(name);
	if (!length || length > KUCOMMS_NAME_MAX - prefix ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length)
		return -EINVAL;
	snprintf(path->text, sizeof(path->text), "%s%s%s", DEVICE_DIR,
		 KUCOMMS_NAME_PREFIX, name);
	return 0;
}

static int channel_attach(struct kucomms_channel *channel,
			  const struct kucomms_options *options,
			  struct kucomms_attach *attach)
{
	memset(attach, 0, sizeof(*attach));
	attach->size = sizeof(*attach);
	if (options) {
		if (options->size < sizeof(*options))
			return -EINVAL;
		attach->to_kernel_size = options->to_kernel_size;
		attach->to_user_size = options->to_user_size;
	}
	if (ioctl(channel->fd, KUCOMMS_IOC_ATTACH, attach) < 0)
		return -errno;
	if (attach->version != KUCOMMS_ABI_VERSION)
		return -EPROTONOSUPPORT;
	channel->number = attach->channel;
	return 0;
}

static int channel_map(struct kucomms_channel *channel,
		       enum kucomms_region_index index, __u64 offset,
		       size_t length, int protection)
{
	struct kucomms_region *region = &channel->regions[index];
	void *address = mmap(NULL, length, protection, MAP_SHARED, channel->fd,
			     (off_t)offset);

	if (address == MAP_FAILED)
		return -errno;
	region->address = address;
	region->length = length;
	/* Two processes on one ring would garble it: it stays with this one. */
	return madvise(address, length, MADV_DONTFORK) ? -errno : 0;
}

static int channel_map_all(struct kucomms_channel *channel,
			   const struct kucomms_attach *attach)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int err;

	err = channel_map(channel, KUCOMMS_REGION_USER_CONTROL,
			  attach->user_control_offset, page,
			  PROT_READ | PROT_WRITE);
	if (err)
		return err;
	err = channel_map(channel, KUCOMMS_REGION_KERNEL_CONTROL,
			  attach->kernel_control_offset, page, PROT_READ);
	if (err)
		return err;
	err = channel_map(channel, KUCOMMS_REGION_TO_KERNEL,
			  attach->to_kernel_offset,
			  2 * (size_t)attach->to_kernel_size,
			  PROT_READ | PROT_WRITE);
	if (err)
		return err;
	return channel_map(channel, KUCOMMS_REGION_TO_USER,
			   attach->to_user_offset,
			   2 * (size_t)attach->to_user_size, PROT_READ);
}

static void channel_init_rings(struct kucomms_channel *channel,
			       const struct kucomms_attach *attach)
{
	struct kucomms_control *user =
		channel->regions[KUCOMMS_REGION_USER_CONTROL].address;

	channel->kernel =
		channel->regions[KUCOMMS_REGION_KERNEL_CONTROL].address;
	kucomms_producer_init(&channel->out,
			      channel->regions[KUCOMMS_REGION_TO_KERNEL].address,
			      attach->to_kernel_size, user, channel->kernel);
	kucomms_consumer_init(&channel->in,
			      channel->regions[KUCOMMS_REGION_TO_USER].address,
			      attach->to_user_size, user, channel->kernel);
}

static struct kucomms_channel *channel_alloc(void)
{
	struct kucomms_channel *channel =
		aligned_alloc(_Alignof(struct kucomms_channel),
			      sizeof(*channel));

	if (!channel)
		return NULL;
	memset(channel, 0, sizeof(*channel));
	channel->fd = -1;
	return channel;
}

static int channel_open(struct kucomms_channel *channel, const char *name,
			const struct kucomms_options *options)
{
	struct kucomms_attach attach;
	struct device_path path;
	int err;

	err = device_path(&path, name);
	if (err)
		return err;
	channel->fd = open(path.text, O_RDWR | O_CLOEXEC);
	if (channel->fd < 0)
		return -errno;
	err = channel_attach(channel, options, &attach);
	if (err)
		return err;
	err = channel_map_all(channel, &attach);
	if (err)
		return err;
	channel_init_rings(channel, &attach);
	return 0;
}

KUCOMMS_API int kucomms_open(const char *name,
			     const struct kucomms_options *options,
			     struct kucomms_channel **channel)
{
	struct kucomms_channel *opened = channel_alloc();
	int err;

	if (!opened)
		return -ENOMEM;
	err = channel_open(opened, name, options);
	if (err) {
		kucomms_close(opened);
		return err;
	}
	*channel = opened;
	return 0;
}

KUCOMMS_API void kucomms_close(struct kucomms_channel *channel)
{
	int i;

	if (!channel)
		return;
	for (i = 0; i < KUCOMMS_REGIONS; i++)
		if (channel->regions[i].address)
			munmap(channel->regions[i].address,
			       channel->regions[i].length);
	if (channel->fd >= 0)
		close(channel->fd);
	free(channel);
}
