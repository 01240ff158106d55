/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_POLICY_H
#define KUCOMMSCTL_POLICY_H

#include "name.h"

/*
 * To be called when udev has finished with a device, whose node is in this /dev:
 * has the node the owner, group and mode that udev was asked for? Returns 0, or
 * the exit code of what has been reported.
 */
int policy_check(const struct device_name *name);

#endif
