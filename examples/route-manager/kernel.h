/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the route manager takes from the kernel beyond handler.h, and what that
 * means in a process of one thread: no reader runs during a change, so locks
 * and grace periods are empty.
 */
#ifndef ROUTE_KERNEL_H
#define ROUTE_KERNEL_H

#include <kucomms/handler.h>

#ifdef __KERNEL__

#include <asm/byteorder.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/socket.h>

/*
 * Different CPUs send answers and notifications on the same channel, so the
 * handlers cannot use kucomms_reply().
 */
#define route_send(channel, message, data, flags) \
	kucomms_send(channel, message, data, flags, 0)

#else

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define route_send(channel, message, data, flags) \
	kucomms_reply(channel, message, data, flags)

struct mutex {
	bool held;
};

static inline void mutex_init(struct mutex *mutex)
{
	mutex->held = false;
}

static inline void mutex_destroy(struct mutex *mutex)
{
	(void)mutex;
}

static inline void mutex_lock(struct mutex *mutex)
{
	mutex->held = true;
}

static inline void mutex_unlock(struct mutex *mutex)
{
	mutex->held = false;
}

static inline void cond_resched(void)
{
}

#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))

#define __rcu
#define rcu_dereference(pointer)		(pointer)
#define rcu_dereference_protected(pointer, held) (pointer)
#define rcu_assign_pointer(pointer, value)	((pointer) = (value))
#define RCU_INIT_POINTER(pointer, value)	((pointer) = (value))

struct rcu_head {
	void *reserved[2];
};

static inline void rcu_read_lock(void)
{
}

static inline void rcu_read_unlock(void)
{
}

static inline void rcu_barrier(void)
{
}

static inline void call_rcu(struct rcu_head *head,
			    void (*function)(struct rcu_head *head))
{
	function(head);
}

#define GFP_KERNEL	0

struct kmem_cache {
	unsigned int size;
};

static inline struct kmem_cache *
kmem_cache_create(const char *name, unsigned int size, unsigned int align,
		  unsigned int flags, void (*constructor)(void *object))
{
	struct kmem_cache *cache = malloc(sizeof(*cache));

	(void)name;
	(void)align;
	(void)flags;
	(void)constructor;
	if (cache)
		cache->size = size;
	return cache;
}

static inline void kmem_cache_destroy(struct kmem_cache *cache)
{
	free(cache);
}

static inline unsigned int kmem_cache_size(struct kmem_cache *cache)
{
	return cache->size;
}

/* In a process one object is enough. */
static inline int kmem_cache_alloc_bulk(struct kmem_cache *cache, int flags,
					size_t size, void **objects)
{
	(void)flags;
	(void)size;
	*objects = malloc(cache->size);
	return *objects != NULL;
}

static inline void kfree(void *object)
{
	free(object);
}

#endif

#endif /* ROUTE_KERNEL_H */
