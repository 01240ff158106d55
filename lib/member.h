/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_MEMBER_H
#define KUCOMMS_LIB_MEMBER_H

#include "clock.h"
#include "types.h"

/* How long a round of one member takes, if its handlers are fast enough. */
#define KUCOMMS_ROUND_NS	(50 * NSEC_PER_USEC)

/* Any thread's. */
void kucomms_member_add(struct kucomms_endpoint *endpoint,
			struct kc_conn *conn);
void kucomms_member_queue(struct kc_conn *conn);

/* The endpoint's thread's. */
void kucomms_member_join(struct kucomms_endpoint *endpoint,
			 struct kc_conn *conn);
void kucomms_member_arrive(struct kc_conn *conn);
int kucomms_member_connect(struct kc_conn *conn);
void kucomms_member_serve(struct kc_conn *conn);
void kucomms_member_activate(struct kc_conn *conn);
void kucomms_member_drop(struct kc_conn *conn, int why);
void kucomms_member_round(struct kc_conn *conn, bool spin);
void kucomms_member_look(struct kucomms_endpoint *endpoint);
void kucomms_member_retry(struct kucomms_endpoint *endpoint);
void kucomms_member_publish(struct kucomms_endpoint *endpoint);
void kucomms_member_reopen(struct kc_conn *conn);

#endif
