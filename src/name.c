// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of devices: "kucomms_" and at least one of [a-z0-9_]. Nothing else can
 * ever reach sysfs, devtmpfs or udev, so there is nothing to escape anywhere.
 */
#include <linux/errno.h>
#include <linux/jhash.h>
#include <linux/string.h>

#include "functions.h"

static bool name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/*
 * Reads @length bytes of @text, which need not end with a NUL. Where the prefix
 * is not required it is added to a name that comes without.
 */
int kc_name_parse(struct kc_name *name, const char *text,
		  size_t length, bool prefix_required)
{
	const size_t prefix = strlen(KUCOMMS_NAME_PREFIX);
	size_t i;

	if (length >= prefix && !memcmp(text, KUCOMMS_NAME_PREFIX, prefix)) {
		text += prefix;
		length -= prefix;
	} else if (prefix_required) {
		return -EINVAL;
	}
	if (!length || length > KUCOMMS_NAME_MAX - prefix)
		return -EINVAL;
	for (i = 0; i < length; i++)
		if (!name_character(text[i]))
			return -EINVAL;

	memset(name, 0, sizeof(*name));
	memcpy(name->text, KUCOMMS_NAME_PREFIX, prefix);
	memcpy(name->text + prefix, text, length);
	return 0;
}

bool kc_name_equal(const struct kc_name *a,
		   const struct kc_name *b)
{
	return !strcmp(a->text, b->text);
}

u32 kc_name_hash(const struct kc_name *name)
{
	return jhash(name->text, strlen(name->text), 0);
}
