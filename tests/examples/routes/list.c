// SPDX-License-Identifier: GPL-2.0-only
/* Is the whole table what it ought to be, and in order? */
#include <stdio.h>
#include <string.h>

#include "routes.h"

#define RING_SIZE	(1u << 20)

/**
 * struct list - a list that comes
 * @next:     which ought to come next
 * @checksum: FNV-1a of all that came, in words, to compare lists by
 */
struct list {
	const struct book *book;
	size_t next;
	uint64_t checksum;
};

static void add_to_checksum(uint64_t *checksum, const struct route *route)
{
	uint64_t words[sizeof(*route) / sizeof(uint64_t)];
	size_t i;

	memcpy(words, route, sizeof(words));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*checksum = (*checksum ^ words[i]) * 0x100000001b3u;
}

static void check_entry(const struct route *route, void *priv)
{
	char is[ROUTE_TEXT_MAX], should[ROUTE_TEXT_MAX];
	struct list *list = priv;
	const struct route *wanted;

	if (list->next == list->book->number)
		die("one too many: %s", route_text(route, is));
	wanted = &list->book->routes[list->next++];
	if (memcmp(route, wanted, sizeof(*route)))
		die("route %zu should be %s, is %s", list->next,
		    route_text(wanted, should), route_text(route, is));
	add_to_checksum(&list->checksum, route);
}

void check_list(const char *name, struct book *book)
{
	struct list list = { .book = book, .checksum = 0xcbf29ce484222325u };
	const struct route_filter all = { 0 };
	struct client client;
	struct answer answer;

	book_sort(book);
	client_open(&client, name, RING_SIZE);
	client_send(&client, ROUTE_LIST, 0, &all, sizeof(all), false);
	client_answer(&client, &answer, check_entry, &list);
	client_close(&client);
	if (answer.error)
		die("list: %s", strerror(answer.error));
	if (list.next != book->number || answer.number != book->number)
		die("%zu routes came, %llu were announced, %zu should be",
		    list.next, (unsigned long long)answer.number,
		    book->number);
	printf("%zu routes, checksum %016llx\n", book->number,
	       (unsigned long long)list.checksum);
}
