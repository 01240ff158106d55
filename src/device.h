/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_DEVICE_H
#define KUCOMMS_SRC_DEVICE_H

#include <linux/device.h>
#include <linux/idr.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include "name.h"

struct kucomms_endpoint;
struct kucomms_channel;

/* What a channel has done, and what all that are gone did. */
struct kucomms_counters {
	u64 messages_to_kernel;
	u64 messages_to_user;
	u64 doorbells;		/* calls that rang */
	u64 wakeups;		/* sleeping clients woken */
	u64 to_user_full;	/* sends that found no room */
	u64 broken;		/* channels that broke the rules */
};

/**
 * struct kucomms_device - /dev/kucomms_NAME
 * @dev:      holds the reference count: one for the table of devices until the
 *            device is removed, one for each open file
 * @node:     in the table of devices
 * @name:     dev_name(), as a key
 * @minor:    number in the region of device numbers
 * @endpoint: the kernel side, if a module has registered the name; holds a
 *            reference
 * @opens:    how many files are open
 * @attached: the channels of those that are attached
 * @numbers:  of @attached
 * @past:     counters of channels that are closed
 *
 * @node, @endpoint, @opens, @attached and @past are protected by
 * kucomms_registry_lock.
 */
struct kucomms_device {
	struct device dev;
	struct hlist_node node;
	struct kucomms_name name;
	int minor;
	struct kucomms_endpoint *endpoint;
	unsigned int opens;
	struct list_head attached;
	struct ida numbers;
	struct kucomms_counters past;
};

/*
 * Protects which devices and endpoints exist and who belongs to whom. Nested
 * inside an endpoint's turn (handlers may register other endpoints); never
 * held while waiting for one.
 */
extern struct mutex kucomms_registry_lock;

int kucomms_device_init(void);
void kucomms_device_uninit(void);

struct kucomms_device *kucomms_device_open(unsigned int minor);
void kucomms_device_close(struct kucomms_device *device);
struct kucomms_device *kucomms_device_find(const struct kucomms_name *name);
struct kucomms_endpoint *
kucomms_device_endpoint_get(struct kucomms_device *device);
void kucomms_device_add_channel(struct kucomms_device *device,
				struct kucomms_channel *channel);
void kucomms_device_remove_channel(struct kucomms_device *device,
				   struct kucomms_channel *channel);

#endif
