/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_SEND_H
#define KUCOMMS_LIB_SEND_H

#include "types.h"

int kucomms_end_ring(struct kucomms_end *end);
int kucomms_end_try_reserve(struct kucomms_end *end, __u32 length,
			    struct kucomms_message **record);
void kucomms_end_forget_room(struct kucomms_end *end);
int kucomms_end_ask_room(struct kucomms_end *end, __u32 length, __u32 how,
			 struct kucomms_message **record);
void kucomms_record_fill(struct kucomms_message *record,
			 const struct kucomms_message *message,
			 const void *data);

int kucomms_member_reserve(struct kucomms_end *end, __u32 length,
			   struct kucomms_message **record, __s64 deadline);
int kucomms_member_send(struct kucomms_end *end,
			const struct kucomms_message *message, const void *data,
			unsigned int flags, int timeout_ms);

#endif
