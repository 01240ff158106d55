// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tables of routes: one path-compressed binary trie for each family.
 *
 * A key is the id of a table, and then an address: so all tables are in one
 * trie, a table is a subtree, and the order of the nodes, each before its
 * children, is the order in which routes are listed. A node has routes (their
 * metrics ascend), or two children, or both. Its key and length never change.
 *
 * Readers are under RCU. A node is linked when it is complete, and what has
 * been unlinked keeps its pointers until the last reader has gone: who stands
 * on it still comes to everything below it.
 */
#include "table.h"

#define FAMILIES	2
#define TABLE_BITS	32u
#define WHOLE_NODE	(~0u)	/* no metric is higher */

/* How many objects are allocated together. */
#define POOL_SPARE	32

/* How many nodes a walk visits before it lets others have the CPU. */
#define WALK_STEP	256

/* What a node's prefix is routed to. */
struct target {
	struct target __rcu *next;
	struct rcu_head rcu;
	__u32 metric;
	__u32 interface;
	__u32 gateway[];	/* as in struct route */
};

struct route_node {
	struct route_node __rcu *child[2];
	struct target __rcu *targets;
	struct rcu_head rcu;
	__u32 length;		/* in bits */
	__u32 key[];
};

/* Objects of one kind, of which some are allocated at a time. */
struct pool {
	struct kmem_cache *cache;
	unsigned int count;
	void *spare[POOL_SPARE];
};

/*
 * @words:   of a key
 * @routes:  how many there are
 */
struct trie {
	struct route_node __rcu *root;
	__u8 family;
	unsigned int words;
	unsigned long routes;
	struct pool nodes;
	struct pool targets;
};

/* @path: from the root, which is after a NULL, to where a change is made */
struct route_tables {
	struct trie tries[FAMILIES];
	struct route_node *path[ROUTE_KEY_WORDS * 32 + 2];
	unsigned long limit;
	unsigned long tables;
	unsigned long bytes;
};

/* Changes are made by one at a time, which is the callers' to see to. */
#define owned(pointer)	rcu_dereference_protected(pointer, true)

/* ---- keys */

static unsigned int address_words(const struct trie *trie)
{
	return trie->words - 1;
}

static unsigned int bit_at(const __u32 *key, unsigned int at)
{
	return key[at / 32] << at % 32 >> 31;
}

/* In words. For no family: of the longest. */
static unsigned int key_words(__u8 family)
{
	return family == AF_INET ? 2 : ROUTE_KEY_WORDS;
}

static __u32 load_word(const __u8 *bytes)
{
	__be32 word;

	memcpy(&word, bytes, sizeof(word));
	return ntohl(word);
}

static void store_word(__u8 *bytes, __u32 word)
{
	const __be32 ordered = htonl(word);

	memcpy(bytes, &ordered, sizeof(ordered));
}

/* Only the words that its family has. Returns the length in bits. */
static unsigned int key_of(__u32 key[ROUTE_KEY_WORDS],
			   const struct route *route)
{
	unsigned int i, words = key_words(route->family);

	key[0] = route->table;
	for (i = 1; i < words; i++)
		key[i] = load_word(&route->prefix[4 * (i - 1)]);
	return TABLE_BITS + route->length;
}

/* How many of the first @length bits are the same? */
static unsigned int common_bits(const __u32 *a, const __u32 *b,
				unsigned int length)
{
	unsigned int at, i;

	for (i = 0, at = 0; at < length; i++, at += 32) {
		__u32 differ = a[i] ^ b[i];

		if (differ) {
			at += (unsigned int)__builtin_clz(differ);
			break;
		}
	}
	return at < length ? at : length;
}

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

/* ---- memory */

static void *pool_take(struct route_tables *tables, struct pool *pool)
{
	if (!pool->count)
		pool->count = kmem_cache_alloc_bulk(pool->cache, GFP_KERNEL,
						    POOL_SPARE, pool->spare);
	if (!pool->count)
		return NULL;
	tables->bytes += kmem_cache_size(pool->cache);
	return pool->spare[--pool->count];
}

