// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Filters: the routes that a request or a subscription is about.
 */
#include "filter.h"

bool route_same_bits(const __u8 *a, const __u8 *b, unsigned int length)
{
	unsigned int bytes = length / 8, bits = length % 8;

	return !memcmp(a, b, bytes) &&
	       (!bits || !((a[bytes] ^ b[bytes]) >> (8 - bits)));
}

static bool passes_prefix(const struct route_filter *filter,
			  const struct route *route)
{
	unsigned int ours = filter->route.length, its = route->length;

	if (filter->fields & ROUTE_BY_EXACT && its != ours)
		return false;
	if (filter->fields & ROUTE_BY_ROOT && its < ours)
		return false;
	if (filter->fields & ROUTE_BY_MATCH && its > ours)
		return false;
	return route_same_bits(filter->route.prefix, route->prefix,
			       its < ours ? its : ours);
}

bool route_filter_passes(const struct route_filter *filter,
			 const struct route *route)
{
	const struct route *want = &filter->route;
	__u32 fields = filter->fields;

	if (fields & ROUTE_BY_FAMILY && route->family != want->family)
		return false;
	if (fields & ROUTE_BY_TABLE && route->table != want->table)
		return false;
	if (fields & ROUTE_BY_METRIC && route->metric != want->metric)
		return false;
	if (fields & ROUTE_BY_INTERFACE && route->interface != want->interface)
		return false;
	if (fields & ROUTE_BY_GATEWAY &&
	    memcmp(route->gateway, want->gateway, sizeof(want->gateway)))
		return false;
	return !(fields & ROUTE_BY_PREFIX) || passes_prefix(filter, route);
}
