// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channel of an open file: it is created by open(), gets its memory, its
 * rings and its number when it is attached, and ends with the last close().
 */
#include <linux/cred.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "functions.h"

/*
 * Closing a channel waits for handlers; freeing one must not wait behind that,
 * so it has a queue of its own, in channel.c.
 */
static struct workqueue_struct *close_queue;
static atomic_t channels_alive = ATOMIC_INIT(0);

static bool ring_size_valid(u32 size, const struct kc_limits *limits)
{
	return is_power_of_2(size) && size >= PAGE_SIZE &&
	       size >= KUCOMMS_RING_SIZE_MIN && size <= limits->ring_size_max;
}

/*
 * Checks what the caller asks for, and fills in the device's values for what
 * the caller left 0.
 */
static int attach_check(struct kucomms_attach *attach,
			const struct kc_limits *limits)
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

/* Allocates the number that the caller asks for, or the lowest free one. */
static int attach_number(struct kucomms_channel *channel,
			 const struct kucomms_attach *attach)
{
	struct kc_device *device = channel->device;
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
	const size_t sizes[KC_REGIONS] = {
		[KC_REGION_USER_CONTROL] = PAGE_SIZE,
		[KC_REGION_KERNEL_CONTROL] = PAGE_SIZE,
		[KC_REGION_TO_KERNEL] = attach->to_kernel_size,
		[KC_REGION_TO_USER] = attach->to_user_size,
	};
	int i, err;

	for (i = 0; i < KC_REGIONS; i++) {
		/* Data pages are mapped twice in a row, control pages once. */
		err = kc_region_alloc(&channel->regions[i], sizes[i],
				      i < KC_REGION_TO_KERNEL ? 1 : 2);
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

/* Number of channels over netlink that have not been freed yet. */
static atomic_t netlink_channels = ATOMIC_INIT(0);

/*
 * Waits until no channel is left for which kucomms_netlink.ko could be called.
 * Its exit function calls this.
 */
void kc_netlink_wait(void)
{
	wait_var_event(&netlink_channels, !atomic_read(&netlink_channels));
}
KC_EXPORT(kc_netlink_wait);

/* Does nothing for a channel that is not over netlink. */
static void netlink_destroy(struct kucomms_channel *channel)
{
	if (!channel->netlink)
		return;
	channel->netlink->ops->destroy(channel);
	if (atomic_dec_and_test(&netlink_channels))
		wake_up_var(&netlink_channels);
}

/* Frees what attaching has allocated, also after a failure half way. */
static void attach_free(struct kucomms_channel *channel)
{
	int i;

	kc_calls_settle(channel);
	for (i = 0; i < KC_REGIONS; i++)
		kc_region_free(&channel->regions[i]);
	kvfree(channel->copy);
	netlink_destroy(channel);
	put_pid(channel->pid);
}

/* Undoes a failed attach: the file may try again. */
static void attach_undo(struct kucomms_channel *channel)
{
	/* kc_channel_attach() drops this reference. */
	channel->netlink = NULL;
	kc_rw_destroy(channel);
	attach_free(channel);
	ida_free(&channel->device->numbers, channel->number);
	channel->copy = NULL;
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
	struct kc_region *regions = channel->regions;
	struct kucomms_control *user =
		regions[KC_REGION_USER_CONTROL].address;
	struct kucomms_control *kernel =
		regions[KC_REGION_KERNEL_CONTROL].address;

	kucomms_consumer_init(&channel->in,
			      regions[KC_REGION_TO_KERNEL].address,
			      attach->to_kernel_size, kernel, user);
	kucomms_producer_init(&channel->out,
			      regions[KC_REGION_TO_USER].address,
			      attach->to_user_size, kernel, user);
	/* The kernel's side sleeps until its client rings. */
	kucomms_consumer_arm(&channel->in);
	kc_calls_begin(&channel->calls);
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
	channel->worker =
		&endpoint->workers[channel->number % endpoint->threads];
}

static int attach_to(struct kucomms_channel *channel,
		     struct kucomms_endpoint *endpoint,
		     const struct kucomms_attach *attach,
		     enum kc_transport transport,
		     struct kc_netlink *netlink)
{
	int err;

	err = attach_number(channel, attach);
	if (err)
		return err;
	channel->pid = get_pid(task_tgid(current));
	err = attach_alloc(channel, attach,
			   endpoint->ops.flags & KUCOMMS_OPS_SHARED_RECEIVE);
	if (err)
		goto err_undo;
	attach_init_rings(channel, attach);
	if (transport == KC_COPIED)
		err = kc_rw_create(channel);
	channel->netlink = netlink;
	if (netlink)
		err = netlink->ops->create(channel);
	if (err)
		goto err_undo;

	attach_choose(channel, endpoint);
	err = kc_channel_connect(channel);
	if (err)
		goto err_undo;
	kc_device_add_channel(channel->device, channel);
	/* Pairs with file_channel(). */
	smp_store_release(&channel->transport, transport);
	return 0;

err_undo:
	attach_undo(channel);
	return err;
}

static void attach_reply(const struct kucomms_channel *channel,
			 struct kucomms_attach *attach)
{
	attach->version = KUCOMMS_ABI_VERSION;
	attach->channel = channel->number;
	attach->features = 0;
	attach->user_control_offset =
		(u64)KC_REGION_USER_CONTROL << KC_REGION_SHIFT;
	attach->kernel_control_offset =
		(u64)KC_REGION_KERNEL_CONTROL << KC_REGION_SHIFT;
	attach->to_kernel_offset =
		(u64)KC_REGION_TO_KERNEL << KC_REGION_SHIFT;
	attach->to_user_offset =
		(u64)KC_REGION_TO_USER << KC_REGION_SHIFT;
}

/* Attaches the channel. The errors are those of KUCOMMS_IOC_ATTACH in abi.h. */
int kc_channel_attach(struct kucomms_channel *channel,
		      struct kucomms_attach *attach,
		      enum kc_transport transport,
		      struct kc_netlink *netlink)
{
	struct kucomms_endpoint *endpoint;
	int err;

	if (mutex_lock_killable(&channel->attach_lock))
		return -EINTR;
	err = -EBUSY;
	if (channel->transport != KC_DETACHED)
		goto unlock;
	err = attach_check(attach, &channel->device->limits);
	if (err)
		goto unlock;
	/*
	 * An endpoint that was found may go before this task gets its turn:
	 * then waits for the next one.
	 */
	do {
		err = kc_registry_wait(channel->device, attach->deadline,
				       &endpoint);
		if (err)
			goto unlock;
		err = attach_to(channel, endpoint, attach, transport, netlink);
		if (err)
			kc_endpoint_put(endpoint);
	} while (err == KC_ENDPOINT_GONE && attach->deadline);
	if (err == KC_ENDPOINT_GONE)
		err = -ENOTCONN;
	if (err)
		goto unlock;
	attach_reply(channel, attach);
	/* The caller is a socket of the module, so the module is there. */
	if (netlink) {
		__module_get(netlink->ops->owner);
		atomic_inc(&netlink_channels);
	}
unlock:
	mutex_unlock(&channel->attach_lock);
	return err;
}
KC_EXPORT(kc_channel_attach);

static void channel_free(struct work_struct *work)
{
	struct kucomms_channel *channel =
		container_of(to_rcu_work(work), struct kucomms_channel,
			     free_work);

	attach_free(channel);
	kc_turn_destroy(&channel->own_turn);
	if (channel->endpoint)
		kc_endpoint_put(channel->endpoint);
	put_device(&channel->device->dev);
	put_cred(channel->cred);
	mutex_destroy(&channel->queue_lock);
	mutex_destroy(&channel->attach_lock);
	kfree(channel);
	if (atomic_dec_and_test(&channels_alive))
		wake_up_var(&channels_alive);
}

/* Ends a channel whose file and mappings are all closed. Waits for handlers. */
static void channel_finish(struct kucomms_channel *channel)
{
	struct kc_device *device = channel->device;

	if (channel->transport != KC_DETACHED) {
		/*
		 * First, since giving the number takes the turn, which the
		 * module's stop handler may have while it waits for threads
		 * that use the channel: this hangs up, so that they end.
		 */
		kc_channel_disconnect(channel);
		kc_channel_give_number(channel);
		kc_device_remove_channel(device, channel);
		kc_rw_destroy(channel);
		/* The socket may live on, and hold the module; or not. */
		if (channel->netlink)
			module_put(channel->netlink->ops->owner);
	}
	kc_device_close(device);
	kucomms_channel_put(channel);
}

static void channel_close_work(struct work_struct *work)
{
	channel_finish(container_of(work, struct kucomms_channel, close_work));
}

/*
 * Creates the channel of a file that is opened. It takes over the caller's
 * reference to @device.
 */
struct kucomms_channel *kc_channel_create(struct kc_device *device,
					  const struct cred *cred)
{
	struct kucomms_channel *channel = kzalloc(sizeof(*channel),
						  GFP_KERNEL_ACCOUNT);

	if (!channel)
		return NULL;
	kref_init(&channel->ref);
	atomic_inc(&channels_alive);
	channel->device = device;
	channel->cred = get_cred(cred);
	mutex_init(&channel->attach_lock);
	mutex_init(&channel->queue_lock);
	kc_turn_init(&channel->own_turn);
	raw_spin_lock_init(&channel->lock);
	init_waitqueue_head(&channel->wait);
	init_waitqueue_head(&channel->module_wait);
	init_irq_work(&channel->wake_work, kc_channel_wake_work);
	kc_calls_create(&channel->calls);
	INIT_LIST_HEAD(&channel->worker_node);
	INIT_LIST_HEAD(&channel->accept_node);
	INIT_LIST_HEAD(&channel->endpoint_node);
	INIT_LIST_HEAD(&channel->device_node);
	INIT_WORK(&channel->close_work, channel_close_work);
	INIT_RCU_WORK(&channel->free_work, channel_free);
	return channel;
}

/*
 * Ends the channel of a file that is closed. A process that closes its file
 * waits, so that afterwards it finds the channel's number free and the device
 * unused. A kernel thread does not wait: no process would look at the result,
 * and the thread may be the one that closes all files of the system whose last
 * user could not close them itself, which must not wait for a handler.
 */
void kc_channel_close(struct kucomms_channel *channel)
{
	if (current->flags & PF_KTHREAD)
		queue_work(close_queue, &channel->close_work);
	else
		channel_finish(channel);
}

int kc_attach_init(void)
{
	close_queue = alloc_workqueue("kc_channel_close", WQ_UNBOUND,
				      WQ_UNBOUND_MAX_ACTIVE);
	return close_queue ? 0 : -ENOMEM;
}

/* No file is open, so all channels are on their way to be freed. */
void kc_attach_uninit(void)
{
	if (!wait_var_event_timeout(&channels_alive,
				    !atomic_read(&channels_alive), 60 * HZ))
		pr_warn("kucomms: waiting for %d channels: does a module miss a kucomms_channel_put()?\n",
			atomic_read(&channels_alive));
	wait_var_event(&channels_alive, !atomic_read(&channels_alive));
	destroy_workqueue(close_queue);
}
