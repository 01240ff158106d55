// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: the meeting points in /dev, and the control files in sysfs that
 * create and remove them.
 *
 * One character device covers the whole region of numbers; a table says which
 * numbers are devices. So a device's memory is tied to nothing but its own
 * reference count: an open that comes late finds the table empty, and an open
 * that came in time holds a reference.
 */
#define pr_fmt(fmt) "kucomms: " fmt

#include <linux/cdev.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/xarray.h>

#include "channel.h"
#include "endpoint.h"

DEFINE_MUTEX(kucomms_registry_lock);

static DEFINE_HASHTABLE(devices, 8);
static DEFINE_XARRAY_ALLOC(minors);
static dev_t first_number;
static struct cdev cdev;
static struct device *control;

/*
 * One creation or removal at a time, from beginning to end: a name is free
 * again only when the old device's sysfs directory has gone. That waits for
 * readers of its attributes, who take kucomms_registry_lock, so it must not be
 * held there; kucomms_registry_lock nests inside.
 */
static DEFINE_MUTEX(manage_lock);

static struct kucomms_device *to_kucomms_device(struct device *dev)
{
	return container_of(dev, struct kucomms_device, dev);
}

static void device_free(struct device *dev)
{
	struct kucomms_device *device = to_kucomms_device(dev);

	ida_destroy(&device->numbers);
	kfree(device);
}

/* sysfs: one value per file, readable by everybody */

/* Without the prefix: what people call it, and what udev's rule needs. */
static ssize_t name_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%s\n", dev_name(dev) +
			  strlen(KUCOMMS_NAME_PREFIX));
}
static DEVICE_ATTR_RO(name);

static ssize_t endpoint_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct kucomms_device *device = to_kucomms_device(dev);
	struct module *owner;
	ssize_t length = 0;

	mutex_lock(&kucomms_registry_lock);
	if (device->endpoint) {
		owner = device->endpoint->owner;
		length = sysfs_emit(buf, "%s\n",
				    owner ? module_name(owner) : "kernel");
	}
	mutex_unlock(&kucomms_registry_lock);
	return length;
}
static DEVICE_ATTR_RO(endpoint);

static ssize_t opens_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct kucomms_device *device = to_kucomms_device(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(device->opens));
}
static DEVICE_ATTR_RO(opens);

static ssize_t channels_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct kucomms_device *device = to_kucomms_device(dev);
	struct kucomms_channel *channel;
	unsigned int count = 0;

	mutex_lock(&kucomms_registry_lock);
	list_for_each_entry(channel, &device->attached, siblings)
		count++;
	mutex_unlock(&kucomms_registry_lock);
	return sysfs_emit(buf, "%u\n", count);
}
static DEVICE_ATTR_RO(channels);

/* Every counter is the sum of the past and of the channels there are. */
#define COUNTER_ATTR(name)						\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	struct kucomms_device *device = to_kucomms_device(dev);		\
	struct kucomms_channel *channel;				\
	u64 sum;							\
									\
	mutex_lock(&kucomms_registry_lock);				\
	sum = device->past.name;					\
	list_for_each_entry(channel, &device->attached, siblings)	\
		sum += READ_ONCE(channel->counters.name);		\
	mutex_unlock(&kucomms_registry_lock);				\
	return sysfs_emit(buf, "%llu\n", sum);				\
}									\
static DEVICE_ATTR_RO(name)

COUNTER_ATTR(messages_to_kernel);
COUNTER_ATTR(messages_to_user);
COUNTER_ATTR(doorbells);
COUNTER_ATTR(wakeups);
COUNTER_ATTR(to_user_full);
COUNTER_ATTR(broken);

static struct attribute *device_attrs[] = {
	&dev_attr_name.attr,
	&dev_attr_endpoint.attr,
	&dev_attr_opens.attr,
	&dev_attr_channels.attr,
	&dev_attr_messages_to_kernel.attr,
	&dev_attr_messages_to_user.attr,
	&dev_attr_doorbells.attr,
	&dev_attr_wakeups.attr,
	&dev_attr_to_user_full.attr,
	&dev_attr_broken.attr,
	NULL
};
ATTRIBUTE_GROUPS(device);

/* devtmpfs makes the node root's own, 0600; udev's rule opens it up. */
static struct class kucomms_class = {
	.name = "kucomms",
};

