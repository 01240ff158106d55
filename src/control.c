// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control files in sysfs: administrators create and remove devices there.
 */
#define pr_fmt(fmt) "kucomms: " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "functions.h"

static unsigned int channels = 64;
module_param(channels, uint, 0444);
MODULE_PARM_DESC(channels, "how many channels a device may have if its creator does not say (default 64)");

static unsigned int channels_max = 4096;
module_param(channels_max, uint, 0444);
MODULE_PARM_DESC(channels_max, "most channels that a device can be created for (1 to 65536, default 4096)");

static unsigned int ring_size = 128 * 1024;
module_param(ring_size, uint, 0444);
MODULE_PARM_DESC(ring_size, "bytes of a ring if neither client nor creator of the device say (power of two, default 131072)");

/*
 * Largest ring that may be asked for, in bytes. One channel maps four times as
 * much, which is much of the address space of a 32-bit kernel.
 */
static unsigned int ring_size_max = (BITS_PER_LONG == 32 ? 1 : 16) << 20;
module_param(ring_size_max, uint, 0444);
MODULE_PARM_DESC(ring_size_max, "most bytes that a client or creator may ask for (power of two up to 1 GiB, default 16777216, on 32 bits 1048576)");

static struct device *control;

/* A line that was written to a control file. */
struct request {
	struct kc_name name;
	struct kc_limits limits;
	enum kucomms_dispatch dispatch;
	bool force;
};

/*
 * Parses a number from 1 to @most. Returns -ERANGE if it is larger, -EINVAL if
 * it is none.
 */
static int parse_number(unsigned int *number, const char *text,
			unsigned int most)
{
	int err = kstrtouint(text, 10, number);

	if (err)
		return err == -ERANGE ? err : -EINVAL;
	if (!*number)
		return -EINVAL;
	return *number > most ? -ERANGE : 0;
}

static int parse_ring_size(unsigned int *size, const char *text)
{
	int err = parse_number(size, text, ring_size_max);

	if (err)
		return err;
	return is_power_of_2(*size) && *size >= PAGE_SIZE ? 0 : -EINVAL;
}

static int parse_setting(struct request *request, char *setting)
{
	const char *key = strsep(&setting, "=");
	const char *value = setting;

	if (!value)
		return -EINVAL;
	if (!strcmp(key, "channels"))
		return parse_number(&request->limits.channels_max, value,
				    channels_max);
	if (!strcmp(key, "ring_size"))
		return parse_ring_size(&request->limits.ring_size, value);
	if (!strcmp(key, "ring_size_max"))
		return parse_ring_size(&request->limits.ring_size_max, value);
	if (!strcmp(key, "dispatch"))
		return kc_dispatch_parse(&request->dispatch, value);
	return -EINVAL;
}

/*
 * A ring_size_max below the default size lowers the default, unless ring_size
 * is set, too.
 */
static int check_ring_sizes(struct request *request)
{
	struct kc_limits *limits = &request->limits;

	if (!limits->ring_size_max)
		limits->ring_size_max = ring_size_max;
	if (!limits->ring_size)
		limits->ring_size = min(ring_size, limits->ring_size_max);
	return limits->ring_size > limits->ring_size_max ? -ERANGE : 0;
}

static int parse_settings(struct request *request, char *text)
{
	char *setting;
	int err;

	while ((setting = strsep(&text, " "))) {
		err = parse_setting(request, setting);
		if (err)
			return err;
	}
	return check_ring_sizes(request);
}

static int parse_force(struct request *request, char *text)
{
	if (!text)
		return 0;
	request->force = true;
	return strcmp(text, "force") ? -EINVAL : 0;
}

/*
 * "kucomms_NAME", then what @parse takes, separated by single blanks. A newline
 * at the end is allowed.
 */
static int parse_request(struct request *request, const char *buf,
			 size_t count,
			 int (*parse)(struct request *request, char *text))
{
	char *copy, *text, *name;
	int err;

	memset(request, 0, sizeof(*request));
	request->limits.channels_max = channels;
	request->dispatch = KUCOMMS_DISPATCH_DEFAULT;
	if (count && buf[count - 1] == '\n')
		count--;
	if (memchr(buf, '\0', count))
		return -EINVAL;
	copy = kmemdup_nul(buf, count, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	text = copy;
	name = strsep(&text, " ");
	err = kc_name_parse(&request->name, name, strlen(name), true) ?:
	      parse(request, text);
	kfree(copy);
	return err;
}

/*
 * `echo kucomms_NAME [channels=N] [ring_size=BYTES] [ring_size_max=BYTES]
 * [dispatch=WAY] >create_device`. EINVAL: no such name, key or value can be;
 * ERANGE: more than the module's parameters allow; EEXIST: there is one; ENOSPC:
 * as many as devices_max allows; EPERM: not without CAP_SYS_ADMIN.
 */
static ssize_t create_device_store(struct device *dev,
				   struct device_attribute *attr,
				   const char *buf, size_t count)
{
	struct request request;
	int err = kc_may_manage() ?:
		  parse_request(&request, buf, count, parse_settings);

	if (!err)
		err = kc_device_create(&request.name, &request.limits,
				       request.dispatch);
	return err ?: count;
}
static DEVICE_ATTR_WO(create_device);

/*
 * `echo kucomms_NAME [force] >remove_device`. EINVAL: no such name can be;
 * ENODEV: there is none; EBUSY: it is open; EPERM: not without CAP_SYS_ADMIN.
 * With "force" an open device is removed, and its clients see a hang-up.
 */
static ssize_t remove_device_store(struct device *dev,
				   struct device_attribute *attr,
				   const char *buf, size_t count)
{
	struct request request;
	int err = kc_may_manage() ?:
		  parse_request(&request, buf, count, parse_force);

	if (!err)
		err = kc_device_remove(&request.name, request.force);
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

static bool parameter_valid(const char *name, unsigned int value,
			    unsigned int least, unsigned int most)
{
	if (value >= least && value <= most)
		return true;
	pr_err("%s=%u: must be from %u to %u\n", name, value, least, most);
	return false;
}

static bool parameters_valid(void)
{
	if (!parameter_valid("channels_max", channels_max, 1, 65536) ||
	    !parameter_valid("channels", channels, 1, channels_max) ||
	    !parameter_valid("ring_size_max", ring_size_max, PAGE_SIZE,
			     KUCOMMS_RING_SIZE_MAX) ||
	    !parameter_valid("ring_size", ring_size, PAGE_SIZE, ring_size_max))
		return false;
	if (is_power_of_2(ring_size) && is_power_of_2(ring_size_max))
		return true;
	pr_err("ring_size=%u, ring_size_max=%u: must be powers of two\n",
	       ring_size, ring_size_max);
	return false;
}

int kc_control_init(void)
{
	if (!parameters_valid())
		return -EINVAL;
	control = device_create_with_groups(&kc_class, NULL, MKDEV(0, 0),
					    NULL, control_groups, "kucomms");
	return PTR_ERR_OR_ZERO(control);
}

/*
 * Waits for processes that write to the files: afterwards no device is created
 * any more.
 */
void kc_control_uninit(void)
{
	device_unregister(control);
}
