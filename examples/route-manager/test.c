// SPDX-License-Identifier: MIT
/*
 * A test of the route manager (route.h), in a kernel module or in a process:
 *
 *	test kernel:route
 *	test process:route
 *
 * Waits until the route manager is served, expects no routes and no other
 * client, and leaves no routes.
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "route.h"

/* Milliseconds until a missing message is an error. */
#define PATIENCE	60000
#define THREADS		4
/* The largest limit of routes that the test tries to reach. */
#define FILL_MAX	20000

#define check(condition)						\
	do {								\
		if (!(condition)) {					\
			printf("%s:%d: %s is false\n", __FILE__,	\
			       __LINE__, #condition);			\
			exit(1);					\
		}							\
	} while (0)

#define equal(is, should)						\
	do {								\
		long long is_ = (long long)(is);			\
		long long should_ = (long long)(should);		\
									\
		if (is_ != should_) {					\
			printf("%s:%d: %s is %lld, not %lld\n",		\
			       __FILE__, __LINE__, #is, is_, should_);	\
			exit(1);					\
		}							\
	} while (0)

/*
 * @message, @data: the last message that was received
 * @entries:  the @count entries that the last request got
 */
struct client {
	struct kucomms_channel *channel;
	__u64 id;
	struct kucomms_message message;
	unsigned char data[256];
	struct route *entries;
	unsigned int count, room;
};

static const char *name;
static const struct route_filter everything;

static struct client *connect_with(__u32 to_user_size)
{
	const struct kucomms_options options = {
		.size = sizeof(options),
		.send_size = 1 << 18,
		.receive_size = to_user_size,
		.timeout_ms = PATIENCE,
	};
	struct client *client = calloc(1, sizeof(*client));
	int err;

	check(client);
	err = kucomms_open(name, &options, &client->channel);
	if (err) {
		printf("cannot open %s: %s\n", name, kucomms_strerror(err));
		exit(1);
	}
	return client;
}

static void disconnect(struct client *client)
{
	kucomms_channel_close(client->channel);
	free(client->entries);
	free(client);
}

/* ---- requests and answers */

static void send_request(struct client *client, __u64 type, __u64 flags,
			 const void *data, size_t length)
{
	const struct kucomms_message request = {
		.length = (__u32)length,
		.type = type,
		.id = ++client->id,
		.user = flags,
	};

	equal(kucomms_send(client->channel, &request, data, 0, PATIENCE), 0);
}

static void receive(struct client *client)
{
	equal(kucomms_receive_copy(client->channel, &client->message,
				   client->data, sizeof(client->data),
				   PATIENCE), 0);
}

static void keep_entry(struct client *client)
{
	equal(client->message.length, sizeof(struct route));
	if (client->count == client->room) {
		client->room = client->room ? 2 * client->room : 64;
		client->entries = realloc(client->entries, client->room *
					  sizeof(struct route));
		check(client->entries);
	}
	memcpy(&client->entries[client->count++], client->data,
	       sizeof(struct route));
}

/* Receives all answers to request @id. Returns the errno of ROUTE_DONE. */
static int receive_answer(struct client *client, __u64 id)
{
	client->count = 0;
	for (;;) {
		receive(client);
		equal(client->message.id, id);
		if (client->message.type != ROUTE_ENTRY)
			break;
		equal(client->message.user, 0);
		keep_entry(client);
	}
	equal(client->message.type, ROUTE_DONE);
	/* An errno comes with a text. */
	if (client->message.user)
		check(client->message.length);
	return (int)client->message.user;
}

static int ask(struct client *client, __u64 type, __u64 flags, const void *data,
	       size_t length)
{
	send_request(client, type, flags, data, length);
	return receive_answer(client, client->id);
}

static int ask_route(struct client *client, __u64 type, __u64 flags,
		     struct route route)
{
	return ask(client, type, flags, &route, sizeof(route));
}

static int ask_filter(struct client *client, __u64 type,
		      struct route_filter filter)
{
	return ask(client, type, 0, &filter, sizeof(filter));
}

static __u64 done_count(const struct client *client)
{
	__u64 count;

	equal(client->message.length, sizeof(count));
	memcpy(&count, client->data, sizeof(count));
	return count;
}

/* Sends a LIST or FLUSH that succeeds; returns the number of routes. */
static unsigned int count_of(struct client *client, __u64 type,
			     struct route_filter filter)
{
	equal(ask_filter(client, type, filter), 0);
	if (type == ROUTE_LIST)
		equal(done_count(client), client->count);
	return (unsigned int)done_count(client);
}

static struct route_counts status(struct client *client)
{
	struct route_counts counts;

	send_request(client, ROUTE_STATUS, 0, NULL, 0);
	receive(client);
	equal(client->message.type, ROUTE_COUNTS);
	equal(client->message.id, client->id);
	equal(client->message.length, sizeof(counts));
	memcpy(&counts, client->data, sizeof(counts));
	equal(receive_answer(client, client->id), 0);
	equal(client->message.length, 0);
	return counts;
}

static void empty(struct client *client)
{
	struct route_counts counts;

	count_of(client, ROUTE_FLUSH, everything);
	counts = status(client);
	equal(counts.routes4 + counts.routes6, 0);
	equal(counts.tables, 0);
}

/* ---- routes */

static struct route route4(__u32 address, __u8 length)
{
	return (struct route){
		.family = AF_INET,
		.length = length,
		.table = ROUTE_TABLE_MAIN,
		.interface = 1,
		.prefix = { (__u8)(address >> 24), (__u8)(address >> 16),
			    (__u8)(address >> 8), (__u8)address },
	};
}

static struct route route6(__u16 first, __u16 second, __u8 length)
{
	return (struct route){
		.family = AF_INET6,
		.length = length,
		.table = ROUTE_TABLE_MAIN,
		.interface = 1,
		.prefix = { (__u8)(first >> 8), (__u8)first,
			    (__u8)(second >> 8), (__u8)second },
	};
}

static struct route with_metric(struct route route, __u32 metric)
{
	route.metric = metric;
	return route;
}

static struct route in_table(struct route route, __u32 table)
{
	route.table = table;
	return route;
}

static struct route key_of(struct route route)
{
	route.interface = 0;
	memset(route.gateway, 0, sizeof(route.gateway));
	return route;
}

static struct route address_of(struct route route)
{
	route = key_of(route);
	route.length = route.family == AF_INET ? 32 : 128;
	route.metric = 0;
	return route;
}

static bool same(const struct route *a, const struct route *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static int create(struct client *client, struct route route)
{
	return ask_route(client, ROUTE_CREATE, 0, route);
}

static int delete(struct client *client, struct route route)
{
	return ask_route(client, ROUTE_DELETE, 0, key_of(route));
}

/* Expects this route as the only answer. */
static void expect_entry(struct client *client, struct route route)
{
	equal(client->count, 1);
	check(same(&client->entries[0], &route));
}

static void expect_lookup(struct client *client, struct route address,
			  struct route route)
{
	equal(ask_route(client, ROUTE_LOOKUP, 0, address_of(address)), 0);
	expect_entry(client, route);
}

static int read_route(struct client *client, struct route route)
{
	return ask_route(client, ROUTE_READ, 0, key_of(route));
}

static void expect_no_route(struct client *client, struct route address)
{
	equal(ask_route(client, ROUTE_LOOKUP, 0, address_of(address)),
	      ENETUNREACH);
	equal(client->count, 0);
}

/* ---- what a route goes through */

static void live_through(struct client *client, struct route route)
{
	struct route other = route;

	other.interface = 2;
	memset(other.gateway, 0, sizeof(other.gateway));
	equal(read_route(client, route), ENOENT);
	equal(ask_route(client, ROUTE_UPDATE, 0, route), ENOENT);
	equal(delete(client, route), ENOENT);
	equal(create(client, route), 0);
	equal(create(client, other), EEXIST);
	equal(read_route(client, route), 0);
	expect_entry(client, route);
	equal(ask_route(client, ROUTE_UPDATE, 0, other), 0);
	equal(read_route(client, route), 0);
	expect_entry(client, other);
	equal(ask_route(client, ROUTE_CREATE, ROUTE_FLAG_REPLACE, route), 0);
	equal(read_route(client, route), 0);
	expect_entry(client, route);
	equal(delete(client, route), 0);
	equal(read_route(client, route), ENOENT);
	equal(ask_route(client, ROUTE_CREATE, ROUTE_FLAG_REPLACE, other), 0);
	equal(delete(client, route), 0);
}

static void test_lives(void)
{
	struct client *client = connect_with(0);
	struct route route = route6(0xffff, 0xffff, 128);

	live_through(client, route4(0x0a000000, 8));
	live_through(client, route4(0, 0));
	live_through(client, route4(~0u, 32));
	live_through(client, route6(0, 0, 0));
	live_through(client, in_table(route6(0x2001, 0xdb8, 32), ~0u));
	memset(route.prefix, 0xff, sizeof(route.prefix));
	memset(route.gateway, 0xff, sizeof(route.gateway));
	route.interface = ~0u;
	live_through(client, with_metric(route, ~0u));
	route.interface = 0;
	live_through(client, route);
	disconnect(client);
}

static void test_metrics(void)
{
	struct client *client = connect_with(0);
	struct route base = route4(0x0a000000, 8), changed;
	const __u32 order[] = { 5, 0, ~0u, 3 };
	unsigned int i;

	for (i = 0; i < 4; i++)
		equal(create(client, with_metric(base, order[i])), 0);
	expect_lookup(client, base, base);
	equal(delete(client, base), 0);
	expect_lookup(client, base, with_metric(base, 3));
	equal(read_route(client, base), ENOENT);
	equal(ask_route(client, ROUTE_READ, ROUTE_FLAG_ANY_METRIC,
			key_of(base)), 0);
	expect_entry(client, with_metric(base, 3));

	changed = base;
	changed.interface = 7;
	equal(ask_route(client, ROUTE_UPDATE, ROUTE_FLAG_ANY_METRIC, changed),
	      0);
	expect_lookup(client, base, with_metric(changed, 3));
	equal(read_route(client, with_metric(base, 5)), 0);
	expect_entry(client, with_metric(base, 5));
	for (i = 0; i < 3; i++)
		equal(ask_route(client, ROUTE_DELETE, ROUTE_FLAG_ANY_METRIC,
				key_of(base)), 0);
	equal(ask_route(client, ROUTE_DELETE, ROUTE_FLAG_ANY_METRIC,
			key_of(base)), ENOENT);
	disconnect(client);
}

static void test_lookups(void)
{
	struct client *client = connect_with(0);
	const struct route nested[] = {
		route4(0, 0), route4(0x0a000000, 8), route4(0x0a800000, 9),
		route4(0x0a808000, 17), route4(0x0a8080ff, 32),
	};
	const struct route address = route4(0x0a8080ff, 32);
	int i;

	expect_no_route(client, address);
	for (i = 4; i >= 0; i--) {
		equal(create(client, nested[i]), 0);
		expect_lookup(client, address, nested[4]);
	}
	expect_lookup(client, route4(0x0a8080fe, 32), nested[3]);
	expect_lookup(client, route4(0x0a7fffff, 32), nested[1]);
	expect_lookup(client, route4(0x0b000000, 32), nested[0]);
	expect_no_route(client, in_table(address, 1));
	expect_no_route(client, route6(0x0a80, 0x80ff, 128));
	equal(create(client, in_table(nested[1], 1)), 0);
	expect_lookup(client, in_table(address, 1), in_table(nested[1], 1));
	for (i = 4; i >= 0; i--) {
		expect_lookup(client, address, nested[i]);
		equal(delete(client, nested[i]), 0);
	}
	expect_no_route(client, address);
	equal(create(client, route6(0x2001, 0xdb8, 32)), 0);
	expect_lookup(client, route6(0x2001, 0xdb8, 128),
		      route6(0x2001, 0xdb8, 32));
	expect_no_route(client, route6(0x2001, 0xdb9, 128));
	empty(client);
	disconnect(client);
}

/* ---- lists */

/* In the order in which they are listed. */
static const struct route *sample(unsigned int *count)
{
	static struct route routes[10];

	routes[0] = in_table(route4(0x0a000000, 8), 1);
	routes[1] = route4(0, 0);
	routes[2] = route4(0x0a000000, 8);
	routes[3] = with_metric(route4(0x0a000000, 8), 9);
	routes[4] = route4(0x0a000000, 16);
	routes[5] = route4(0x0a010000, 16);
	routes[6] = route4(0x0b000000, 8);
	routes[7] = in_table(route4(0x0a010000, 16), ~0u);
	routes[8] = route6(0x0a00, 0, 8);
	routes[9] = with_metric(route6(0x2001, 0xdb8, 32), 9);
	routes[5].interface = 5;
	routes[9].interface = 5;
	routes[6].gateway[0] = 10;
	*count = 10;
	return routes;
}

static void create_sample(struct client *client)
{
	unsigned int i, count;
	const struct route *routes = sample(&count);

	/* Every third, so that none comes in its place. */
	for (i = 0; i < count; i++)
		equal(create(client, routes[i * 3 % count]), 0);
}

/* Bit i of @wanted: the list must have route i of the sample. */
static void expect_list(struct client *client, struct route_filter filter,
			unsigned int wanted)
{
	unsigned int i, at = 0, count;
	const struct route *routes = sample(&count);

	count_of(client, ROUTE_LIST, filter);
	for (i = 0; i < count; i++) {
		if (!(wanted & 1u << i))
			continue;
		check(at < client->count);
		check(same(&client->entries[at++], &routes[i]));
	}
	equal(client->count, at);
}

static const struct {
	struct route_filter filter;
	unsigned int wanted;
} filters[] = {
	{ { .fields = 0 }, 0x3ff },
	{ { .fields = ROUTE_BY_FAMILY, .route.family = AF_INET }, 0x0ff },
	{ { .fields = ROUTE_BY_FAMILY, .route.family = AF_INET6 }, 0x300 },
	{ { .fields = ROUTE_BY_TABLE, .route.table = 1 }, 0x001 },
	{ { .fields = ROUTE_BY_TABLE, .route.table = 2 }, 0 },
	{ { .fields = ROUTE_BY_TABLE, .route.table = ~0u }, 0x080 },
	{ { .fields = ROUTE_BY_METRIC, .route.metric = 9 }, 0x208 },
	{ { .fields = ROUTE_BY_METRIC, .route.metric = 0 }, 0x1f7 },
	{ { .fields = ROUTE_BY_INTERFACE, .route.interface = 5 }, 0x220 },
	{ { .fields = ROUTE_BY_INTERFACE | ROUTE_BY_METRIC,
	    .route.interface = 5, .route.metric = 9 }, 0x200 },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_GATEWAY,
	    .route.family = AF_INET, .route.gateway = { 10 } }, 0x040 },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_GATEWAY,
	    .route.family = AF_INET }, 0x0bf },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_EXACT,
	    .route.family = AF_INET, .route.prefix = { 10 },
	    .route.length = 8 }, 0x00d },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_ROOT,
	    .route.family = AF_INET, .route.prefix = { 10 },
	    .route.length = 8 }, 0x0bd },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_ROOT,
	    .route.family = AF_INET }, 0x0ff },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_ROOT | ROUTE_BY_TABLE,
	    .route.family = AF_INET, .route.prefix = { 10 },
	    .route.length = 9, .route.table = ROUTE_TABLE_MAIN }, 0x030 },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_MATCH,
	    .route.family = AF_INET, .route.prefix = { 10, 1, 2, 3 },
	    .route.length = 32 }, 0x0af },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_MATCH | ROUTE_BY_TABLE,
	    .route.family = AF_INET, .route.prefix = { 10, 1 },
	    .route.length = 16, .route.table = ROUTE_TABLE_MAIN }, 0x02e },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_MATCH,
	    .route.family = AF_INET6, .route.prefix = { 0x20, 0x01, 0x0d },
	    .route.length = 31 }, 0 },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_MATCH,
	    .route.family = AF_INET6,
	    .route.prefix = { 0x20, 0x01, 0x0d, 0xb8, 0x80 },
	    .route.length = 33 }, 0x200 },
};

