/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Handlers that include this header compile into a kernel module, and into a
 * process, where debuggers and sanitizers are.
 *
 * What both sides have, with the same meaning:
 *
 *	struct kucomms_ops: message, work, timer, connect, disconnect, and the
 *		flag KUCOMMS_OPS_SHARED_RECEIVE
 *	kucomms_send() and kucomms_reserve(), both with a timeout of 0,
 *		kucomms_reply(), kucomms_broadcast(), kucomms_commit(),
 *		kucomms_discard(), kucomms_flush()
 *	kucomms_call_start(), kucomms_call_cancel()
 *	kucomms_channel_shutdown()
 *	kucomms_channel_get(), kucomms_channel_put(),
 *		kucomms_channel_get_space()
 *	kucomms_channel_endpoint(), kucomms_channel_number(),
 *		kucomms_channel_priv(), kucomms_channel_set_priv()
 *
 * and what is below. The handlers of one endpoint never run at the same time,
 * so data that only they use need no lock. The code that registers the
 * handlers, with kucomms_register() or kucomms_endpoint_create(), is in another
 * file.
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

/** kucomms_zalloc() - allocates zeroed memory; NULL if there is none */
static inline void *kucomms_zalloc(size_t size)
{
	return kvzalloc(size, GFP_KERNEL);
}

/** kucomms_free() - frees memory of kucomms_zalloc(); NULL is ignored */
static inline void kucomms_free(void *memory)
{
	kvfree(memory);
}

/** kucomms_time_ns() - returns a monotonic time in nanoseconds */
static inline u64 kucomms_time_ns(void)
{
	return ktime_get_ns();
}

#else

#include <errno.h>
#include <kucomms/endpoint.h>
#include <stdlib.h>
#include <string.h>

/* abi.h defines this macro unless the compiler's mode is too old. */
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

/* Not inline, since CLOCK_MONOTONIC is no part of C11. */
__u64 kucomms_time_ns(void);

#ifdef __cplusplus
}
#endif

#endif

#endif

#endif /* KUCOMMS_HANDLER_H */
