/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_NAME_H
#define KUCOMMS_SRC_NAME_H

#include <linux/types.h>
#include <kucomms/abi.h>

/* A device's full name, "kucomms_NAME". */
struct kucomms_name {
	char text[KUCOMMS_NAME_MAX + 1];
};

int kucomms_name_parse(struct kucomms_name *name, const char *text,
		       size_t length, bool prefix_required);
bool kucomms_name_equal(const struct kucomms_name *a,
			const struct kucomms_name *b);
u32 kucomms_name_hash(const struct kucomms_name *name);

#endif
