/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_HOLDERS_H
#define KUCOMMSCTL_HOLDERS_H

#include "name.h"

/*
 * Which processes have the device open, and what cannot be seen of them: what
 * follows "it is open in process"; NULL if no process has. The caller frees the
 * text.
 */
char *device_holders(const struct device_name *name);

#endif
