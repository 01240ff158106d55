/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_FORK_H
#define KUCOMMS_LIB_FORK_H

#include <kucomms/ring.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct kucomms_listener;

/**
 * struct kucomms_self - data of one process, which are all zero in its child
 * @mark:       a number that neither its parent nor a child of it has
 * @local_lock: for @local; all zero is a mutex that nobody holds
 * @local:      the listeners of "local:"
 */
struct kucomms_self {
	__u32 mark;
	pthread_mutex_t local_lock;
	struct kucomms_listener *local;
};

extern struct kucomms_self *kucomms_self;

void *kucomms_alloc_wiped(size_t size, size_t wiped);
int kucomms_mark(__u32 *mark);

/*
 * Tells whether an object with this mark belongs to a process that this one was
 * forked from.
 */
static inline bool kucomms_is_inherited(__u32 mark)
{
	return kucomms_unlikely(kucomms_load(&kucomms_load(&kucomms_self)->mark) !=
				mark);
}

#endif
