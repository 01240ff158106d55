/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_DEVICE_H
#define KUCOMMSCTL_DEVICE_H

#include <sys/stat.h>

#include "module.h"
#include "output.h"

/* What can be told about a device: the columns of list, the lines of show. */
enum device_field {
	DEVICE_NAME,
	DEVICE_ENDPOINT,
	DEVICE_DISPATCH,
	DEVICE_POLL_IDLE_US,
	DEVICE_CPUS,
	DEVICE_CHANNELS,
	DEVICE_CHANNELS_MAX,
	DEVICE_RING_SIZE,
	DEVICE_RING_SIZE_MAX,
	DEVICE_OWNER,
	DEVICE_MODE,
	DEVICE_NODE,
	DEVICE_OPENS,
	DEVICE_MESSAGES_TO_KERNEL,
	DEVICE_MESSAGES_TO_USER,
	DEVICE_DOORBELLS,
	DEVICE_WAKEUPS,
	DEVICE_THREAD_WAKEUPS,
	DEVICE_TO_USER_FULL,
	DEVICE_LATE_ANSWERS,
	DEVICE_BROKEN,
	DEVICE_FIELDS
};

struct device {
	struct field fields[DEVICE_FIELDS];
};

/* The key of a field. */
const char *device_key(enum device_field field);

bool device_exists(const struct device_name *name);

/* Reads the device's number, which is the same in every /dev. */
bool device_number(const struct device_name *name, dev_t *number);

/*
 * What this /dev, which may be another one than the host's, has for a device.
 */
enum node_state {
	NODE_RIGHT,
	NODE_MISSING,
	NODE_OTHER,	/* a file of the same name */
	NODE_NO_DEVICE,	/* sysfs does not know the device */
};

/*
 * Looks for the node. Fills in @node, unless the node or the device is missing.
 */
enum node_state device_node_stat(const struct device_name *name,
				 struct stat *node);

/*
 * Says why "@what" cannot be done when the node is missing or is something
 * else. Returns the exit code.
 */
int device_report_node(const struct device_name *name, enum node_state state,
		       const char *what);

/* Returns whether there is such a device; then device_free() is due. */
bool device_read(struct device *device, const struct device_name *name);
void device_free(struct device *device);

/* Paths of a device's node, of udev's link to it, of its directory in sysfs. */
struct device_path {
	char text[sizeof(DEVICES_DIR "/") + KUCOMMS_NAME_MAX];
};
struct device_path device_node(const struct device_name *name);
struct device_path device_link(const struct device_name *name);
struct device_path device_directory(const struct device_name *name);

/*
 * The names of all devices, in order. Returns how many, or, if there are none
 * because there is no module, -1. The array is the caller's to free.
 */
int device_names(struct device_name **names);

#endif
