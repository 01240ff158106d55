// SPDX-License-Identifier: GPL-2.0-only
/*
 * The history of the tables as a subscriber was told it, and whether what
 * clients saw can have happened in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "churn.h"

void operation_outcome(struct operation *operation, const stamp_t stamps[RANKS])
{
	stamp_t stamp = stamps[operation->rank];

	operation->error = 0;
	switch (operation->type) {
	case ROUTE_CREATE:
		if (stamp && !(operation->flags & ROUTE_FLAG_REPLACE))
			operation->error = EEXIST;
		return;
	case ROUTE_LOOKUP:
		operation->rank = 0;
		while (operation->rank < RANKS - 1 && !stamps[operation->rank])
			operation->rank++;
		operation->stamp = stamps[operation->rank];
		operation->error = operation->stamp ? 0 : ENETUNREACH;
		return;
	case ROUTE_READ:
		operation->stamp = stamp;
		break;
	}
	operation->error = stamp ? 0 : ENOENT;
}

bool operation_changes(const struct operation *operation)
{
	return !operation->error && operation->type <= ROUTE_DELETE;
}

static void append(struct history *history, const struct change *change)
{
	if (history->number == history->room) {
		history->room = history->room ? 2 * history->room : 4096;
		history->changes = realloc(history->changes, history->room *
					   sizeof(*history->changes));
		if (!history->changes)
			die("no memory for the history");
	}
	history->changes[history->number++] = *change;
}

void history_add(struct history *history, const struct kucomms_message *message,
		 const struct route *route)
{
	struct change change = {
		.number = message->id,
		.key = churn_key(route),
		.stamp = churn_stamp(route),
	};
	stamp_t *now = &history->now[change.key];
	bool right = false;

	if (change.number != history->first + history->number)
		die("change %llu comes where %llu should",
		    (unsigned long long)change.number,
		    (unsigned long long)(history->first + history->number));
	if (message->user == ROUTE_ADDED) {
		right = !*now && change.stamp;
	} else if (message->user == ROUTE_CHANGED) {
		right = *now && change.stamp;
	} else if (message->user == ROUTE_REMOVED) {
		right = *now && change.stamp == *now;
		change.stamp = 0;
	}
	if (!right)
		die("change %llu, of kind %llu, cannot follow",
		    (unsigned long long)change.number,
		    (unsigned long long)message->user);
	*now = change.stamp;
	append(history, &change);
}

void history_index(struct history *history)
{
	size_t *room = malloc((history->number + 1) * sizeof(*room)), i, key;

	if (!room)
		die("no memory for an index");
	for (i = 0; i < history->number; i++)
		history->of_key_number[history->changes[i].key]++;
	for (key = 0; key < KEYS; key++) {
		history->of_key[key] = room;
		room += history->of_key_number[key];
		history->of_key_number[key] = 0;
	}
	for (i = 0; i < history->number; i++) {
		key = history->changes[i].key;
		history->of_key[key][history->of_key_number[key]++] = i;
	}
}

void history_free(struct history *history)
{
	/* All of them are pieces of the first, if there is an index. */
	free(history->of_key[0]);
	free(history->changes);
}

/* Moments: 0 is before the first change, n after n changes. */

/* How many changes of @key there were before @moment. */
static size_t changes_before(const struct history *history, size_t key,
			     size_t moment)
{
	size_t low = 0, high = history->of_key_number[key], middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (history->of_key[key][middle] < moment)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static stamp_t stamp_at(const struct history *history, size_t key,
			size_t moment)
{
	size_t before = changes_before(history, key, moment);

	return before ?
	       history->changes[history->of_key[key][before - 1]].stamp : 0;
}

/* The first moment after this one at which the group changes, or the end. */
static size_t next_moment(const struct history *history, size_t group,
			  size_t moment)
{
	size_t next = history->number + 1, rank, key, before;

	for (rank = 0; rank < RANKS; rank++) {
		key = KEY(group, rank);
		before = changes_before(history, key, moment);
		if (before < history->of_key_number[key] &&
		    history->of_key[key][before] + 1 < next)
			next = history->of_key[key][before] + 1;
	}
	return next;
}

static bool is_possible_at(const struct history *history,
			   const struct operation *operation, size_t moment)
{
	struct operation expected = *operation;
	stamp_t stamps[RANKS];
	size_t rank;

	for (rank = 0; rank < RANKS; rank++)
		stamps[rank] = stamp_at(history, KEY(operation->group, rank),
					moment);
	operation_outcome(&expected, stamps);
	return expected.error == operation->error &&
	       expected.stamp == operation->stamp &&
	       expected.rank == operation->rank;
}

/* Whether the change that leads to @moment is this operation's. */
static bool is_made_at(const struct history *history,
		       const struct operation *operation, size_t moment)
{
	const struct change *change = &history->changes[moment - 1];
	stamp_t stamp = operation->type == ROUTE_DELETE ? 0 : operation->stamp;

	return change->key == KEY(operation->group, operation->rank) &&
	       change->stamp == stamp &&
	       is_possible_at(history, operation, moment - 1);
}

/* The first moment, not before @moment, at which the key has this stamp. */
static size_t find_stamp(const struct history *history, size_t key,
			 stamp_t stamp, size_t moment)
{
	size_t before = changes_before(history, key, moment);

	if (stamp_at(history, key, moment) == stamp)
		return moment;
	for (; before < history->of_key_number[key]; before++) {
		if (history->changes[history->of_key[key][before]].stamp ==
		    stamp)
			return history->of_key[key][before] + 1;
	}
	return history->number + 1;
}

/*
 * A lookup runs while the table changes, so it sees one prefix now and another
 * then: what it has found was there at some moment, and each that would have been
 * better was not at some other.
 */
static size_t find_lookup(const struct history *history,
			  const struct operation *lookup, size_t moment)
{
	size_t end = moment, rank, seen;

	for (rank = 0; rank <= lookup->rank; rank++) {
		seen = find_stamp(history, KEY(lookup->group, rank),
				  rank == lookup->rank ? lookup->stamp : 0,
				  moment);
		if (seen > end)
			end = seen;
	}
	return end;
}

/*
 * The first moment, not before @moment, at which the operation can have
 * happened. For all of a client's together it is right to take the first.
 */
static size_t find_moment(const struct history *history,
			  const struct operation *operation, size_t moment)
{
	if (operation->type == ROUTE_LOOKUP)
		return find_lookup(history, operation, moment);
	if (operation_changes(operation)) {
		do {
			moment = next_moment(history, operation->group, moment);
		} while (moment <= history->number &&
			 !is_made_at(history, operation, moment));
		return moment;
	}
	while (moment <= history->number &&
	       !is_possible_at(history, operation, moment))
		moment = next_moment(history, operation->group, moment);
	return moment;
}

void history_explain(const struct history *history, size_t client,
		     const struct operation *operations, size_t number)
{
	size_t moment = 0, i;

	for (i = 0; i < number; i++) {
		moment = find_moment(history, &operations[i], moment);
		if (moment > history->number)
			die("client %zu: what came of operation %zu (type %u, group %u, rank %u: error %d, stamp %llx) cannot have happened then",
			    client, i, operations[i].type, operations[i].group,
			    operations[i].rank, operations[i].error,
			    (unsigned long long)operations[i].stamp);
	}
}
