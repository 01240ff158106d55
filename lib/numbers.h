/* SPDX-License-Identifier: MIT */
#ifndef KC_NUMBERS_H
#define KC_NUMBERS_H

#include <stdbool.h>

/* The numbers of a listener's channels, which live as long as any of them. */
struct kc_numbers;

struct kc_numbers *kc_numbers_create(unsigned int limit);
int kc_numbers_take(struct kc_numbers *numbers, bool wanted,
		    unsigned int *number);
void kc_numbers_give(struct kc_numbers *numbers, unsigned int number);
void kc_numbers_put(struct kc_numbers *numbers);

#endif