#define FILTERS	(sizeof(filters) / sizeof(filters[0]))

static void test_filters(void)
{
	struct client *client = connect_with(0);
	unsigned int i;

	create_sample(client);
	for (i = 0; i < FILTERS; i++)
		expect_list(client, filters[i].filter, filters[i].wanted);
	empty(client);
	for (i = 0; i < FILTERS; i++)
		expect_list(client, filters[i].filter, 0);
	disconnect(client);
}

static void test_flushes(void)
{
	struct client *client = connect_with(0);
	unsigned int i, wanted;

	for (i = 0; i < FILTERS; i++) {
		create_sample(client);
		wanted = filters[i].wanted;
		equal(count_of(client, ROUTE_FLUSH, filters[i].filter),
		      __builtin_popcount(wanted));
		expect_list(client, everything, 0x3ff & ~wanted);
		equal(count_of(client, ROUTE_FLUSH, filters[i].filter), 0);
		equal(count_of(client, ROUTE_FLUSH, everything),
		      10 - __builtin_popcount(wanted));
	}
	disconnect(client);
}

static void test_status(void)
{
	struct client *client = connect_with(0);
	struct route_counts before = status(client), after;

	create_sample(client);
	after = status(client);
	equal(after.routes4, before.routes4 + 8);
	equal(after.routes6, before.routes6 + 2);
	equal(after.tables, before.tables + 4);
	equal(after.changes, before.changes + 10);
	equal(after.limit, before.limit);
	check(after.bytes >= before.bytes + 10 * sizeof(struct route) / 2);
	equal(create(client, route4(0, 0)), EEXIST);
	equal(status(client).changes, after.changes);
	empty(client);
	after = status(client);
	equal(after.bytes, before.bytes);
	equal(after.changes, before.changes + 20);
	disconnect(client);
}

