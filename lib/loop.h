/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_LOOP_H
#define KUCOMMS_LIB_LOOP_H

#include "types.h"

void kucomms_loop_init(struct kucomms_endpoint *endpoint);
int kucomms_loop_turn(struct kucomms_endpoint *endpoint, int timeout_ms,
		      bool spin);
void kucomms_loop_arm_timer(struct kucomms_endpoint *endpoint);

#endif
