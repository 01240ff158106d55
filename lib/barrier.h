/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_BARRIER_H
#define KUCOMMS_LIB_BARRIER_H

#include <stdbool.h>

bool kucomms_barrier_join(void);
void kucomms_barrier_all(void);

#endif
