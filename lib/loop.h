/* SPDX-License-Identifier: MIT */
#ifndef KC_LOOP_H
#define KC_LOOP_H

#include "types.h"

void kc_loop_init(struct kucomms_endpoint *endpoint);
int kc_loop_turn(struct kucomms_endpoint *endpoint, int timeout_ms,
		 bool spin);
void kc_loop_arm_timer(struct kucomms_endpoint *endpoint);

#endif
