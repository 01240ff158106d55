// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The route manager's tables, against an array that is searched from end to
 * end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* How many allocations succeed before one fails; negative: all do. */
static int allocations = -1;

static void *failing_malloc(size_t size)
{
	if (!allocations)
		return NULL;
	if (allocations > 0)
		allocations--;
	return malloc(size);
}

#define malloc failing_malloc
#include "../../examples/route-manager/filter.c"
#include "../../examples/route-manager/table.c"
#include "../../examples/route-manager/trie.c"
#include "../../examples/route-manager/walk.c"
#undef malloc

#define NAIVE_MAX	1000

/* The routes as they should be, in no order. */
struct naive {
	struct route routes[NAIVE_MAX];
	unsigned int count;
};

static struct naive naive;
static struct route_tables *tables;
static uint64_t seed;

static uint32_t random_below(uint32_t bound)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % bound;
}

static int begin(void **state)
{
	(void)state;
	seed = 0x2545f4914f6cdd1d;
	naive.count = 0;
	tables = route_tables_create(NAIVE_MAX);
	return tables ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	allocations = -1;
	route_tables_destroy(tables);
	return 0;
}

/* ---- random routes: few enough addresses that they meet */

static unsigned int whole_length(const struct route *route)
{
	return route->family == AF_INET ? 32 : 128;
}

static void clear_behind(struct route *route)
{
	unsigned int bit;

	for (bit = route->length; bit < 128; bit++)
		route->prefix[bit / 8] &= (__u8)~(0x80 >> bit % 8);
}

static void random_address(struct route *route)
{
	static const __u8 bytes[] = { 0, 1, 0x80, 0xff };
	unsigned int i, size = whole_length(route) / 8;

	for (i = 0; i < size; i++)
		route->prefix[i] = bytes[random_below(i % 4 ? 2 : 4)];
}

static struct route random_route(void)
{
	static const __u32 ids[] = { 1, 2, 3, 254, 0x80000000, 0xffffffff };
	struct route route = {
		.family = random_below(2) ? AF_INET : AF_INET6,
		.table = ids[random_below(6)],
		.metric = random_below(4) ? 0 : random_below(3) + 0xfffffffd,
		.interface = random_below(3),
	};

	random_address(&route);
	route.length = (__u8)random_below(whole_length(&route) + 1);
	clear_behind(&route);
	route.gateway[3] = (__u8)random_below(3);
	return route;
}

/* Mostly one that is there, or very like it. */
static struct route likely_route(void)
{
	struct route route = random_route(), like;

	if (!naive.count || !random_below(4))
		return route;
	like = naive.routes[random_below(naive.count)];
	if (random_below(2))
		return like;
	like.length = (__u8)random_below(whole_length(&like) + 1);
	clear_behind(&like);
	return like;
}

/* ---- the same, naively */

static bool same_prefix(const struct route *a, const struct route *b)
{
	return a->family == b->family && a->table == b->table &&
	       a->length == b->length && !memcmp(a->prefix, b->prefix, 16);
}

/* Of several the one with the lowest metric. */
static struct route *naive_find(const struct route *key, bool any_metric)
{
	struct route *found = NULL;
	unsigned int i;

	for (i = 0; i < naive.count; i++) {
		struct route *route = &naive.routes[i];

		if (same_prefix(route, key) &&
		    (any_metric || route->metric == key->metric) &&
		    (!found || route->metric < found->metric))
			found = route;
	}
	return found;
}

static const struct route *naive_lookup(const struct route *address)
{
	const struct route *best = NULL;
	unsigned int i, bit;

	for (i = 0; i < naive.count; i++) {
		const struct route *route = &naive.routes[i];

		if (route->family != address->family ||
		    route->table != address->table)
			continue;
		for (bit = 0; bit < route->length; bit++) {
			__u8 mask = (__u8)(0x80 >> bit % 8);

			if ((route->prefix[bit / 8] ^
			     address->prefix[bit / 8]) & mask)
				break;
		}
		if (bit < route->length)
			continue;
		if (!best || route->length > best->length ||
		    (route->length == best->length &&
		     route->metric < best->metric))
			best = route;
	}
	return best;
}

