/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The parts of tables: one path-compressed binary trie for each family. For
 * the tables themselves (table.c) and the walk through them (walk.c).
 *
 * A key is the id of a table, and then an address: so all tables are in one
 * trie, a table is a subtree, and the order of the nodes, each before its
 * children, is the order in which routes are listed. A node has routes (their
 * metrics ascend), or two children, or both. Its key and length never change.
 *
 * Readers are under RCU. A node is linked when it is complete. A node that has
 * been unlinked keeps its pointers until the last reader has gone, so a reader
 * that is at this node still reaches everything below it. Callers make one
 * change at a time.
 */
#ifndef ROUTE_TRIE_H
#define ROUTE_TRIE_H

#include "kernel.h"
#include "route.h"
#include "table.h"

#define TABLE_BITS	32u
#define FAMILIES	2

/* Objects that are allocated together. */
#define POOL_SPARE	32

/* A route of a node: metric, interface and gateway. */
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

/* A cache of objects of one kind, of which several are allocated at a time. */
struct pool {
	struct kmem_cache *cache;
	unsigned int count;
	void *spare[POOL_SPARE];
};

/*
 * @words:  32-bit words of a key
 * @routes: routes in the trie
 * @bytes:  bytes of memory for nodes and targets
 */
struct trie {
	struct route_node __rcu *root;
	__u8 family;
	unsigned int words;
	unsigned long routes;
	unsigned long bytes;
	struct pool nodes;
	struct pool targets;
};

/* @path: the nodes from the root, after a NULL, to the place of the change */
struct route_tables {
	struct trie tries[FAMILIES];
	struct route_node *path[ROUTE_KEY_WORDS * 32 + 2];
	unsigned long limit;
	unsigned long tables;
};

/* A pointer, for the thread that makes a change. */
#define owned(pointer)	rcu_dereference_protected(pointer, true)

/* Returns the index of the family's trie. */
static inline unsigned int trie_index(const struct route *route)
{
	return route->family == AF_INET6;
}

/* Returns the words of the address in a key. */
static inline unsigned int trie_address_words(const struct trie *trie)
{
	return trie->words - 1;
}

/* ---- keys */

static inline unsigned int key_bit(const __u32 *key, unsigned int at)
{
	return key[at / 32] << at % 32 >> 31;
}

/* Returns how many of the first @length bits are the same. */
static inline unsigned int key_common(const __u32 *a, const __u32 *b,
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

/* Sets only the words of the family. Returns the length in bits. */
unsigned int key_of(__u32 key[ROUTE_KEY_WORDS], const struct route *route);

/* ---- nodes and targets */

/* Copies the node's bits of @key. Returns NULL if there is no memory. */
struct route_node *trie_node_create(struct trie *trie, const __u32 *key,
				    unsigned int length);

/* Does not copy the links. Returns NULL if there is no memory. */
struct target *trie_target_create(struct trie *trie, const struct route *route);

/* Frees it when the last reader has gone. */
void trie_node_retire(struct trie *trie, struct route_node *node);
void trie_target_retire(struct trie *trie, struct target *target);

/* Makes a route of a node and a target. */
void trie_describe(const struct trie *trie, const struct route_node *node,
		   const struct target *target, struct route *route);

/* ---- whole tries */

/* Returns whether there was memory; if not, trie_destroy() is needed, too. */
bool trie_init(struct trie *trie, __u8 family);

/* No reader is left, and retired memory has been freed (rcu_barrier()). */
void trie_destroy(struct trie *trie);

#endif /* ROUTE_TRIE_H */
