/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_MEMBER_H
#define KUCOMMS_LIB_MEMBER_H

#include "clock.h"
#include "types.h"

/* How long a round of one member takes, if its handlers are fast enough. */
#define KUCOMMS_ROUND_NS	(50 * NSEC_PER_USEC)

/* Any thread's. */
void kucomms_member_add(struct kucomms_endpoint *endpoint,
			struct kucomms_end *end);
void kucomms_member_queue(struct kucomms_end *end);

/* The endpoint's thread's. */
void kucomms_member_join(struct kucomms_endpoint *endpoint,
			 struct kucomms_end *end);
void kucomms_member_arrive(struct kucomms_end *end);
int kucomms_member_connect(struct kucomms_end *end);
void kucomms_member_serve(struct kucomms_end *end);
void kucomms_member_activate(struct kucomms_end *end);
void kucomms_member_drop(struct kucomms_end *end, int why);
void kucomms_member_round(struct kucomms_end *end, bool spin);
void kucomms_member_look(struct kucomms_endpoint *endpoint);
void kucomms_member_retry(struct kucomms_endpoint *endpoint);
void kucomms_member_publish(struct kucomms_endpoint *endpoint);
void kucomms_member_reopen(struct kucomms_end *end);

#endif
