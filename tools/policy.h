/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_POLICY_H
#define KUCOMMSCTL_POLICY_H

#include "name.h"

/*
 * Checks that the node has the owner, group and mode that udev was asked for.
 * To be called when udev has finished with the device, whose node is in this
 * /dev. Returns 0, or the exit code for the problem that it has reported.
 */
int policy_check(const struct device_name *name);

#endif