/* ---- invalid requests */

static struct route changed_route(struct route route, unsigned int at,
				  unsigned char byte)
{
	((unsigned char *)&route)[at] = byte;
	return route;
}

#define AT(field) (unsigned int)offsetof(struct route, field)

static const __u64 route_requests[] = {
	ROUTE_CREATE, ROUTE_UPDATE, ROUTE_DELETE, ROUTE_READ, ROUTE_LOOKUP,
};

static void test_wrong_routes(void)
{
	struct client *client = connect_with(0);
	struct route good = route4(0x0a000000, 8);
	unsigned int i;

	for (i = 0; i < 5; i++) {
		const __u64 type = route_requests[i];
		const struct route base = type < ROUTE_DELETE ? good :
			type == ROUTE_LOOKUP ? address_of(good) : key_of(good);
		const struct {
			unsigned int at;
			unsigned char byte;
			int err;
		} wrong[] = {
			{ AT(family), 0, EAFNOSUPPORT },
			{ AT(family), AF_UNIX, EAFNOSUPPORT },
			{ AT(family), 255, EAFNOSUPPORT },
			{ AT(length), 33, EINVAL },
			{ AT(length), 255, EINVAL },
			{ AT(reserved), 1, EINVAL },
			{ AT(reserved) + 1, 1, EINVAL },
			{ AT(table), 0, EINVAL },
			{ AT(prefix) + 4, 1, EINVAL },
			{ AT(prefix) + 15, 1, EINVAL },
			{ AT(gateway) + 4, 1, EINVAL },
			{ AT(gateway) + 15, 1, EINVAL },
		};
		unsigned int j;

		for (j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++)
			equal(ask_route(client, type, 0,
					changed_route(base, wrong[j].at,
						      wrong[j].byte)),
			      wrong[j].err);
		for (j = 0; j < 4; j++)
			equal(ask_route(client, type, 1ull << (17 * j + 2),
					base), EINVAL);
		equal(ask(client, type, 0, &base, sizeof(base) - 1), EINVAL);
		equal(ask(client, type, 0, NULL, 0), EINVAL);
	}
	disconnect(client);
}