static void pool_destroy(struct pool *pool)
{
	while (pool->count)
		kfree(pool->spare[--pool->count]);
	kmem_cache_destroy(pool->cache);
}

static struct route_node *node_create(struct route_tables *tables,
				      struct trie *trie, const __u32 *key,
				      unsigned int length)
{
	struct route_node *node = pool_take(tables, &trie->nodes);
	unsigned int i, words = length / 32, bits = length % 32;

	if (!node)
		return NULL;
	RCU_INIT_POINTER(node->child[0], NULL);
	RCU_INIT_POINTER(node->child[1], NULL);
	RCU_INIT_POINTER(node->targets, NULL);
	node->length = length;
	for (i = 0; i < trie->words; i++)
		node->key[i] = i < words ? key[i] : 0;
	if (bits)
		node->key[words] = key[words] & ~0u << (32 - bits);
	return node;
}

/* kfree() finds the cache by itself. */
static void node_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct route_node, rcu));
}

static void node_retire(struct route_tables *tables, const struct trie *trie,
			struct route_node *node)
{
	tables->bytes -= kmem_cache_size(trie->nodes.cache);
	call_rcu(&node->rcu, node_free);
}

static struct target *target_create(struct route_tables *tables,
				    struct trie *trie,
				    const struct route *route)
{
	struct target *target = pool_take(tables, &trie->targets);
	unsigned int i;

	if (!target)
		return NULL;
	RCU_INIT_POINTER(target->next, NULL);
	target->metric = route->metric;
	target->interface = route->interface;
	for (i = 0; i < address_words(trie); i++)
		memcpy(&target->gateway[i], &route->gateway[4 * i], 4);
	return target;
}

static void target_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct target, rcu));
}

static void target_retire(struct route_tables *tables, const struct trie *trie,
			  struct target *target)
{
	tables->bytes -= kmem_cache_size(trie->targets.cache);
	call_rcu(&target->rcu, target_free);
}

/* ---- finding, for readers and for who changes something */

/* Which of the tries it is in. */
static unsigned int trie_index(const struct route *route)
{
	return route->family == AF_INET6;
}

static void describe(const struct trie *trie, const struct route_node *node,
		     const struct target *target, struct route *route)
{
	unsigned int i, words = address_words(trie);

	route->family = trie->family;
	route->length = (__u8)(node->length - TABLE_BITS);
	route->reserved = 0;
	route->table = node->key[0];
	route->metric = target->metric;
	route->interface = target->interface;
	memset(route->prefix, 0, sizeof(route->prefix));
	memset(route->gateway, 0, sizeof(route->gateway));
	for (i = 0; i < words; i++) {
		store_word(&route->prefix[4 * i], node->key[1 + i]);
		memcpy(&route->gateway[4 * i], &target->gateway[i], 4);
	}
}

/* Where the next bit of @key leads to. */
static inline struct route_node *node_below(const struct route_node *node,
					    const __u32 *key)
{
	return rcu_dereference(node->child[bit_at(key, node->length)]);
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
		describe(trie, node, target, route);
	rcu_read_unlock();
	return target ? 0 : -ENOENT;
}

/*
 * Most nodes on the way are forks, which are passed without a look at their
 * keys: who is astray notices at the next node that has routes.
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
		/* Also without routes: they may have gone just now. */
		if (node->length == length)
			break;
		node = node_below(node, key);
	}
	if (best)
		describe(trie, best, best_target, route);
	rcu_read_unlock();
	return best ? 0 : -ENETUNREACH;
}

/* ---- changing */

/*
 * Where the search for a key ends: the node that has it, or the first that is
 * not on the way to it; or NULL.
 * @common: how many bits the node and the key have in common
 * @link:   what points to the node
 * @parent: what has that link; NULL: the trie
 * @parent_link: what points to the parent
 */
struct place {
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
	return node ? &node->child[bit_at(key, node->length)] : &trie->root;
}

