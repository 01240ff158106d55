/* SPDX-License-Identifier: MIT */
#ifndef KC_FORK_H
#define KC_FORK_H

#include <kucomms/ring.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct kucomms_listener;

/**
 * struct kc_self - data of one process, which are all zero in its child
 * @id:         a number that neither its parent nor a child of it has
 * @local_lock: for @local; all zero is a mutex that nobody holds
 * @local:      the listeners of "local:"
 */
struct kc_self {
	__u32 id;
	pthread_mutex_t local_lock;
	struct kucomms_listener *local;
};

extern struct kc_self *kc_self;

void *kc_alloc_wiped(size_t size, size_t wiped);
int kc_creator(__u32 *id);

/*
 * Tells whether an object was created by another process: one that this process
 * was forked from.
 */
static inline bool kc_is_inherited(__u32 creator)
{
	return kucomms_unlikely(kucomms_load(&kucomms_load(&kc_self)->id) !=
				creator);
}

#endif