static int compare_keys(const void *left, const void *right)
{
	const struct route *a = left, *b = right;
	int prefixes = memcmp(a->prefix, b->prefix, 16);

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if (prefixes)
		return prefixes;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return (a->metric > b->metric) - (a->metric < b->metric);
}

static unsigned int naive_tables(void)
{
	unsigned int i, count = 0;

	qsort(naive.routes, naive.count, sizeof(struct route), compare_keys);
	for (i = 0; i < naive.count; i++) {
		const struct route *route = &naive.routes[i];

		count += !i || route[-1].family != route->family ||
			 route[-1].table != route->table;
	}
	return count;
}

/* ---- both at once */

static void add(const struct route *route, bool replace)
{
	struct route *there = naive_find(route, false);
	bool replaced;
	int err = route_tables_add(tables, route, replace, &replaced);

	if (there && !replace) {
		assert_int_equal(err, -EEXIST);
	} else if (there) {
		assert_int_equal(err, 0);
		assert_true(replaced);
		*there = *route;
	} else if (naive.count == NAIVE_MAX) {
		assert_int_equal(err, -ENOSPC);
	} else {
		assert_int_equal(err, 0);
		assert_false(replaced);
		naive.routes[naive.count++] = *route;
	}
}

static void update(struct route route, bool any_metric)
{
	struct route *there = naive_find(&route, any_metric);
	int err = route_tables_update(tables, &route, any_metric);

	assert_int_equal(err, there ? 0 : -ENOENT);
	if (!there)
		return;
	memcpy(there->gateway, route.gateway, 16);
	there->interface = route.interface;
	assert_memory_equal(there, &route, sizeof(route));
}

static void drop(struct route route, bool any_metric)
{
	struct route *there = naive_find(&route, any_metric);
	int err = route_tables_remove(tables, &route, any_metric);

	assert_int_equal(err, there ? 0 : -ENOENT);
	if (!there)
		return;
	assert_memory_equal(there, &route, sizeof(route));
	*there = naive.routes[--naive.count];
}

static void read_one(struct route route, bool any_metric)
{
	const struct route *there = naive_find(&route, any_metric);
	int err = route_tables_read(tables, &route, any_metric);

	assert_int_equal(err, there ? 0 : -ENOENT);
	if (there)
		assert_memory_equal(there, &route, sizeof(route));
}

static void lookup(struct route route)
{
	const struct route *there;
	int err;

	if (random_below(2))
		random_address(&route);
	route.length = (__u8)whole_length(&route);
	route.metric = 0;
	there = naive_lookup(&route);
	err = route_tables_lookup(tables, &route);
	assert_int_equal(err, there ? 0 : -ENETUNREACH);
	if (there)
		assert_memory_equal(there, &route, sizeof(route));
}

/* ---- what the trie promises itself */

static unsigned long check_node(const struct trie *trie,
				const struct route_node *node)
{
	unsigned long bytes = sizeof(*node) + 4 * trie->words;
	const struct target *target;
	int i, children = 0;

	for (target = node->targets; target; target = target->next) {
		bytes += sizeof(*target) + 4 * trie_address_words(trie);
		if (target->next)
			assert_true(target->metric < target->next->metric);
	}
	for (i = 0; i < 2; i++) {
		const struct route_node *child = node->child[i];

		if (!child)
			continue;
		children++;
		assert_true(child->length > node->length);
		assert_true(leads_to(node, child->key));
		assert_int_equal(key_bit(child->key, node->length), i);
		bytes += check_node(trie, child);
	}
	assert_true(node->targets || children == 2);
	return bytes;
}

