/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_MEMBER_H
#define KUCOMMS_LIB_MEMBER_H

#include "end.h"

int kucomms_member_send(struct kucomms_end *end,
			const struct kucomms_message *message, const void *data,
			unsigned int flags, int timeout_ms);

#endif
