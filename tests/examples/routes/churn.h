/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What many clients do at a time, and whether the notifications and all answers
 * can be true together.
 *
 * Keys. Each client has keys of its own, and all share some more. They come in
 * groups of RANKS that contain each other; a lookup of a group's address finds
 * that of the lowest rank. Nothing else is in the two tables that they are in.
 *
 * Stamps. Every route that is written tells its writer and which write it was,
 * in interface and gateway. So of every notification and of every answer it is
 * known whose doing it shows. 0: there is no route.
 */
#ifndef CHURN_H
#define CHURN_H

#include "routes.h"

#define CLIENTS		10u
#define OWNERS		(CLIENTS + 1)
#define SHARED		CLIENTS		/* the owner of what all share */
#define GROUPS		16u
#define GROUPS_SHARED	4u
#define RANKS		4u
#define KEYS		(OWNERS * GROUPS * RANKS)

/* Of the owners' groups by one number, and of the keys by group and rank. */
#define GROUP(owner, group)	((owner) * GROUPS + (group))
#define KEY(group, rank)	((group) * RANKS + (rank))

typedef uint64_t stamp_t;

/* The route with this key and stamp; stamp 0: the key alone. */
struct route churn_route(size_t key, stamp_t stamp);

/* The query that finds what is in a group. */
struct route churn_query(size_t group);

/* Which key this is; dies if it is none. */
size_t churn_key(const struct route *route);

stamp_t churn_stamp(const struct route *route);

/**
 * struct operation - what a client did, and what came of it
 * @type:  ROUTE_CREATE, _UPDATE, _DELETE, _READ or _LOOKUP
 * @flags: ROUTE_FLAG_REPLACE or 0
 * @group: of the key
 * @rank:  of the key; of what a lookup has found
 * @stamp: of the route written; of what was read or found
 * @error: 0, or an errno
 */
struct operation {
	__u8 type;
	__u8 flags;
	__u8 rank;
	__u16 group;
	int error;
	stamp_t stamp;
};

/*
 * What comes of @operation if the stamps of its group are these: sets @error,
 * and of a read or a lookup @stamp and @rank.
 */
void operation_outcome(struct operation *operation,
		       const stamp_t stamps[RANKS]);

/* ROUTE_CREATE, _UPDATE, _DELETE that did not fail. */
bool operation_changes(const struct operation *operation);

/**
 * struct change - a notification
 * @number: of the change
 * @stamp:  of the route as it is since; 0: removed
 * @key:    of the route
 */
struct change {
	uint64_t number;
	stamp_t stamp;
	size_t key;
};

/**
 * struct history - all notifications that a subscriber got
 * @changes: in their order, numbers without a gap
 * @number:  of changes
 * @first:   number that the first one has
 * @room:    for so many
 * @now:     stamps of all keys after the last
 * @of_key:  for each key where its changes are in @changes, in their order
 * @of_key_number: how many
 */
struct history {
	struct change *changes;
	size_t number, room;
	uint64_t first;
	stamp_t now[KEYS];
	size_t *of_key[KEYS];
	size_t of_key_number[KEYS];
};

/* Replays a notification; dies if it cannot follow those before. */
void history_add(struct history *history, const struct kucomms_message *message,
		 const struct route *route);

/* To be called when all are there, and before history_explain(). */
void history_index(struct history *history);

/*
 * Dies unless there is a moment in the history for each operation of a client,
 * one after the other, at which just this would have come of it. A lookup may
 * take from one moment to another.
 */
void history_explain(const struct history *history, size_t client,
		     const struct operation *operations, size_t number);

void history_free(struct history *history);

#endif
