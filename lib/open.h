/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_OPEN_H
#define KUCOMMS_LIB_OPEN_H

#include "types.h"

struct kucomms_end *kucomms_end_alike(const struct kucomms_end *end);
int kucomms_end_prepare(struct kucomms_end **end, const char *name,
			const struct kucomms_options *options);
int kucomms_end_open(struct kucomms_end *end, int timeout_ms, bool place);
int kucomms_end_begin(struct kucomms_end *end, __s64 deadline);
int kucomms_end_finish(struct kucomms_end *end);
void kucomms_end_replace(struct kucomms_end *end, struct kucomms_end *fresh);

#endif
