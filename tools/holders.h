/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_HOLDERS_H
#define KUCOMMSCTL_HOLDERS_H

#include "name.h"

/*
 * Which processes have the device open: 'PID "COMMAND", PID "COMMAND"', empty if none
 * can be seen. The text is the caller's to free.
 */
char *device_holders(const struct device_name *name);

#endif
