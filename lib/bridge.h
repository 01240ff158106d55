/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_BRIDGE_H
#define KUCOMMS_LIB_BRIDGE_H

#include "types.h"

/* What a datagram has at most, either way, unless one message has more. */
#define KUCOMMS_DATAGRAM	32000u

int kucomms_bridge_create(struct kc_conn *conn, __u32 to_kernel,
			  __u32 to_user);
void kucomms_bridge_free(struct kc_conn *conn);
void kucomms_bridge_abandon(struct kc_conn *conn);
int kucomms_bridge_push(struct kc_conn *conn, __u64 *count);
void kucomms_bridge_pull(struct kc_conn *conn);
int kucomms_bridge_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
			__u64 *count);
bool kucomms_bridge_is_blocked(const struct kucomms_bridge *bridge);

#endif
