// SPDX-License-Identifier: MIT
/*
 * Names of devices. They are checked here, before the kernel does it, because
 * its EINVAL cannot say which character it dislikes.
 */
#include <stdio.h>
#include <string.h>

#include "name.h"

const char *parse_name(struct device_name *name, const char *text)
{
	static char mistake[64];
	size_t length, valid;

	if (!strncmp(text, KUCOMMS_NAME_PREFIX, NAME_PREFIX_LENGTH))
		text += NAME_PREFIX_LENGTH;
	length = strlen(text);
	valid = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (!length)
		return "it is empty";
	if (valid < length) {
		const unsigned char c = text[valid];

		snprintf(mistake, sizeof(mistake),
			 c >= ' ' && c <= '~' ? "it has a '%c'" :
						"it has a byte 0x%02x", c);
		return mistake;
	}
	if (length > SHORT_NAME_MAX) {
		snprintf(mistake, sizeof(mistake), "it has %zu characters",
			 length);
		return mistake;
	}
	snprintf(name->text, sizeof(name->text), "%s%.*s", KUCOMMS_NAME_PREFIX,
		 SHORT_NAME_MAX, text);
	return NULL;
}