/* Of some requests only. */
static void test_wrong_fields(void)
{
	struct client *client = connect_with(0);
	struct route good = route4(0x0a000000, 8), key = key_of(good);
	struct route address = address_of(good);

	equal(create(client, key), EINVAL);
	equal(ask_route(client, ROUTE_UPDATE, 0, key), EINVAL);
	equal(create(client, changed_route(good, AT(prefix) + 1, 1)), EINVAL);
	equal(create(client, changed_route(good, AT(length), 6)), EINVAL);
	equal(create(client, changed_route(route6(0, 0, 0), AT(length), 129)),
	      EINVAL);
	equal(create(client, changed_route(route6(0, 0, 127), AT(prefix) + 15,
					   1)), EINVAL);
	equal(ask_route(client, ROUTE_CREATE, ROUTE_FLAG_ANY_METRIC, good),
	      EINVAL);
	equal(ask_route(client, ROUTE_UPDATE, ROUTE_FLAG_REPLACE, good),
	      EINVAL);
	equal(ask_route(client, ROUTE_UPDATE, ROUTE_FLAG_ANY_METRIC,
			with_metric(good, 1)), EINVAL);
	equal(ask_route(client, ROUTE_DELETE, 0, good), EINVAL);
	equal(ask_route(client, ROUTE_READ, 0, good), EINVAL);
	equal(ask_route(client, ROUTE_READ, 0,
			changed_route(key, AT(gateway), 1)), EINVAL);
	equal(ask_route(client, ROUTE_DELETE, ROUTE_FLAG_ANY_METRIC,
			with_metric(key, 1)), EINVAL);
	equal(ask_route(client, ROUTE_LOOKUP, 0, key), EINVAL);
	equal(ask_route(client, ROUTE_LOOKUP, 0, with_metric(address, 1)),
	      EINVAL);
	equal(ask_route(client, ROUTE_LOOKUP, ROUTE_FLAG_ANY_METRIC, address),
	      EINVAL);
	equal(ask_route(client, ROUTE_LOOKUP, 0,
			changed_route(address, AT(interface), 1)), EINVAL);
	disconnect(client);
}

