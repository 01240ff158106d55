// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: the meeting points in /dev.
 *
 * One character device covers the whole region of numbers; a table says which
 * numbers are devices. So a device's memory is tied to nothing but its own
 * reference count: an open that comes late finds the table empty, and an open
 * that came in time holds a reference.
 */
#define pr_fmt(fmt) "kucomms: " fmt

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "functions.h"

unsigned int kc_devices_max = 4096;
module_param_named(devices_max, kc_devices_max, uint, 0444);
MODULE_PARM_DESC(devices_max, "how many devices there may be (1 to 1048576, default 4096)");

dev_t kc_first_number;

static DEFINE_XARRAY_ALLOC(minors);
static u32 next_minor;

/*
 * Serialises creations and removals, each from beginning to end: a name is free
 * again only when the old device's sysfs directory has gone. Removing the
 * directory waits for readers of attributes, which take kc_registry_lock, so
 * kc_registry_lock must not be held there; it nests inside this lock.
 */
static DEFINE_MUTEX(manage_lock);

static void device_free(struct device *dev)
{
	struct kc_device *device = to_kc_device(dev);

	ida_destroy(&device->numbers);
	kfree(device->tuning.cpus);
	kfree(device);
}

/* devtmpfs makes the node root's own, 0600; udev's rule opens it up. */
struct class kc_class = {
	.name = "kucomms",
};

static struct kc_device *device_alloc(const struct kc_name *name,
				      const struct kc_limits *limits,
				      enum kucomms_dispatch dispatch)
{
	struct kc_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;
	device_initialize(&device->dev);
	device->dev.class = &kc_class;
	device->dev.groups = kc_device_groups;
	device->dev.release = device_free;
	device->name = *name;
	device->limits = *limits;
	device->tuning.dispatch = dispatch;
	INIT_LIST_HEAD(&device->attached);
	ida_init(&device->numbers);
	return device;
}

/* Tasks that have found the device before hold references. */
static void device_unlink(struct kc_device *device)
{
	xa_erase(&minors, device->minor);
	kc_registry_remove_device(device);
}

static int device_link(struct kc_device *device)
{
	int err;

	if (kc_registry_find_device(&device->name))
		return -EEXIST;
	/*
	 * Numbers are allocated cyclically, so that a device node of a removed
	 * device that a process has kept does not soon open another device.
	 */
	err = xa_alloc_cyclic(&minors, &device->minor, device,
			      XA_LIMIT(0, kc_devices_max - 1),
			      &next_minor, GFP_KERNEL);
	if (err < 0)
		return err == -EBUSY ? -ENOSPC : err;
	err = kc_registry_add_device(device);
	if (err)
		xa_erase(&minors, device->minor);
	return err;
}

static int device_add_new(struct kc_device *device)
{
	int err;

	err = dev_set_name(&device->dev, "%s", device->name.text);
	if (err)
		return err;

	mutex_lock(&kc_registry_lock);
	err = device_link(device);
	mutex_unlock(&kc_registry_lock);
	if (err)
		return err;

	/* Last: from here on udev and user space come. */
	device->dev.devt = MKDEV(MAJOR(kc_first_number), device->minor);
	err = device_add(&device->dev);
	if (err) {
		mutex_lock(&kc_registry_lock);
		device_unlink(device);
		mutex_unlock(&kc_registry_lock);
	}
	return err;
}

/* -EEXIST: there is one; -ENOSPC: as many as devices_max allows. */
int kc_device_create(const struct kc_name *name,
		     const struct kc_limits *limits,
		     enum kucomms_dispatch dispatch)
{
	struct kc_device *device;
	int err;

	if (mutex_lock_interruptible(&manage_lock))
		return -ERESTARTSYS;
	device = device_alloc(name, limits, dispatch);
	err = device ? device_add_new(device) : -ENOMEM;
	if (err && device)
		put_device(&device->dev);
	mutex_unlock(&manage_lock);
	return err;
}

/*
 * Clients see the hang-up at once, whatever a handler is doing; the module then
 * loses its channels in its turn. An attach that has not had its turn yet will
 * find the device removed.
 */
