/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_EVENT_H
#define KUCOMMS_LIB_EVENT_H

#include "types.h"

int kucomms_endpoint_watch(struct kucomms_endpoint *endpoint, int fd,
			   __u32 events, struct kucomms_source *source);
void kucomms_endpoint_unwatch(const struct kucomms_endpoint *endpoint, int fd);
void kucomms_endpoint_wake(const struct kucomms_endpoint *endpoint);
bool kucomms_endpoint_is_mine(const struct kucomms_endpoint *endpoint);

#endif
