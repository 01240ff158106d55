/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tables of routes, of both families and any number of ids.
 *
 * Whoever changes them keeps others from it (one mutex for all changes). Who
 * reads needs no lock: route_tables_read() and _lookup() take care of
 * themselves, route_walk() is called under rcu_read_lock(). Who reads while
 * several changes are made may see some of them and not others, but misses no
 * route that is there all the time.
 *
 * Routes that come in here have been checked (request.h).
 */
#ifndef ROUTE_TABLE_H
#define ROUTE_TABLE_H

#include "filter.h"
#include "kernel.h"
#include "route.h"

/* A key is the id of a table and an address, in words of the machine. */
#define ROUTE_KEY_WORDS		5

struct route_tables;
struct route_node;

/*
 * struct route_walk - the way through all routes that a filter lets pass, in
 * ascending order; for one thread
 * @filter:  which
 * @family:  index of the family that the walk is in
 * @started: the rest says where; it is at the beginning of the family else
 * @key:     of the node that it has come to, or a bit of it,
 * @length:  in bits,
 * @metric:  up to and including this one
 * @last:    the node itself,
 * @stack:   and nodes to be visited; while route_walk() runs
 */
struct route_walk {
	struct route_filter filter;
	__u32 filter_key[ROUTE_KEY_WORDS];
	unsigned int family;
	bool started;
	__u32 key[ROUTE_KEY_WORDS];
	unsigned int length;
	__u32 metric;
	const struct route_node *last;
	unsigned int depth;
	const struct route_node *stack[ROUTE_KEY_WORDS * 32 + 1];
};

/* What @route_walk() does with a route: 0, or else the walk stops before it. */
typedef int (*route_visit)(const struct route *route, void *context);

/* @limit: how many routes there may be. NULL if there is no memory. */
struct route_tables *route_tables_create(unsigned long limit);

/*
 * When nobody can use them any more; may take long, and sleeps. NULL is
 * ignored.
 */
void route_tables_destroy(struct route_tables *tables);

/*
 * Adds @route. If there is one with this key it goes if @replace, and @replaced
 * says so. Returns 0, or -EEXIST, -ENOSPC (of all, or of this prefix), -ENOMEM.
 */
int route_tables_add(struct route_tables *tables, const struct route *route,
		     bool replace, bool *replaced);

/*
 * The next three find the route with the key of @route, or if @any_metric the
 * first of its prefix, and make @route what they have found. They return 0 or
 * -ENOENT; what update gives the route are the gateway and interface of @route,
 * for which there may be no memory (-ENOMEM).
 */
int route_tables_read(const struct route_tables *tables, struct route *route,
		      bool any_metric);
int route_tables_update(struct route_tables *tables, struct route *route,
			bool any_metric);
int route_tables_remove(struct route_tables *tables, struct route *route,
			bool any_metric);

/*
 * Finds the route to an address: the longest prefix, the lowest metric. Makes
 * @route what it has found. Returns 0, or -ENETUNREACH.
 */
int route_tables_lookup(const struct route_tables *tables, struct route *route);

/* Goes to the beginning of all routes that @filter lets pass. */
void route_walk_begin(struct route_walk *walk,
		      const struct route_filter *filter);

/*
 * Goes on for a while. Routes that are there from the beginning of a walk to
 * its end are visited once, others at most once for each time that they are
 * added.
 *
 * Returns 0 (there are no more), -EINPROGRESS (the caller may give up the CPU,
 * and call again), or what @visit returned.
 */
int route_walk(const struct route_tables *tables, struct route_walk *walk,
	       route_visit visit, void *context);

/* All but @changes. For who may change the tables. */
void route_tables_count(const struct route_tables *tables,
			struct route_counts *counts);

#endif /* ROUTE_TABLE_H */