static void check_tables(void)
{
	unsigned long bytes = sizeof(struct route_tables);
	struct route_counts counts = { };
	unsigned int i, of[2] = { };

	for (i = 0; i < 2; i++) {
		if (tables->tries[i].root)
			bytes += check_node(&tables->tries[i],
					    tables->tries[i].root);
	}
	for (i = 0; i < naive.count; i++)
		of[naive.routes[i].family == AF_INET6]++;
	route_tables_count(tables, &counts);
	assert_int_equal(counts.routes4, of[0]);
	assert_int_equal(counts.routes6, of[1]);
	assert_int_equal(counts.limit, NAIVE_MAX);
	assert_int_equal(counts.tables, naive_tables());
	assert_int_equal(counts.bytes, bytes);
}

/* ---- walks */

struct visited {
	struct route routes[2 * NAIVE_MAX];
	unsigned int count;
	bool stops;
};

static int visit_one(const struct route *route, void *context)
{
	struct visited *visited = context;

	if (visited->stops && !random_below(5))
		return -EAGAIN;
	assert_true(visited->count < 2 * NAIVE_MAX);
	visited->routes[visited->count++] = *route;
	return 0;
}

static struct route_filter random_filter(void)
{
	static const __u32 prefixes[] = { 0, 0, ROUTE_BY_EXACT, ROUTE_BY_ROOT,
					  ROUTE_BY_MATCH };
	const struct route route = likely_route();
	struct route_filter filter = { .fields = random_below(32) };

	filter.fields &= random_below(32);
	filter.fields |= prefixes[random_below(5)];
	if (filter.fields & (ROUTE_BY_PREFIX | ROUTE_BY_GATEWAY))
		filter.fields |= ROUTE_BY_FAMILY;
	if (filter.fields & ROUTE_BY_FAMILY)
		filter.route.family = route.family;
	if (filter.fields & ROUTE_BY_TABLE)
		filter.route.table = route.table;
	if (filter.fields & ROUTE_BY_METRIC)
		filter.route.metric = route.metric;
	if (filter.fields & ROUTE_BY_INTERFACE)
		filter.route.interface = route.interface;
	if (filter.fields & ROUTE_BY_GATEWAY)
		memcpy(filter.route.gateway, route.gateway, 16);
	if (filter.fields & ROUTE_BY_PREFIX) {
		memcpy(filter.route.prefix, route.prefix, 16);
		filter.route.length = route.length;
	}
	return filter;
}

/* In words, not as filter.c has it. */
static bool naive_passes(const struct route_filter *filter,
			 const struct route *route)
{
	const struct route *want = &filter->route;
	struct route narrow = *route, wide = *want;

	if ((filter->fields & ROUTE_BY_FAMILY &&
	     route->family != want->family) ||
	    (filter->fields & ROUTE_BY_TABLE && route->table != want->table) ||
	    (filter->fields & ROUTE_BY_METRIC &&
	     route->metric != want->metric) ||
	    (filter->fields & ROUTE_BY_INTERFACE &&
	     route->interface != want->interface) ||
	    (filter->fields & ROUTE_BY_GATEWAY &&
	     memcmp(route->gateway, want->gateway, 16)))
		return false;
	if (filter->fields & ROUTE_BY_ROOT) {
		narrow.length = want->length;
		clear_behind(&narrow);
		return route->length >= want->length &&
		       !memcmp(narrow.prefix, want->prefix, 16);
	}
	if (filter->fields & ROUTE_BY_MATCH) {
		wide.length = route->length;
		clear_behind(&wide);
		return route->length <= want->length &&
		       !memcmp(wide.prefix, route->prefix, 16);
	}
	return !(filter->fields & ROUTE_BY_EXACT) ||
	       (route->length == want->length &&
		!memcmp(route->prefix, want->prefix, 16));
}

/* Calls @between whenever the walk has stopped. */
static void walk_all(const struct route_filter *filter, struct visited *visited,
		     void (*between)(void))
{
	struct route_walk walk;
	int err;

	visited->count = 0;
	route_walk_begin(&walk, filter);
	do {
		err = route_walk(tables, &walk, visit_one, visited);
		if (err && between)
			between();
	} while (err == -EINPROGRESS || err == -EAGAIN);
	assert_int_equal(err, 0);
}

