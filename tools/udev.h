/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_UDEV_H
#define KUCOMMSCTL_UDEV_H

#include <stdbool.h>

#include "name.h"

/* How long create and remove wait for udev if nobody says otherwise. */
#define UDEV_TIMEOUT_MS	10000

/* Does a udev run that can be seen from here? */
bool udev_runs(void);

/*
 * Both wait until udev has finished with the device: has applied its rules to it,
 * so that the node has its owner and mode; has removed its link to it. Both
 * return at once if no udev runs. They return 0, ETIMEDOUT, or ENODEV if a device
 * that was waited for has been removed meanwhile.
 */
int udev_wait_created(const struct device_name *name, int timeout_ms);
int udev_wait_removed(const struct device_name *name, int timeout_ms);

/*
 * What @key is in udev's record of the device, NULL if the record has no such
 * key. The caller frees the text.
 */
char *udev_property(const struct device_name *name, const char *key);

#endif