static struct kucomms_device *device_alloc(const struct kucomms_name *name)
{
	struct kucomms_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;
	device_initialize(&device->dev);
	device->dev.class = &kucomms_class;
	device->dev.groups = device_groups;
	device->dev.release = device_free;
	device->name = *name;
	INIT_LIST_HEAD(&device->attached);
	ida_init(&device->numbers);
	return device;
}

/* Under kucomms_registry_lock. */
struct kucomms_device *kucomms_device_find(const struct kucomms_name *name)
{
	struct kucomms_device *device;

	lockdep_assert_held(&kucomms_registry_lock);
	hash_for_each_possible(devices, device, node, kucomms_name_hash(name))
		if (kucomms_name_equal(&device->name, name))
			return device;
	return NULL;
}

/*
 * Takes the device out of the tables, so that nobody finds it any more. Those
 * who have found it hold references.
 */
static void device_unlink(struct kucomms_device *device)
{
	struct kucomms_endpoint *endpoint = device->endpoint;

	lockdep_assert_held(&kucomms_registry_lock);
	hash_del(&device->node);
	xa_erase(&minors, device->minor);
	device->endpoint = NULL;
	if (endpoint)
		kucomms_endpoint_put(endpoint);
}

static int device_link(struct kucomms_device *device)
{
	struct kucomms_endpoint *endpoint;
	int err;

	lockdep_assert_held(&kucomms_registry_lock);
	if (kucomms_device_find(&device->name))
		return -EEXIST;
	err = xa_alloc(&minors, &device->minor, device,
		       XA_LIMIT(0, kucomms_devices_max - 1), GFP_KERNEL);
	if (err)
		return err == -EBUSY ? -ENOSPC : err;
	hash_add(devices, &device->node, kucomms_name_hash(&device->name));
	endpoint = kucomms_endpoint_find(&device->name);
	if (endpoint)
		device->endpoint = kucomms_endpoint_get(endpoint);
	return 0;
}

static int device_create_named(const struct kucomms_name *name)
{
	struct kucomms_device *device;
	int err;

	device = device_alloc(name);
	if (!device)
		return -ENOMEM;
	err = dev_set_name(&device->dev, "%s", name->text);
	if (err)
		goto err_put;

	mutex_lock(&kucomms_registry_lock);
	err = device_link(device);
	mutex_unlock(&kucomms_registry_lock);
	if (err)
		goto err_put;

	/* Last: from here on udev and user space come. */
	device->dev.devt = MKDEV(MAJOR(first_number), device->minor);
	err = device_add(&device->dev);
	if (err)
		goto err_unlink;
	return 0;

err_unlink:
	mutex_lock(&kucomms_registry_lock);
	device_unlink(device);
	mutex_unlock(&kucomms_registry_lock);
err_put:
	put_device(&device->dev);
	return err;
}

static int device_remove_named(const struct kucomms_name *name)
{
	struct kucomms_device *device;
	int err = 0;

	mutex_lock(&kucomms_registry_lock);
	device = kucomms_device_find(name);
	if (!device)
		err = -ENODEV;
	else if (device->opens)
		err = -EBUSY;
	else
		device_unlink(device);
	mutex_unlock(&kucomms_registry_lock);
	if (!err)
		device_unregister(&device->dev);
	return err;
}

/*
 * `echo kucomms_NAME >create_device`, one newline at the end allowed. EINVAL: no
 * such name can be; EEXIST: there is one; ENOSPC: as many as devices_max allows.
 */
static int name_from_sysfs(struct kucomms_name *name, const char *buf,
			   size_t count)
{
	if (count && buf[count - 1] == '\n')
		count--;
	return kucomms_name_parse(name, buf, count, true);
}

static ssize_t create_device_store(struct device *dev,
				   struct device_attribute *attr,
				   const char *buf, size_t count)
{
	struct kucomms_name name;
	int err = name_from_sysfs(&name, buf, count);

	if (err)
		return err;
	if (mutex_lock_interruptible(&manage_lock))
		return -ERESTARTSYS;
	err = device_create_named(&name);
	mutex_unlock(&manage_lock);
	return err ?: count;
}
static DEVICE_ATTR_WO(create_device);

