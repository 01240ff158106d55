/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the program `routes` have in common: it asks a route manager
 * for more than one can see at a glance, and knows the answers from elsewhere.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include <kucomms/kucomms.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../examples/route-manager/route.h"

/* Milliseconds after which an answer does not come any more. */
#define PATIENCE	120000

/* Says what is wrong, and ends the program with status 1. */
void die(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* Random numbers that a seed gives, and as many below @limit. */
uint64_t dice(uint64_t *state);
uint64_t dice_below(uint64_t *state, uint64_t limit);

/* @text: at least ROUTE_TEXT_MAX bytes. Returns @text. */
#define ROUTE_TEXT_MAX	128
const char *route_text(const struct route *route, char *text);

/* ---- book.c: routes that ought to be there; for one thread */

/* The lengths of IPv4 and of IPv6. */
#define FAMILIES	2
#define LENGTHS		129

/**
 * struct book - the oracle: routes, and what finds them
 * @routes:  in the order in which they came
 * @number:  of routes
 * @slots:   a hash table of numbers of routes, plus one; 0: empty
 * @mask:    number of slots - 1
 * @present: how many there are of each length
 */
struct book {
	struct route *routes;
	size_t number;
	uint32_t *slots;
	size_t mask;
	uint32_t present[FAMILIES][LENGTHS];
};

/* Dies if there is one with the same key. */
void book_add(struct book *book, const struct route *route);

/* The best route to the address in @query, or NULL. */
const struct route *book_lookup(const struct book *book,
				const struct route *query);

/* Puts the routes in the order of ROUTE_LIST. Ends all searching. */
void book_sort(struct book *book);

void book_free(struct book *book);

/* Adds what a batch file for kucomms-route adds; "-" is the standard input. */
void book_read(struct book *book, const char *path);

/* Below 0, 0 or above it, as the keys are in the order of ROUTE_LIST. */
int route_compare(const struct route *a, const struct route *b);

/* Clears what is behind the prefix. */
void route_mask(struct route *route);

unsigned int route_bits(const struct route *route);

/* ---- client.c: a channel to a route manager; for one thread */

struct client {
	const char *name;
	struct kucomms_channel *channel;
	uint64_t next_id;
	uint64_t expected_id;
};

/**
 * struct answer - what answers one request
 * @error:     0, or an errno
 * @entries:   how many routes came
 * @entry:     the last of them
 * @number:    what ROUTE_DONE counts, if it does
 */
struct answer {
	int error;
	uint64_t entries;
	struct route entry;
	uint64_t number;
};

/* @ring_size: bytes of the ring for answers. Waits for somebody to serve. */
void client_open(struct client *client, const char *name, __u32 ring_size);
void client_close(struct client *client);

/* @more: others follow at once. */
void client_send(struct client *client, __u64 type, __u64 flags,
		 const void *data, size_t length, bool more);

/* Answers the oldest request that has none. Each entry goes to @entry, if set. */
void client_answer(struct client *client, struct answer *answer,
		   void (*entry)(const struct route *route, void *priv),
		   void *priv);

/* Sends, waits, and dies of any error. */
void client_ask(struct client *client, __u64 type, const void *data,
		size_t length, struct answer *answer);

/* Dies of anything but a message of @type; its data are good until released. */
const void *client_next(struct client *client, struct kucomms_message *message);

/**
 * struct requests - many requests, and what becomes of their answers
 * @number: of requests
 * @send:   sends the one with the number @index
 * @check:  dies unless @answer is right for it
 */
struct requests {
	size_t number;
	void (*send)(struct client *client, size_t index, bool more,
		     void *priv);
	void (*check)(size_t index, const struct answer *answer, void *priv);
	void *priv;
};

/*
 * Sends @batch at a time. One at a time are waited for; of more the next are under
 * way while these are answered.
 */
void client_run(struct client *client, const struct requests *requests,
		size_t batch);

/* ---- rtnetlink.c: the kernel's own tables, for comparison; all die if it fails */

struct mnl_socket;

struct peer {
	struct mnl_socket *socket;
	unsigned int sequence;
	char buffer[65536];
};

void peer_open(struct peer *peer);
void peer_close(struct peer *peer);
void peer_load(struct peer *peer, const struct book *book, size_t batch);
void peer_unload(struct peer *peer, const struct book *book);

/* How many of the book's routes there are. */
size_t peer_list(struct peer *peer);

/* ---- the commands; each dies if something is wrong */

void check_lookups(const char *name, size_t number, uint64_t seed,
		   struct book *book);
void check_list(const char *name, struct book *book);
void churn(size_t operations, uint64_t seed, int names, char **name);
void bench(size_t number, bool instructions, struct book *book, int names,
	   char **name);

#endif
