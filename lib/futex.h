/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_FUTEX_H
#define KUCOMMS_LIB_FUTEX_H

#include <linux/types.h>
#include <pthread.h>

int kucomms_futex_wait(const __u32 *word, __u32 value, __s64 deadline);
long kucomms_futex_wake(const __u32 *word);

int kucomms_event_wait(const __u32 *event, pthread_mutex_t *lock,
		       __s64 deadline);
void kucomms_event_tell(__u32 *event);

#endif
