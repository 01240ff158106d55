/* SPDX-License-Identifier: MIT */
#ifndef KC_EP_ENTRY_H
#define KC_EP_ENTRY_H

#include "clock.h"
#include "types.h"

/* Time of a round of one channel, if its handlers are fast enough. */
#define KC_ROUND_NS	(50 * NSEC_PER_USEC)

/* For any thread: */
void kc_ep_entry_add(struct kucomms_endpoint *endpoint,
		     struct kc_conn *conn);
void kc_ep_entry_queue(struct kc_conn *conn);

/* For the endpoint's thread: */
void kc_ep_entry_join(struct kucomms_endpoint *endpoint,
		      struct kc_conn *conn);
void kc_ep_entry_arrive(struct kc_conn *conn);
int kc_ep_entry_connect(struct kc_conn *conn);
void kc_ep_entry_serve(struct kc_conn *conn);
void kc_ep_entry_activate(struct kc_conn *conn);
void kc_ep_entry_drop(struct kc_conn *conn, int why);
void kc_ep_entry_round(struct kc_conn *conn, bool spin);
void kc_ep_entry_retry(struct kucomms_endpoint *endpoint);
void kc_ep_entry_publish(struct kucomms_endpoint *endpoint);
void kc_ep_entry_reconnect(struct kc_conn *conn);

#endif
