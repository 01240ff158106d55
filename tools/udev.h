/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_UDEV_H
#define KUCOMMSCTL_UDEV_H

#include <stdbool.h>

#include "name.h"

/* Default time that create and remove wait for udev, in milliseconds. */
#define UDEV_TIMEOUT_MS	10000

/* Tells whether udev runs and can be seen from here. */
bool udev_runs(void);

/*
 * Wait until udev has finished with the device: the first until udev has
 * applied its rules, so that the node has its owner and mode, the second until
 * udev has removed its link to the node. Both return at once if no udev runs.
 * They return 0, ETIMEDOUT, or ENODEV if the created device has been removed
 * meanwhile.
 */
int udev_wait_created(const struct device_name *name, int timeout_ms);
int udev_wait_removed(const struct device_name *name, int timeout_ms);

/*
 * Returns the value of @key in udev's record of the device, or NULL if the
 * record has no such key. The caller frees the text.
 */
char *udev_property(const struct device_name *name, const char *key);

#endif
