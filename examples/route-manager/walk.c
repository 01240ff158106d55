// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The walk through all routes: in steps, between which other threads may change
 * the nodes ahead of the walk and behind it.
 */
#include "walk.h"
#include "trie.h"

/* Nodes and routes that a walk looks at before it gives up the CPU. */
#define WALK_STEP	256

#define WHOLE_NODE	(~0u)	/* no metric is higher */

/* The place of a node, relative to the place that the walk has reached. */
enum where {
	BEHIND,		/* and everything below it is, too */
	ABOVE,		/* but nodes below it may be ahead */
	HERE,		/* and routes up to the walk's metric have been visited */
	AHEAD,
};

void route_walk_begin(struct route_walk *walk,
		      const struct route_filter *filter)
{
	walk->filter = *filter;
	walk->family = 0;
	walk->started = false;
	key_of(walk->filter_key, &filter->route);
}

static enum where walk_where(const struct route_walk *walk,
			     const struct route_node *node)
{
	unsigned int common;

	if (!walk->started)
		return AHEAD;
	common = key_common(node->key, walk->key, node->length);
	if (common < node->length)
		return key_bit(node->key, common) ? AHEAD : BEHIND;
	if (node->length == walk->length)
		return HERE;
	return node->length < walk->length ? ABOVE : AHEAD;
}

/* Does the filter exclude this node and everything below it? */
static bool walk_excludes(const struct route_walk *walk,
			  const struct route_node *node)
{
	__u32 fields = walk->filter.fields;
	unsigned int length = node->length, its, ours;

	if (fields & ROUTE_BY_TABLE) {
		its = length < TABLE_BITS ? length : TABLE_BITS;
		if (key_common(node->key, walk->filter_key, its) < its)
			return true;
	}
	if (!(fields & ROUTE_BY_PREFIX) || length <= TABLE_BITS)
		return false;
	its = length - TABLE_BITS;
	ours = walk->filter.route.length;
	if (its > ours) {
		if (!(fields & ROUTE_BY_ROOT))
			return true;
		its = ours;
	}
	return key_common(node->key + 1, walk->filter_key + 1, its) < its;
}

static void walk_push(struct route_walk *walk, const struct route_node *node)
{
	if (node)
		walk->stack[walk->depth++] = node;
}

static void walk_push_children(struct route_walk *walk,
			       const struct route_node *node)
{
	walk_push(walk, rcu_dereference(node->child[1]));
	walk_push(walk, rcu_dereference(node->child[0]));
}

/* Notes that the walk has visited this node up to this metric. */
static void walk_leave(struct route_walk *walk, const struct route_node *node,
		       __u32 metric)
{
	walk->last = node;
	walk->metric = metric;
}

/* Stops the walk: the last node may be freed before the walk goes on. */
static int walk_stop(struct route_walk *walk, const struct trie *trie, int err)
{
	const struct route_node *last = walk->last;
	unsigned int i;

	if (!last)
		return err;
	for (i = 0; i < trie->words; i++)
		walk->key[i] = last->key[i];
	walk->length = last->length;
	walk->started = true;
	return err;
}

/* Visits the routes of a node; if @resumed, those with higher metrics. */
static int walk_visit(struct route_walk *walk, const struct trie *trie,
		      const struct route_node *node, bool resumed,
		      route_visit visit, void *context)
{
	const struct target *target = rcu_dereference(node->targets);
	__u32 after = walk->metric;
	struct route route;
	int err;

	for (; target; target = rcu_dereference(target->next)) {
		walk->budget--;
		if (resumed && target->metric <= after)
			continue;
		trie_describe(trie, node, target, &route);
		if (!route_filter_passes(&walk->filter, &route))
			continue;
		err = visit(&route, context);
		if (err)
			return err;
		walk_leave(walk, node, target->metric);
	}
	return 0;
}

static int walk_trie(struct route_walk *walk, const struct trie *trie,
		     route_visit visit, void *context)
{
	const struct route_node *node;
	enum where where = BEHIND;
	int err;

	walk->budget = WALK_STEP;
	walk->depth = 0;
	walk->last = NULL;
	walk_push(walk, rcu_dereference(trie->root));
	while (walk->depth) {
		node = walk->stack[--walk->depth];
		/* All nodes after one that is ahead are ahead, too. */
		if (where != AHEAD)
			where = walk_where(walk, node);
		if (where == BEHIND)
			continue;
		if (!walk_excludes(walk, node)) {
			walk_push_children(walk, node);
			err = where == ABOVE ? 0 :
			      walk_visit(walk, trie, node, where == HERE, visit,
					 context);
			if (err)
				return walk_stop(walk, trie, err);
		}
		if (where == AHEAD && --walk->budget <= 0) {
			walk_leave(walk, node, WHOLE_NODE);
			return walk_stop(walk, trie, -EINPROGRESS);
		}
	}
	return 0;
}

int route_walk(const struct route_tables *tables, struct route_walk *walk,
	       route_visit visit, void *context)
{
	const struct route_filter *filter = &walk->filter;

	while (walk->family < FAMILIES) {
		const struct trie *trie = &tables->tries[walk->family];
		int err = 0;

		if (!(filter->fields & ROUTE_BY_FAMILY) ||
		    filter->route.family == trie->family)
			err = walk_trie(walk, trie, visit, context);
		if (err)
			return err;
		walk->family++;
		walk->started = false;
	}
	return 0;
}