/*
 * Bits that were skipped are compared only where the search ends, since most
 * are right: from there it is a few nodes back to where the key belongs.
 */
static struct place place_find(struct route_tables *tables, struct trie *trie,
			       const __u32 *key, unsigned int length)
{
	struct route_node *node = owned(trie->root), **at = tables->path;
	struct place place = { .link = &trie->root };
	unsigned int above;

	if (!node)
		return place;
	*at = NULL;
	for (; node; node = owned(*link_below(trie, node, key))) {
		*++at = node;
		if (node->length >= length)
			break;
	}
	node = *at;
	place.common = common_bits(node->key, key, node->length < length ?
				   node->length : length);
	above = place.common < length ? place.common : length - 1;
	while (*at && (*at)->length > above)
		place.node = *at--;
	place.parent = *at;
	place.link = link_below(trie, place.parent, key);
	if (place.parent)
		place.parent_link = link_below(trie, at[-1], key);
	return place;
}

static bool place_has_node(const struct place *place, unsigned int length)
{
	return place->node && place->node->length == length &&
	       place->common == length;
}

/* Are there routes in the table? Nodes that are shorter are forks. */
static bool place_is_in_table(const struct place *place)
{
	return place->node ? place->common >= TABLE_BITS :
			     place->parent != NULL;
}

static bool table_exists(struct route_tables *tables, struct trie *trie,
			 const __u32 *key)
{
	const struct place place = place_find(tables, trie, key, TABLE_BITS);

	return place_is_in_table(&place);
}

/*
 * Links a node for a key that has none, with @target. It comes between what is
 * at the place and its parent; if neither leads to the other both are below a
 * new one.
 */
static int node_insert(struct route_tables *tables, struct trie *trie,
		       const struct place *place, const __u32 *key,
		       unsigned int length, struct target *target)
{
	struct route_node *node, *fork = NULL, *below = place->node;

	node = node_create(tables, trie, key, length);
	if (!node)
		return -ENOMEM;
	RCU_INIT_POINTER(node->targets, target);
	if (below && place->common < length) {
		fork = node_create(tables, trie, key, place->common);
		if (!fork) {
			node_retire(tables, trie, node);
			return -ENOMEM;
		}
		RCU_INIT_POINTER(fork->child[bit_at(key, place->common)], node);
		node = fork;
	}
	if (below)
		RCU_INIT_POINTER(node->child[bit_at(below->key, place->common)],
				 below);
	rcu_assign_pointer(*place->link, node);
	return 0;
}

/* Unlinks a node that has no routes any more, unless it is a fork. */
static void node_remove(struct route_tables *tables, const struct trie *trie,
			const struct place *place)
{
	struct route_node *node = place->node, *parent = place->parent;
	struct route_node *left = owned(node->child[0]);
	struct route_node *right = owned(node->child[1]);

	if (left && right)
		return;
	rcu_assign_pointer(*place->link, left ? left : right);
	node_retire(tables, trie, node);
	if (left || right || !parent || owned(parent->targets))
		return;
	/* The parent was a fork, and has one child left. */
	left = owned(parent->child[0]);
	right = owned(parent->child[1]);
	rcu_assign_pointer(*place->parent_link, left ? left : right);
	node_retire(tables, trie, parent);
}

/*
 * What points to the first target with this metric or a higher one. @before:
 * how many there are before that.
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

static void target_replace(struct route_tables *tables, const struct trie *trie,
			   struct target __rcu **link, struct target *target)
{
	struct target *old = owned(*link);

	RCU_INIT_POINTER(target->next, owned(old->next));
	rcu_assign_pointer(*link, target);
	target_retire(tables, trie, old);
}

/* Adds to a node that has routes, or is a fork. */
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

/* Of a node that is at its place; NULL: there is none. */
static struct target __rcu **wanted_link(struct route_node *node, __u32 metric,
					 bool any_metric)
{
	unsigned int before;
	struct target __rcu **link =
		target_link(node, any_metric ? 0 : metric, &before);
	struct target *target = owned(*link);

	return target && is_wanted(target, metric, any_metric) ? link : NULL;
}

