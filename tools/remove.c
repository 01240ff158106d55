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
#include "udev.h"

#define WHAT	"remove NAME"

static const struct problem problems[] = {
	{ ENODEV, EXIT_NO_DEVICE, "there is no such device",
	  "see which there are: kucommsctl list" },
	{ EACCES, EXIT_PERMISSION, "only root may remove devices",
	  "sudo kucommsctl remove NAME" },
	{ EPERM, EXIT_PERMISSION, NOT_THE_HOSTS_ROOT,
	  "remove the device on the host" },
	{ EROFS, EXIT_FAILURE, SYSFS_READ_ONLY,
	  "remove the device on the host" },
	{ ETIMEDOUT, EXIT_TIMEOUT,
	  "the device has gone, but udev has not finished with it in time",
	  "is udev well? systemctl status systemd-udevd" },
	{ 0, EXIT_FAILURE, NULL, "look into the kernel's log: dmesg" }
};

static const struct problem no_force = {
	EINVAL, EXIT_VERSION,
	"the kernel module that is loaded cannot do it by force, it is older "
	"than kucommsctl",
	"without --force kucommsctl remove NAME says who has it open"
};

static int report_busy(const struct device_name *name)
{
	struct problem problem = {
		EBUSY, EXIT_BUSY, NULL,
		"stop what holds it, then try again; or hang up on it: "
		"sudo kucommsctl remove --force NAME"
	};
	char *holders = device_holders(name);
	char *explanation = NULL;
	size_t size;
	FILE *text = must_have(open_memstream(&explanation, &size));
	int status;

	if (holders)
		fprintf(text, "it is open in process %s", holders);
	else
		fputs("it was open until a moment ago", text);
	fclose(text);
	problem.explanation = must_have(explanation);
	status = report_problem(&problem, WHAT, short_name(name));
	free(explanation);
	free(holders);
	return status;
}

static int write_request(const struct device_name *name, bool force)
{
	char request[sizeof(*name) + sizeof(" force")];

	snprintf(request, sizeof(request), "%s%s", name->text,
		 force ? " force" : "");
	return write_attribute(CONTROL_DIR, "remove_device", request);
}

static int remove_device(const struct device_name *name, bool force,
			 int timeout_ms)
{
	int error = write_request(name, force);

	if (error == ENOENT)
		return report_no_module(WHAT, short_name(name));
	if (error == EBUSY)
		return report_busy(name);
	if (error == EINVAL && force)
		return report_problem(&no_force, WHAT, short_name(name));
	if (!error)
		error = udev_wait_removed(name, timeout_ms);
	return error ? report(problems, error, WHAT, short_name(name)) : 0;
}

/* Looks for the holders first: when the device has gone nobody can tell. */
static int remove_by_force(const struct device_name *name, int timeout_ms)
{
	char *holders = device_holders(name);
	const int status = remove_device(name, true, timeout_ms);

	if (!status && holders)
		fprintf(stderr, "kucommsctl: %s was open in process %s: "
			"its channels are closed\n", short_name(name), holders);
	free(holders);
	return status;
}

static int run(const struct command *command, int argc, char **argv)
{
	int timeout_ms = UDEV_TIMEOUT_MS;
	struct device_name name;
	bool force = false;
	int option;

	while ((option = next_option(command, argc, argv)) != -1) {
		if (option == 't')
			timeout_ms = timeout_argument(command, optarg);
		else
			force = true;
	}
	name = next_name(command, argc, argv);
	no_more_arguments(command, argc, argv);
	return force ? remove_by_force(&name, timeout_ms) :
		       remove_device(&name, false, timeout_ms);
}

static const struct option options[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "timeout", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_remove = {
	.name = "remove",
	.synopsis = "[-f] [-t SECONDS] NAME",
	.summary = "remove a device",
	.details =
	"Fails if a process has it open, and says which.\n"
	"\n"
	"  -f, --force            remove it all the same, and say which had it open: their\n"
	"                         channels are closed\n"
	"  -t, --timeout SECONDS  how long to wait for udev (10)\n",
	.short_options = ":fht:",
	.long_options = options,
	.run = run,
};
