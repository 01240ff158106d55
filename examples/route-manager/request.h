/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Requests: is one what route.h says that it is?
 */
#ifndef ROUTE_REQUEST_H
#define ROUTE_REQUEST_H

#include "kernel.h"
#include "route.h"

/*
 * Nothing that a client says is used before this has seen every byte of it.
 *
 * Returns 0, or -EOPNOTSUPP, -EINVAL, -EAFNOSUPPORT, and then @why is a text.
 */
int route_request_check(const struct kucomms_message *request, const void *data,
			const char **why);

#endif /* ROUTE_REQUEST_H */
