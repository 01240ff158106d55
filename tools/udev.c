// SPDX-License-Identifier: MIT
/*
 * Waits for udev. udev's events do not reach another network namespace, nor a
 * process that may have no netlink socket. udev's records and links can be seen
 * where /run/udev and /dev are those of the host, so this file looks at them
 * again and again, with ever longer pauses.
 */
#include <errno.h>
#include <libudev.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "error.h"
#include "udev.h"

/* Shortest and longest pause between two looks, in milliseconds. */
#define PAUSE_MIN_MS	1
#define PAUSE_MAX_MS	64

/* Time after which the user is told of the wait, in milliseconds. */
#define PATIENCE_MS	2000

bool udev_runs(void)
{
	return !access("/run/udev/control", F_OK);
}

static struct udev_device *find(struct udev *udev,
				const struct device_name *name)
{
	return udev_device_new_from_syspath(udev, device_directory(name).text);
}

/*
 * Tells whether udev has finished with a created device. Returns 0, EAGAIN as
 * long as it has not, or ENODEV. The kernel module gives out numbers in turn,
 * so udev's record, which goes by the number, is not that of an earlier device.
 */
static int look_if_created(const struct device_name *name)
{
	struct udev *udev = must_have(udev_new());
	struct udev_device *device = find(udev, name);
	int error = 0;

	if (!device)
		error = ENODEV;
	else if (udev_device_get_is_initialized(device) <= 0)
		error = EAGAIN;
	udev_device_unref(device);
	udev_unref(udev);
	return error;
}

/*
 * Tells whether udev has removed the link of a removed device. If the device
 * has been created again meanwhile, the link belongs to the new device.
 */
static int look_if_removed(const struct device_name *name)
{
	struct stat link;

	return lstat(device_link(name).text, &link) || device_exists(name) ?
	       0 : EAGAIN;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int wait_until(int (*look)(const struct device_name *name),
		      const struct device_name *name, int timeout_ms)
{
	const long long start = now_ms();
	int pause = PAUSE_MIN_MS;
	bool told = false;
	int error;

	while (udev_runs() && (error = look(name)) != 0) {
		const long long waited = now_ms() - start;

		if (error != EAGAIN)
			return error;
		if (waited >= timeout_ms)
			return ETIMEDOUT;
		if (!told && waited >= PATIENCE_MS) {
			fprintf(stderr, "kucommsctl: waiting for udev to "
				"finish with %s\n", short_name(name));
			told = true;
		}
		if (pause > timeout_ms - waited)
			pause = timeout_ms - waited;
		poll(NULL, 0, pause);
		if (pause < PAUSE_MAX_MS)
			pause *= 2;
	}
	return 0;
}

int udev_wait_created(const struct device_name *name, int timeout_ms)
{
	return wait_until(look_if_created, name, timeout_ms);
}

int udev_wait_removed(const struct device_name *name, int timeout_ms)
{
	return wait_until(look_if_removed, name, timeout_ms);
}

char *udev_property(const struct device_name *name, const char *key)
{
	struct udev *udev = must_have(udev_new());
	struct udev_device *device = find(udev, name);
	const char *value = device ?
			    udev_device_get_property_value(device, key) : NULL;
	char *copy = value ? must_have(strdup(value)) : NULL;

	udev_device_unref(device);
	udev_unref(udev);
	return copy;
}
