/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tables of routes, of both families and any number of ids.
 *
 * Whoever changes them keeps others from it (one mutex for all changes). Who
 * reads needs no lock: route_tables_read() and _lookup() take care of
 * themselves, route_walk() (walk.h) is called under rcu_read_lock(). Who reads while
 * several changes are made may see some of them and not others, but misses no
 * route that is there all the time.
 *
 * Routes that come in here have been checked (request.h).
 */
#ifndef ROUTE_TABLE_H
#define ROUTE_TABLE_H

#include "kernel.h"
#include "route.h"

/* A key is the id of a table and an address, in words of the machine. */
#define ROUTE_KEY_WORDS		5

struct route_tables;

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

/* All but @changes. For who may change the tables. */
void route_tables_count(const struct route_tables *tables,
			struct route_counts *counts);

#endif /* ROUTE_TABLE_H */
