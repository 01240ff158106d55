// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching: an open file gets its channel, the endpoint its client.
 */
#include <linux/hrtimer.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "channel.h"
#include "compat.h"
#include "endpoint.h"

/* No error: there may be another one soon. Handlers return none above 0. */
#define ENDPOINT_GONE	1

static bool ring_size_valid(u32 size, const struct kucomms_limits *limits)
{
	return is_power_of_2(size) && size >= PAGE_SIZE &&
	       size >= KUCOMMS_RING_SIZE_MIN && size <= limits->ring_size_max;
}

/* Fills in what the caller left to the device. */
static int attach_check(struct kucomms_attach *attach,
			const struct kucomms_limits *limits)
{
	if ((attach->flags & ~KUCOMMS_ATTACH_NUMBER) ||
	    memchr_inv(attach->reserved, 0, sizeof(attach->reserved)))
		return -EINVAL;
	if ((attach->flags & KUCOMMS_ATTACH_NUMBER) &&
	    attach->channel >= limits->channels_max)
		return -EINVAL;
	if (!attach->to_kernel_size)
		attach->to_kernel_size = limits->ring_size;
	if (!attach->to_user_size)
		attach->to_user_size = limits->ring_size;
	if (!ring_size_valid(attach->to_kernel_size, limits) ||
	    !ring_size_valid(attach->to_user_size, limits))
		return -EINVAL;
	return 0;
}

/* The one that the caller wants, or the first that is free. */
static int attach_number(struct kucomms_channel *channel,
			 const struct kucomms_attach *attach)
{
	struct kucomms_device *device = channel->device;
	bool wanted = attach->flags & KUCOMMS_ATTACH_NUMBER;
	unsigned int least = wanted ? attach->channel : 0;
	unsigned int most = wanted ? attach->channel :
				     device->limits.channels_max - 1;
	int number = ida_alloc_range(&device->numbers, least, most,
				     GFP_KERNEL);

	if (number == -ENOSPC)
		return wanted ? -EADDRINUSE : -EUSERS;
	if (number < 0)
		return number;
	channel->number = number;
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

/* How many channels there are over netlink. */
static atomic_t netlink_alive = ATOMIC_INIT(0);

/* kucomms_netlink.ko may go: none of its code runs for a channel any more. */
void kc_netlink_wait(void)
{
	wait_var_event(&netlink_alive, !atomic_read(&netlink_alive));
}
KC_EXPORT(kc_netlink_wait);

static void netlink_gone(void)
{
	if (atomic_dec_and_test(&netlink_alive))
		wake_up_var(&netlink_alive);
}

static int netlink_create(struct kucomms_channel *channel,
			  const struct kc_netlink_ops *ops)
{
	int err;

	atomic_inc(&netlink_alive);
	err = ops->create(channel);
	if (err)
		netlink_gone();
	return err;
}

/* Does nothing for a channel that is not over netlink. */
void kc_netlink_destroy(struct kucomms_channel *channel)
{
	if (!channel->netlink)
		return;
	channel->netlink->ops->destroy(channel);
	channel->netlink = NULL;
	netlink_gone();
}

static void attach_free(struct kucomms_channel *channel)
{
	int i;

	kucomms_calls_settle(channel);
	for (i = 0; i < KUCOMMS_REGIONS; i++)
		kucomms_region_free(&channel->regions[i]);
	kvfree(channel->copy);
	channel->copy = NULL;
	kc_netlink_destroy(channel);
	put_pid(channel->pid);
	channel->pid = NULL;
	channel->endpoint = NULL;
	channel->head.priv = NULL;
	channel->topics = 0;
	channel->shared = false;
	channel->state = KUCOMMS_STATE_OPEN;
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
	/* The kernel's side sleeps until its client rings. */
	kucomms_consumer_arm(&channel->in);
	kucomms_calls_begin(&channel->calls);
}

static int attach_greet(struct kucomms_channel *channel)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;
	int err;

	if (!endpoint->ops.connect)
		return 0;
	err = endpoint->ops.connect(channel, endpoint->priv);
	if (err)
		kucomms_calls_end(channel);
	else
		/* No turn of the channel ends here: publishes what connect() held. */
		kucomms_channel_flush_locked(channel);
	return err > 0 ? -EPROTO : err;
}

