// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tables of routes: lookups and changes.
 */
#include "table.h"
#include "trie.h"

/* ---- finding, for readers */

/* Does @node lie on the way to @key? */
static bool leads_to(const struct route_node *node, const __u32 *key)
{
	unsigned int i, words = node->length / 32, bits = node->length % 32;

	for (i = 0; i < words; i++) {
		if (node->key[i] != key[i])
			return false;
	}
	return !bits || !((node->key[words] ^ key[words]) >> (32 - bits));
}

/* Where the next bit of @key leads to. */
static inline struct route_node *node_below(const struct route_node *node,
					    const __u32 *key)
{
	return rcu_dereference(node->child[key_bit(key, node->length)]);
}

/*
 * The node that has this key, or NULL. Bits that were skipped are compared
 * last.
 */
static const struct route_node *node_find(const struct trie *trie,
					  const __u32 *key, unsigned int length)
{
	const struct route_node *node = rcu_dereference(trie->root);

	while (node && node->length < length)
		node = node_below(node, key);
	return node && node->length == length && leads_to(node, key) ? node :
								       NULL;
}

static bool is_wanted(const struct target *target, __u32 metric,
		      bool any_metric)
{
	return any_metric || target->metric == metric;
}

int route_tables_read(const struct route_tables *tables, struct route *route,
		      bool any_metric)
{
	const struct trie *trie = &tables->tries[trie_index(route)];
	const struct target *target = NULL;
	const struct route_node *node;
	__u32 key[ROUTE_KEY_WORDS];
	unsigned int length = key_of(key, route);

	rcu_read_lock();
	node = node_find(trie, key, length);
	if (node)
		target = rcu_dereference(node->targets);
	while (target && !is_wanted(target, route->metric, any_metric))
		target = rcu_dereference(target->next);
	if (target)
		trie_describe(trie, node, target, route);
	rcu_read_unlock();
	return target ? 0 : -ENOENT;
}

/*
 * Most nodes on the way are forks, whose keys are not compared: a search that
 * has gone astray ends at the next node with routes.
 */
int route_tables_lookup(const struct route_tables *tables, struct route *route)
{
	const struct trie *trie = &tables->tries[trie_index(route)];
	const struct route_node *node, *best = NULL;
	const struct target *target, *best_target = NULL;
	__u32 key[ROUTE_KEY_WORDS];
	unsigned int length = key_of(key, route);

	rcu_read_lock();
	node = rcu_dereference(trie->root);
	while (node) {
		target = rcu_dereference(node->targets);
		if (target) {
			if (!leads_to(node, key))
				break;
			best = node;
			best_target = target;
		}
		/* Also if the node has no routes: they may just have been removed. */
		if (node->length == length)
			break;
		node = node_below(node, key);
	}
	if (best)
		trie_describe(trie, best, best_target, route);
	rcu_read_unlock();
	return best ? 0 : -ENETUNREACH;
}

/* ---- changing */

/*
 * The place of a key in the trie, as the search for the key finds it.
 * @node:   the node that has the key, or the first node that is not on the way
 *          to the key; or NULL
 * @common: how many bits the node and the key have in common
 * @link:   the pointer to the node
 * @parent: the node with that pointer; NULL: the trie
 * @parent_link: the pointer to the parent, if there is a parent
 */
struct place {
	struct trie *trie;
	__u32 key[ROUTE_KEY_WORDS];
	unsigned int length;
	struct route_node *node;
	unsigned int common;
	struct route_node __rcu **link;
	struct route_node *parent;
	struct route_node __rcu **parent_link;
};

/* What points to what follows @node, or if that is NULL to the root. */
static struct route_node __rcu **link_below(struct trie *trie,
					    struct route_node *node,
					    const __u32 *key)
{
	return node ? &node->child[key_bit(key, node->length)] : &trie->root;
}

/*
 * Bits that were skipped are compared only where the search ends, since most of
 * them are equal; the place of the key is a few nodes above.
 */
