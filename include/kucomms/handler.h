/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * For handlers that are to run on either side of the border: compiled into a
 * kernel module and into a process, under a debugger and sanitizers.
 *
 * What both sides have, with the same meaning:
 *
 *	struct kucomms_ops: message, work, timer, connect, disconnect, and the
 *		flag KUCOMMS_OPS_SHARED_RECEIVE
 *	kucomms_reply(), kucomms_broadcast()
 *	kucomms_reserve() with a timeout of 0, kucomms_commit(),
 *		kucomms_discard(), kucomms_flush()
 *	kucomms_call_start(), kucomms_call_cancel()
 *	kucomms_channel_shutdown()
 *	kucomms_channel_get(), kucomms_channel_put(),
 *		kucomms_channel_get_space()
 *	kucomms_channel_endpoint(), kucomms_channel_number(),
 *		kucomms_channel_priv(), kucomms_channel_set_priv()
 *
 * and what is below. Handlers of one endpoint never run at the same time, so
 * what only they touch needs no lock. Whoever registers the handlers (with
 * kucomms_register() or kucomms_endpoint_create()) is in a file of its own.
 */
#ifndef KUCOMMS_HANDLER_H
#define KUCOMMS_HANDLER_H

#ifdef __KERNEL__

#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <kucomms/module.h>

/** kucomms_zalloc() - memory, all zero; NULL if there is none */
static inline void *kucomms_zalloc(size_t size)
{
	return kvzalloc(size, GFP_KERNEL);
}

/** kucomms_free() - free what kucomms_zalloc() gave; NULL is ignored */
static inline void kucomms_free(void *memory)
{
	kvfree(memory);
}

/** kucomms_time_ns() - nanoseconds since some time in the past, monotonic */
static inline u64 kucomms_time_ns(void)
{
	return ktime_get_ns();
}

#else

#include <errno.h>
#include <kucomms/endpoint.h>
#include <stdlib.h>
#include <string.h>

/* Else abi.h has said what is wrong. */
#ifdef KUCOMMS_ABI_VERSION

#ifdef __cplusplus
extern "C" {
#endif

static inline void *kucomms_zalloc(size_t size)
{
	return calloc(1, size);
}

static inline void kucomms_free(void *memory)
{
	free(memory);
}

/* Not inline: the clock's name is no part of C11. */
__u64 kucomms_time_ns(void);

#ifdef __cplusplus
}
#endif

#endif

#endif

#endif /* KUCOMMS_HANDLER_H */
