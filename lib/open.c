// SPDX-License-Identifier: MIT
/*
 * Opening a device, attaching a channel, mapping its memory; and once more.
 */
#define _GNU_SOURCE	/* dup3(), CPU_COUNT() */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel.h"

#define OPEN_FLAGS	(KUCOMMS_OPEN_NUMBER | KUCOMMS_OPEN_NO_SPIN)

/* What the first version of the library knew. */
#define OPTIONS_SIZE_MIN offsetof(struct kucomms_options, flags)

/* About what it costs to be put to sleep and woken. */
#define SPIN_US		20
#define SPIN_US_MAX	1000000

/* Names are checked as the kernel does, so none can lead out of /dev. */
static int client_set_path(struct kucomms_client *client, const char *name)
{
	const size_t prefix = strlen(KUCOMMS_NAME_PREFIX);
	size_t length;

	if (!strncmp(name, KUCOMMS_NAME_PREFIX, prefix))
		name += prefix;
	length = strlen(name);
	if (!length || length > KUCOMMS_NAME_MAX - prefix ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length)
		return -EINVAL;
	snprintf(client->path, sizeof(client->path), "/dev/%s%s",
		 KUCOMMS_NAME_PREFIX, name);
	return 0;
}

/* Programs may know fewer options than the library, or more if they are 0. */
static int client_set_options(struct kucomms_client *client,
			      const struct kucomms_options *options)
{
	struct kucomms_options *own = &client->options;
	size_t i;

	if (!options)
		return 0;
	if (options->size < OPTIONS_SIZE_MIN)
		return -EINVAL;
	for (i = sizeof(*own); i < options->size; i++)
		if (((const char *)options)[i])
			return -E2BIG;
	memcpy(own, options,
	       options->size < sizeof(*own) ? options->size : sizeof(*own));
	if ((own->flags & ~OPEN_FLAGS) || own->spin_us > SPIN_US_MAX)
		return -EINVAL;
	return 0;
}

/* Looking is of no use to those who keep the only CPU from everybody else. */
static __u32 spin_ns(const struct kucomms_options *options)
{
	cpu_set_t cpus;

	if (options->flags & KUCOMMS_OPEN_NO_SPIN)
		return 0;
	if (options->spin_us)
		return options->spin_us * 1000;
	if (!sched_getaffinity(0, sizeof(cpus), &cpus) &&
	    CPU_COUNT(&cpus) == 1)
		return 0;
	return SPIN_US * 1000;
}

static int client_attach(struct kucomms_client *client, int timeout_ms,
			 struct kucomms_attach *attach)
{
	const struct kucomms_options *options = &client->options;

	memset(attach, 0, sizeof(*attach));
	attach->size = sizeof(*attach);
	attach->to_kernel_size = options->to_kernel_size;
	attach->to_user_size = options->to_user_size;
	attach->deadline = kucomms_deadline(timeout_ms);
	if (options->flags & KUCOMMS_OPEN_NUMBER) {
		attach->flags = KUCOMMS_ATTACH_NUMBER;
		attach->channel = options->channel;
	}
	if (ioctl(client->fd, KUCOMMS_IOC_ATTACH, attach) < 0)
		return -errno;
	if (attach->version != KUCOMMS_ABI_VERSION)
		return -EPROTONOSUPPORT;
	client->number = attach->channel;
	return 0;
}

static int client_map(struct kucomms_client *client,
		      enum kucomms_region_index index, __u64 offset,
		      size_t length, int protection)
{
	struct kucomms_region *region = &client->regions[index];
	void *address = mmap(NULL, length, protection, MAP_SHARED, client->fd,
			     (off_t)offset);

	if (address == MAP_FAILED)
		return -errno;
	region->address = address;
	region->length = length;
	/* Two processes on one ring would garble it: it stays with this one. */
	return madvise(address, length, MADV_DONTFORK) ? -errno : 0;
}

static int client_map_all(struct kucomms_client *client,
			  const struct kucomms_attach *attach)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int err;

	err = client_map(client, KUCOMMS_REGION_USER_CONTROL,
			 attach->user_control_offset, page,
			 PROT_READ | PROT_WRITE);
	if (err)
		return err;
	err = client_map(client, KUCOMMS_REGION_KERNEL_CONTROL,
			 attach->kernel_control_offset, page, PROT_READ);
	if (err)
		return err;
	err = client_map(client, KUCOMMS_REGION_TO_KERNEL,
			 attach->to_kernel_offset,
			 2 * (size_t)attach->to_kernel_size,
			 PROT_READ | PROT_WRITE);
	if (err)
		return err;
	return client_map(client, KUCOMMS_REGION_TO_USER,
			  attach->to_user_offset,
			  2 * (size_t)attach->to_user_size, PROT_READ);
}

