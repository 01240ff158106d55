// SPDX-License-Identifier: MIT
/*
 * Devices: what sysfs and the node in /dev tell about them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device.h"
#include "error.h"
#include "module.h"

static const struct {
	const char *key;
	bool attribute;		/* a file in the device's directory */
	bool number;
} known[DEVICE_FIELDS] = {
	[DEVICE_NAME]			= { "name", false, false },
	[DEVICE_ENDPOINT]		= { "endpoint", true, false },
	[DEVICE_DISPATCH]		= { "dispatch", true, false },
	[DEVICE_POLL_IDLE_US]		= { "poll_idle_us", true, true },
	[DEVICE_CPUS]			= { "cpus", true, false },
	[DEVICE_CHANNELS]		= { "channels", true, true },
	[DEVICE_CHANNELS_MAX]		= { "channels_max", true, true },
	[DEVICE_RING_SIZE]		= { "ring_size", true, true },
	[DEVICE_RING_SIZE_MAX]		= { "ring_size_max", true, true },
	[DEVICE_OWNER]			= { "owner", false, false },
	[DEVICE_MODE]			= { "mode", false, false },
	[DEVICE_NODE]			= { "node", false, false },
	[DEVICE_OPENS]			= { "opens", true, true },
	[DEVICE_MESSAGES_TO_KERNEL]	= { "messages_to_kernel", true, true },
	[DEVICE_MESSAGES_TO_USER]	= { "messages_to_user", true, true },
	[DEVICE_DOORBELLS]		= { "doorbells", true, true },
	[DEVICE_WAKEUPS]		= { "wakeups", true, true },
	[DEVICE_THREAD_WAKEUPS]		= { "thread_wakeups", true, true },
	[DEVICE_TO_USER_FULL]		= { "to_user_full", true, true },
	[DEVICE_LATE_ANSWERS]		= { "late_answers", true, true },
	[DEVICE_BROKEN]			= { "broken", true, true },
};

const char *device_key(enum device_field field)
{
	return known[field].key;
}

struct device_path device_node(const struct device_name *name)
{
	struct device_path path;

	snprintf(path.text, sizeof(path.text), "/dev/%s", name->text);
	return path;
}

struct device_path device_link(const struct device_name *name)
{
	struct device_path path;

	snprintf(path.text, sizeof(path.text), "/dev/kucomms/%s",
		 short_name(name));
	return path;
}

struct device_path device_directory(const struct device_name *name)
{
	struct device_path path;

	snprintf(path.text, sizeof(path.text), DEVICES_DIR "/%s", name->text);
	return path;
}

__attribute__((format(printf, 1, 2)))
static char *text(const char *format, ...)
{
	va_list arguments;
	char *made;
	int length;

	va_start(arguments, format);
	length = vasprintf(&made, format, arguments);
	va_end(arguments);
	return must_have(length < 0 ? NULL : made);
}

static char *user_text(uid_t id)
{
	const struct passwd *user = getpwuid(id);

	return user ? text("%s", user->pw_name) : text("%u", id);
}

static char *group_text(gid_t id)
{
	const struct group *group = getgrgid(id);

	return group ? text("%s", group->gr_name) : text("%u", id);
}

/* Reads owner and mode of the node, if the node is the device's. */
static void read_node(struct device *device, const struct device_name *name)
{
	char *user, *group;
	struct stat node;

	if (device_node_stat(name, &node) != NODE_RIGHT)
		return;
	user = user_text(node.st_uid);
	group = group_text(node.st_gid);
	device->fields[DEVICE_OWNER].value = text("%s:%s", user, group);
	device->fields[DEVICE_MODE].value = text("%04o", node.st_mode & 07777);
	device->fields[DEVICE_NODE].value = text("%s", device_node(name).text);
	free(user);
	free(group);
}

bool device_exists(const struct device_name *name)
{
	return !access(device_directory(name).text, F_OK);
}

bool device_number(const struct device_name *name, dev_t *number)
{
	char *text = read_attribute(device_directory(name).text, "dev");
	unsigned int major, minor;
	bool read;

	read = text && sscanf(text, "%u:%u", &major, &minor) == 2;
	free(text);
	if (read)
		*number = makedev(major, minor);
	return read;
}

enum node_state device_node_stat(const struct device_name *name,
				 struct stat *node)
{
	dev_t number;

	if (!device_number(name, &number))
		return NODE_NO_DEVICE;
	if (stat(device_node(name).text, node))
		return NODE_MISSING;
	return S_ISCHR(node->st_mode) && node->st_rdev == number ?
	       NODE_RIGHT : NODE_OTHER;
}

int device_report_node(const struct device_name *name, enum node_state state,
		       const char *what)
{
	static const struct problem missing = {
		ENOENT, EXIT_FAILURE,
		"the device exists, but this /dev has no node of it: it is not "
		"the /dev of the host (a container, PrivateDevices= of a unit)",
		"use the device on the host, or pass /dev/kucomms_NAME on to "
		"where it is to be used"
	};
	static const struct problem other = {
		ENXIO, EXIT_FAILURE,
		"the device exists, but /dev/kucomms_NAME is something else: "
		"this /dev is not that of the host, or the file was made by hand",
		"remove that file; on the host udev makes the right one when "
		"the device is created"
	};

	return report_problem(state == NODE_MISSING ? &missing : &other, what,
			      short_name(name));
}

bool device_read(struct device *device, const struct device_name *name)
{
	const struct device_path directory = device_directory(name);
	int i;

	for (i = 0; i < DEVICE_FIELDS; i++)
		device->fields[i] = (struct field) {
			.key = known[i].key,
			.number = known[i].number,
			.value = known[i].attribute ?
				 read_attribute(directory.text, known[i].key) :
				 NULL,
		};
	device->fields[DEVICE_NAME].value = text("%s", short_name(name));
	read_node(device, name);
	/* Asked last: a device that goes now must not be shown by halves. */
	if (device_exists(name))
		return true;
	device_free(device);
	return false;
}

void device_free(struct device *device)
{
	int i;

	for (i = 0; i < DEVICE_FIELDS; i++)
		free((char *)device->fields[i].value);
}

/* The directory of the control files has no "_" behind the "kucomms". */
static int is_device(const struct dirent *entry)
{
	struct device_name name;

	return !strncmp(entry->d_name, KUCOMMS_NAME_PREFIX,
			NAME_PREFIX_LENGTH) &&
	       !parse_name(&name, entry->d_name);
}

int device_names(struct device_name **names)
{
	struct dirent **entries;
	int count, i;

	count = scandir(DEVICES_DIR, &entries, is_device, alphasort);
	if (count < 0)
		return -1;
	*names = must_have(calloc(count + 1, sizeof(**names)));
	for (i = 0; i < count; i++) {
		parse_name(*names + i, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return count;
}
