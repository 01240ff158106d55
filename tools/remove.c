// SPDX-License-Identifier: MIT
/*
 * kucommsctl remove
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "error.h"
#include "holders.h"
#include "module.h"
#include "watch.h"

#define WHAT	"remove NAME"

static const struct problem problems[] = {
	{ ENODEV, EXIT_NO_DEVICE, "there is no such device",
	  "see which there are: kucommsctl list" },
	{ EACCES, EXIT_PERMISSION, "only root may remove devices",
	  "sudo kucommsctl remove NAME" },
	{ EROFS, EXIT_FAILURE, "sysfs is mounted read-only, as in a container",
	  "remove the device on the host" },
	{ ETIMEDOUT, EXIT_TIMEOUT,
	  "the device has gone, but udev has not finished with it in time",
	  "is udev well? systemctl status systemd-udevd" },
	{ 0, EXIT_FAILURE, NULL, "look into the kernel's log: dmesg" }
};

static int report_busy(const struct device_name *name)
{
	struct problem problem = {
		EBUSY, EXIT_BUSY, NULL, "stop what holds it, then try again"
	};
	char *holders = device_holders(name);
	char *explanation = NULL;
	size_t size;
	FILE *text = must_have(open_memstream(&explanation, &size));
	int status;

	fprintf(text, "it is open in process %s", *holders ? holders :
		"none that can be seen from here (another container?)");
	fclose(text);
	problem.explanation = must_have(explanation);
	status = report_problem(&problem, WHAT, short_name(name));
	free(explanation);
	free(holders);
	return status;
}

static int remove_device(const struct device_name *name, struct watch *watch,
			 int timeout_ms)
{
	int error = control_write("remove_device", name);

	if (error == ENOENT)
		return report_no_module(WHAT, short_name(name));
	if (error == EBUSY)
		return report_busy(name);
	if (!error)
		error = watch_wait(watch, name, WATCH_REMOVED, timeout_ms);
	return error ? report(problems, error, WHAT, short_name(name)) : 0;
}

static int run(const struct command *command, int argc, char **argv)
{
	int timeout_ms = WATCH_TIMEOUT_MS;
	struct device_name name;
	struct watch watch;
	int error, status;

	while (next_option(command, argc, argv) != -1)
		timeout_ms = timeout_argument(command, optarg);
	name = next_name(command, argc, argv);
	no_more_arguments(command, argc, argv);

	error = watch_begin(&watch);
	if (error)
		return report(problems, error, "wait for NAME",
			      short_name(&name));
	status = remove_device(&name, &watch, timeout_ms);
	watch_end(&watch);
	return status;
}

static const struct option options[] = {
	{ "timeout", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_remove = {
	.name = "remove",
	.synopsis = "[-t SECONDS] NAME",
	.summary = "remove a device that nobody has open",
	.details =
	"Says which processes have it open, if there are any.\n"
	"\n"
	"  -t, --timeout SECONDS  how long to wait for udev (10)\n",
	.short_options = ":ht:",
	.long_options = options,
	.run = run,
};