/* Tells the module of its new client. The caller has both turns. */
static int attach_connect(struct kucomms_channel *channel,
			  enum kucomms_manner manner)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;
	int err;

	kucomms_turn_assert_mine(&endpoint->turn);
	if (READ_ONCE(channel->device->removed))
		return -ENODEV;
	if (endpoint->dead)
		return ENDPOINT_GONE;
	err = attach_greet(channel);
	if (err)
		return err;
	WRITE_ONCE(channel->connected, true);
	channel->numbered = true;
	list_add_tail_rcu(&channel->peers, &endpoint->channels);
	kucomms_device_add_channel(channel->device, channel);
	/* Pairs with file_channel(). */
	smp_store_release(&channel->manner, manner);
	if (!endpoint->ops.message) {
		spin_lock(&endpoint->accept_wait.lock);
		list_add_tail(&channel->unaccepted, &endpoint->unaccepted);
		spin_unlock(&endpoint->accept_wait.lock);
		wake_up_interruptible(&endpoint->accept_wait);
	}
	return 0;
}

static bool has_own_turn(const struct kucomms_channel *channel)
{
	return channel->turn == &channel->own_turn;
}

static void give_turns(struct kucomms_channel *channel)
{
	kucomms_turn_give(&channel->endpoint->turn);
	if (has_own_turn(channel))
		kucomms_turn_give(channel->turn);
}

/*
 * Takes both turns, so that neither a handler of the channel nor one of the
 * endpoint runs. The channel's own turn comes first, so that a task that waits
 * for the handler of one client does not hold the endpoint's turn meanwhile.
 */
static void take_turns_surely(struct kucomms_channel *channel)
{
	if (has_own_turn(channel))
		kucomms_turn_take_surely(channel->turn);
	kucomms_turn_take_surely(&channel->endpoint->turn);
}

/*
 * Takes both turns. Returns 0, or -EINTR if the task is killed. The wait for
 * the channel's own turn is short: nobody else wants that of a new channel for
 * long.
 */
static int take_turns(struct kucomms_channel *channel)
{
	int err;

	if (has_own_turn(channel))
		kucomms_turn_take_surely(channel->turn);
	err = kucomms_turn_take(&channel->endpoint->turn);
	if (err && has_own_turn(channel))
		kucomms_turn_give(channel->turn);
	return err;
}

static void attach_choose(struct kucomms_channel *channel,
			  struct kucomms_endpoint *endpoint)
{
	channel->endpoint = endpoint;
	channel->message = endpoint->ops.message && channel->netlink ?
				channel->netlink->ops->message :
				endpoint->ops.message;
	channel->turn = endpoint->ops.flags & KUCOMMS_OPS_PARALLEL ?
				&channel->own_turn : &endpoint->turn;
	channel->server =
		&endpoint->servers[channel->number % endpoint->threads];
}

static int attach_to(struct kucomms_channel *channel,
		     struct kucomms_endpoint *endpoint,
		     const struct kucomms_attach *attach,
		     enum kucomms_manner manner,
		     const struct kc_netlink_ops *netlink)
{
	int err;

	err = attach_number(channel, attach);
	if (err)
		return err;
	channel->pid = get_pid(task_tgid(current));
	err = attach_alloc(channel, attach,
			   endpoint->ops.flags & KUCOMMS_OPS_SHARED_RECEIVE);
	if (err)
		goto err_free;
	attach_init_rings(channel, attach);
	if (manner == KUCOMMS_COPIED)
		err = kucomms_plain_create(channel);
	else if (netlink)
		err = netlink_create(channel, netlink);
	if (err)
		goto err_free;

	attach_choose(channel, endpoint);
	err = READ_ONCE(endpoint->dead) ? ENDPOINT_GONE :
					  take_turns(channel);
	if (err)
		goto err_free;
	err = attach_connect(channel, manner);
	give_turns(channel);
	if (err)
		goto err_free;
	return 0;

err_free:
	kucomms_plain_destroy(channel);
	attach_free(channel);
	ida_free(&channel->device->numbers, channel->number);
	return err;
}

