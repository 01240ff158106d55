/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_NUMBERS_H
#define KUCOMMS_LIB_NUMBERS_H

#include <stdbool.h>

/* The numbers of a listener's channels, which live as long as any of them. */
struct kucomms_numbers;

struct kucomms_numbers *kucomms_numbers_create(unsigned int limit);
int kucomms_numbers_take(struct kucomms_numbers *numbers, bool wanted,
			 unsigned int *number);
void kucomms_numbers_give(struct kucomms_numbers *numbers, unsigned int number);
void kucomms_numbers_put(struct kucomms_numbers *numbers);

#endif