static void walk_with(const struct route_filter *filter, bool stops)
{
	static struct visited visited;
	unsigned int i, at = 0;

	visited.stops = stops;
	walk_all(filter, &visited, NULL);
	qsort(naive.routes, naive.count, sizeof(struct route), compare_keys);
	for (i = 0; i < naive.count; i++) {
		if (!naive_passes(filter, &naive.routes[i]))
			continue;
		assert_true(at < visited.count);
		assert_memory_equal(&visited.routes[at], &naive.routes[i],
				    sizeof(struct route));
		at++;
	}
	assert_int_equal(visited.count, at);
}

static void change_something(void)
{
	const struct route route = likely_route();

	switch (random_below(naive.count > 500 ? 8 : 6)) {
	case 0:
	case 1:
	case 2:
		add(&route, false);
		break;
	case 3:
		add(&route, true);
		break;
	case 4:
		update(route, random_below(2));
		break;
	default:
		drop(route, random_below(2));
	}
}

/* ---- tests */

static void agrees_with_an_array(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 60000; i++) {
		change_something();
		read_one(likely_route(), random_below(2));
		lookup(likely_route());
		if (i % 100 == 0)
			check_tables();
	}
	while (naive.count)
		drop(naive.routes[random_below(naive.count)], false);
	check_tables();
}

static void walks_are_sorted_and_complete(void **state)
{
	struct route_filter all = { };
	int i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		const struct route_filter filter = random_filter();

		change_something();
		walk_with(&filter, random_below(2));
		if (i % 50 == 0)
			walk_with(&all, random_below(2));
	}
}

/* Only those that nobody touches are known: the ones with this interface. */
#define FIXED	1000

static void change_others(void)
{
	struct route route;
	int i;

	for (i = 0; i < 10; i++) {
		route = likely_route();
		if (naive_find(&route, false) &&
		    naive_find(&route, false)->interface == FIXED)
			continue;
		route.interface = 1;
		if (random_below(2))
			add(&route, true);
		else
			drop(route, false);
	}
}

static unsigned int count_fixed(const struct route *routes, unsigned int count)
{
	unsigned int i, fixed = 0;

	for (i = 0; i < count; i++)
		fixed += routes[i].interface == FIXED;
	return fixed;
}

static void walks_see_once_what_stays(void **state)
{
	static struct visited visited = { .stops = true };
	const struct route_filter all = { };
	unsigned int i, round;
	struct route route;

	(void)state;
	for (i = 0; i < 300; i++) {
		route = random_route();
		if (i % 3 == 0)
			route.interface = FIXED;
		add(&route, true);
	}
	for (round = 0; round < 100; round++) {
		walk_all(&all, &visited, change_others);
		for (i = 1; i < visited.count; i++)
			assert_true(compare_keys(&visited.routes[i - 1],
						 &visited.routes[i]) < 0);
		assert_int_equal(count_fixed(visited.routes, visited.count),
				 count_fixed(naive.routes, naive.count));
	}
}

/* How often others have their turn while somebody looks for what is not there. */
static int steps_of_walk(void)
{
	const struct route_filter filter = {
		.fields = ROUTE_BY_INTERFACE,
		.route.interface = 1,
	};
	struct visited *visited = calloc(1, sizeof(*visited));
	struct route_walk walk;
	int calls;

	assert_non_null(visited);
	route_walk_begin(&walk, &filter);
	for (calls = 1; route_walk(tables, &walk, visit_one, visited); calls++)
		assert_true(calls < NAIVE_MAX);
	assert_int_equal(visited->count, 0);
	free(visited);
	return calls;
}

/* A walk that looks for one route of many lets others have their turn. */
static void walks_are_no_longer_than_they_may(void **state)
{
	struct route route = { .family = AF_INET, .length = 32, .table = 1 };
	int i;

	(void)state;
	for (i = 0; i < 500; i++) {
		route.prefix[2] = (__u8)(i >> 8);
		route.prefix[3] = (__u8)i;
		add(&route, false);
	}
	assert_true(steps_of_walk() > 1);
}