static const struct {
	struct route_filter filter;
	int err;
} wrong_filters[] = {
	{ { .fields = 1u << 8 }, EINVAL },
	{ { .fields = 1u << 31 }, EINVAL },
	{ { .reserved = 1 }, EINVAL },
	{ { .route.reserved = 1 }, EINVAL },
	{ { .route.family = AF_INET }, EINVAL },
	{ { .route.length = 1 }, EINVAL },
	{ { .route.table = 1 }, EINVAL },
	{ { .route.metric = 1 }, EINVAL },
	{ { .route.interface = 1 }, EINVAL },
	{ { .route.prefix = { [15] = 1 } }, EINVAL },
	{ { .route.gateway = { [15] = 1 } }, EINVAL },
	{ { .fields = ROUTE_BY_FAMILY }, EAFNOSUPPORT },
	{ { .fields = ROUTE_BY_FAMILY, .route.family = 255 }, EAFNOSUPPORT },
	{ { .fields = ROUTE_BY_TABLE }, EINVAL },
	{ { .fields = ROUTE_BY_GATEWAY }, EINVAL },
	{ { .fields = ROUTE_BY_ROOT }, EINVAL },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_GATEWAY,
	    .route.family = AF_INET, .route.gateway = { [4] = 1 } }, EINVAL },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_ROOT | ROUTE_BY_MATCH,
	    .route.family = AF_INET }, EINVAL },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_EXACT | ROUTE_BY_MATCH,
	    .route.family = AF_INET }, EINVAL },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_ROOT,
	    .route.family = AF_INET, .route.length = 33 }, EINVAL },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_ROOT,
	    .route.family = AF_INET, .route.prefix = { 10, 1 },
	    .route.length = 8 }, EINVAL },
	{ { .fields = ROUTE_BY_FAMILY | ROUTE_BY_MATCH,
	    .route.family = AF_INET, .route.prefix = { [4] = 1 },
	    .route.length = 32 }, EINVAL },
};

static void test_wrong_filters(void)
{
	struct client *client = connect_with(0);
	__u64 type;
	size_t i;

	create_sample(client);
	for (type = ROUTE_LIST; type <= ROUTE_SUBSCRIBE; type++) {
		for (i = 0; i < sizeof(wrong_filters) /
				sizeof(wrong_filters[0]); i++) {
			equal(ask_filter(client, type, wrong_filters[i].filter),
			      wrong_filters[i].err);
			equal(client->count, 0);
		}
		equal(ask(client, type, 1, &everything, sizeof(everything)),
		      EINVAL);
		equal(ask(client, type, 0, &everything, sizeof(struct route)),
		      EINVAL);
		equal(ask(client, type, 0, NULL, 0), EINVAL);
	}
	expect_list(client, everything, 0x3ff);
	empty(client);
	disconnect(client);
}

static void test_wrong_requests(void)
{
	static const __u64 unknown[] = {
		0, 11, 31, ROUTE_DONE, ROUTE_ENTRY, ROUTE_COUNTS, ROUTE_CHANGE,
		ROUTE_LOST, 1ull << 32 | ROUTE_STATUS, ~0ull,
	};
	struct client *client = connect_with(0);
	const struct route good = route4(0x0a000000, 8);
	unsigned char longer[4096] = { };
	size_t i;
	__u64 type;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		equal(ask_route(client, unknown[i], 0, good), EOPNOTSUPP);
		equal(ask(client, unknown[i], ~0ull, NULL, 0), EOPNOTSUPP);
	}
	memcpy(longer, &good, sizeof(good));
	for (type = ROUTE_CREATE; type <= ROUTE_STATUS; type++) {
		equal(ask(client, type, 0, longer, sizeof(longer)), EINVAL);
		equal(ask(client, type, 0, longer, 57), EINVAL);
		equal(ask(client, type, 0, longer, 1), EINVAL);
	}
	equal(ask(client, ROUTE_UNSUBSCRIBE, 1, NULL, 0), EINVAL);
	equal(ask(client, ROUTE_STATUS, 1, NULL, 0), EINVAL);
	equal(count_of(client, ROUTE_LIST, everything), 0);
	disconnect(client);
}

