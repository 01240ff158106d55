/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The walk through the tables, in ascending order of routes.
 */
#ifndef ROUTE_WALK_H
#define ROUTE_WALK_H

#include "filter.h"
#include "table.h"

struct route_node;

/*
 * struct route_walk - a walk through all routes that match a filter, in
 * ascending order; for one thread
 * @filter:  the filter
 * @family:  index of the present family
 * @started: the walk has begun in this family, and @key, @length and @metric
 *           are its place
 * @key:     key of the node at which the walk is, or the beginning of that key
 * @length:  bits of @key
 * @metric:  routes of that node up to this metric have been visited
 * @budget:  nodes and routes that route_walk() may still look at
 * @last:    the node at which the walk is, while route_walk() runs
 * @stack:   nodes that are to be visited, while route_walk() runs
 */
struct route_walk {
	struct route_filter filter;
	__u32 filter_key[ROUTE_KEY_WORDS];
	unsigned int family;
	bool started;
	__u32 key[ROUTE_KEY_WORDS];
	unsigned int length;
	__u32 metric;
	int budget;
	const struct route_node *last;
	unsigned int depth;
	const struct route_node *stack[ROUTE_KEY_WORDS * 32 + 1];
};

/* Visits a route. If it does not return 0 the walk stops before that route. */
typedef int (*route_visit)(const struct route *route, void *context);

/* Starts a walk at the first route that matches @filter. */
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

#endif /* ROUTE_WALK_H */
