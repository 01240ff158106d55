/* SPDX-License-Identifier: MIT */
#ifndef KC_CONN_H
#define KC_CONN_H

#include "fork.h"
#include "types.h"

static inline struct kc_conn *conn_of(const struct kucomms_channel *channel)
{
	return (struct kc_conn *)channel;
}

/* Tells whether the channel belongs to a process that this one was forked from. */
static inline bool conn_is_inherited(const struct kc_conn *conn)
{
	return kc_is_inherited(conn->creator);
}

struct kc_conn *kc_conn_alloc(const struct kc_transport *transport);
void kc_conn_free(struct kc_conn *conn);
void kc_conn_abandon(struct kc_conn *conn);
void kc_conn_unmap(struct kc_conn *conn);
int kc_conn_state_error(const struct kc_conn *conn);
void kc_conn_set_gone(struct kc_conn *conn, __u32 state);
void kc_conn_break(struct kc_conn *conn);
bool kc_conn_take_lost(struct kc_conn *conn);
#define KC_SPIN_US_MAX	1000000
__u32 kc_spin_ns(bool sleep_at_once, __u32 spin_us);
int kc_options_read(void *own, size_t own_size, const void *options,
		    size_t least);

#endif