static void device_hang_up(struct kc_device *device)
{
	struct kucomms_channel *channel;

	lockdep_assert_held(&kc_registry_lock);
	list_for_each_entry(channel, &device->attached, device_node)
		kc_channel_hang_up(channel);
}

static int device_remove_named(const struct kc_name *name, bool force)
{
	struct kucomms_endpoint *endpoint;
	struct kc_device *device;
	int err = 0;

	mutex_lock(&kc_registry_lock);
	device = kc_registry_find_device(name);
	if (!device)
		err = -ENODEV;
	else if (device->opens && !force)
		err = -EBUSY;
	if (err) {
		mutex_unlock(&kc_registry_lock);
		return err;
	}
	endpoint = device->endpoint;
	if (endpoint)
		kc_endpoint_get(endpoint);
	device_unlink(device);
	device_hang_up(device);
	mutex_unlock(&kc_registry_lock);

	if (endpoint) {
		kc_endpoint_leave(endpoint, device);
		kc_endpoint_put(endpoint);
	}
	device_unregister(&device->dev);
	return 0;
}

/* -ENODEV: there is none; -EBUSY: it is open, and @force is not set. */
int kc_device_remove(const struct kc_name *name, bool force)
{
	int err;

	if (mutex_lock_interruptible(&manage_lock))
		return -ERESTARTSYS;
	err = device_remove_named(name, force);
	mutex_unlock(&manage_lock);
	return err;
}

/*
 * Returns the device of a file that opens @minor, with a reference, or
 * ERR_PTR(-ENXIO) if it has been removed.
 */
struct kc_device *kc_device_open(unsigned int minor)
{
	struct kc_device *device;

	mutex_lock(&kc_registry_lock);
	device = xa_load(&minors, minor);
	if (device) {
		get_device(&device->dev);
		device->opens++;
	}
	mutex_unlock(&kc_registry_lock);
	return device ?: ERR_PTR(-ENXIO);
}

/* The file is closed; its channel keeps the reference a little longer. */
void kc_device_close(struct kc_device *device)
{
	mutex_lock(&kc_registry_lock);
	device->opens--;
	mutex_unlock(&kc_registry_lock);
}

void kc_device_add_channel(struct kc_device *device,
			   struct kucomms_channel *channel)
{
	mutex_lock(&kc_registry_lock);
	list_add_tail(&channel->device_node, &device->attached);
	mutex_unlock(&kc_registry_lock);
}

void kc_device_remove_channel(struct kc_device *device,
			      struct kucomms_channel *channel)
{
	const struct kc_counters *counters = &channel->counters;

	mutex_lock(&kc_registry_lock);
	list_del(&channel->device_node);
	device->past.messages_to_kernel += counters->messages_to_kernel;
	device->past.messages_to_user += counters->messages_to_user;
	device->past.doorbells += counters->doorbells;
	device->past.wakeups += counters->wakeups;
	device->past.thread_wakeups += counters->thread_wakeups;
	device->past.to_user_full += counters->to_user_full;
	device->past.late_answers += counters->late_answers;
	device->past.broken += counters->broken;
	mutex_unlock(&kc_registry_lock);
}

int kc_device_init(void)
{
	int err;

	if (!kc_devices_max || kc_devices_max > 1 << MINORBITS) {
		pr_err("devices_max=%u: must be from 1 to %u\n",
		       kc_devices_max, 1 << MINORBITS);
		return -EINVAL;
	}
	err = class_register(&kc_class);
	if (err)
		return err;
	err = alloc_chrdev_region(&kc_first_number, 0, kc_devices_max,
				  "kucomms");
	if (err)
		class_unregister(&kc_class);
	return err;
}

/*
 * The module is being unloaded: no file is open, no channel is left, no
 * endpoint is registered, and without the control files no device can be
 * created.
 */
void kc_device_uninit(void)
{
	struct kc_device *device;
	unsigned long minor;

	xa_for_each(&minors, minor, device)
		WARN_ON_ONCE(device_remove_named(&device->name, false));
	unregister_chrdev_region(kc_first_number, kc_devices_max);
	class_unregister(&kc_class);
}
