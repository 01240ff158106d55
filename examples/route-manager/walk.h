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
 * struct route_walk - the way through all routes that a filter lets pass, in
 * ascending order; for one thread
 * @filter:  which
 * @family:  index of the family that the walk is in
 * @started: the rest says where; it is at the beginning of the family else
 * @key:     of the node that it has come to, or a bit of it,
 * @length:  in bits,
 * @metric:  up to and including this one
 * @budget:  how much more route_walk() may look at,
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
	int budget;
	const struct route_node *last;
	unsigned int depth;
	const struct route_node *stack[ROUTE_KEY_WORDS * 32 + 1];
};

/* What @route_walk() does with a route: 0, or else the walk stops before it. */
typedef int (*route_visit)(const struct route *route, void *context);

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

#endif /* ROUTE_WALK_H */
