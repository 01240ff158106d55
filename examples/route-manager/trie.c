// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The parts of tables: keys, nodes, targets, and their memory.
 */
#include "trie.h"

/* Nodes that are freed before the CPU is given up. */
#define FREE_STEP	256

/* ---- keys */

/* With no family: the size for the longest address. */
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

unsigned int key_of(__u32 key[ROUTE_KEY_WORDS], const struct route *route)
{
	unsigned int i, words = key_words(route->family);

	key[0] = route->table;
	for (i = 1; i < words; i++)
		key[i] = load_word(&route->prefix[4 * (i - 1)]);
	return TABLE_BITS + route->length;
}

/* ---- memory */

static void *pool_take(struct trie *trie, struct pool *pool)
{
	if (!pool->count)
		pool->count = kmem_cache_alloc_bulk(pool->cache, GFP_KERNEL,
						    POOL_SPARE, pool->spare);
	if (!pool->count)
		return NULL;
	trie->bytes += kmem_cache_size(pool->cache);
	return pool->spare[--pool->count];
}

static void pool_destroy(struct pool *pool)
{
	while (pool->count)
		kfree(pool->spare[--pool->count]);
	kmem_cache_destroy(pool->cache);
}

struct route_node *trie_node_create(struct trie *trie, const __u32 *key,
				    unsigned int length)
{
	struct route_node *node = pool_take(trie, &trie->nodes);
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

/* kfree() finds the cache of an object. */
static void node_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct route_node, rcu));
}

void trie_node_retire(struct trie *trie, struct route_node *node)
{
	trie->bytes -= kmem_cache_size(trie->nodes.cache);
	call_rcu(&node->rcu, node_free);
}

struct target *trie_target_create(struct trie *trie, const struct route *route)
{
	struct target *target = pool_take(trie, &trie->targets);
	unsigned int i;

	if (!target)
		return NULL;
	RCU_INIT_POINTER(target->next, NULL);
	target->metric = route->metric;
	target->interface = route->interface;
	for (i = 0; i < trie_address_words(trie); i++)
		memcpy(&target->gateway[i], &route->gateway[4 * i], 4);
	return target;
}

static void target_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct target, rcu));
}

void trie_target_retire(struct trie *trie, struct target *target)
{
	trie->bytes -= kmem_cache_size(trie->targets.cache);
	call_rcu(&target->rcu, target_free);
}

void trie_describe(const struct trie *trie, const struct route_node *node,
		   const struct target *target, struct route *route)
{
	unsigned int i, words = trie_address_words(trie);

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

/* ---- whole tries */

bool trie_init(struct trie *trie, __u8 family)
{
	const bool four = family == AF_INET;

	trie->family = family;
	trie->words = key_words(family);
	trie->nodes.cache =
		kmem_cache_create(four ? "kucomms_route_node4" :
					 "kucomms_route_node6",
				  sizeof(struct route_node) + 4 * trie->words,
				  0, 0, NULL);
	trie->targets.cache =
		kmem_cache_create(four ? "kucomms_route_target4" :
					 "kucomms_route_target6",
				  sizeof(struct target) +
					  4 * trie_address_words(trie),
				  0, 0, NULL);
	return trie->nodes.cache && trie->targets.cache;
}

static void free_with_targets(struct route_node *node)
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
 * Rotates left children up until there is none, so that neither recursion nor a
 * stack is needed.
 */
void trie_destroy(struct trie *trie)
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
		free_with_targets(node);
		node = left;
		if (++freed % FREE_STEP == 0)
			cond_resched();
	}
	pool_destroy(&trie->nodes);
	pool_destroy(&trie->targets);
}
