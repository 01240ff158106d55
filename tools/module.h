/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_MODULE_H
#define KUCOMMSCTL_MODULE_H

#include <stdbool.h>

#include "name.h"

/* Each device has a directory here, and so have the module's control files. */
#define DEVICES_DIR	"/sys/devices/virtual/kucomms"
#define CONTROL_DIR	DEVICES_DIR "/kucomms"

/* And its parameters are here. */
#define PARAMETERS_DIR	"/sys/module/kucomms/parameters"

/* Tells whether sysfs is mounted. */
bool sysfs_mounted(void);

bool module_loaded(void);

/*
 * Says why "@what" cannot be done if module_loaded() is false; returns
 * EXIT_NO_MODULE or, if nothing is known because sysfs is not mounted, EXIT_FAILURE.
 */
int report_no_module(const char *what, const char *name);

/* Explanations of errors of writing into sysfs, for tables of problems. */
#define SYSFS_READ_ONLY \
	"sysfs is mounted read-only, as in a container or in a unit with " \
	"ProtectKernelTunables="
#define NOT_THE_HOSTS_ROOT \
	"this root may not: it is root of a user namespace only (a container, " \
	"PrivateUsers= of a unit), or it has lost its capabilities"

/*
 * Writes @text into a file in sysfs. Returns 0 or an errno: EACCES for users
 * other than root, EPERM for root without CAP_SYS_ADMIN.
 */
int write_attribute(const char *directory, const char *attribute,
		    const char *text);

/* The first line of a file in sysfs; NULL if it is empty or not there. */
char *read_attribute(const char *directory, const char *attribute);

#endif
