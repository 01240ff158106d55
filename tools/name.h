/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_NAME_H
#define KUCOMMSCTL_NAME_H

#include <kucomms/abi.h>

#define NAME_PREFIX_LENGTH	((int)sizeof(KUCOMMS_NAME_PREFIX) - 1)
#define SHORT_NAME_MAX		(KUCOMMS_NAME_MAX - NAME_PREFIX_LENGTH)

/* A valid name, with the prefix. */
struct device_name {
	char text[KUCOMMS_NAME_MAX + 1];
};

/*
 * Parses @text: a name with or without the prefix, or the path of the node or
 * of udev's link to it. Returns NULL, or what is wrong with it.
 */
const char *parse_name(struct device_name *name, const char *text);

/* The name without the prefix, as people and modules say it. */
static inline const char *short_name(const struct device_name *name)
{
	return name->text + NAME_PREFIX_LENGTH;
}

#endif
