// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of the ways of dispatch, as administrators write and read them.
 */
#include <linux/string.h>

#include "functions.h"

static const char *const choices[] = {
	[KUCOMMS_CHOICE_ADAPTIVE] = "adaptive",
	[KUCOMMS_CHOICE_THREAD] = "thread",
	[KUCOMMS_CHOICE_POLL] = "poll",
	[KUCOMMS_CHOICE_DEFAULT] = "default",
	NULL
};

/* One newline at the end is allowed; -EINVAL: there is no such choice. */
int kc_choice_parse(enum kc_choice *choice, const char *text)
{
	int i;

	for (i = 0; choices[i]; i++) {
		if (sysfs_streq(text, choices[i])) {
			*choice = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *kc_choice_name(enum kc_choice choice)
{
	return choices[choice];
}
