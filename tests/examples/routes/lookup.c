// SPDX-License-Identifier: GPL-2.0-only
/* Are all lookups right? Half of the addresses lie within known prefixes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routes.h"

#define BATCH		256
#define RING_SIZE	(1u << 20)

/**
 * struct lookups - random addresses, and how the answers were
 * @sent:  the state of the dice when the next is sent
 * @asked: the state when the next answer is checked
 */
struct lookups {
	struct book *book;
	uint64_t sent, asked;
	uint64_t found, unreachable;
};

static void random_bits(uint64_t *state, struct route *query,
			unsigned int from)
{
	unsigned int byte, bits = route_bits(query);
	struct route kept = *query;

	for (byte = 0; byte < bits / 8; byte++)
		query->prefix[byte] = (__u8)(dice(state) >> 32);
	for (byte = 0; byte < from / 8; byte++)
		query->prefix[byte] = kept.prefix[byte];
	if (from % 8) {
		__u8 mask = (__u8)(0xff >> from % 8);

		query->prefix[byte] = (kept.prefix[byte] & (__u8)~mask) |
				      (query->prefix[byte] & mask);
	}
}

static struct route random_query(uint64_t *state, const struct book *book)
{
	const struct route *near =
		&book->routes[dice_below(state, book->number)];
	struct route query = {
		.family = near->family,
		.table = near->table,
	};

	query.length = (__u8)route_bits(&query);
	if (dice_below(state, 2)) {
		memcpy(query.prefix, near->prefix, sizeof(query.prefix));
		random_bits(state, &query, near->length);
	} else {
		random_bits(state, &query, 0);
	}
	return query;
}

static void send_lookup(struct client *client, size_t index, bool more,
			void *priv)
{
	struct lookups *lookups = priv;
	struct route query = random_query(&lookups->sent, lookups->book);

	(void)index;
	client_send(client, ROUTE_LOOKUP, 0, &query, sizeof(query), more);
}

static void complain(const struct route *query, const struct route *should,
		     const struct answer *answer)
{
	char asked[ROUTE_TEXT_MAX], is[ROUTE_TEXT_MAX], text[ROUTE_TEXT_MAX];

	die("%s: should be %s, is %s", route_text(query, asked),
	    should ? route_text(should, text) : "unreachable",
	    answer->error ? strerror(answer->error) :
	    answer->entries == 1 ? route_text(&answer->entry, is) :
	    "not one entry");
}

static void check_lookup(size_t index, const struct answer *answer, void *priv)
{
	struct lookups *lookups = priv;
	struct route query = random_query(&lookups->asked, lookups->book);
	const struct route *should = book_lookup(lookups->book, &query);

	(void)index;
	if (should) {
		lookups->found++;
		if (answer->error || answer->entries != 1 ||
		    memcmp(&answer->entry, should, sizeof(*should)))
			complain(&query, should, answer);
	} else {
		lookups->unreachable++;
		if (answer->error != ENETUNREACH || answer->entries)
			complain(&query, NULL, answer);
	}
}

void check_lookups(const char *name, size_t number, uint64_t seed,
		   struct book *book)
{
	struct lookups lookups = { .book = book, .sent = seed, .asked = seed };
	const struct requests requests = {
		number, send_lookup, check_lookup, &lookups,
	};
	struct client client;

	if (!book->number)
		die("no routes to look up");
	client_open(&client, name, RING_SIZE);
	client_run(&client, &requests, BATCH);
	client_close(&client);
	printf("%zu lookups agree: %llu found, %llu unreachable\n", number,
	       (unsigned long long)lookups.found,
	       (unsigned long long)lookups.unreachable);
}
