/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_END_H
#define KUCOMMS_LIB_END_H

#include "fork.h"
#include "types.h"

static inline struct kucomms_end *end_of(const struct kucomms_channel *channel)
{
	return (struct kucomms_end *)channel;
}

/* Tells whether the end belongs to a process that this one was forked from. */
static inline bool end_is_inherited(const struct kucomms_end *end)
{
	return kucomms_is_inherited(end->mark);
}

struct kucomms_end *kucomms_end_alloc(const struct kucomms_transport *transport);
void kucomms_end_free(struct kucomms_end *end);
void kucomms_end_abandon(struct kucomms_end *end);
void kucomms_end_unmap(struct kucomms_end *end);
void kucomms_end_gone(struct kucomms_end *end, __u32 state);
void kucomms_end_break(struct kucomms_end *end);
bool kucomms_end_take_lost(struct kucomms_end *end);
#define KUCOMMS_SPIN_US_MAX	1000000
__u32 kucomms_spin_ns(bool sleep_at_once, __u32 spin_us);
int kucomms_options_read(void *own, size_t own_size, const void *options,
			 size_t least);

#endif
