/* SPDX-License-Identifier: MIT */
#ifndef KC_BARRIER_H
#define KC_BARRIER_H

#include <stdbool.h>

bool kc_barrier_join(void);
void kc_barrier_all(void);

#endif