/* Also if there are not many prefixes, but many routes to each. */
static void walks_count_routes(void **state)
{
	struct route route = { .family = AF_INET, .length = 32, .table = 1 };
	int i;

	(void)state;
	for (i = 0; i < NAIVE_MAX; i++) {
		route.prefix[3] = (__u8)(i % 2);
		route.metric = (__u32)i;
		add(&route, false);
	}
	assert_true(steps_of_walk() > 1);
}

/* One below the other, as deep as it goes. */
static void nested_prefixes(void **state)
{
	struct route route = { .family = AF_INET6, .table = 0xffffffff };
	const struct route_filter all = { };
	int length;

	(void)state;
	for (length = 128; length >= 0; length--) {
		route.length = (__u8)length;
		memset(route.prefix, 0xff, 16);
		clear_behind(&route);
		add(&route, false);
		if (length) {
			route.prefix[(length - 1) / 8] ^=
				(__u8)(0x80 >> (length - 1) % 8);
			add(&route, false);
		}
	}
	check_tables();
	for (length = 0; length < 1000; length++)
		lookup(naive.routes[random_below(naive.count)]);
	walk_with(&all, true);
}

static void metrics_of_a_prefix_are_limited(void **state)
{
	struct route route = { .family = AF_INET, .length = 8, .table = 1 };
	bool replaced;

	(void)state;
	route_tables_destroy(tables);
	tables = route_tables_create(2 * ROUTE_METRICS_MAX);
	assert_non_null(tables);
	for (route.metric = 0; route.metric < ROUTE_METRICS_MAX; route.metric++)
		assert_int_equal(route_tables_add(tables, &route, false,
						  &replaced), 0);
	assert_int_equal(route_tables_add(tables, &route, false, &replaced),
			 -ENOSPC);
	route.metric--;
	assert_int_equal(route_tables_add(tables, &route, true, &replaced), 0);
	route.length = 9;
	assert_int_equal(route_tables_add(tables, &route, false, &replaced), 0);
}

static void the_limit_is_of_both_families(void **state)
{
	struct route route;

	(void)state;
	while (naive.count < NAIVE_MAX) {
		route = random_route();
		add(&route, true);
	}
	do {
		route = random_route();
	} while (naive_find(&route, false));
	add(&route, false);
	drop(naive.routes[0], false);
	add(&route, false);
	check_tables();
}

/* Returns what adding does if so many allocations succeed. It is undone. */
static int add_with(int enough, const struct route *route)
{
	struct route was = *route, added = *route;
	bool there = !route_tables_read(tables, &was, false), replaced;
	int err;

	allocations = enough;
	err = route_tables_add(tables, route, true, &replaced);
	allocations = -1;
	if (err)
		return err;
	if (there)
		return route_tables_add(tables, &was, true, &replaced);
	return route_tables_remove(tables, &added, false);
}

/* Whichever allocation fails, nothing has changed. */
static void no_memory(void **state)
{
	struct route_tables *others;
	int i, enough, most = 0;

	(void)state;
	for (i = 0; i < 200; i++) {
		const struct route route = likely_route();

		for (enough = 0; add_with(enough, &route) == -ENOMEM; enough++)
			check_tables();
		add(&route, true);
		check_tables();
		most = enough > most ? enough : most;
	}
	/* Two nodes, and what the new one leads to. */
	assert_int_equal(most, 3);
	for (i = 0; i < 4; i++) {
		allocations = i;
		others = route_tables_create(1);
		assert_null(others);
	}
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(agrees_with_an_array),
		test(walks_are_sorted_and_complete),
		test(walks_see_once_what_stays),
		test(walks_are_no_longer_than_they_may),
		test(walks_count_routes),
		test(nested_prefixes),
		test(metrics_of_a_prefix_are_limited),
		test(the_limit_is_of_both_families),
		test(no_memory),
	};

	return cmocka_run_group_tests_name("route-table", tests, NULL, NULL);
}
