// SPDX-License-Identifier: MIT
/*
 * Names of devices. They are checked here, before the kernel does it, because
 * its EINVAL cannot say what is wrong.
 */
#include <kucomms/kucomms.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "name.h"

#define NODE_DIRECTORY	"/dev/"
#define LINK_DIRECTORY	"/dev/kucomms/"

static bool starts_with(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

/*
 * Returns the name in a path, without the prefix (in LINK_DIRECTORY a prefix is
 * part of the name), or NULL if it is no path of a device.
 */
static const char *name_in_path(const char *path)
{
	if (starts_with(path, LINK_DIRECTORY))
		return path + strlen(LINK_DIRECTORY);
	if (starts_with(path, NODE_DIRECTORY KUCOMMS_NAME_PREFIX))
		return path + strlen(NODE_DIRECTORY KUCOMMS_NAME_PREFIX);
	return NULL;
}

const char *parse_name(struct device_name *name, const char *text)
{
	char plain[sizeof("local:") + KUCOMMS_NAME_MAX];
	const char *mistake;

	if (*text == '/')
		text = name_in_path(text);
	else if (starts_with(text, KUCOMMS_NAME_PREFIX))
		text += NAME_PREFIX_LENGTH;
	if (!text)
		return "a path must be /dev/kucomms_NAME or /dev/kucomms/NAME";
	if (strchr(text, ':'))
		return "no device has a ':' in its name";
	/* Behind "local:" the library takes neither a path nor a prefix. */
	snprintf(plain, sizeof(plain), "local:%.*s", KUCOMMS_NAME_MAX, text);
	mistake = kucomms_name_error(plain);
	if (mistake)
		return mistake;
	snprintf(name->text, sizeof(name->text), "%s%.*s", KUCOMMS_NAME_PREFIX,
		 SHORT_NAME_MAX, text);
	return NULL;
}
