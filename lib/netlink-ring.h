/* SPDX-License-Identifier: MIT */
#ifndef KC_NETLINK_RING_H
#define KC_NETLINK_RING_H

#include "types.h"

/* What a datagram has at most, either way, unless one message has more. */
#define KC_DATAGRAM	32000u

int kc_nlring_create(struct kc_conn *conn, __u32 to_kernel,
		     __u32 to_user);
void kc_nlring_free(struct kc_conn *conn);
void kc_nlring_abandon(struct kc_conn *conn);
int kc_nlring_push(struct kc_conn *conn, __u64 *count);
void kc_nlring_pull(struct kc_conn *conn);
int kc_nlring_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
		   __u64 *count);
bool kc_nlring_is_blocked(const struct kc_nlring *nlring);

#endif
