/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_DEVICE_H
#define KUCOMMS_SRC_DEVICE_H

#include <linux/capability.h>
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include "name.h"
#include "tuning.h"

struct kucomms_endpoint;
struct kucomms_channel;

/* What a channel has done, and what all that are gone did. */
struct kucomms_counters {
	u64 messages_to_kernel;
	u64 messages_to_user;
	u64 doorbells;		/* calls that rang */
	u64 wakeups;		/* sleeping clients woken */
	u64 thread_wakeups;	/* sleeping threads of the endpoint woken */
	u64 to_user_full;	/* sends that found no room */
	u64 late_answers;	/* answers to calls that had ended */
	u64 broken;		/* channels that broke the rules */
};

/**
 * struct kucomms_limits - what clients of a device may have
 * @channels_max:  channels at a time
 * @ring_size:     bytes of a ring, if the client does not say
 * @ring_size_max: most bytes that a client may ask for
 */
struct kucomms_limits {
	unsigned int channels_max;
	unsigned int ring_size;
	unsigned int ring_size_max;
};

/**
 * struct kucomms_device - /dev/kucomms_NAME
 * @dev:      holds the reference count: one for the table of devices until the
 *            device is removed, one for each open file
 * @node:     in the table of devices
 * @name:     dev_name(), as a key
 * @minor:    number in the region of device numbers
 * @limits:   never change
 * @tuning:   what the administrator wants of the endpoint
 * @removed:  it is out of the tables; also read without the lock
 * @endpoint: the kernel side, if a module has registered the name; holds a
 *            reference
 * @opens:    how many files are open
 * @attached: the channels of those that are attached
 * @numbers:  of @attached
 * @past:     counters of channels that are closed
 *
 * What changes is protected by kucomms_registry_lock, but for @numbers.
 */
struct kucomms_device {
	struct device dev;
	struct hlist_node node;
	struct kucomms_name name;
	u32 minor;
	struct kucomms_limits limits;
	struct kucomms_tuning tuning;
	bool removed;
	struct kucomms_endpoint *endpoint;
	unsigned int opens;
	struct list_head attached;
	struct ida numbers;
	struct kucomms_counters past;
};

static inline struct kucomms_device *to_kucomms_device(struct device *dev)
{
	return container_of(dev, struct kucomms_device, dev);
}

/*
 * Checks a process that writes to sysfs, in addition to the mode of the file:
 * the mode lets in every process of root, also one in a container that has
 * root's user ID but not root's capabilities.
 */
static inline int kucomms_may_manage(void)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* device.c */
extern struct class kucomms_class;
/* The region of device numbers: the first one, and how many there are. */
extern dev_t kucomms_first_number;
extern unsigned int kucomms_devices_max;
int kucomms_device_init(void);
void kucomms_device_uninit(void);
int kucomms_device_create(const struct kucomms_name *name,
			  const struct kucomms_limits *limits,
			  enum kucomms_choice choice);
int kucomms_device_remove(const struct kucomms_name *name, bool force);
struct kucomms_device *kucomms_device_open(unsigned int minor);
void kucomms_device_close(struct kucomms_device *device);
void kucomms_device_add_channel(struct kucomms_device *device,
				struct kucomms_channel *channel);
void kucomms_device_remove_channel(struct kucomms_device *device,
				   struct kucomms_channel *channel);

/* attributes.c */
extern const struct attribute_group *kucomms_device_groups[];

/* control.c */
int kucomms_control_init(void);
void kucomms_control_uninit(void);

#endif
