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

bool module_loaded(void);

/* Says why "@what" cannot be done without the module; returns EXIT_NO_MODULE. */
int report_no_module(const char *what, const char *name);

/* Writes @text into a file in sysfs. Returns 0 or an errno. */
int write_attribute(const char *directory, const char *attribute,
		    const char *text);

/* The first line of a file in sysfs; NULL if it is empty or not there. */
char *read_attribute(const char *directory, const char *attribute);

#endif
