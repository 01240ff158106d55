/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The route manager, as the module or the process that serves it needs it.
 */
#ifndef ROUTE_MANAGER_H
#define ROUTE_MANAGER_H

/* The handlers' priv. */
struct route_manager;
struct kucomms_ops;

extern const struct kucomms_ops route_ops;

/* @limit: most routes. Returns NULL if there is no memory. */
struct route_manager *route_manager_create(unsigned long limit);

/* To be called when no handler can run any more. NULL is ignored. */
void route_manager_destroy(struct route_manager *manager);

#endif /* ROUTE_MANAGER_H */
