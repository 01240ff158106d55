// SPDX-License-Identifier: MIT
/*
 * kucommsctl create
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "device.h"
#include "error.h"
#include "policy.h"
#include "udev.h"

#define WHAT	"create NAME"

/* The module's parameter channels_max can allow no more. */
#define CHANNELS_MAX	65536

/* What has an upper limit in a parameter of the module. */
enum limit {
	LIMIT_CHANNELS,
	LIMIT_RING_SIZE,
	LIMIT_RING_SIZE_MAX,
	LIMITS
};

static const struct {
	const char *option;
	const char *key;
	const char *parameter;
	enum device_field field;	/* where the device's value is */
} limits[LIMITS] = {
	[LIMIT_CHANNELS]	= { "--channels", "channels", "channels_max",
				    DEVICE_CHANNELS_MAX },
	[LIMIT_RING_SIZE]	= { "--ring-size", "ring_size",
				    "ring_size_max", DEVICE_RING_SIZE },
	[LIMIT_RING_SIZE_MAX]	= { "--ring-size-max", "ring_size_max",
				    "ring_size_max", DEVICE_RING_SIZE_MAX },
};

/**
 * struct request - the device that is wanted
 * @numbers:    the limits; 0: the module's default
 * @dispatch:   NULL: the module's default
 * @exist_ok:   a device that exists already will do, if it has these limits
 * @timeout_ms: how many milliseconds to wait for udev
 */
struct request {
	struct device_name name;
	uint32_t numbers[LIMITS];
	const char *dispatch;
	bool exist_ok;
	int timeout_ms;
};

static const struct problem problems[] = {
	{ EEXIST, EXIT_EXISTS, "there is such a device already",
	  "show its limits: kucommsctl show NAME; if they will do: kucommsctl "
	  "create --exist-ok NAME" },
	{ ENODEV, EXIT_NO_DEVICE,
	  "somebody has removed the device again meanwhile",
	  "see which there are: kucommsctl list" },
	{ EACCES, EXIT_PERMISSION, "only root may create devices",
	  "sudo kucommsctl create NAME" },
	{ EPERM, EXIT_PERMISSION, NOT_THE_HOSTS_ROOT,
	  "create the device on the host" },
	{ ENOSPC, EXIT_FAILURE,
	  "there are as many devices as the module's parameter devices_max allows",
	  "remove one (kucommsctl list shows all), or load kucomms with a "
	  "higher devices_max" },
	{ EINVAL, EXIT_VERSION,
	  "the kernel module that is loaded does not know these options, it is "
	  "older than kucommsctl",
	  "compare them: kucommsctl version" },
	{ EROFS, EXIT_FAILURE, SYSFS_READ_ONLY,
	  "create the device on the host" },
	{ ETIMEDOUT, EXIT_TIMEOUT,
	  "the device is there, but udev has not finished with it in time",
	  "is udev well? systemctl status systemd-udevd" },
	{ 0, EXIT_FAILURE, NULL, "look into the kernel's log: dmesg" }
};

static uint64_t module_parameter(const char *parameter)
{
	char *text = read_attribute(PARAMETERS_DIR, parameter);
	const uint64_t value = text ? strtoull(text, NULL, 10) : 0;

	free(text);
	return value;
}

/* The first that is more than its parameter allows. */
static enum limit exceeded_limit(const struct request *request)
{
	enum limit i;

	for (i = 0; i < LIMITS - 1; i++)
		if (request->numbers[i] > module_parameter(limits[i].parameter))
			break;
	return i;
}

static int report_range(const struct request *request)
{
	const enum limit limit = exceeded_limit(request);
	const char *parameter = limits[limit].parameter;
	char explanation[128], hint[128];
	const struct problem problem = {
		ERANGE, EXIT_FAILURE, explanation, hint
	};

	snprintf(explanation, sizeof(explanation), "%s %" PRIu32 " is more "
		 "than the module's parameter %s allows, %" PRIu64,
		 limits[limit].option, request->numbers[limit], parameter,
		 module_parameter(parameter));
	snprintf(hint, sizeof(hint), "ask for less, or load kucomms with a "
		 "higher %s: sudo modprobe kucomms %s=%" PRIu32, parameter,
		 parameter, request->numbers[limit]);
	return report_problem(&problem, WHAT, short_name(&request->name));
}

static int write_request(const struct request *request)
{
	char *text = NULL;
	size_t size;
	FILE *line = must_have(open_memstream(&text, &size));
	int error, i;

	fputs(request->name.text, line);
	for (i = 0; i < LIMITS; i++)
		if (request->numbers[i])
			fprintf(line, " %s=%" PRIu32, limits[i].key,
				request->numbers[i]);
	if (request->dispatch)
		fprintf(line, " dispatch=%s", request->dispatch);
	fclose(line);
	error = write_attribute(CONTROL_DIR, "create_device", must_have(text));
	free(text);
	return error;
}

/*
 * Reports the first limit of an existing device that differs from the request.
 */
static int check_limits(const struct request *request)
{
	const char *name = short_name(&request->name);
	char explanation[128];
	const struct problem problem = {
		EEXIST, EXIT_EXISTS, explanation,
		"remove the device, then create it again: kucommsctl remove "
		"NAME"
	};
	struct device device;
	int i, status = 0;

	if (!device_read(&device, &request->name))
		return report(problems, ENODEV, WHAT, name);
	for (i = 0; i < LIMITS && !status; i++) {
		const struct field *field = &device.fields[limits[i].field];

		if (!request->numbers[i] || (field->value &&
		    strtoull(field->value, NULL, 10) == request->numbers[i]))
			continue;
		snprintf(explanation, sizeof(explanation), "there is such a "
			 "device, but its %s is %s, not %" PRIu32, field->key,
			 field_text(field), request->numbers[i]);
		status = report_problem(&problem, WHAT, name);
	}
	device_free(&device);
	return status;
}

