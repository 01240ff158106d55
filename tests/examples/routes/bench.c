// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a route costs: to create, to read, to look up, one at a time and many,
 * and in a list of all. Every transport gets its turn in every pass. Writes JSON,
 * a row a line, as bench/report_routes.py reads it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "routes.h"

#define RING_SIZE	(1u << 20)
#define PASSES		3
#define NAMES_MOST	8
#define BATCHES		2

/* No route manager: rtnetlink.c. */
#define PEER		"rtnetlink"

enum kind { LOAD, READ, LOOKUP, LIST, KINDS };

static const char *const kind_names[KINDS] = { "load", "read", "lookup",
						 "list" };
static const __u64 types[KINDS] = { ROUTE_CREATE, ROUTE_READ, ROUTE_LOOKUP,
				    ROUTE_LIST };
static const size_t batches[BATCHES] = { 1, 64 };

/*
 * A list is asked for once, and not one route after the other; the peer's other
 * questions mean something else.
 */
static bool is_measured(const char *name, enum kind kind, size_t batch)
{
	if (kind == LIST)
		return batches[batch] > 1;
	return kind == LOAD || strcmp(name, PEER) != 0;
}

/* @costs: of one route: nanoseconds, or instructions */
struct measurement {
	double costs[PASSES];
};

/* What is asked, and for which routes. */
struct subject {
	const struct book *book;
	enum kind kind;
};

/* Where instructions are counted, the time stamp counter counts them. */
static uint64_t now(bool instructions)
{
	struct timespec time;

	if (instructions)
		return __builtin_ia32_rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static double since(uint64_t start, bool instructions, size_t number)
{
	return (double)(now(instructions) - start) / (double)number;
}

static void send_one(struct client *client, size_t index, bool more, void *priv)
{
	const struct subject *subject = priv;
	struct route route = subject->book->routes[index];

	if (subject->kind != LOAD) {
		route.interface = 0;
		memset(route.gateway, 0, sizeof(route.gateway));
	}
	if (subject->kind == LOOKUP) {
		route.length = (__u8)route_bits(&route);
		route.metric = 0;
	}
	client_send(client, types[subject->kind], 0, &route, sizeof(route),
		    more);
}

static void check_one(size_t index, const struct answer *answer, void *priv)
{
	const struct subject *subject = priv;

	(void)index;
	if (answer->error || answer->entries != (subject->kind != LOAD))
		die("%s: error %d, %llu entries", kind_names[subject->kind],
		    answer->error, (unsigned long long)answer->entries);
}

static void list_all(struct client *client, const struct book *book)
{
	const struct route_filter all = { 0 };
	struct answer answer;

	client_ask(client, ROUTE_LIST, &all, sizeof(all), &answer);
	if (answer.entries != book->number)
		die("list: %llu routes came",
		    (unsigned long long)answer.entries);
}

static double measure(struct client *client, const struct subject *subject,
		      size_t batch, bool instructions)
{
	const struct requests requests = {
		subject->book->number, send_one, check_one, (void *)subject,
	};
	uint64_t start = now(instructions);

	if (subject->kind == LIST)
		list_all(client, subject->book);
	else
		client_run(client, &requests, batch);
	return since(start, instructions, subject->book->number);
}

static void flush(struct client *client)
{
	const struct route_filter all = { 0 };
	struct answer answer;

	client_ask(client, ROUTE_FLUSH, &all, sizeof(all), &answer);
}

static void peer_pass(const struct book *book, bool instructions,
		      struct measurement measurements[KINDS][BATCHES],
		      int number)
{
	struct peer peer;
	uint64_t start;
	size_t batch, count;

	peer_open(&peer);
	for (batch = 0; batch < BATCHES; batch++) {
		start = now(instructions);
		peer_load(&peer, book, batches[batch]);
		measurements[LOAD][batch].costs[number] =
			since(start, instructions, book->number);
		start = now(instructions);
		count = peer_list(&peer);
		measurements[LIST][batch].costs[number] =
			since(start, instructions, book->number);
		if (count != book->number)
			die("%s: %zu routes came", PEER, count);
		peer_unload(&peer, book);
	}
	peer_close(&peer);
}

/* The table is empty before and after. */
static void pass(const char *name, const struct book *book, bool instructions,
		 struct measurement measurements[KINDS][BATCHES], int number)
{
	struct subject subject = { .book = book };
	struct client client;
	size_t batch;

	client_open(&client, name, RING_SIZE);
	for (batch = 0; batch < BATCHES; batch++) {
		flush(&client);
		for (subject.kind = LOAD; subject.kind < KINDS; subject.kind++) {
			if (!is_measured(name, subject.kind, batch))
				continue;
			measurements[subject.kind][batch].costs[number] =
				measure(&client, &subject, batches[batch],
					instructions);
		}
	}
	flush(&client);
	client_close(&client);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *name, enum kind kind, size_t batch,
		  struct measurement *measurement, bool instructions)
{
	double *costs = measurement->costs;
	int i;

	for (i = 0; i < PASSES && !instructions; i++)
		costs[i] = 1e9 / costs[i];
	qsort(costs, PASSES, sizeof(*costs), ascending);
	printf("{\"subject\": \"%s\", \"metric\": \"%s\", \"direction\": \"%s\", \"size\": %zu, \"batch\": %zu, \"median\": %.9g, \"min\": %.9g, \"max\": %.9g, \"samples\": %d}\n",
	       name, instructions ? "instructions_per_route" : "routes_per_s",
	       kind_names[kind], sizeof(struct route), batch,
	       costs[PASSES / 2], costs[0], costs[PASSES - 1], PASSES);
}

void bench(size_t number, bool instructions, struct book *book, int names,
	   char **name)
{
	static struct measurement of[NAMES_MOST][KINDS][BATCHES];
	int i, n;
	size_t batch;
	enum kind kind;

	if (names > NAMES_MOST)
		die("more than %d names", NAMES_MOST);
	/* In the order of the file, which is random. */
	if (book->number > number)
		book->number = number;
	for (n = 0; n < PASSES; n++) {
		for (i = 0; i < names; i++) {
			if (strcmp(name[i], PEER) == 0)
				peer_pass(book, instructions, of[i], n);
			else
				pass(name[i], book, instructions, of[i], n);
		}
	}
	printf("{\"routes\": %zu}\n", book->number);
	for (i = 0; i < names; i++) {
		for (kind = LOAD; kind < KINDS; kind++) {
			for (batch = 0; batch < BATCHES; batch++) {
				if (is_measured(name[i], kind, batch))
					print(name[i], kind, batches[batch],
					      &of[i][kind][batch],
					      instructions);
			}
		}
	}
}
