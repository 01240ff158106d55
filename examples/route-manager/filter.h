/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Filters: the routes that a request or a subscription is about.
 */
#ifndef ROUTE_FILTER_H
#define ROUTE_FILTER_H

#include "kernel.h"
#include "route.h"

#define ROUTE_BY_PREFIX	(ROUTE_BY_EXACT | ROUTE_BY_ROOT | ROUTE_BY_MATCH)

/* Are the first @length bits of two addresses the same? */
bool route_same_bits(const __u8 *a, const __u8 *b, unsigned int length);

/* Does a route match the filter, which has been checked? */
bool route_filter_passes(const struct route_filter *filter,
			 const struct route *route);

#endif /* ROUTE_FILTER_H */