/* EINVAL: no such name can be; ENODEV: there is none; EBUSY: it is open. */
static ssize_t remove_device_store(struct device *dev,
				   struct device_attribute *attr,
				   const char *buf, size_t count)
{
	struct kucomms_name name;
	int err = name_from_sysfs(&name, buf, count);

	if (err)
		return err;
	if (mutex_lock_interruptible(&manage_lock))
		return -ERESTARTSYS;
	err = device_remove_named(&name);
	mutex_unlock(&manage_lock);
	return err ?: count;
}
static DEVICE_ATTR_WO(remove_device);

static ssize_t version_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%s\n", KUCOMMS_VERSION);
}
static DEVICE_ATTR_RO(version);

static ssize_t abi_version_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", KUCOMMS_ABI_VERSION);
}
static DEVICE_ATTR_RO(abi_version);

static struct attribute *control_attrs[] = {
	&dev_attr_create_device.attr,
	&dev_attr_remove_device.attr,
	&dev_attr_version.attr,
	&dev_attr_abi_version.attr,
	NULL
};
ATTRIBUTE_GROUPS(control);

/* For a file that opens @minor; ERR_PTR(-ENODEV) if it has been removed. */
struct kucomms_device *kucomms_device_open(unsigned int minor)
{
	struct kucomms_device *device;

	mutex_lock(&kucomms_registry_lock);
	device = xa_load(&minors, minor);
	if (device) {
		get_device(&device->dev);
		device->opens++;
	}
	mutex_unlock(&kucomms_registry_lock);
	return device ?: ERR_PTR(-ENODEV);
}

/* The file is closed; its channel keeps the reference a little longer. */
void kucomms_device_close(struct kucomms_device *device)
{
	mutex_lock(&kucomms_registry_lock);
	device->opens--;
	mutex_unlock(&kucomms_registry_lock);
}

struct kucomms_endpoint *
kucomms_device_endpoint_get(struct kucomms_device *device)
{
	struct kucomms_endpoint *endpoint = NULL;

	mutex_lock(&kucomms_registry_lock);
	if (device->endpoint)
		endpoint = kucomms_endpoint_get(device->endpoint);
	mutex_unlock(&kucomms_registry_lock);
	return endpoint;
}

void kucomms_device_add_channel(struct kucomms_device *device,
				struct kucomms_channel *channel)
{
	mutex_lock(&kucomms_registry_lock);
	list_add_tail(&channel->siblings, &device->attached);
	mutex_unlock(&kucomms_registry_lock);
}

void kucomms_device_remove_channel(struct kucomms_device *device,
				   struct kucomms_channel *channel)
{
	const struct kucomms_counters *counters = &channel->counters;

	mutex_lock(&kucomms_registry_lock);
	list_del(&channel->siblings);
	device->past.messages_to_kernel += counters->messages_to_kernel;
	device->past.messages_to_user += counters->messages_to_user;
	device->past.doorbells += counters->doorbells;
	device->past.wakeups += counters->wakeups;
	device->past.to_user_full += counters->to_user_full;
	device->past.broken += counters->broken;
	mutex_unlock(&kucomms_registry_lock);
}

int kucomms_device_init(void)
{
	int err;

	err = class_register(&kucomms_class);
	if (err)
		return err;
	err = alloc_chrdev_region(&first_number, 0, kucomms_devices_max,
				  "kucomms");
	if (err)
		goto err_class;
	cdev_init(&cdev, &kucomms_file_operations);
	cdev.owner = THIS_MODULE;
	err = cdev_add(&cdev, first_number, kucomms_devices_max);
	if (err)
		goto err_region;
	/* Last: from here on devices can be created. */
	control = device_create_with_groups(&kucomms_class, NULL, MKDEV(0, 0),
					    NULL, control_groups, "kucomms");
	if (IS_ERR(control)) {
		err = PTR_ERR(control);
		goto err_cdev;
	}
	return 0;

err_cdev:
	cdev_del(&cdev);
err_region:
	unregister_chrdev_region(first_number, kucomms_devices_max);
err_class:
	class_unregister(&kucomms_class);
	return err;
}

/*
 * The module is unloaded, so no file is open, no channel left and no endpoint
 * registered. The control files go first: they wait for their writers, so
 * nobody creates a device any more.
 */
void kucomms_device_uninit(void)
{
	struct kucomms_device *device;
	unsigned long minor;

	device_unregister(control);
	xa_for_each(&minors, minor, device)
		WARN_ON_ONCE(device_remove_named(&device->name));
	cdev_del(&cdev);
	unregister_chrdev_region(first_number, kucomms_devices_max);
	class_unregister(&kucomms_class);
}
