// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching: an open file gets its channel, the endpoint its client.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "channel.h"
#include "endpoint.h"

static bool ring_size_valid(u32 size)
{
	return is_power_of_2(size) && size >= PAGE_SIZE &&
	       size >= KUCOMMS_RING_SIZE_MIN && size <= kucomms_ring_size_max;
}

/* Fills in what the caller left to the device. */
static int attach_check(struct kucomms_attach *attach)
{
	if (attach->flags ||
	    memchr_inv(attach->reserved, 0, sizeof(attach->reserved)))
		return -EINVAL;
	if (!attach->to_kernel_size)
		attach->to_kernel_size = kucomms_ring_size;
	if (!attach->to_user_size)
		attach->to_user_size = kucomms_ring_size;
	if (!ring_size_valid(attach->to_kernel_size) ||
	    !ring_size_valid(attach->to_user_size))
		return -EINVAL;
	return 0;
}

static int attach_alloc(struct kucomms_channel *channel,
			const struct kucomms_attach *attach, bool shared)
{
	const size_t sizes[KUCOMMS_REGIONS] = {
		[KUCOMMS_REGION_USER_CONTROL] = PAGE_SIZE,
		[KUCOMMS_REGION_KERNEL_CONTROL] = PAGE_SIZE,
		[KUCOMMS_REGION_TO_KERNEL] = attach->to_kernel_size,
		[KUCOMMS_REGION_TO_USER] = attach->to_user_size,
	};
	int i, err;

	for (i = 0; i < KUCOMMS_REGIONS; i++) {
		/* The data is seen twice in a row, the control pages once. */
		err = kucomms_region_alloc(&channel->regions[i], sizes[i],
					   i < KUCOMMS_REGION_TO_KERNEL ? 1 : 2);
		if (err)
			return err;
	}
	if (!shared) {
		channel->copy = kvmalloc(attach->to_kernel_size,
					 GFP_KERNEL_ACCOUNT |
					 __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
		if (!channel->copy)
			return -ENOMEM;
	}
	return 0;
}

static void attach_free(struct kucomms_channel *channel)
{
	int i;

	for (i = 0; i < KUCOMMS_REGIONS; i++)
		kucomms_region_free(&channel->regions[i]);
	kvfree(channel->copy);
	channel->copy = NULL;
	channel->priv = NULL;
	memset(&channel->counters, 0, sizeof(channel->counters));
}

static void attach_init_rings(struct kucomms_channel *channel,
			      const struct kucomms_attach *attach)
{
	struct kucomms_region *regions = channel->regions;
	struct kucomms_control *user =
		regions[KUCOMMS_REGION_USER_CONTROL].address;
	struct kucomms_control *kernel =
		regions[KUCOMMS_REGION_KERNEL_CONTROL].address;

	kucomms_consumer_init(&channel->in,
			      regions[KUCOMMS_REGION_TO_KERNEL].address,
			      attach->to_kernel_size, kernel, user);
	kucomms_producer_init(&channel->out,
			      regions[KUCOMMS_REGION_TO_USER].address,
			      attach->to_user_size, kernel, user);
	channel->published = 0;
	/* An adaptive endpoint sleeps unless its client rings. */
	kucomms_consumer_arm(&channel->in);
}

/* In the endpoint's turn: the module learns of its client. */
static int attach_connect(struct kucomms_channel *channel)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;
	int err;

	lockdep_assert_held(&endpoint->turn);
	if (endpoint->dead)
		return -ENOTCONN;
	if (endpoint->ops.connect) {
		err = endpoint->ops.connect(channel, endpoint->priv);
		if (err)
			return err;
	}
	channel->connected = true;
	list_add_tail_rcu(&channel->peers, &endpoint->channels);
	kucomms_device_add_channel(channel->device, channel);
	/* Pairs with file_channel(). */
	smp_store_release(&channel->attached, true);
	return 0;
}

static int attach_to(struct kucomms_channel *channel,
		     struct kucomms_endpoint *endpoint,
		     const struct kucomms_attach *attach)
{
	int number, err;

	number = ida_alloc_max(&channel->device->numbers,
			       kucomms_channels_max - 1, GFP_KERNEL);
	if (number < 0)
		return number == -ENOSPC ? -EUSERS : number;
	channel->number = number;
	err = attach_alloc(channel, attach,
			   endpoint->ops.flags & KUCOMMS_SHARED_RECEIVE);
	if (err)
		goto err_free;
	attach_init_rings(channel, attach);

	err = READ_ONCE(endpoint->dead) ? -ENOTCONN :
	      mutex_lock_killable(&endpoint->turn);
	if (err)
		goto err_free;
	channel->endpoint = endpoint;
	err = attach_connect(channel);
	if (err)
		channel->endpoint = NULL;
	mutex_unlock(&endpoint->turn);
	if (err)
		goto err_free;
	return 0;

err_free:
	attach_free(channel);
	ida_free(&channel->device->numbers, number);
	return err;
}

static void attach_reply(const struct kucomms_channel *channel,
			 struct kucomms_attach *attach)
{
	attach->version = KUCOMMS_ABI_VERSION;
	attach->channel = channel->number;
	attach->features = 0;
	attach->user_control_offset =
		(u64)KUCOMMS_REGION_USER_CONTROL << KUCOMMS_REGION_SHIFT;
	attach->kernel_control_offset =
		(u64)KUCOMMS_REGION_KERNEL_CONTROL << KUCOMMS_REGION_SHIFT;
	attach->to_kernel_offset =
		(u64)KUCOMMS_REGION_TO_KERNEL << KUCOMMS_REGION_SHIFT;
	attach->to_user_offset =
		(u64)KUCOMMS_REGION_TO_USER << KUCOMMS_REGION_SHIFT;
}

/* Its errors are those that abi.h lists with struct kucomms_attach. */
int kucomms_channel_attach(struct kucomms_channel *channel,
			   struct kucomms_attach *attach)
{
	struct kucomms_endpoint *endpoint;
	int err;

	if (mutex_lock_killable(&channel->attach_lock))
		return -EINTR;
	err = -EBUSY;
	if (channel->attached)
		goto unlock;
	err = attach_check(attach);
	if (err)
		goto unlock;
	err = -ENOTCONN;
	endpoint = kucomms_device_endpoint_get(channel->device);
	if (!endpoint)
		goto unlock;
	err = attach_to(channel, endpoint, attach);
	if (err)
		kucomms_endpoint_put(endpoint);
	else
		attach_reply(channel, attach);
unlock:
	mutex_unlock(&channel->attach_lock);
	return err;
}

/*
 * In the endpoint's turn: the module forgets its client. Does nothing if that
 * has been done: the file was closed, or the endpoint went, whichever first.
 */
void kucomms_channel_detach(struct kucomms_channel *channel)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;

	lockdep_assert_held(&endpoint->turn);
	if (!channel->connected)
		return;
	channel->connected = false;
	list_del_rcu(&channel->peers);
	if (endpoint->ops.disconnect)
		endpoint->ops.disconnect(channel, endpoint->priv);
}