static __u64 random_number(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * Valid requests with a few random bytes: each gets one ROUTE_DONE; some may
 * still be valid.
 */
static void test_garbage(void)
{
	struct client *client = connect_with(1 << 18);
	__u64 seed = 0x2545f4914f6cdd1d;
	int i, fine = 0;

	for (i = 0; i < 20000; i++) {
		const __u64 type = random_number(&seed) % ROUTE_SUBSCRIBE;
		struct route_filter filter = everything;
		const struct route route = route4(0x0a000000, 8);
		const bool filtered = type > ROUTE_LOOKUP;
		unsigned char bytes[64] = { };
		size_t size = filtered ? sizeof(filter) : sizeof(route);
		__u64 changes = random_number(&seed) % 3;

		memcpy(bytes, filtered ? (void *)&filter : (void *)&route,
		       size);
		while (changes--)
			bytes[random_number(&seed) % size] =
				(unsigned char)random_number(&seed);
		if (random_number(&seed) % 16 == 0)
			size = random_number(&seed) % sizeof(bytes);
		fine += !ask(client, type, random_number(&seed) % 4, bytes,
			     size);
	}
	check(fine && fine < 20000);
	empty(client);
	disconnect(client);
}

/* ---- notifications */

/* Returns the number of the change. */
static __u64 expect_change(struct client *client, __u64 what,
			   struct route route)
{
	receive(client);
	equal(client->message.type, ROUTE_CHANGE);
	equal(client->message.user, what);
	equal(client->message.length, sizeof(route));
	check(!memcmp(client->data, &route, sizeof(route)));
	return client->message.id;
}

static void expect_done(struct client *client)
{
	receive(client);
	equal(client->message.type, ROUTE_DONE);
	equal(client->message.id, client->id);
	equal(client->message.user, 0);
}

static void test_notifications(void)
{
	struct client *watcher = connect_with(0), *client = connect_with(0);
	const struct route_filter in_one = {
		.fields = ROUTE_BY_TABLE, .route.table = 1,
	};
	struct route route = in_table(route4(0x0a000000, 8), 1), other = route;
	__u64 number = status(client).changes;

	other.interface = 3;
	equal(ask_filter(watcher, ROUTE_SUBSCRIBE, in_one), 0);
	equal(create(client, route4(0x0a000000, 8)), 0);
	equal(create(client, route), 0);
	equal(create(client, route), EEXIST);
	equal(ask_route(client, ROUTE_CREATE, ROUTE_FLAG_REPLACE, other), 0);
	equal(ask_route(client, ROUTE_UPDATE, ROUTE_FLAG_ANY_METRIC, route), 0);
	equal(delete(client, route), 0);
	equal(delete(client, route), ENOENT);
	equal(expect_change(watcher, ROUTE_ADDED, route), number + 2);
	equal(expect_change(watcher, ROUTE_CHANGED, other), number + 3);
	equal(expect_change(watcher, ROUTE_CHANGED, route), number + 4);
	equal(expect_change(watcher, ROUTE_REMOVED, route), number + 5);

	/* The second filter replaces the first; a client sees its own changes. */
	equal(ask_filter(watcher, ROUTE_SUBSCRIBE, everything), 0);
	route = route6(0x2001, 0xdb8, 32);
	send_request(watcher, ROUTE_CREATE, 0, &route, sizeof(route));
	equal(expect_change(watcher, ROUTE_ADDED, route), number + 6);
	expect_done(watcher);
	equal(count_of(client, ROUTE_FLUSH, everything), 2);
	equal(expect_change(watcher, ROUTE_REMOVED, route4(0x0a000000, 8)),
	      number + 7);
	equal(expect_change(watcher, ROUTE_REMOVED, route), number + 8);

	equal(ask(watcher, ROUTE_UNSUBSCRIBE, 0, NULL, 0), 0);
	equal(create(client, route), 0);
	equal(ask(watcher, ROUTE_UNSUBSCRIBE, 0, NULL, 0), 0);
	equal(status(watcher).changes, number + 9);
	empty(client);
	disconnect(watcher);
	disconnect(client);
}

/*
 * A client that does not read delays no other client, gets in order the changes
 * for which there was room, and is told of each gap before any later change.
 */
static void test_lost(void)
{
	struct client *watcher = connect_with(4096), *client = connect_with(0);
	const __u64 first = status(client).changes, last = first + 2000;
	__u64 expected = first + 1;
	struct route route;
	__u32 i;
	int gaps = 0;

	equal(ask_filter(watcher, ROUTE_SUBSCRIBE, everything), 0);
	for (i = 0; i < 1000; i++) {
		route = route4(i << 8, 24);
		equal(create(client, route), 0);
		equal(delete(client, route), 0);
	}
	while (expected <= last) {
		receive(watcher);
		if (watcher->message.type == ROUTE_LOST) {
			equal(watcher->message.length, 0);
			check(watcher->message.id >= expected);
			expected = watcher->message.id + 1;
			gaps++;
			continue;
		}
		equal(watcher->message.type, ROUTE_CHANGE);
		equal(watcher->message.id, expected);
		expected++;
	}
	check(gaps);
	/* A later change arrives at once. */
	equal(create(client, route), 0);
	equal(expect_change(watcher, ROUTE_ADDED, route), last + 1);
	empty(client);
	disconnect(watcher);
	disconnect(client);
}

/* ---- little room */

static void create_many(struct client *client, unsigned int count)
{
	struct route route;
	__u32 i;

	for (i = 0; i < count; i++) {
		route = route4(i << 8, 24);
		send_request(client, ROUTE_CREATE, 0, &route, sizeof(route));
		equal(receive_answer(client, client->id), 0);
	}
}

/*
 * A list that is many times longer than the ring, twice, and another request
 * after it.
 */
static void test_long_lists(void)
{
	struct client *client = connect_with(0), *small = connect_with(4096);
	struct route route = address_of(route4(0, 24));
	__u64 first;
	__u32 i;
	int list;

	create_many(client, 3000);
	send_request(small, ROUTE_LIST, 0, &everything, sizeof(everything));
	first = small->id;
	send_request(small, ROUTE_LIST, 0, &everything, sizeof(everything));
	send_request(small, ROUTE_LOOKUP, 0, &route, sizeof(route));
	for (list = 0; list < 2; list++) {
		equal(receive_answer(small, first + list), 0);
		equal(small->count, 3000);
		equal(done_count(small), 3000);
		for (i = 0; i < 3000; i++) {
			route = route4(i << 8, 24);
			check(same(&small->entries[i], &route));
		}
	}
	equal(receive_answer(small, first + 2), 0);
	equal(small->count, 1);
	equal(count_of(small, ROUTE_FLUSH, everything), 3000);
	disconnect(small);
	disconnect(client);
}

/*
 * More requests than there is room for answers: some have to wait. A change
 * that is made twice would show, and so would an entry that is sent twice.
 */
static void test_put_off(void)
{
	struct client *client = connect_with(4096);
	const struct route route = route4(0x0a000000, 8), key = key_of(route);
	__u64 id;

	while (client->id < 1200) {
		send_request(client, ROUTE_CREATE, 0, &route, sizeof(route));
		send_request(client, ROUTE_READ, 0, &key, sizeof(key));
		send_request(client, ROUTE_DELETE, 0, &key, sizeof(key));
		send_request(client, ROUTE_FLUSH, 0, &everything,
			     sizeof(everything));
	}
	for (id = 1; id <= 1200; id++) {
		equal(receive_answer(client, id), 0);
		equal(client->count, id % 4 == 2);
		if (id % 4 == 0)
			equal(done_count(client), 0);
	}
	disconnect(client);
}

/* ---- several at once */

static atomic_bool stop;

/* Adds and removes the odd routes, in an order of its own. */
static void *change_odd_ones(void *argument)
{
	struct client *client = connect_with(0);
	__u64 seed = 0x9e3779b97f4a7c15;

	(void)argument;
	while (!atomic_load(&stop)) {
		struct route route = route4((__u32)(random_number(&seed) %
						    1000 * 2 + 1) << 8, 24);

		if (create(client, route))
			equal(delete(client, route), 0);
	}
	disconnect(client);
	return NULL;
}

static void expect_even_ones(const struct client *client)
{
	unsigned int i, even = 0;

	for (i = 0; i < client->count; i++) {
		const struct route *route = &client->entries[i];

		if (i)
			check(memcmp(route[-1].prefix, route->prefix, 16) < 0);
		even += !(route->prefix[2] & 1);
	}
	equal(even, 1000);
}

static void test_lists_beside_changes(void)
{
	struct client *client = connect_with(0), *small = connect_with(4096);
	pthread_t changer;
	struct route route;
	__u32 i;

	for (i = 0; i < 1000; i++)
		equal(create(client, route4(i * 2 << 8, 24)), 0);
	atomic_store(&stop, false);
	equal(pthread_create(&changer, NULL, change_odd_ones, NULL), 0);
	for (i = 0; i < 30; i++) {
		struct client *reader = i % 2 ? small : client;

		count_of(reader, ROUTE_LIST, everything);
		expect_even_ones(reader);
		route = route4((i * 30 % 1000 * 2) << 8, 24);
		expect_lookup(reader, route, route);
	}
	atomic_store(&stop, true);
	equal(pthread_join(changer, NULL), 0);
	empty(client);
	disconnect(small);
	disconnect(client);
}

/* ---- a copy that is kept by notifications: 2000 prefixes, there or not */

static unsigned int copy_index(const unsigned char *data)
{
	struct route route;

	memcpy(&route, data, sizeof(route));
	return route.prefix[1] << 8 | route.prefix[2];
}

/* Applies all messages to the copy, until the list is complete. */
static void copy_list(struct client *client, bool there[2000])
{
	send_request(client, ROUTE_LIST, 0, &everything, sizeof(everything));
	do {
		receive(client);
		if (client->message.type == ROUTE_ENTRY)
			there[copy_index(client->data)] = true;
		else if (client->message.type == ROUTE_CHANGE)
			there[copy_index(client->data)] =
				client->message.user != ROUTE_REMOVED;
		else
			check(client->message.type == ROUTE_DONE);
	} while (client->message.type != ROUTE_DONE);
}

/* Applies all changes up to the last. */
static void copy_changes(struct client *client, bool there[2000], __u64 last)
{
	__u64 number = 0;

	while (number < last) {
		receive(client);
		equal(client->message.type, ROUTE_CHANGE);
		number = client->message.id;
		there[copy_index(client->data)] =
			client->message.user != ROUTE_REMOVED;
	}
}

/* A subscriber's list and its notifications are in step. */
static void test_copies(void)
{
	struct client *watcher = connect_with(1 << 20);
	struct client *client = connect_with(0);
	bool there[2000] = { };
	pthread_t changer;
	struct route route;
	__u64 before;
	__u32 i;

	for (i = 0; i < 1000; i++)
		equal(create(client, route4(i * 2 << 8, 24)), 0);
	before = status(client).changes;
	equal(ask_filter(watcher, ROUTE_SUBSCRIBE, everything), 0);
	atomic_store(&stop, false);
	equal(pthread_create(&changer, NULL, change_odd_ones, NULL), 0);
	while (status(client).changes < before + 500)
		;
	copy_list(watcher, there);
	atomic_store(&stop, true);
	equal(pthread_join(changer, NULL), 0);
	equal(create(client, route4(1999 << 8, 25)), 0);
	copy_changes(watcher, there, status(client).changes);
	equal(delete(client, route4(1999 << 8, 25)), 0);
	for (i = 0; i < 1999; i++) {
		route = route4(i << 8, 24);
		equal(!read_route(client, route), there[i]);
	}
	empty(client);
	disconnect(watcher);
	disconnect(client);
}

static void *client_at_once(void *argument)
{
	struct client *client = connect_with(0);
	const __u32 table = *(__u32 *)argument;
	const struct route_filter mine = {
		.fields = ROUTE_BY_TABLE, .route.table = table,
	};
	struct route route;
	__u32 i;

	for (i = 0; i < 500; i++) {
		route = in_table(route4(i << 8, 24), table);
		equal(create(client, route), 0);
		expect_lookup(client, route, route);
		if (i % 2)
			equal(delete(client, route), 0);
		/* All clients use this route, so it may exist. */
		create(client, route6(0x2001, 0xdb8, 32));
		delete(client, route6(0x2001, 0xdb8, 32));
	}
	equal(count_of(client, ROUTE_LIST, mine), 250);
	equal(count_of(client, ROUTE_FLUSH, mine), 250);
	disconnect(client);
	return NULL;
}

static void test_clients_at_once(void)
{
	__u32 tables[THREADS] = { 1, 2, 3, ~0u };
	struct client *client = connect_with(0);
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		equal(pthread_create(&threads[i], NULL, client_at_once,
				     &tables[i]), 0);
	for (i = 0; i < THREADS; i++)
		equal(pthread_join(threads[i], NULL), 0);
	empty(client);
	disconnect(client);
}

/* Clients leave that watch, or have no answer yet: the others go on. */
static void test_sudden_ends(void)
{
	struct client *client = connect_with(0);
	const struct route route = route4(0x0a000000, 8);
	int i;

	create_many(client, 300);
	for (i = 0; i < 100; i++) {
		struct client *other = connect_with(4096);

		equal(ask_filter(other, ROUTE_SUBSCRIBE, everything), 0);
		send_request(other, ROUTE_LIST, 0, &everything,
			     sizeof(everything));
		equal(create(client, route), 0);
		disconnect(other);
		equal(delete(client, route), 0);
	}
	empty(client);
	disconnect(client);
}

/* ---- limits */

static void test_metrics_of_a_prefix(void)
{
	struct client *client = connect_with(0);
	struct route route = route4(0x0a000000, 8);
	__u32 metric;

	for (metric = 0; metric < ROUTE_METRICS_MAX; metric++)
		equal(create(client, with_metric(route, metric)), 0);
	equal(create(client, with_metric(route, metric)), ENOSPC);
	equal(create(client, with_metric(route, 0)), EEXIST);
	equal(ask_route(client, ROUTE_CREATE, ROUTE_FLAG_REPLACE, route), 0);
	equal(count_of(client, ROUTE_FLUSH, everything), ROUTE_METRICS_MAX);
	disconnect(client);
}

static void test_limit(void)
{
	struct client *client = connect_with(0);
	const struct route extra = route6(0x2001, 0xdb8, 32);
	const __u64 limit = status(client).limit;

	if (limit > FILL_MAX) {
		printf("limit: skipped: %llu routes are too many to try\n",
		       (unsigned long long)limit);
		disconnect(client);
		return;
	}
	create_many(client, (unsigned int)limit);
	equal(create(client, extra), ENOSPC);
	equal(create(client, route4(0, 24)), EEXIST);
	equal(ask_route(client, ROUTE_CREATE, ROUTE_FLAG_REPLACE,
			route4(0, 24)), 0);
	equal(ask_route(client, ROUTE_CREATE, ROUTE_FLAG_REPLACE, extra),
	      ENOSPC);
	equal(delete(client, route4(0, 24)), 0);
	equal(create(client, extra), 0);
	equal(count_of(client, ROUTE_FLUSH, everything), limit);
	disconnect(client);
}

static const struct {
	const char *what;
	void (*run)(void);
} tests[] = {
	{ "lives", test_lives },
	{ "metrics", test_metrics },
	{ "lookups", test_lookups },
	{ "filters", test_filters },
	{ "flushes", test_flushes },
	{ "status", test_status },
	{ "wrong routes", test_wrong_routes },
	{ "wrong fields", test_wrong_fields },
	{ "wrong filters", test_wrong_filters },
	{ "wrong requests", test_wrong_requests },
	{ "garbage", test_garbage },
	{ "notifications", test_notifications },
	{ "lost", test_lost },
	{ "long lists", test_long_lists },
	{ "put off", test_put_off },
	{ "lists beside changes", test_lists_beside_changes },
	{ "copies", test_copies },
	{ "clients at once", test_clients_at_once },
	{ "sudden ends", test_sudden_ends },
	{ "metrics of a prefix", test_metrics_of_a_prefix },
	{ "limit", test_limit },
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc != 2) {
		fprintf(stderr, "usage: %s NAME\n", argv[0]);
		return 2;
	}
	name = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		printf("%s\n", tests[i].what);
		tests[i].run();
	}
	return 0;
}
