// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's attributes in sysfs: one value per file, readable by everybody.
 * What can be written tunes the endpoint behind the device, if its module allows
 * that, and if the writer has CAP_SYS_ADMIN.
 */
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "functions.h"

/* The name without its prefix, as administrators and udev's rule use it. */
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
	struct kc_device *device = to_kc_device(dev);
	struct module *owner;
	ssize_t length = 0;

	mutex_lock(&kc_registry_lock);
	if (device->endpoint) {
		owner = device->endpoint->owner;
		length = sysfs_emit(buf, "%s\n",
				    owner ? module_name(owner) : "kernel");
	}
	mutex_unlock(&kc_registry_lock);
	return length;
}
static DEVICE_ATTR_RO(endpoint);

static ssize_t opens_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct kc_device *device = to_kc_device(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(device->opens));
}
static DEVICE_ATTR_RO(opens);

static ssize_t channels_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct kc_device *device = to_kc_device(dev);
	struct kucomms_channel *channel;
	unsigned int count = 0;

	mutex_lock(&kc_registry_lock);
	list_for_each_entry(channel, &device->attached, device_node)
		count++;
	mutex_unlock(&kc_registry_lock);
	return sysfs_emit(buf, "%u\n", count);
}
static DEVICE_ATTR_RO(channels);

/*
 * Returns the process that attached, as the reader's PID namespace numbers it;
 * 0 if it is not in that namespace or has ended.
 */
static pid_t client_pid(const struct kucomms_channel *channel)
{
	pid_t pid;

	rcu_read_lock();
	pid = pid_task(channel->pid, PIDTYPE_TGID) ?
	      pid_vnr(channel->pid) : 0;
	rcu_read_unlock();
	return pid;
}

/*
 * Lists the processes that attached the channels, as many as fit into a page,
 * with "netlink:" before those that did it over netlink. /proc does not tell
 * which process has a channel over netlink, or a file that only io_uring or a
 * socket still holds.
 */
static ssize_t clients_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	const int longest = sizeof(" netlink:2147483647\n");
	struct kc_device *device = to_kc_device(dev);
	struct kucomms_channel *channel;
	int length = 0;

	mutex_lock(&kc_registry_lock);
	list_for_each_entry(channel, &device->attached, device_node) {
		if (length > PAGE_SIZE - longest)
			break;
		length += sysfs_emit_at(buf, length, "%s%s%d",
					length ? " " : "",
					channel->netlink ? "netlink:" : "",
					client_pid(channel));
	}
	mutex_unlock(&kc_registry_lock);
	if (length)
		length += sysfs_emit_at(buf, length, "\n");
	return length;
}
/*
 * Readable by root only: with the mount option hidepid users do not see all
 * processes.
 */
static DEVICE_ATTR_ADMIN_RO(clients);

/* A counter is the sum over all channels that the device has and has had. */
#define COUNTER_ATTR(name)						\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	struct kc_device *device = to_kc_device(dev);		\
	struct kucomms_channel *channel;				\
	u64 sum;							\
									\
	mutex_lock(&kc_registry_lock);				\
	sum = device->past.name;					\
	list_for_each_entry(channel, &device->attached, device_node)	\
		sum += READ_ONCE(channel->counters.name);		\
	mutex_unlock(&kc_registry_lock);				\
	return sysfs_emit(buf, "%llu\n", sum);				\
}									\
static DEVICE_ATTR_RO(name)

COUNTER_ATTR(messages_to_kernel);
COUNTER_ATTR(messages_to_user);
COUNTER_ATTR(doorbells);
COUNTER_ATTR(wakeups);
COUNTER_ATTR(thread_wakeups);
COUNTER_ATTR(to_user_full);
COUNTER_ATTR(late_answers);
COUNTER_ATTR(broken);

#define LIMIT_ATTR(name)						\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%u\n",					\
			  to_kc_device(dev)->limits.name);		\
}									\
static DEVICE_ATTR_RO(name)

LIMIT_ATTR(channels_max);
LIMIT_ATTR(ring_size);
LIMIT_ATTR(ring_size_max);

/*
 * Applies @wanted to the endpoint, if there is one, and keeps it for later
 * endpoints. Frees the CPU mask that is no longer used: the old one or, if the
 * endpoint refuses, @wanted->cpus.
 */
static int device_tune(struct kc_device *device,
		       const struct kc_tuning *wanted)
{
	struct cpumask *old = device->tuning.cpus;
	int err = 0;

	lockdep_assert_held(&kc_registry_lock);
	if (device->endpoint)
		err = kc_endpoint_retune(device->endpoint, wanted);
	if (!err)
		device->tuning = *wanted;
	else
		old = wanted->cpus;
	if (old != device->tuning.cpus)
		kfree(old);
	return err;
}

/*
 * Shows the dispatch in force or, without a module, the administrator's
 * setting.
 */
