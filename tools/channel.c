// SPDX-License-Identifier: MIT
/*
 * Channels: what can go wrong with them, in words.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"
#include "error.h"
#include "module.h"

#define NO_SUCH_DEVICE \
	EXIT_NO_DEVICE, "there is no such device", \
	"create it: sudo kucommsctl create NAME"

static const struct problem open_problems[] = {
	{ ENOENT, NO_SUCH_DEVICE },
	{ ENODEV, NO_SUCH_DEVICE },
	{ ENXIO, NO_SUCH_DEVICE },
	{ EACCES, EXIT_PERMISSION, "you may not open /dev/kucomms_NAME",
	  "you must be in its group (kucommsctl show NAME), usually kucomms, "
	  "but you are only in those that `id -nG` prints; after "
	  "`sudo usermod -aG kucomms USER` log in again" },
	{ EPERM, EXIT_PERMISSION,
	  "the cgroup of this process does not let it open the device "
	  "(DevicePolicy= of a unit, a container)",
	  "allow it: DeviceAllow=char-kucomms rw in the unit, or give the "
	  "container the device" },
	{ ENOTCONN, EXIT_FAILURE, "no kernel module serves the device",
	  "load the kernel module that registers \"NAME\"" },
	{ EUSERS, EXIT_BUSY, "the device has all the channels that it may have",
	  "close one, or create the device for more: kucommsctl create "
	  "--channels N NAME" },
	{ ENOMEM, EXIT_FAILURE,
	  "there is no memory for the rings, or the cgroup may have no more",
	  "create the device for smaller ones (kucommsctl create --ring-size "
	  "BYTES NAME), or raise the cgroup's memory.max" },
	{ EPROTONOSUPPORT, EXIT_VERSION,
	  "the kernel module and the library have different versions",
	  "compare them: kucommsctl version" },
	{ ENOTTY, EXIT_FAILURE, "/dev/kucomms_NAME is no kucomms device",
	  "remove that file, then: sudo kucommsctl create NAME" },
	{ 0, EXIT_FAILURE, NULL,
	  "the kernel module that serves NAME may have refused (kucommsctl "
	  "show NAME says which it is); look into its documentation, and dmesg" }
};

static const struct problem no_devices_here = {
	EACCES, EXIT_PERMISSION,
	"/dev/kucomms_NAME has the right mode, but this /dev is mounted with "
	"nodev, or a security module forbids opening the device",
	"look at the options of the mount: findmnt -T /dev/kucomms_NAME"
};

static const struct problem bad_ring_size = {
	EINVAL, EXIT_FAILURE,
	"a ring of this size is more than the device allows",
	"choose a smaller --ring-size; kucommsctl show NAME tells the "
	"ring_size_max"
};

static const struct problem message_problems[] = {
	{ ETIMEDOUT, EXIT_TIMEOUT, "nothing happened in the time given",
	  "give more with --timeout; kucommsctl show NAME tells what flows" },
	{ ESHUTDOWN, EXIT_FAILURE,
	  "the kernel module that served the device has unregistered, or the "
	  "device has been removed",
	  "kucommsctl show NAME tells which; load the module again, or create "
	  "the device again" },
	{ EPROTO, EXIT_FAILURE,
	  "the kernel module refused a message, or a side broke the rules; the "
	  "channel is closed",
	  "the tracepoint kucomms:kucomms_broken says why; `kucommsctl show "
	  "NAME` counts such channels" },
	{ 0, EXIT_FAILURE, NULL, "look into the kernel's log: dmesg" }
};

static int report_open(const struct device_name *name, int error,
		       const char *what)
{
	if (error == ENOENT && !module_loaded())
		return report_no_module(what, short_name(name));
	if (error == EACCES && !access(device_node(name).text, R_OK | W_OK))
		return report_problem(&no_devices_here, what,
				      short_name(name));
	return report(open_problems, error, what, short_name(name));
}

int open_channel(const struct device_name *name, const char *what,
		 uint32_t ring_size, struct kucomms_channel **channel)
{
	const struct kucomms_options options = {
		.size = sizeof(options),
		.send_size = ring_size,
		.receive_size = ring_size,
	};
	enum node_state state;
	struct stat node;
	int error;

	/* A node that is not the device's leads to another device, or none. */
	state = device_node_stat(name, &node);
	if (state == NODE_MISSING || state == NODE_OTHER)
		return device_report_node(name, state, what);
	error = -kucomms_open(name->text, &options, channel);
	if (!error)
		return EXIT_SUCCESS;
	if (error == EINVAL && ring_size)
		return report_problem(&bad_ring_size, what, short_name(name));
	return report_open(name, error, what);
}

int report_message(const struct device_name *name, int error,
		   const char *what)
{
	/* What --timeout 0 gives: it does not even begin to wait. */
	if (error == EAGAIN)
		error = ETIMEDOUT;
	return report(message_problems, error, what, short_name(name));
}
