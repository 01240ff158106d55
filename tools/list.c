// SPDX-License-Identifier: MIT
/*
 * kucommsctl list
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arguments.h"
#include "device.h"
#include "error.h"

/* Which fields the table shows, in this order. */
struct columns {
	enum device_field fields[DEVICE_FIELDS];
	int count;
};

struct devices {
	struct device *list;
	int count;
};

static enum device_field column_field(const struct command *command,
				      const char *title)
{
	int i;

	for (i = 0; i < DEVICE_FIELDS; i++)
		if (!strcasecmp(title, device_key(i)))
			return i;
	exit(usage_error(command, "there is no column %s", quote(title)));
}

static void columns_parse(const struct command *command,
			  struct columns *columns, char *titles)
{
	char *title;

	columns->count = 0;
	while ((title = strsep(&titles, ","))) {
		if (columns->count == DEVICE_FIELDS)
			exit(usage_error(command, "more columns than there are"));
		columns->fields[columns->count++] =
			column_field(command, title);
	}
}

/* A device that has been removed since its name was read is left out. */
static void devices_read(struct devices *devices,
			 const struct device_name *names, int count)
{
	int i;

	devices->list = must_have(calloc(count + 1, sizeof(*devices->list)));
	devices->count = 0;
	for (i = 0; i < count; i++)
		if (device_read(&devices->list[devices->count], &names[i]))
			devices->count++;
}

static void devices_free(struct devices *devices)
{
	int i;

	for (i = 0; i < devices->count; i++)
		device_free(&devices->list[i]);
	free(devices->list);
}

static const char *cell(const struct device *device, enum device_field field)
{
	return field_text(&device->fields[field]);
}

static int column_width(const struct devices *devices, enum device_field field,
			bool header)
{
	size_t width = header ? strlen(device_key(field)) : 0;
	int i;

	for (i = 0; i < devices->count; i++)
		if (strlen(cell(&devices->list[i], field)) > width)
			width = strlen(cell(&devices->list[i], field));
	return width;
}

/* @device NULL: the header. The last column is not padded. */
static void print_row(const struct columns *columns, const int *widths,
		      const struct device *device)
{
	int i;

	for (i = 0; i < columns->count; i++) {
		const char *text = device ? cell(device, columns->fields[i]) :
					    device_key(columns->fields[i]);
		int left = i + 1 < columns->count ? widths[i] + 2 : 0;

		for (; *text; text++, left--)
			putchar(device ? *text : toupper(*text));
		printf("%*s", left > 0 ? left : 0, "");
	}
	putchar('\n');
}

static void print_table(const struct devices *devices,
			const struct columns *columns, bool header)
{
	int widths[DEVICE_FIELDS] = { 0 };
	int i;

	for (i = 0; i < columns->count; i++)
		widths[i] = column_width(devices, columns->fields[i], header);
	if (header)
		print_row(columns, widths, NULL);
	for (i = 0; i < devices->count; i++)
		print_row(columns, widths, &devices->list[i]);
}

static void print_devices_json(const struct devices *devices)
{
	struct json_object *answer = json_answer();
	struct json_object *list = json_object_new_array();
	int i;

	for (i = 0; i < devices->count; i++) {
		struct json_object *object = json_object_new_object();

		json_add_fields(object, devices->list[i].fields, DEVICE_FIELDS);
		json_object_array_add(list, object);
	}
	json_object_object_add(answer, "devices", list);
	print_json(answer);
}

static int run(const struct command *command, int argc, char **argv)
{
	struct columns columns = {
		{ DEVICE_NAME, DEVICE_ENDPOINT, DEVICE_CHANNELS, DEVICE_OWNER,
		  DEVICE_MODE, DEVICE_DISPATCH }, 6
	};
	bool header = true, json = false, chosen = false;
	struct device_name *names;
	struct devices devices;
	int option, count;

	while ((option = next_option(command, argc, argv)) != -1) {
		if (option == 'J') {
			json = true;
		} else if (option == 'n') {
			header = false;
		} else {
			columns_parse(command, &columns, optarg);
			chosen = true;
		}
	}
	no_more_arguments(command, argc, argv);
	if (json && chosen)
		return usage_error(command, "--json has no columns to choose: "
				   "it always tells all");

	count = device_names(&names);
	if (count < 0)
		return report_no_module("list devices", NULL);
	devices_read(&devices, names, count);
	if (json)
		print_devices_json(&devices);
	else
		print_table(&devices, &columns, header);
	devices_free(&devices);
	free(names);
	return EXIT_SUCCESS;
}

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' },
	{ "no-header", no_argument, NULL, 'n' },
	{ "columns", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_list = {
	.name = "list",
	.synopsis = "[-n] [-o COLUMNS | -J]",
	.summary = "list the devices",
	.details =
	"  -J, --json             as JSON\n"
	"  -n, --no-header        without the line of titles\n"
	"  -o, --columns COLUMNS  which, separated by commas:\n"
	"                         name endpoint channels owner mode dispatch (these\n"
	"                         are the default) node opens channels_max ring_size\n"
	"                         ring_size_max poll_idle_us cpus messages_to_kernel\n"
	"                         messages_to_user doorbells wakeups thread_wakeups\n"
	"                         to_user_full late_answers broken\n",
	.short_options = ":hJno:",
	.long_options = options,
	.run = run,
};
