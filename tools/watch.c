// SPDX-License-Identifier: MIT
/*
 * Waiting for udev. What it says about an event comes after it has applied its
 * rules, so this very device's event is all there is to wait for. Whether udev
 * has a record of the device would be no answer: it may be that of an earlier
 * device with the same number.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "watch.h"

/* Whoever waits longer than this is told what for. */
#define PATIENCE_MS	2000

static bool udev_runs(void)
{
	return !access("/run/udev/control", F_OK);
}

static int watch_udev(struct watch *watch)
{
	watch->udev = udev_new();
	if (!watch->udev)
		return ENOMEM;
	watch->monitor = udev_monitor_new_from_netlink(watch->udev, "udev");
	if (!watch->monitor ||
	    udev_monitor_filter_add_match_subsystem_devtype(watch->monitor,
							    "kucomms",
							    NULL) < 0 ||
	    udev_monitor_enable_receiving(watch->monitor) < 0)
		return errno ? errno : EIO;
	watch->fd = udev_monitor_get_fd(watch->monitor);
	return 0;
}

static int watch_dev(struct watch *watch)
{
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd < 0 ||
	    inotify_add_watch(watch->fd, "/dev", IN_CREATE | IN_DELETE) < 0)
		return errno;
	return 0;
}

int watch_begin(struct watch *watch)
{
	int error;

	*watch = (struct watch) { .fd = -1 };
	errno = 0;
	error = udev_runs() ? watch_udev(watch) : watch_dev(watch);
	if (error)
		watch_end(watch);
	return error;
}

void watch_end(struct watch *watch)
{
	if (watch->udev) {
		udev_monitor_unref(watch->monitor);
		udev_unref(watch->udev);
	} else if (watch->fd >= 0) {
		close(watch->fd);
	}
}

/* Takes what udev has said so far; was it what we are waiting for? */
static bool udev_said(struct watch *watch, const struct device_name *name,
		      enum watch_event event)
{
	const char *wanted = event == WATCH_CREATED ? "add" : "remove";
	struct udev_device *device;
	bool said = false;

	while (!said &&
	       (device = udev_monitor_receive_device(watch->monitor))) {
		said = !strcmp(udev_device_get_sysname(device), name->text) &&
		       !strcmp(udev_device_get_action(device), wanted);
		udev_device_unref(device);
	}
	return said;
}

static bool happened(struct watch *watch, const struct device_name *name,
		     enum watch_event event)
{
	char events[4096];

	if (watch->monitor)
		return udev_said(watch, name, event);
	/* Which file it was does not matter, the node itself is looked at. */
	while (read(watch->fd, events, sizeof(events)) > 0)
		;
	return !access(device_node(name).text, F_OK) ==
	       (event == WATCH_CREATED);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int watch_wait(struct watch *watch, const struct device_name *name,
	       enum watch_event event, int timeout_ms)
{
	struct pollfd ready = { .fd = watch->fd, .events = POLLIN };
	const long long start = now_ms();
	bool told = false;

	while (!happened(watch, name, event)) {
		const long long waited = now_ms() - start;
		long long left = timeout_ms - waited;

		if (left <= 0)
			return ETIMEDOUT;
		if (!told && waited >= PATIENCE_MS) {
			fprintf(stderr, "kucommsctl: waiting for %s to finish "
				"with %s\n", watch->monitor ? "udev" :
				"the kernel", short_name(name));
			told = true;
		}
		if (!told && left > PATIENCE_MS - waited)
			left = PATIENCE_MS - waited;
		if (poll(&ready, 1, left) < 0 && errno != EINTR)
			return errno;
	}
	return 0;
}