/* Checks that the device, which exists, can be used through this /dev. */
static int check_node(const struct request *request)
{
	const struct device_name *name = &request->name;
	enum node_state state;
	struct stat node;
	int error;

	/* The kernel has made the node by now, if this is its /dev. */
	state = device_node_stat(name, &node);
	if (state == NODE_MISSING || state == NODE_OTHER)
		return device_report_node(name, state, "use NAME from here");
	error = udev_wait_created(name, request->timeout_ms);
	return error ? report(problems, error, WHAT, short_name(name)) :
		       policy_check(name);
}

static int create(const struct request *request)
{
	const struct device_name *name = &request->name;
	int status, error = write_request(request);

	if (error == EEXIST && request->exist_ok) {
		status = check_limits(request);
		return status ? status : check_node(request);
	}
	if (error == ENOENT)
		return report_no_module(WHAT, short_name(name));
	if (error == ERANGE)
		return report_range(request);
	return error ? report(problems, error, WHAT, short_name(name)) :
		       check_node(request);
}

/*
 * Warns if the device has another dispatch than the one asked for. That is no
 * failure: a module that leaves no choice may be replaced by another one, and
 * for a device that existed already somebody may have chosen the other
 * dispatch.
 */
static void check_dispatch(const struct request *request)
{
	const struct device_name *name = &request->name;
	char *dispatch = read_attribute(device_directory(name).text,
					device_key(DEVICE_DISPATCH));

	if (dispatch && strcmp(dispatch, request->dispatch))
		fprintf(stderr, "kucommsctl: the dispatch of %s is %s all the "
			"same: the kernel module that serves it leaves no "
			"choice%s\n", short_name(name), dispatch,
			request->exist_ok ? ", or somebody has chosen since" :
			"");
	free(dispatch);
}

/* What a client gets if it does not say must be what it may ask for. */
static void check_ring_sizes(const struct command *command,
			     const struct request *request)
{
	const uint32_t size = request->numbers[LIMIT_RING_SIZE];
	const uint32_t most = request->numbers[LIMIT_RING_SIZE_MAX];

	if (most && size > most)
		exit(usage_error(command, "--ring-size %u is more than "
				 "--ring-size-max %u", size, most));
}

static void parse_option(const struct command *command, int option,
			 struct request *request)
{
	switch (option) {
	case 'c':
		request->numbers[LIMIT_CHANNELS] =
			range_argument(command, "--channels", optarg, 1,
				       CHANNELS_MAX);
		break;
	case 'd':
		request->dispatch = dispatch_argument(command, optarg, false);
		break;
	case 'r':
		request->numbers[LIMIT_RING_SIZE] =
			ring_size_argument(command, "--ring-size", optarg);
		break;
	case 'R':
		request->numbers[LIMIT_RING_SIZE_MAX] =
			ring_size_argument(command, "--ring-size-max", optarg);
		break;
	case 't':
		request->timeout_ms = timeout_argument(command, optarg);
		break;
	case 'x':
		request->exist_ok = true;
		break;
	}
}

static int run(const struct command *command, int argc, char **argv)
{
	struct request request = { .timeout_ms = UDEV_TIMEOUT_MS };
	bool verbose = false;
	int option, status;

	while ((option = next_option(command, argc, argv)) != -1) {
		if (option == 'v')
			verbose = true;
		else
			parse_option(command, option, &request);
	}
	request.name = next_name(command, argc, argv);
	no_more_arguments(command, argc, argv);
	check_ring_sizes(command, &request);

	status = create(&request);
	if (!status && request.dispatch)
		check_dispatch(&request);
	if (!status && verbose)
		puts(device_node(&request.name).text);
	return status;
}

static const struct option options[] = {
	{ "channels", required_argument, NULL, 'c' },
	{ "dispatch", required_argument, NULL, 'd' },
	{ "exist-ok", no_argument, NULL, 'x' },
	{ "ring-size", required_argument, NULL, 'r' },
	{ "ring-size-max", required_argument, NULL, 'R' },
	{ "timeout", required_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_create = {
	.name = "create",
	.synopsis = "[-vx] [-c N] [-r BYTES] [-R BYTES] [-d MODE] [-t SECONDS] NAME",
	.summary = "create the device /dev/kucomms_NAME",
	.details =
	"Returns when the device can be used: udev has given it owner and mode.\n"
	"\n"
	"  -c, --channels N           how many channels it may have\n"
	"  -d, --dispatch MODE        adaptive, thread or poll, as for `kucommsctl set`\n"
	"  -r, --ring-size BYTES      of a ring if the client does not say, such as 64K\n"
	"  -R, --ring-size-max BYTES  of a ring at most\n"
	"  -t, --timeout SECONDS      how long to wait for udev (10)\n"
	"  -v, --verbose              print the path of the device\n"
	"  -x, --exist-ok             succeed if the device exists already and has the\n"
	"                             limits that are asked for\n"
	"\n"
	"Parameters of the kernel module say what is the default, and what is allowed.\n",
	.short_options = ":c:d:hr:R:t:vx",
	.long_options = options,
	.run = run,
};
