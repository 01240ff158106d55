/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Requests: checks them against route.h.
 */
#ifndef ROUTE_REQUEST_H
#define ROUTE_REQUEST_H

#include "kernel.h"
#include "route.h"

/*
 * Checks every byte of a request, before any other function uses it.
 *
 * Returns 0, or -EOPNOTSUPP, -EINVAL, -EAFNOSUPPORT with a text in @why.
 */
int route_request_check(const struct kucomms_message *request, const void *data,
			const char **why);

#endif /* ROUTE_REQUEST_H */
