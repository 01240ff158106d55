/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_HOLDERS_H
#define KUCOMMSCTL_HOLDERS_H

#include "name.h"

/*
 * Returns a text that follows "it is open in process": which processes have the
 * device open, and what cannot be seen of them; NULL if no process has it open.
 * The caller frees the text.
 */
char *device_holders(const struct device_name *name);

#endif
