/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_PEER_H
#define KUCOMMS_LIB_PEER_H

#include "types.h"

/* regions[] of a channel whose other side is in user space */
#define KUCOMMS_MINE	0
#define KUCOMMS_THEIRS	1

void kucomms_peer_init(struct kc_conn *conn, __u32 mine, __u32 theirs);
void kucomms_peer_close(struct kc_conn *conn);
int kucomms_peer_error(struct kc_conn *conn);
int kucomms_peer_ring(struct kc_conn *conn, __u32 need, __u64 *count);
int kucomms_peer_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
		      __u64 *count);
void kucomms_peer_hangup(struct kc_conn *conn, __u32 state);
void kucomms_peer_drain(struct kc_conn *conn);

#endif
