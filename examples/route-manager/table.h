/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tables of routes, of both families and any number of ids.
 *
 * The caller makes one change at a time (one mutex for all changes). Readers
 * need no lock: route_tables_read() and _lookup() enter a read-side critical
 * section, route_walk() (walk.h) is called under rcu_read_lock(). A reader may
 * see some of the changes that are made meanwhile, but misses no route that is
 * there all the time.
 *
 * All functions expect routes that have been checked (request.h).
 */
#ifndef ROUTE_TABLE_H
#define ROUTE_TABLE_H

#include "kernel.h"
#include "route.h"

/* A key is the number of a table and an address, in 32-bit words of the CPU. */
#define ROUTE_KEY_WORDS		5

struct route_tables;

/* @limit: most routes. Returns NULL if there is no memory. */
struct route_tables *route_tables_create(unsigned long limit);

/*
 * To be called when no other thread uses the tables. May take long, and sleeps.
 * NULL is ignored.
 */
void route_tables_destroy(struct route_tables *tables);

/*
 * Adds @route. With @replace a route with the same key is replaced, and
 * @replaced is set. Returns 0, or -EEXIST, -ENOSPC (too many routes in all, or
 * of this prefix), -ENOMEM.
 */
int route_tables_add(struct route_tables *tables, const struct route *route,
		     bool replace, bool *replaced);

/*
 * The next three functions find the route with the key of @route, or with
 * @any_metric the first route to its prefix, and copy it to @route. They return
 * 0 or -ENOENT. The update gives the route the gateway and interface of @route,
 * and may also return -ENOMEM.
 */
int route_tables_read(const struct route_tables *tables, struct route *route,
		      bool any_metric);
int route_tables_update(struct route_tables *tables, struct route *route,
			bool any_metric);
int route_tables_remove(struct route_tables *tables, struct route *route,
			bool any_metric);

/*
 * Finds the route to an address, by the longest prefix and the lowest metric,
 * and copies it to @route. Returns 0 or -ENETUNREACH.
 */
int route_tables_lookup(const struct route_tables *tables, struct route *route);

/* Sets all members but @changes. The caller may change the tables. */
void route_tables_count(const struct route_tables *tables,
			struct route_counts *counts);

#endif /* ROUTE_TABLE_H */