static void client_unmap(struct kucomms_client *client)
{
	struct kucomms_region *region;

	for (region = client->regions;
	     region < client->regions + KUCOMMS_REGIONS; region++)
		if (region->address)
			munmap(region->address, region->length);
}

static void client_init_rings(struct kucomms_client *client,
			      const struct kucomms_attach *attach)
{
	struct kucomms_region *regions = client->regions;
	struct kucomms_control *user =
		regions[KUCOMMS_REGION_USER_CONTROL].address;

	client->kernel = regions[KUCOMMS_REGION_KERNEL_CONTROL].address;
	kucomms_producer_init(&client->channel.out,
			      regions[KUCOMMS_REGION_TO_KERNEL].address,
			      attach->to_kernel_size, user, client->kernel);
	kucomms_consumer_init(&client->channel.in,
			      regions[KUCOMMS_REGION_TO_USER].address,
			      attach->to_user_size, user, client->kernel);
}

static struct kucomms_client *client_alloc(void)
{
	struct kucomms_client *client =
		aligned_alloc(_Alignof(struct kucomms_client),
			      sizeof(*client));

	if (!client)
		return NULL;
	memset(client, 0, sizeof(*client));
	client->fd = -1;
	return client;
}

/* Opens what @client says. If it fails client_free() cleans up. */
static int client_open(struct kucomms_client *client, int timeout_ms)
{
	struct kucomms_attach attach;
	int err;

	client->spin_ns = spin_ns(&client->options);
	client->fd = open(client->path, O_RDWR | O_CLOEXEC);
	if (client->fd < 0)
		return -errno;
	err = client_attach(client, timeout_ms, &attach);
	if (err)
		return err;
	err = client_map_all(client, &attach);
	if (err)
		return err;
	client_init_rings(client, &attach);
	return 0;
}

static void client_free(struct kucomms_client *client)
{
	client_unmap(client);
	if (client->fd >= 0)
		close(client->fd);
	free(client);
}

KUCOMMS_API int kucomms_open(const char *name,
			     const struct kucomms_options *options,
			     struct kucomms_channel **channel)
{
	struct kucomms_client *client = client_alloc();
	int err;

	if (!client)
		return -ENOMEM;
	err = client_set_path(client, name);
	if (!err)
		err = client_set_options(client, options);
	if (!err)
		err = client_open(client, client->options.timeout_ms);
	if (err) {
		client_free(client);
		return err;
	}
	*channel = &client->channel;
	return 0;
}

/* What the application has counted on stays: counters, the descriptor, polling. */
static void client_replace(struct kucomms_client *client,
			   struct kucomms_client *fresh)
{
	fresh->channel.sent = client->channel.sent;
	fresh->channel.received = client->channel.received;
	fresh->send_doorbells = client->send_doorbells;
	fresh->send_waits = client->send_waits;
	fresh->receive_doorbells = client->receive_doorbells;
	fresh->receive_waits = client->receive_waits;
	client_unmap(client);
	close(fresh->fd);
	fresh->fd = client->fd;
	if (client->polled)
		kucomms_fd(&fresh->channel);
	*client = *fresh;
	free(fresh);
}

KUCOMMS_API int kucomms_reattach(struct kucomms_channel *channel,
				 int timeout_ms)
{
	struct kucomms_client *client = client_of(channel);
	struct kucomms_client *fresh = client_alloc();
	int err;

	if (!fresh)
		return -ENOMEM;
	memcpy(fresh->path, client->path, sizeof(fresh->path));
	fresh->options = client->options;
	err = client_open(fresh, timeout_ms);
	if (!err && dup3(fresh->fd, client->fd, O_CLOEXEC) < 0)
		err = -errno;
	if (err) {
		client_free(fresh);
		return err;
	}
	client_replace(client, fresh);
	return 0;
}

KUCOMMS_API void kucomms_close(struct kucomms_channel *channel)
{
	if (channel)
		client_free(client_of(channel));
}
