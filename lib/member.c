// SPDX-License-Identifier: MIT
#include "member.h"
int kucomms_member_send(struct kucomms_end *end,
			const struct kucomms_message *message, const void *data,
			unsigned int flags, int timeout_ms)
{
	(void)end; (void)message; (void)data; (void)flags; (void)timeout_ms;
	return -EINVAL;
}