static void place_find(struct place *place, struct route_tables *tables,
		       const struct route *route)
{
	struct trie *trie = &tables->tries[trie_index(route)];
	struct route_node *node = owned(trie->root), **at = tables->path;
	const unsigned int length = key_of(place->key, route);
	const __u32 *key = place->key;
	unsigned int above;

	place->trie = trie;
	place->length = length;
	place->node = NULL;
	place->common = 0;
	place->link = &trie->root;
	place->parent = NULL;
	if (!node)
		return;
	*at = NULL;
	for (; node; node = owned(*link_below(trie, node, key))) {
		*++at = node;
		if (node->length >= length)
			break;
	}
	node = *at;
	place->common = key_common(node->key, key, node->length < length ?
				   node->length : length);
	above = place->common < length ? place->common : length - 1;
	for (; *at && (*at)->length > above; at--)
		place->node = *at;
	place->parent = *at;
	place->link = link_below(trie, place->parent, key);
	if (place->parent)
		place->parent_link = link_below(trie, at[-1], key);
}

static bool place_has_node(const struct place *place)
{
	return place->node && place->node->length == place->length &&
	       place->common == place->length;
}

/* Are there routes in the table? Nodes with shorter keys are forks. */
static bool place_is_in_table(const struct place *place)
{
	return place->node ? place->common >= TABLE_BITS :
			     place->parent != NULL;
}

static bool table_exists(struct route_tables *tables, const struct route *route)
{
	const struct route table = {
		.family = route->family, .table = route->table,
	};
	struct place place;

	place_find(&place, tables, &table);
	return place_is_in_table(&place);
}

/*
 * Links a node with @target for a key that has no node. The new node comes
 * between the node at the place and that node's parent; if neither the new node
 * nor the node at the place is on the way to the other, both go below a new
 * fork.
 */
static int node_insert(const struct place *place, struct target *target)
{
	struct route_node *node, *fork = NULL, *below = place->node;
	struct trie *trie = place->trie;
	const __u32 *key = place->key;

	node = trie_node_create(trie, key, place->length);
	if (!node)
		return -ENOMEM;
	RCU_INIT_POINTER(node->targets, target);
	if (below && place->common < place->length) {
		fork = trie_node_create(trie, key, place->common);
		if (!fork) {
			trie_node_retire(trie, node);
			return -ENOMEM;
		}
		RCU_INIT_POINTER(fork->child[key_bit(key, place->common)], node);
		node = fork;
	}
	if (below)
		RCU_INIT_POINTER(node->child[key_bit(below->key,
						     place->common)], below);
	rcu_assign_pointer(*place->link, node);
	return 0;
}

/* Unlinks a node whose last route has gone, unless the node is a fork. */
static void node_remove(const struct place *place)
{
	struct route_node *node = place->node, *parent = place->parent;
	struct route_node *left = owned(node->child[0]);
	struct route_node *right = owned(node->child[1]);

	if (left && right)
		return;
	rcu_assign_pointer(*place->link, left ? left : right);
	trie_node_retire(place->trie, node);
	if (left || right || !parent || owned(parent->targets))
		return;
	/* The parent was a fork, and has one child left. */
	left = owned(parent->child[0]);
	right = owned(parent->child[1]);
	rcu_assign_pointer(*place->parent_link, left ? left : right);
	trie_node_retire(place->trie, parent);
}

/*
 * Returns the pointer to the first target with this metric or a higher one, and
 * in @before the number of targets before it.
 */
static struct target __rcu **target_link(struct route_node *node, __u32 metric,
					 unsigned int *before)
{
	struct target __rcu **link = &node->targets;
	struct target *target;

	*before = 0;
	while ((target = owned(*link)) && target->metric < metric) {
		link = &target->next;
		++*before;
	}
	return link;
}

static unsigned int targets_from(const struct target *target)
{
	unsigned int count = 0;

	for (; target; target = owned(target->next))
		count++;
	return count;
}

/* What points to the target that is meant. NULL: there is none. */
static struct target __rcu **place_target(const struct place *place,
					  const struct route *route,
					  bool any_metric)
{
	struct target __rcu **link;
	struct target *target;
	unsigned int before;

	if (!place_has_node(place))
		return NULL;
	link = target_link(place->node, any_metric ? 0 : route->metric,
			   &before);
	target = owned(*link);
	return target && is_wanted(target, route->metric, any_metric) ? link :
									NULL;
}

