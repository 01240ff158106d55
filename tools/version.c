// SPDX-License-Identifier: MIT
/*
 * kucommsctl version: do the tool, the library and the module fit together?
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "error.h"
#include "module.h"
#include "output.h"

/*
 * The ABI is a constant of the tool. The library has the same, since a library
 * with another one would also have another soname.
 */
#define TEXT_OF(macro)		TEXT_OF_VALUE(macro)
#define TEXT_OF_VALUE(value)	#value
#define ABI_VERSION		TEXT_OF(KUCOMMS_ABI_VERSION)

static const struct problem mismatch = {
	EPROTONOSUPPORT, EXIT_VERSION,
	"the library and the loaded kernel module have different ABI versions",
	"load the module that belongs to the library: close all devices, then "
	"sudo modprobe -r kucomms && sudo modprobe kucomms"
};

static const char *no_module(void)
{
	return sysfs_mounted() ? "not loaded" : "unknown, /sys is no sysfs";
}

static void print_version(const struct field *fields, size_t count, bool json)
{
	struct json_object *answer;

	if (!json) {
		print_fields(fields, count);
		return;
	}
	answer = json_answer();
	json_add_fields(answer, fields, count);
	print_json(answer);
}

static int run(const struct command *command, int argc, char **argv)
{
	char *module, *module_abi;
	int status = EXIT_SUCCESS;
	bool json = false;

	while (next_option(command, argc, argv) != -1)
		json = true;
	no_more_arguments(command, argc, argv);

	module = read_attribute(CONTROL_DIR, "version");
	module_abi = read_attribute(CONTROL_DIR, "abi_version");
	const struct field fields[] = {
		{ "tool", KUCOMMS_VERSION, false },
		{ "library", kucomms_version(), false },
		{ "module", module || json ? module : no_module(), false },
		{ "abi", ABI_VERSION, true },
		{ "module_abi", module_abi, true },
	};

	print_version(fields, sizeof(fields) / sizeof(*fields), json);
	if (module && (!module_abi || strcmp(module_abi, ABI_VERSION)))
		status = report_problem(&mismatch, "work with the module", NULL);
	free(module);
	free(module_abi);
	return status;
}

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_version = {
	.name = "version",
	.synopsis = "[-J]",
	.summary = "show the versions of tool, library and kernel module",
	.details =
	"Exits with 8 if the library and the loaded kernel module do not fit together.\n"
	"\n"
	"  -J, --json  as JSON\n",
	.short_options = ":hJ",
	.long_options = options,
	.run = run,
};