static int add_new(struct route_tables *tables, struct trie *trie,
		   const struct place *place, const __u32 *key,
		   unsigned int length, const struct route *route)
{
	bool new_table = !place_is_in_table(place);
	struct target *target;
	int err;

	if (tables->tries[0].routes + tables->tries[1].routes >= tables->limit)
		return -ENOSPC;
	target = target_create(tables, trie, route);
	if (!target)
		return -ENOMEM;
	if (place_has_node(place, length))
		err = add_to_node(place->node, target);
	else
		err = node_insert(tables, trie, place, key, length, target);
	if (err) {
		target_retire(tables, trie, target);
		return err;
	}
	trie->routes++;
	tables->tables += new_table;
	return 0;
}

int route_tables_add(struct route_tables *tables, const struct route *route,
		     bool replace, bool *replaced)
{
	struct trie *trie = &tables->tries[trie_index(route)];
	__u32 key[ROUTE_KEY_WORDS];
	unsigned int length = key_of(key, route);
	const struct place place = place_find(tables, trie, key, length);
	struct target __rcu **link = NULL;
	struct target *target;

	if (place_has_node(&place, length))
		link = wanted_link(place.node, route->metric, false);
	*replaced = link != NULL;
	if (!link)
		return add_new(tables, trie, &place, key, length, route);
	if (!replace)
		return -EEXIST;
	target = target_create(tables, trie, route);
	if (!target)
		return -ENOMEM;
	target_replace(tables, trie, link, target);
	return 0;
}

int route_tables_update(struct route_tables *tables, struct route *route,
			bool any_metric)
{
	struct trie *trie = &tables->tries[trie_index(route)];
	__u32 key[ROUTE_KEY_WORDS];
	unsigned int length = key_of(key, route);
	const struct place place = place_find(tables, trie, key, length);
	struct target __rcu **link = NULL;
	struct target *target;

	if (place_has_node(&place, length))
		link = wanted_link(place.node, route->metric, any_metric);
	if (!link)
		return -ENOENT;
	route->metric = owned(*link)->metric;
	target = target_create(tables, trie, route);
	if (!target)
		return -ENOMEM;
	target_replace(tables, trie, link, target);
	return 0;
}

int route_tables_remove(struct route_tables *tables, struct route *route,
			bool any_metric)
{
	struct trie *trie = &tables->tries[trie_index(route)];
	__u32 key[ROUTE_KEY_WORDS];
	unsigned int length = key_of(key, route);
	const struct place place = place_find(tables, trie, key, length);
	struct target __rcu **link = NULL;
	struct target *target;

	if (place_has_node(&place, length))
		link = wanted_link(place.node, route->metric, any_metric);
	if (!link)
		return -ENOENT;
	target = owned(*link);
	describe(trie, place.node, target, route);
	rcu_assign_pointer(*link, owned(target->next));
	target_retire(tables, trie, target);
	trie->routes--;
	if (!owned(place.node->targets)) {
		node_remove(tables, trie, &place);
		tables->tables -= !table_exists(tables, trie, key);
	}
	return 0;
}

void route_tables_count(const struct route_tables *tables,
			struct route_counts *counts)
{
	counts->routes4 = tables->tries[0].routes;
	counts->routes6 = tables->tries[1].routes;
	counts->limit = tables->limit;
	counts->tables = tables->tables;
	counts->bytes = tables->bytes;
}

/* ---- walking */

/* Where a node is, compared to where the walk has come to. */
enum where {
	BEHIND,		/* with everything below it */
	ABOVE,		/* but some of what is below it may be ahead */
	HERE,		/* and metrics up to the walk's have been visited */
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
	common = common_bits(node->key, walk->key, node->length);
	if (common < node->length)
		return bit_at(node->key, common) ? AHEAD : BEHIND;
	if (node->length == walk->length)
		return HERE;
	return node->length < walk->length ? ABOVE : AHEAD;
}