static int target_replace(const struct place *place,
			  struct target __rcu **link, const struct route *route)
{
	struct target *target = trie_target_create(place->trie, route);
	struct target *old = owned(*link);

	if (!target)
		return -ENOMEM;
	RCU_INIT_POINTER(target->next, owned(old->next));
	rcu_assign_pointer(*link, target);
	trie_target_retire(place->trie, old);
	return 0;
}

/* Adds a route to a node that has routes, or is a fork. */
static int add_to_node(struct route_node *node, struct target *target)
{
	unsigned int before;
	struct target __rcu **link = target_link(node, target->metric, &before);
	struct target *next = owned(*link);

	if (before + targets_from(next) >= ROUTE_METRICS_MAX)
		return -ENOSPC;
	RCU_INIT_POINTER(target->next, next);
	rcu_assign_pointer(*link, target);
	return 0;
}

static int add_new(struct route_tables *tables, const struct place *place,
		   const struct route *route)
{
	bool new_table = !place_is_in_table(place);
	struct trie *trie = place->trie;
	struct target *target;
	int err;

	if (tables->tries[0].routes + tables->tries[1].routes >= tables->limit)
		return -ENOSPC;
	target = trie_target_create(trie, route);
	if (!target)
		return -ENOMEM;
	err = place_has_node(place) ? add_to_node(place->node, target) :
				      node_insert(place, target);
	if (err) {
		trie_target_retire(trie, target);
		return err;
	}
	trie->routes++;
	tables->tables += new_table;
	return 0;
}

int route_tables_add(struct route_tables *tables, const struct route *route,
		     bool replace, bool *replaced)
{
	struct target __rcu **link;
	struct place place;

	place_find(&place, tables, route);
	link = place_target(&place, route, false);
	*replaced = link != NULL;
	if (!link)
		return add_new(tables, &place, route);
	return replace ? target_replace(&place, link, route) : -EEXIST;
}

int route_tables_update(struct route_tables *tables, struct route *route,
			bool any_metric)
{
	struct target __rcu **link;
	struct place place;

	place_find(&place, tables, route);
	link = place_target(&place, route, any_metric);
	if (!link)
		return -ENOENT;
	route->metric = owned(*link)->metric;
	return target_replace(&place, link, route);
}

int route_tables_remove(struct route_tables *tables, struct route *route,
			bool any_metric)
{
	struct target __rcu **link;
	struct target *target;
	struct place place;

	place_find(&place, tables, route);
	link = place_target(&place, route, any_metric);
	if (!link)
		return -ENOENT;
	target = owned(*link);
	trie_describe(place.trie, place.node, target, route);
	rcu_assign_pointer(*link, owned(target->next));
	trie_target_retire(place.trie, target);
	place.trie->routes--;
	if (!owned(place.node->targets)) {
		node_remove(&place);
		tables->tables -= !table_exists(tables, route);
	}
	return 0;
}

/* ---- all of them */

void route_tables_count(const struct route_tables *tables,
			struct route_counts *counts)
{
	counts->routes4 = tables->tries[0].routes;
	counts->routes6 = tables->tries[1].routes;
	counts->limit = tables->limit;
	counts->tables = tables->tables;
	counts->bytes = sizeof(*tables) + tables->tries[0].bytes +
			tables->tries[1].bytes;
}

struct route_tables *route_tables_create(unsigned long limit)
{
	struct route_tables *tables = kucomms_zalloc(sizeof(*tables));
	bool complete;

	if (!tables)
		return NULL;
	tables->limit = limit;
	complete = trie_init(&tables->tries[0], AF_INET);
	complete &= trie_init(&tables->tries[1], AF_INET6);
	if (complete)
		return tables;
	route_tables_destroy(tables);
	return NULL;
}

void route_tables_destroy(struct route_tables *tables)
{
	if (!tables)
		return;
	/* Waits until all retired memory is back in the caches. */
	rcu_barrier();
	trie_destroy(&tables->tries[0]);
	trie_destroy(&tables->tries[1]);
	kucomms_free(tables);
}
