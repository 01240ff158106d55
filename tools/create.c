// SPDX-License-Identifier: MIT
/*
 * kucommsctl create
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "device.h"
#include "error.h"
#include "watch.h"

#define WHAT	"create NAME"

static const struct problem problems[] = {
	{ EEXIST, EXIT_EXISTS, "there is such a device already",
	  "look at it: kucommsctl show NAME" },
	{ EACCES, EXIT_PERMISSION, "only root may create devices",
	  "sudo kucommsctl create NAME" },
	{ ENOSPC, EXIT_FAILURE,
	  "there are as many devices as the module's parameter devices_max allows",
	  "remove one (kucommsctl list shows all), or load kucomms with a "
	  "higher devices_max" },
	{ EROFS, EXIT_FAILURE, "sysfs is mounted read-only, as in a container",
	  "create the device on the host" },
	{ ETIMEDOUT, EXIT_TIMEOUT,
	  "the device is there, but udev has not finished with it in time",
	  "is udev well? systemctl status systemd-udevd" },
	{ 0, EXIT_FAILURE, NULL, "look into the kernel's log: dmesg" }
};

static int create(const struct device_name *name, struct watch *watch,
		  int timeout_ms)
{
	int error = control_write("create_device", name);

	if (error == ENOENT)
		return report_no_module(WHAT, short_name(name));
	if (!error)
		error = watch_wait(watch, name, WATCH_CREATED, timeout_ms);
	return error ? report(problems, error, WHAT, short_name(name)) : 0;
}

static int run(const struct command *command, int argc, char **argv)
{
	int timeout_ms = WATCH_TIMEOUT_MS;
	struct device_name name;
	struct watch watch;
	bool verbose = false;
	int option, error, status;

	while ((option = next_option(command, argc, argv)) != -1) {
		if (option == 't')
			timeout_ms = timeout_argument(command, optarg);
		else
			verbose = true;
	}
	name = next_name(command, argc, argv);
	no_more_arguments(command, argc, argv);

	error = watch_begin(&watch);
	if (error)
		return report(problems, error, "wait for NAME",
			      short_name(&name));
	status = create(&name, &watch, timeout_ms);
	watch_end(&watch);
	if (!status && verbose)
		puts(device_node(&name).text);
	return status;
}

static const struct option options[] = {
	{ "timeout", required_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_create = {
	.name = "create",
	.synopsis = "[-v] [-t SECONDS] NAME",
	.summary = "create the device /dev/kucomms_NAME",
	.details =
	"Returns when the device can be used: udev has given it owner and mode.\n"
	"\n"
	"  -t, --timeout SECONDS  how long to wait for udev (10)\n"
	"  -v, --verbose          print the path of the device\n",
	.short_options = ":ht:v",
	.long_options = options,
	.run = run,
};