/* 0 when there seems to be an endpoint; -ENOTCONN: not until the deadline. */
static int attach_wait(const struct kucomms_device *device, s64 deadline)
{
	ktime_t expires = ns_to_ktime(deadline);
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		/* Pairs with the wake-ups: change, then wake. */
		prepare_to_wait(&kucomms_registry_wait, &wait,
				TASK_INTERRUPTIBLE);
		err = READ_ONCE(device->removed) ? -ENODEV :
		      READ_ONCE(device->endpoint) ? 0 : -ENOTCONN;
		if (err != -ENOTCONN || !deadline)
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (!schedule_hrtimeout(deadline < 0 ? NULL : &expires,
					HRTIMER_MODE_ABS))
			deadline = 0;
	}
	finish_wait(&kucomms_registry_wait, &wait);
	return err;
}

/*
 * The endpoint behind the device, with a reference. If there is none, waits for
 * a module to register until the deadline: 0: not at all, negative: for ever.
 */
static int attach_find(struct kucomms_device *device, s64 deadline,
		       struct kucomms_endpoint **endpoint)
{
	int err;

	do {
		err = attach_wait(device, deadline);
		if (err)
			return err;
		*endpoint = kucomms_device_endpoint_get(device);
	} while (!*endpoint);
	return 0;
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
			   struct kucomms_attach *attach,
			   enum kucomms_manner manner,
			   const struct kc_netlink_ops *netlink)
{
	struct kucomms_endpoint *endpoint;
	int err;

	if (mutex_lock_killable(&channel->attach_lock))
		return -EINTR;
	err = -EBUSY;
	if (channel->manner != KUCOMMS_DETACHED)
		goto unlock;
	err = attach_check(attach, &channel->device->limits);
	if (err)
		goto unlock;
	/* One that was found may have gone before its turn: then the next. */
	do {
		err = attach_find(channel->device, attach->deadline, &endpoint);
		if (err)
			goto unlock;
		err = attach_to(channel, endpoint, attach, manner, netlink);
		if (err)
			kucomms_endpoint_put(endpoint);
	} while (err == ENDPOINT_GONE && attach->deadline);
	if (err == ENDPOINT_GONE)
		err = -ENOTCONN;
	if (err)
		goto unlock;
	attach_reply(channel, attach);
	/* The caller is one of its sockets, so the module is there. */
	if (netlink)
		__module_get(netlink->owner);
unlock:
	mutex_unlock(&channel->attach_lock);
	return err;
}
KC_EXPORT(kucomms_channel_attach);

/*
 * Gives back the channel's number, so that other channels may have it. That
 * happens only when the file is closed, or the device or the endpoint goes: a
 * client that could have another channel while it keeps the memory of the one
 * before could have any amount of memory.
 */
void kucomms_channel_give_number(struct kucomms_channel *channel)
{
	struct kucomms_turn *turn = &channel->endpoint->turn;

	kucomms_turn_take_surely(turn);
	if (channel->numbered)
		ida_free(&channel->device->numbers, channel->number);
	channel->numbered = false;
	kucomms_turn_give(turn);
}

/* Takes the channel from the module. The caller has both turns. */
static void detach(struct kucomms_channel *channel)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;

	/* Before the server is told to forget: then it cannot come back. */
	WRITE_ONCE(channel->connected, false);
	kucomms_server_forget(channel);
	list_del_rcu(&channel->peers);
	spin_lock(&endpoint->accept_wait.lock);
	list_del_init(&channel->unaccepted);
	spin_unlock(&endpoint->accept_wait.lock);
	kucomms_calls_end(channel);
	if (endpoint->ops.disconnect)
		endpoint->ops.disconnect(channel, endpoint->priv);
}

/*
 * Takes the channel from the module, when the file is closed, the device
 * removed or the endpoint unregistered, whichever comes first. Does nothing if
 * that has been done before.
 */
void kucomms_channel_detach(struct kucomms_channel *channel)
{
	take_turns_surely(channel);
	if (channel->connected)
		detach(channel);
	give_turns(channel);
}
KC_EXPORT(kucomms_channel_detach);
