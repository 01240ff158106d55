/* SPDX-License-Identifier: MIT */
#ifndef KC_SHM_H
#define KC_SHM_H

#include "types.h"

/* regions[] of a channel whose other side is in user space */
#define KC_MINE	0
#define KC_THEIRS	1

void kc_shm_init(struct kc_conn *conn, __u32 mine, __u32 theirs);
void kc_shm_close(struct kc_conn *conn);
int kc_shm_error(struct kc_conn *conn);
int kc_shm_ring(struct kc_conn *conn, __u32 need, __u64 *count);
int kc_shm_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
		__u64 *count);
void kc_shm_hangup(struct kc_conn *conn, __u32 state);
void kc_shm_drain(struct kc_conn *conn);

#endif
