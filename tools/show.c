// SPDX-License-Identifier: MIT
/*
 * kucommsctl show
 */
#include <errno.h>
#include <stdlib.h>

#include "arguments.h"
#include "device.h"
#include "error.h"

static const struct problem no_device = {
	ENODEV, EXIT_NO_DEVICE, "there is no such device",
	"see which there are: kucommsctl list"
};

static void print_device_json(const struct device *device)
{
	struct json_object *answer = json_answer();

	json_add_fields(answer, device->fields, DEVICE_FIELDS);
	print_json(answer);
}

static int run(const struct command *command, int argc, char **argv)
{
	const char *what = "show NAME";
	struct device_name name;
	struct device device;
	bool json = false;

	while (next_option(command, argc, argv) != -1)
		json = true;
	name = next_name(command, argc, argv);
	no_more_arguments(command, argc, argv);

	if (!module_loaded())
		return report_no_module(what, short_name(&name));
	if (!device_read(&device, &name))
		return report_problem(&no_device, what, short_name(&name));
	if (json)
		print_device_json(&device);
	else
		print_fields(device.fields, DEVICE_FIELDS);
	device_free(&device);
	return EXIT_SUCCESS;
}

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_show = {
	.name = "show",
	.synopsis = "[-J] NAME",
	.summary = "show all that is known about a device",
	.details = "  -J, --json  as JSON\n",
	.short_options = ":hJ",
	.long_options = options,
	.run = run,
};
