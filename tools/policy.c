// SPDX-License-Identifier: MIT
/*
 * Compares the owner, group and mode that udev was asked for with those that
 * the node has. udev ignores accounts that it does not know and, as systemd 258
 * announces, accounts that are no system accounts; it says so in its log only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "device.h"
#include "error.h"
#include "policy.h"
#include "udev.h"

#define WHAT	"give NAME the owner and mode that were asked for"

/*
 * Largest user or group ID of a system account, as in systemd and useradd(8).
 */
#define SYSTEM_ID_MAX	999

/*
 * User and group ID that stat() gives for accounts outside the user namespace.
 */
#define OVERFLOW_ID	65534

/* Why udev has not done what it was asked for. */
static const struct problem reasons[] = {
	{ ENOENT, EXIT_FAILURE, "there is no such account",
	  "make a system account of that name (groupadd --system, useradd "
	  "--system), then let udev look again: sudo udevadm trigger "
	  "/dev/kucomms_NAME" },
	{ EPERM, EXIT_FAILURE,
	  "it is no system account, and udev of systemd 258 or newer may give "
	  "devices to system accounts only",
	  "make a system group (groupadd --system) of the users who may open "
	  "the device, and name it in /etc/kucomms/devices.d/NAME.conf" },
	{ EINVAL, EXIT_FAILURE, "that is no mode, such as 0660",
	  "correct /etc/kucomms/devices.d/NAME.conf, then let udev look again: "
	  "sudo udevadm trigger /dev/kucomms_NAME" },
	{ 0, EXIT_FAILURE,
	  "it has done otherwise, perhaps because of another rule",
	  "see what its rules do: udevadm test "
	  "/sys/devices/virtual/kucomms/kucomms_NAME" }
};

static const struct problem no_udev = {
	ENOTCONN, EXIT_FAILURE,
	"it has a file NAME.conf in devices.d, which is for udev, and no udev "
	"can be seen from here (there is no /run/udev/control)",
	"see what became of it: kucommsctl show NAME"
};

static const struct problem no_rule = {
	ENOENT, EXIT_FAILURE,
	"it has a file NAME.conf in devices.d, but udev has no rule that reads "
	"it, or the rule of another version",
	"70-kucomms.rules is in the package kucomms-common; is it installed?"
};

static bool parse_number(const char *text, int base, unsigned int *number)
{
	char *end;

	*number = strtoul(text, &end, base);
	return end != text && !*end;
}

static bool find_user(const char *name, unsigned int *id)
{
	const struct passwd *user = getpwnam(name);

	if (user)
		*id = user->pw_uid;
	return user || parse_number(name, 10, id);
}

static bool find_group(const char *name, unsigned int *id)
{
	const struct group *group = getgrnam(name);

	if (group)
		*id = group->gr_gid;
	return group || parse_number(name, 10, id);
}

static int report_ignored(const struct device_name *name, const char *key,
			  const char *value, int error)
{
	const struct problem *reason = reasons;
	char *explanation = NULL;
	struct problem problem;
	struct device device;
	int status;

	if (!device_read(&device, name))
		return EXIT_SUCCESS;
	while (reason->error && reason->error != error)
		reason++;
	if (asprintf(&explanation, "udev was asked for %s=%s, but %s; the node "
		     "is %s %s", key, value, reason->explanation,
		     field_text(&device.fields[DEVICE_OWNER]),
		     field_text(&device.fields[DEVICE_MODE])) < 0)
		must_have(NULL);
	problem = (struct problem) {
		error, reason->status, explanation, reason->hint
	};
	status = report_problem(&problem, WHAT, short_name(name));
	free(explanation);
	device_free(&device);
	return status;
}

/*
 * Checks the node's owner or group. If udev ignores an account the node belongs
 * to root. So if the account is unknown here but the node does not belong to
 * root, only this container does not know the account. Nothing can be said of
 * an account outside this user namespace.
 */
static int check_account(const struct device_name *name, const char *key,
			 bool (*find)(const char *name, unsigned int *id),
			 unsigned int got)
{
	char *wanted = udev_property(name, key);
	unsigned int id;
	int error = 0;

	if (!wanted || got == OVERFLOW_ID)
		error = 0;
	else if (!find(wanted, &id))
		error = got ? 0 : ENOENT;
	else if (id != got)
		error = id > SYSTEM_ID_MAX ? EPERM : ECANCELED;
	if (error)
		error = report_ignored(name, key, wanted, error);
	free(wanted);
	return error;
}

/* Checks the node's mode, if udev was asked for one. */
static int check_mode(const struct device_name *name, const struct stat *node)
{
	char *wanted = udev_property(name, "KUCOMMS_MODE");
	unsigned int mode;
	int status = 0;

	if (wanted && !parse_number(wanted, 8, &mode))
		status = report_ignored(name, "KUCOMMS_MODE", wanted, EINVAL);
	else if (wanted && mode != (node->st_mode & 07777))
		status = report_ignored(name, "KUCOMMS_MODE", wanted, ECANCELED);
	free(wanted);
	return status;
}

static bool has_file(const struct device_name *name)
{
	static const char *const directories[] = { "/etc", "/run" };
	char path[sizeof("/etc/kucomms/devices.d/.conf") + KUCOMMS_NAME_MAX];
	bool found = false;
	size_t i;

	for (i = 0; i < 2 && !found; i++) {
		snprintf(path, sizeof(path), "%s/kucomms/devices.d/%s.conf",
			 directories[i], short_name(name));
		found = !access(path, F_OK);
	}
	return found;
}

/* Tells whether udev's rule has run: it puts the group into udev's record. */
static bool has_rule(const struct device_name *name)
{
	char *group = udev_property(name, "KUCOMMS_GROUP");
	const bool has = group;

	free(group);
	return has;
}

int policy_check(const struct device_name *name)
{
	struct stat node;
	int status;

	if (has_file(name) && !udev_runs())
		return report_problem(&no_udev, WHAT, short_name(name));
	if (has_file(name) && !has_rule(name))
		return report_problem(&no_rule, WHAT, short_name(name));
	if (!udev_runs() || device_node_stat(name, &node) != NODE_RIGHT)
		return 0;
	status = check_account(name, "KUCOMMS_USER", find_user, node.st_uid);
	if (!status)
		status = check_account(name, "KUCOMMS_GROUP", find_group,
				       node.st_gid);
	return status ? status : check_mode(name, &node);
}
