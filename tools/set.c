// SPDX-License-Identifier: MIT
/*
 * kucommsctl set
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "device.h"
#include "error.h"

/* The module allows no more. */
#define POLL_IDLE_MAX_US	1000000u

/* What can be set, in the order in which it is. */
enum setting {
	SET_CPUS,
	SET_POLL_IDLE_US,
	SET_DISPATCH,
	SETTINGS
};

static const struct {
	const char *what;
	enum device_field field;
} known[SETTINGS] = {
	[SET_CPUS]		= { "set the CPUs of NAME", DEVICE_CPUS },
	[SET_POLL_IDLE_US]	= { "set poll_idle_us of NAME",
				    DEVICE_POLL_IDLE_US },
	[SET_DISPATCH]		= { "set the dispatch of NAME",
				    DEVICE_DISPATCH },
};

#define NO_SUCH_DEVICE \
	EXIT_NO_DEVICE, "there is no such device", \
	"see which there are: kucommsctl list"

static const struct problem no_device = { ENODEV, NO_SUCH_DEVICE };

static const struct problem no_attribute = {
	ENOENT, EXIT_VERSION,
	"the kernel module that is loaded cannot do that, it is older than "
	"kucommsctl",
	"compare them: kucommsctl version"
};

static const struct problem problems[] = {
	{ ENODEV, NO_SUCH_DEVICE },
	{ EOPNOTSUPP, EXIT_FAILURE,
	  "the kernel module that serves it leaves no choice",
	  "kucommsctl show NAME says which it is; it must register with "
	  "KUCOMMS_OPS_ADJUSTABLE" },
	{ EINVAL, EXIT_FAILURE, "none of these CPUs is online, or this is no list",
	  "a list looks like 0-3,5; /sys/devices/system/cpu/online has those "
	  "that are online" },
	{ EACCES, EXIT_PERMISSION, "only root may change devices",
	  "sudo kucommsctl set ... NAME" },
	{ EPERM, EXIT_PERMISSION, NOT_THE_HOSTS_ROOT, "do it on the host" },
	{ EROFS, EXIT_FAILURE, SYSFS_READ_ONLY, "do it on the host" },
	{ 0, EXIT_FAILURE, NULL, "look into the kernel's log: dmesg" }
};

static int set_one(const struct device_name *name, enum setting setting,
		   const char *value)
{
	const struct device_path directory = device_directory(name);
	const char *what = known[setting].what;
	const int error = write_attribute(directory.text,
					  device_key(known[setting].field),
					  value);

	if (!error)
		return EXIT_SUCCESS;
	if (error == ENOENT)
		return report_problem(&no_attribute, what, short_name(name));
	return report(problems, error, what, short_name(name));
}

static int set_all(const struct device_name *name, const char *const *values)
{
	int status = EXIT_SUCCESS;
	int i;

	if (!module_loaded())
		return report_no_module("set NAME", short_name(name));
	if (!device_exists(name))
		return report_problem(&no_device, "set NAME", short_name(name));
	for (i = 0; i < SETTINGS && !status; i++)
		if (values[i])
			status = set_one(name, i, values[i]);
	return status;
}

/* What the module wants is an empty line for it. */
static const char *cpus_argument(const struct command *command,
				 const char *text)
{
	if (!*text)
		exit(usage_error(command, "--cpus \"\" is no list, such as "
				 "0-3,5, nor default"));
	return strcmp(text, "default") ? text : "\n";
}

/* What the module wants is 0 for it. */
static const char *poll_idle_argument(const struct command *command,
				      const char *text)
{
	static char value[16];

	if (!strcmp(text, "default"))
		return "0";
	snprintf(value, sizeof(value), "%u",
		 range_argument(command, "--poll-idle-us", text, 1,
				POLL_IDLE_MAX_US));
	return value;
}

static int run(const struct command *command, int argc, char **argv)
{
	const char *values[SETTINGS] = { NULL };
	struct device_name name;
	int option;

	while ((option = next_option(command, argc, argv)) != -1) {
		switch (option) {
		case 'c':
			values[SET_CPUS] = cpus_argument(command, optarg);
			break;
		case 'd':
			values[SET_DISPATCH] = dispatch_argument(command,
								 optarg, true);
			break;
		case 'p':
			values[SET_POLL_IDLE_US] =
				poll_idle_argument(command, optarg);
			break;
		}
	}
	name = next_name(command, argc, argv);
	no_more_arguments(command, argc, argv);
	if (!values[SET_CPUS] && !values[SET_DISPATCH] &&
	    !values[SET_POLL_IDLE_US])
		return usage_error(command, "it is told nothing to set");
	return set_all(&name, values);
}

static const struct option options[] = {
	{ "cpus", required_argument, NULL, 'c' },
	{ "dispatch", required_argument, NULL, 'd' },
	{ "poll-idle-us", required_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_set = {
	.name = "set",
	.synopsis = "[-d MODE] [-c LIST] [-p N] NAME",
	.summary = "choose how the kernel module behind a device is run",
	.details =
	"Only for kernel modules that leave the choice to administrators. It is kept\n"
	"until the device is removed, also for modules that register later. \"default\"\n"
	"is what the module wants.\n"
	"\n"
	"  -c, --cpus LIST        where its threads may run, such as 0-3,5\n"
	"  -d, --dispatch MODE    adaptive: messages are handled inside the sender's call;\n"
	"                         thread: by a thread that sleeps when there are none;\n"
	"                         poll: by a thread that looks all the time\n"
	"  -p, --poll-idle-us N   microseconds after which a thread that polls goes to\n"
	"                         sleep\n",
	.short_options = ":c:d:hp:",
	.long_options = options,
	.run = run,
};
