/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_WATCH_H
#define KUCOMMSCTL_WATCH_H

#include <libudev.h>
#include <stdbool.h>

#include "name.h"

/* How long create and remove wait if nobody says otherwise. */
#define WATCH_TIMEOUT_MS	10000

enum watch_event {
	WATCH_CREATED,
	WATCH_REMOVED,
};

/**
 * struct watch - waiting for what follows from a creation or removal
 * @udev, @monitor: NULL if no udev runs
 * @fd:             readable when it is time to look again
 */
struct watch {
	struct udev *udev;
	struct udev_monitor *monitor;
	int fd;
};

/*
 * To be called before the change, so that nothing is missed. Returns 0, with
 * watch_end() due, or an errno.
 */
int watch_begin(struct watch *watch);

/*
 * Waits until udev has finished with the device, so that it has its owner and
 * mode; without udev, until its node is there or gone. Returns 0 or an errno.
 */
int watch_wait(struct watch *watch, const struct device_name *name,
	       enum watch_event event, int timeout_ms);

void watch_end(struct watch *watch);

#endif