/* Does the filter let nothing pass that is here or below? */
static bool walk_excludes(const struct route_walk *walk,
			  const struct route_node *node)
{
	__u32 fields = walk->filter.fields;
	unsigned int length = node->length, its, ours;

	if (fields & ROUTE_BY_TABLE) {
		its = length < TABLE_BITS ? length : TABLE_BITS;
		if (common_bits(node->key, walk->filter_key, its) < its)
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
	return common_bits(node->key + 1, walk->filter_key + 1, its) < its;
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

/* Everything up to this metric of this node is behind the walk. */
static void walk_leave(struct route_walk *walk, const struct route_node *node,
		       __u32 metric)
{
	walk->last = node;
	walk->metric = metric;
}

/* The walk stops: who goes on cannot rely on the last node. */
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

/* Visits the routes of a node; if it is @resumed, those with higher metrics. */
static int walk_visit(struct route_walk *walk, const struct trie *trie,
		      const struct route_node *node, bool resumed,
		      route_visit visit, void *context)
{
	const struct target *target = rcu_dereference(node->targets);
	__u32 after = walk->metric;
	struct route route;
	int err;

	for (; target; target = rcu_dereference(target->next)) {
		if (resumed && target->metric <= after)
			continue;
		describe(trie, node, target, &route);
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
	int budget = WALK_STEP, err;

	walk->depth = 0;
	walk->last = NULL;
	walk_push(walk, rcu_dereference(trie->root));
	while (walk->depth) {
		node = walk->stack[--walk->depth];
		/* Whatever comes after what is ahead is so, too. */
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
		if (where == AHEAD && !--budget) {
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

/* ---- all of them */

static bool trie_init(struct trie *trie, __u8 family, unsigned int words,
		      const char *nodes, const char *targets)
{
	trie->family = family;
	trie->words = words;
	trie->nodes.cache = kmem_cache_create(nodes,
					      sizeof(struct route_node) +
					      4 * words, 0, 0, NULL);
	trie->targets.cache = kmem_cache_create(targets, sizeof(struct target) +
						4 * address_words(trie), 0, 0,
						NULL);
	return trie->nodes.cache && trie->targets.cache;
}

static void trie_free_node(struct route_node *node)
{
	struct target *target = owned(node->targets);

	while (target) {
		struct target *next = owned(target->next);

		kfree(target);
		target = next;
	}
	kfree(node);
}

/*
 * Nobody reads any more. A left child is turned up until there is none, so that
 * neither recursion nor a stack is needed.
 */
static void trie_free(struct trie *trie)
{
	struct route_node *node = owned(trie->root);
	unsigned int freed = 0;

	while (node) {
		struct route_node *left = owned(node->child[0]);

		if (left) {
			RCU_INIT_POINTER(node->child[0], owned(left->child[1]));
			RCU_INIT_POINTER(left->child[1], node);
			node = left;
			continue;
		}
		left = owned(node->child[1]);
		trie_free_node(node);
		node = left;
		if (++freed % WALK_STEP == 0)
			cond_resched();
	}
	pool_destroy(&trie->nodes);
	pool_destroy(&trie->targets);
}

struct route_tables *route_tables_create(unsigned long limit)
{
	struct route_tables *tables = kucomms_zalloc(sizeof(*tables));
	bool complete;

	if (!tables)
		return NULL;
	tables->limit = limit;
	tables->bytes = sizeof(*tables);
	complete = trie_init(&tables->tries[0], AF_INET, 2,
			     "kucomms_route_node4", "kucomms_route_target4");
	complete &= trie_init(&tables->tries[1], AF_INET6, 5,
			      "kucomms_route_node6", "kucomms_route_target6");
	if (complete)
		return tables;
	route_tables_destroy(tables);
	return NULL;
}

void route_tables_destroy(struct route_tables *tables)
{
	if (!tables)
		return;
	/* What has been retired comes back to the caches. */
	rcu_barrier();
	trie_free(&tables->tries[0]);
	trie_free(&tables->tries[1]);
	kucomms_free(tables);
}
