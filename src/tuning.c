// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of the ways of dispatch, as administrators write and read them.
 */
#include <linux/string.h>

#include "functions.h"

static const char *const names[] = {
	[KUCOMMS_DISPATCH_ADAPTIVE] = "adaptive",
	[KUCOMMS_DISPATCH_THREAD] = "thread",
	[KUCOMMS_DISPATCH_POLL] = "poll",
	[KUCOMMS_DISPATCH_DEFAULT] = "default",
	NULL
};

/* One newline at the end is allowed; -EINVAL: it is no name of a dispatch. */
int kc_dispatch_parse(enum kucomms_dispatch *dispatch, const char *text)
{
	int i;

	for (i = 0; names[i]; i++) {
		if (sysfs_streq(text, names[i])) {
			*dispatch = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *kc_dispatch_name(enum kucomms_dispatch dispatch)
{
	return names[dispatch];
}
