/* SPDX-License-Identifier: MIT */
#ifndef KC_SEND_H
#define KC_SEND_H

#include "types.h"

int kc_conn_ring(struct kc_conn *conn);
int kc_conn_try_reserve(struct kc_conn *conn, __u32 length,
			struct kucomms_message **record);
void kc_conn_disarm_room(struct kc_conn *conn);
int kc_conn_arm_room(struct kc_conn *conn, __u32 length, __u32 flags,
		     struct kucomms_message **record);
void kc_record_fill(struct kucomms_message *record,
		    const struct kucomms_message *message,
		    const void *data);

int kc_conn_reserve_locked(struct kc_conn *conn, __u32 length,
			   struct kucomms_message **record, __s64 deadline);
int kc_conn_send_shared(struct kc_conn *conn,
			const struct kucomms_message *message, const void *data,
			unsigned int flags, int timeout_ms);

#endif
