/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_DOOR_H
#define KUCOMMS_LIB_DOOR_H

#include "types.h"

int kucomms_door_open(struct kucomms_endpoint *endpoint, const char *name,
		      const struct kucomms_listen_options *options);
void kucomms_door_close_all(struct kucomms_endpoint *endpoint);

#endif
