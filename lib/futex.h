/* SPDX-License-Identifier: MIT */
#ifndef KC_FUTEX_H
#define KC_FUTEX_H

#include <linux/types.h>
#include <pthread.h>

int kc_futex_wait(const __u32 *word, __u32 value, __s64 deadline);
long kc_futex_wake(const __u32 *word);

int kc_cond_wait(const __u32 *event, pthread_mutex_t *lock,
		 __s64 deadline);
void kc_cond_broadcast(__u32 *event);

#endif
