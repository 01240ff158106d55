// SPDX-License-Identifier: MIT
#include <kucomms/handler.h>

#include "clock.h"
#include "types.h"

KUCOMMS_API __u64 kucomms_time_ns(void)
{
	return (__u64)kucomms_now();
}
