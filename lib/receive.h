/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_RECEIVE_H
#define KUCOMMS_LIB_RECEIVE_H

#include "types.h"

void kucomms_end_give_back(struct kucomms_end *end);
void kucomms_end_arm(struct kucomms_end *end);
void kucomms_end_disarm(struct kucomms_end *end);
void kucomms_end_tell(struct kucomms_end *end, bool told);

#endif
