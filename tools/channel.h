/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_CHANNEL_H
#define KUCOMMSCTL_CHANNEL_H

#include <kucomms/kucomms.h>
#include <stdint.h>

#include "name.h"

/*
 * Opens a channel for somebody who wants to do "@what"; @ring_size is 0 for
 * what the device thinks best. Returns 0, or the exit code of what has been
 * reported.
 */
int open_channel(const struct device_name *name, const char *what,
		 uint32_t ring_size, struct kucomms_channel **channel);

/* Says why a message did not get through; returns the exit code. */
int report_message(const struct device_name *name, int error,
		   const char *what);

#endif
