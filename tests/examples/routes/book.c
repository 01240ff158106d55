// SPDX-License-Identifier: GPL-2.0-only
/*
 * The oracle: a hash table of routes, which is asked for every length that
 * there is, the longest first. Simple rather than quick.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routes.h"

#define SLOTS_LEAST	1024

static int family_index(const struct route *route)
{
	return route->family == AF_INET6;
}

unsigned int route_bits(const struct route *route)
{
	return route->family == AF_INET6 ? 128 : 32;
}

void route_mask(struct route *route)
{
	unsigned int byte = route->length / 8;

	if (route->length % 8)
		route->prefix[byte++] &= (__u8)(0xff00 >> route->length % 8);
	memset(route->prefix + byte, 0, sizeof(route->prefix) - byte);
}

int route_compare(const struct route *a, const struct route *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	order = memcmp(a->prefix, b->prefix, sizeof(a->prefix));
	if (order)
		return order;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	return 0;
}

/* Routes that differ in nothing but their metric have the same. */
static size_t hash(const struct route *route)
{
	uint64_t halves[2], value;

	memcpy(halves, route->prefix, sizeof(halves));
	value = (halves[0] ^ (uint64_t)route->table << 40 ^
		 (uint64_t)route->length << 8 ^ route->family) *
		0x9e3779b97f4a7c15u;
	value = (value ^ value >> 29 ^ halves[1]) * 0xbf58476d1ce4e5b9u;
	return value ^ value >> 32;
}

static bool is_same_prefix(const struct route *a, const struct route *b)
{
	return a->length == b->length && a->family == b->family &&
	       a->table == b->table &&
	       !memcmp(a->prefix, b->prefix, sizeof(a->prefix));
}

static void insert(struct book *book, size_t number)
{
	const struct route *route = &book->routes[number];
	char text[ROUTE_TEXT_MAX];
	size_t slot = hash(route) & book->mask;

	for (; book->slots[slot]; slot = (slot + 1) & book->mask) {
		if (!route_compare(route, &book->routes[book->slots[slot] - 1]))
			die("there twice: %s", route_text(route, text));
	}
	book->slots[slot] = (uint32_t)number + 1;
}

/* Twice as many slots; half of them stay empty. */
static void grow(struct book *book)
{
	size_t slots = book->slots ? 2 * (book->mask + 1) : SLOTS_LEAST, i;

	free(book->slots);
	book->slots = calloc(slots, sizeof(*book->slots));
	book->routes = realloc(book->routes, slots / 2 * sizeof(*book->routes));
	if (!book->slots || !book->routes)
		die("no memory for %zu routes", slots / 2);
	book->mask = slots - 1;
	for (i = 0; i < book->number; i++)
		insert(book, i);
}

void book_add(struct book *book, const struct route *route)
{
	if (!book->slots || book->number > book->mask / 2)
		grow(book);
	book->routes[book->number] = *route;
	insert(book, book->number);
	book->number++;
	book->present[family_index(route)][route->length]++;
}

/* Of the routes to exactly this prefix that with the lowest metric, or NULL. */
static const struct route *best(const struct book *book,
				const struct route *prefix)
{
	const struct route *found = NULL, *route;
	size_t slot = hash(prefix) & book->mask;

	for (; book->slots[slot]; slot = (slot + 1) & book->mask) {
		route = &book->routes[book->slots[slot] - 1];
		if (is_same_prefix(route, prefix) &&
		    (!found || route->metric < found->metric))
			found = route;
	}
	return found;
}

const struct route *book_lookup(const struct book *book,
				const struct route *query)
{
	const uint32_t *present = book->present[family_index(query)];
	struct route prefix = *query;
	const struct route *found;
	int length;

	for (length = query->length; length >= 0; length--) {
		if (!present[length])
			continue;
		prefix.length = (__u8)length;
		route_mask(&prefix);
		found = best(book, &prefix);
		if (found)
			return found;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return route_compare(a, b);
}

void book_sort(struct book *book)
{
	qsort(book->routes, book->number, sizeof(*book->routes), compare);
	free(book->slots);
	book->slots = NULL;
}

void book_free(struct book *book)
{
	free(book->routes);
	free(book->slots);
	memset(book, 0, sizeof(*book));
}