static ssize_t dispatch_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct kc_device *device = to_kc_device(dev);
	enum kucomms_dispatch dispatch;

	mutex_lock(&kc_registry_lock);
	dispatch = device->endpoint ? device->endpoint->dispatch :
				      device->tuning.dispatch;
	mutex_unlock(&kc_registry_lock);
	return sysfs_emit(buf, "%s\n", kc_dispatch_name(dispatch));
}

/*
 * EINVAL: it is no name of a dispatch; EOPNOTSUPP: the module does not allow a
 * change.
 */
static ssize_t dispatch_store(struct device *dev,
			      struct device_attribute *attr, const char *buf,
			      size_t count)
{
	struct kc_device *device = to_kc_device(dev);
	struct kc_tuning wanted;
	enum kucomms_dispatch dispatch;
	int err;

	err = kc_may_manage() ?: kc_dispatch_parse(&dispatch, buf);
	if (err)
		return err;
	mutex_lock(&kc_registry_lock);
	wanted = device->tuning;
	wanted.dispatch = dispatch;
	err = device_tune(device, &wanted);
	mutex_unlock(&kc_registry_lock);
	return err ?: count;
}
static DEVICE_ATTR_RW(dispatch);

static ssize_t poll_idle_us_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	struct kc_device *device = to_kc_device(dev);
	unsigned int us;

	mutex_lock(&kc_registry_lock);
	us = device->endpoint ? device->endpoint->poll_idle_us :
				device->tuning.poll_idle_us;
	mutex_unlock(&kc_registry_lock);
	return sysfs_emit(buf, "%u\n", us);
}

/* 0 restores the module's value. */
static ssize_t poll_idle_us_store(struct device *dev,
				  struct device_attribute *attr,
				  const char *buf, size_t count)
{
	struct kc_device *device = to_kc_device(dev);
	struct kc_tuning wanted;
	unsigned int us;
	int err;

	err = kc_may_manage();
	if (err)
		return err;
	if (kstrtouint(buf, 10, &us) || us > KC_POLL_IDLE_MAX_US)
		return -EINVAL;
	mutex_lock(&kc_registry_lock);
	wanted = device->tuning;
	wanted.poll_idle_us = us;
	err = device_tune(device, &wanted);
	mutex_unlock(&kc_registry_lock);
	return err ?: count;
}
static DEVICE_ATTR_RW(poll_idle_us);

static ssize_t cpus_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct kc_device *device = to_kc_device(dev);
	const struct cpumask *cpus;
	ssize_t length;

	mutex_lock(&kc_registry_lock);
	cpus = device->endpoint ? device->endpoint->cpus : device->tuning.cpus;
	length = sysfs_emit(buf, "%*pbl\n",
			    cpumask_pr_args(cpus ?: cpu_possible_mask));
	mutex_unlock(&kc_registry_lock);
	return length;
}

/* An empty line restores the module's CPUs. */
static ssize_t cpus_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	struct kc_device *device = to_kc_device(dev);
	struct kc_tuning wanted;
	struct cpumask *cpus = NULL;
	int err;

	err = kc_may_manage();
	if (err)
		return err;
	if (!sysfs_streq(buf, "")) {
		cpus = kzalloc(cpumask_size(), GFP_KERNEL);
		if (!cpus)
			return -ENOMEM;
		err = cpulist_parse(buf, cpus);
		if (err || !cpumask_intersects(cpus, cpu_online_mask)) {
			kfree(cpus);
			return -EINVAL;
		}
	}
	mutex_lock(&kc_registry_lock);
	wanted = device->tuning;
	wanted.cpus = cpus;
	err = device_tune(device, &wanted);
	mutex_unlock(&kc_registry_lock);
	return err ?: count;
}
static DEVICE_ATTR_RW(cpus);

static struct attribute *device_attrs[] = {
	&dev_attr_name.attr,
	&dev_attr_endpoint.attr,
	&dev_attr_opens.attr,
	&dev_attr_channels.attr,
	&dev_attr_clients.attr,
	&dev_attr_channels_max.attr,
	&dev_attr_ring_size.attr,
	&dev_attr_ring_size_max.attr,
	&dev_attr_dispatch.attr,
	&dev_attr_poll_idle_us.attr,
	&dev_attr_cpus.attr,
	&dev_attr_messages_to_kernel.attr,
	&dev_attr_messages_to_user.attr,
	&dev_attr_doorbells.attr,
	&dev_attr_wakeups.attr,
	&dev_attr_thread_wakeups.attr,
	&dev_attr_to_user_full.attr,
	&dev_attr_late_answers.attr,
	&dev_attr_broken.attr,
	NULL
};
static const struct attribute_group device_group = {
	.attrs = device_attrs,
};

const struct attribute_group *kc_device_groups[] = {
	&device_group,
	NULL
};
