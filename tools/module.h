/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_MODULE_H
#define KUCOMMSCTL_MODULE_H

#include <stdbool.h>

#include "name.h"

/* Each device has a directory here, and so have the module's control files. */
#define DEVICES_DIR	"/sys/devices/virtual/kucomms"
#define CONTROL_DIR	DEVICES_DIR "/kucomms"

bool module_loaded(void);

/* Says why "@what" cannot be done without the module; returns EXIT_NO_MODULE. */
int report_no_module(const char *what, const char *name);

/* Writes @name to the control file @file. Returns 0 or an errno. */
int control_write(const char *file, const struct device_name *name);

/* The first line of a file in sysfs; NULL if it is empty or not there. */
char *read_attribute(const char *directory, const char *attribute);

#endif
