/* SPDX-License-Identifier: MIT */
#ifndef KC_CALL_H
#define KC_CALL_H

#include "types.h"

/* Tells whether a call on this channel has got this id. */
static inline bool kc_call_covers(const struct kc_conn *conn, __u64 id)
{
	__u64 calls = kucomms_load_acquire(&conn->calls);

	return kucomms_unlikely(calls) && id - conn->call_base < calls;
}

/* For the endpoint's thread: */
void kc_call_answer(struct kc_conn *conn,
		    const struct kucomms_message *answer,
		    const void *data);
void kc_call_end_all(struct kc_conn *conn, int why);
void kc_call_expire(struct kucomms_endpoint *endpoint);
__s64 kc_call_due(struct kucomms_endpoint *endpoint);

#endif
