// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Requests: checks them against route.h.
 */
#include "filter.h"
#include "request.h"

static int wrong(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

/* In the order of the network, as the bits of an address are counted. */
static __u64 load_half(const __u8 *bytes)
{
	__be32 words[2];

	memcpy(words, bytes, sizeof(words));
	return (__u64)ntohl(words[0]) << 32 | ntohl(words[1]);
}

/* Are all bits behind the first @length 0? */
static inline bool ends_at(const __u8 address[16], unsigned int length)
{
	__u64 left = load_half(address), right = load_half(address + 8);

	if (length < 64)
		return !(left << length | right);
	return length >= 128 || !(right << (length - 64));
}

static inline bool all_zero(const __u8 address[16])
{
	return ends_at(address, 0);
}

/* Returns the bytes of an address; 0: there is no such family. */
static unsigned int address_size(__u8 family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

static int check_family(__u8 family, const char **why)
{
	if (address_size(family))
		return 0;
	*why = "the family is neither AF_INET nor AF_INET6";
	return -EAFNOSUPPORT;
}

static int check_prefix(const struct route *route, const char **why)
{
	if (route->length > 8 * address_size(route->family))
		return wrong(why, "the prefix is longer than an address");
	if (!ends_at(route->prefix, route->length))
		return wrong(why, "the prefix has bits set behind its length");
	return 0;
}

static int check_gateway(const struct route *route, const char **why)
{
	if (!ends_at(route->gateway, 8 * address_size(route->family)))
		return wrong(why, "the gateway has more bytes than an address");
	return 0;
}

/* Checks what every route has. */
static int check_route(const struct route *route, const char **why)
{
	int err;

	if (route->reserved)
		return wrong(why, "a reserved field is not 0");
	err = check_family(route->family, why);
	if (err)
		return err;
	if (!route->table)
		return wrong(why, "there is no table 0");
	return check_prefix(route, why);
}

/* CREATE, UPDATE: a key, and a gateway or an interface. */
static int check_whole(const void *data, __u64 flags, const char **why)
{
	const struct route *route = data;
	int err = check_route(route, why);

	if (!err)
		err = check_gateway(route, why);
	if (err)
		return err;
	if (!route->interface && all_zero(route->gateway))
		return wrong(why, "neither a gateway nor an interface");
	if (flags & ROUTE_FLAG_ANY_METRIC && route->metric)
		return wrong(why, "any metric is wanted, and a certain one");
	return 0;
}

/* DELETE, READ */
static int check_key(const void *data, __u64 flags, const char **why)
{
	const struct route *route = data;
	int err = check_route(route, why);

	if (err)
		return err;
	if (route->interface || !all_zero(route->gateway))
		return wrong(why, "gateway and interface are no part of a key");
	if (flags & ROUTE_FLAG_ANY_METRIC && route->metric)
		return wrong(why, "any metric is wanted, and a certain one");
	return 0;
}

/* LOOKUP */
static int check_address(const void *data, __u64 flags, const char **why)
{
	const struct route *route = data;
	int err = check_key(data, flags, why);

	if (err)
		return err;
	if (route->length != 8 * address_size(route->family))
		return wrong(why, "this is not a whole address");
	if (route->metric)
		return wrong(why, "an address has no metric");
	return 0;
}

/* Fields that are not compared are 0. */
static int check_unused(const struct route_filter *filter, const char **why)
{
	const struct route *route = &filter->route;
	__u32 fields = filter->fields;

	if ((!(fields & ROUTE_BY_FAMILY) && route->family) ||
	    (!(fields & ROUTE_BY_TABLE) && route->table) ||
	    (!(fields & ROUTE_BY_METRIC) && route->metric) ||
	    (!(fields & ROUTE_BY_INTERFACE) && route->interface) ||
	    (!(fields & ROUTE_BY_GATEWAY) && !all_zero(route->gateway)) ||
	    (!(fields & ROUTE_BY_PREFIX) &&
	     (route->length || !all_zero(route->prefix))))
		return wrong(why, "a field that the filter ignores is not 0");
	return 0;
}

static int check_fields(const struct route_filter *filter, const char **why)
{
	__u32 fields = filter->fields, prefix = fields & ROUTE_BY_PREFIX;

	if (fields >= ROUTE_BY_MATCH << 1)
		return wrong(why, "the filter has unknown fields");
	if (filter->reserved || filter->route.reserved)
		return wrong(why, "a reserved field is not 0");
	if (prefix & (prefix - 1))
		return wrong(why, "the filter has several kinds of prefix");
	if (fields & (ROUTE_BY_PREFIX | ROUTE_BY_GATEWAY) &&
	    !(fields & ROUTE_BY_FAMILY))
		return wrong(why, "the filter has an address, but no family");
	return check_unused(filter, why);
}

/* LIST, FLUSH, SUBSCRIBE */
static int check_filter(const void *data, __u64 flags, const char **why)
{
	const struct route_filter *filter = data;
	const struct route *route = &filter->route;
	int err = check_fields(filter, why);

	(void)flags;
	if (!err && filter->fields & ROUTE_BY_FAMILY)
		err = check_family(route->family, why);
	if (err)
		return err;
	if (filter->fields & ROUTE_BY_TABLE && !route->table)
		return wrong(why, "there is no table 0");
	if (filter->fields & ROUTE_BY_GATEWAY)
		err = check_gateway(route, why);
	if (!err && filter->fields & ROUTE_BY_PREFIX)
		err = check_prefix(route, why);
	return err;
}

static int check_nothing(const void *data, __u64 flags, const char **why)
{
	(void)data;
	(void)flags;
	(void)why;
	return 0;
}

static const struct rule {
	__u32 size;
	__u32 flags;
	int (*check)(const void *data, __u64 flags, const char **why);
} rules[] = {
	[ROUTE_CREATE] = { sizeof(struct route), ROUTE_FLAG_REPLACE,
			   check_whole },
	[ROUTE_UPDATE] = { sizeof(struct route), ROUTE_FLAG_ANY_METRIC,
			   check_whole },
	[ROUTE_DELETE] = { sizeof(struct route), ROUTE_FLAG_ANY_METRIC,
			   check_key },
	[ROUTE_READ] = { sizeof(struct route), ROUTE_FLAG_ANY_METRIC,
			 check_key },
	[ROUTE_LOOKUP] = { sizeof(struct route), 0, check_address },
	[ROUTE_LIST] = { sizeof(struct route_filter), 0, check_filter },
	[ROUTE_FLUSH] = { sizeof(struct route_filter), 0, check_filter },
	[ROUTE_SUBSCRIBE] = { sizeof(struct route_filter), 0, check_filter },
	[ROUTE_UNSUBSCRIBE] = { 0, 0, check_nothing },
	[ROUTE_STATUS] = { 0, 0, check_nothing },
};

int route_request_check(const struct kucomms_message *request, const void *data,
			const char **why)
{
	const struct rule *rule;

	if (!request->type ||
	    request->type >= sizeof(rules) / sizeof(rules[0])) {
		*why = "there is no such request";
		return -EOPNOTSUPP;
	}
	rule = &rules[request->type];
	if (request->length != rule->size)
		return wrong(why, "the data have another size");
	if (request->user & ~(__u64)rule->flags)
		return wrong(why, "the request has unknown flags");
	return rule->check(data, request->user, why);
}
