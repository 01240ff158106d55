// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ten clients change routes at the same time, over all transports that are
 * named, and one subscriber for each of them listens. Is every answer one that
 * can be true? As for a client's own keys, there is only one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "churn.h"

#define TABLE		1001u	/* and the one after it */
/* What subscribers wait for. */
#define LAST_KEY	KEY(GROUP(SHARED, GROUPS - 1), 0)
#define RING_SIZE	(1u << 18)
/* Who is told of changes has room for all of them. */
#define RING_SIZE_SUBSCRIBER	(16u << 20)
#define NAMES_MOST	8

/* The ranks of a group: lengths descend, then metrics ascend. */
static const __u8 lengths[RANKS] = { 32, 28, 24, 24 };
static const __u32 metrics[RANKS] = { 0, 0, 0, 5 };

/**
 * struct worker - one client
 * @stamps:     what is there of its own keys
 * @operations: what it has done, and what came of it
 * @expected:   what has to come of those with keys of its own
 */
struct worker {
	pthread_t thread;
	struct client client;
	size_t index, number;
	uint64_t dice;
	stamp_t stamps[GROUPS][RANKS];
	struct operation *operations, *expected;
};

struct subscriber {
	pthread_t thread;
	struct client client;
	struct history history;
};

struct route churn_query(size_t group)
{
	struct route query = {
		.family = group % 2 ? AF_INET6 : AF_INET,
		.table = TABLE + (__u32)group / 2 % 2,
		.prefix = { 10, (__u8)(group / GROUPS), (__u8)(group % GROUPS) },
	};

	query.length = (__u8)route_bits(&query);
	return query;
}

struct route churn_route(size_t key, stamp_t stamp)
{
	struct route route = churn_query(key / RANKS);
	__u32 gateway = htonl((__u32)stamp);

	route.length = lengths[key % RANKS];
	route.metric = metrics[key % RANKS];
	route.interface = (__u32)(stamp >> 32);
	memcpy(route.gateway, &gateway, sizeof(gateway));
	return route;
}

stamp_t churn_stamp(const struct route *route)
{
	__u32 gateway;

	memcpy(&gateway, route->gateway, sizeof(gateway));
	return (stamp_t)route->interface << 32 | ntohl(gateway);
}

size_t churn_key(const struct route *route)
{
	size_t group = GROUP(route->prefix[1], route->prefix[2]), rank = 0, key;
	char text[ROUTE_TEXT_MAX];
	struct route same;

	while (rank < RANKS - 1 && (route->length != lengths[rank] ||
				    route->metric != metrics[rank]))
		rank++;
	key = KEY(group, rank);
	same = churn_route(key, churn_stamp(route));
	if (key >= KEYS || memcmp(&same, route, sizeof(same)))
		die("nobody wrote %s", route_text(route, text));
	return key;
}

static bool is_own(const struct operation *operation)
{
	return operation->group < GROUP(SHARED, 0);
}

static bool is_same(const struct operation *a, const struct operation *b)
{
	return a->error == b->error && a->rank == b->rank &&
	       a->stamp == b->stamp;
}

static struct operation random_operation(struct worker *worker, size_t index)
{
	static const __u8 types[] = {
		ROUTE_CREATE, ROUTE_CREATE, ROUTE_UPDATE, ROUTE_DELETE,
		ROUTE_READ, ROUTE_LOOKUP,
	};
	struct operation operation = {
		.type = types[dice_below(&worker->dice, sizeof(types))],
		.rank = (__u8)dice_below(&worker->dice, RANKS),
	};

	if (dice_below(&worker->dice, 2))
		operation.group = (__u16)GROUP(worker->index,
			dice_below(&worker->dice, GROUPS));
	else
		operation.group = (__u16)GROUP(SHARED,
			dice_below(&worker->dice, GROUPS_SHARED));
	if (operation.type == ROUTE_CREATE && dice_below(&worker->dice, 2))
		operation.flags = ROUTE_FLAG_REPLACE;
	if (operation.type <= ROUTE_UPDATE)
		operation.stamp = (stamp_t)(worker->index + 1) << 32 |
				  (index + 1);
	return operation;
}

static void send_operation(struct client *client, size_t index, bool more,
			   void *priv)
{
	struct worker *worker = priv;
	struct operation operation = random_operation(worker, index);
	size_t key = KEY(operation.group, operation.rank);
	struct route route = operation.type == ROUTE_LOOKUP ?
			     churn_query(operation.group) :
			     churn_route(key, operation.stamp);
	stamp_t *stamps = worker->stamps[operation.group % GROUPS];

	worker->operations[index] = operation;
	client_send(client, operation.type, operation.flags, &route,
		    sizeof(route), more);
	if (!is_own(&operation))
		return;
	operation_outcome(&operation, stamps);
	worker->expected[index] = operation;
	if (operation_changes(&operation))
		stamps[operation.rank] = operation.type == ROUTE_DELETE ?
					 0 : operation.stamp;
}

/* Which route it was, if one came. */
static void take_outcome(struct operation *operation,
			 const struct answer *answer)
{
	bool reads = operation->type == ROUTE_READ ||
		     operation->type == ROUTE_LOOKUP;
	size_t key;

	operation->error = answer->error;
	if (answer->entries != (reads && !answer->error))
		die("%llu entries answer a request of type %u with error %d",
		    (unsigned long long)answer->entries, operation->type,
		    answer->error);
	if (operation->type == ROUTE_LOOKUP)
		operation->rank = RANKS - 1;
	if (!answer->entries)
		return;
	key = churn_key(&answer->entry);
	if (key / RANKS != operation->group ||
	    (operation->type == ROUTE_READ && key % RANKS != operation->rank))
		die("another route answers a request of type %u",
		    operation->type);
	operation->rank = (__u8)(key % RANKS);
	operation->stamp = churn_stamp(&answer->entry);
}

static void check_operation(size_t index, const struct answer *answer,
			    void *priv)
{
	struct worker *worker = priv;
	struct operation *operation = &worker->operations[index];

	take_outcome(operation, answer);
	if (is_own(operation) &&
	    !is_same(operation, &worker->expected[index]))
		die("client %zu: operation %zu (type %u) ended with error %d, stamp %llx, not error %d, stamp %llx",
		    worker->index, index, operation->type, operation->error,
		    (unsigned long long)operation->stamp,
		    worker->expected[index].error,
		    (unsigned long long)worker->expected[index].stamp);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	const struct requests requests = {
		worker->number, send_operation, check_operation, worker,
	};

	/* Some wait for every answer, others have many under way. */
	client_run(&worker->client, &requests, 1 + 3 * worker->index);
	return NULL;
}

/* Until the last change of all. */
static void *listen_to_changes(void *arg)
{
	struct subscriber *subscriber = arg;
	struct kucomms_message message;
	struct route route;
	const void *data;

	do {
		data = client_next(&subscriber->client, &message);
		if (message.type != ROUTE_CHANGE ||
		    message.length != sizeof(route))
			die("%s: a subscriber got a message of type %llu%s",
			    subscriber->client.name,
			    (unsigned long long)message.type,
			    message.type == ROUTE_LOST ? ": lost" : "");
		memcpy(&route, data, sizeof(route));
		kucomms_release(subscriber->client.channel);
		history_add(&subscriber->history, &message, &route);
	} while (!subscriber->history.now[LAST_KEY]);
	return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	int err = pthread_create(thread, NULL, run, arg);

	if (err)
		die("no thread: %s", strerror(err));
}

static void start_subscriber(struct subscriber *subscriber, const char *name)
{
	const struct route_filter all = { 0 };
	struct answer answer;

	client_open(&subscriber->client, name, RING_SIZE_SUBSCRIBER);
	client_ask(&subscriber->client, ROUTE_SUBSCRIBE, &all, sizeof(all),
		   &answer);
	start(&subscriber->thread, listen_to_changes, subscriber);
}

static void start_worker(struct worker *worker, const char *name)
{
	worker->operations = calloc(worker->number,
				    sizeof(*worker->operations));
	worker->expected = calloc(worker->number, sizeof(*worker->expected));
	if (!worker->operations || !worker->expected)
		die("no memory for %zu operations", worker->number);
	client_open(&worker->client, name, RING_SIZE);
	start(&worker->thread, work, worker);
}

static void end_worker(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	client_close(&worker->client);
}

/* What the history has made of a client's own keys is what the client says. */
static void check_worker(const struct worker *worker,
			 const struct history *history)
{
	size_t group, rank, key;

	history_explain(history, worker->index, worker->operations,
			worker->number);
	for (group = 0; group < GROUPS; group++) {
		for (rank = 0; rank < RANKS; rank++) {
			key = KEY(GROUP(worker->index, group), rank);
			if (history->now[key] != worker->stamps[group][rank])
				die("client %zu and the subscriber do not agree about key %zu",
				    worker->index, key);
		}
	}
}

/* So many changes that succeeded, so many notifications, for each key. */
static void check_counts(const struct worker *workers,
			 const struct history *history)
{
	size_t changes[KEYS] = { [LAST_KEY] = 1 }, i, w, key;

	for (w = 0; w < CLIENTS; w++) {
		for (i = 0; i < workers[w].number; i++) {
			const struct operation *operation =
				&workers[w].operations[i];

			if (operation_changes(operation))
				changes[KEY(operation->group,
					    operation->rank)]++;
		}
	}
	for (key = 0; key < KEYS; key++) {
		if (changes[key] != history->of_key_number[key])
			die("key %zu was changed %zu times and notified of %zu times",
			    key, changes[key], history->of_key_number[key]);
	}
}

/* All were told the same. */
static void check_subscribers(const struct subscriber *subscribers, int names)
{
	const struct history *first = &subscribers[0].history, *other;
	int i;

	for (i = 1; i < names; i++) {
		other = &subscribers[i].history;
		if (other->number != first->number ||
		    memcmp(other->changes, first->changes,
			   first->number * sizeof(*first->changes)))
			die("the subscribers of %s and %s were told differently",
			    subscribers[0].client.name,
			    subscribers[i].client.name);
	}
}

static void check_tables(const struct history *history, int names, char **name)
{
	struct book book = { 0 };
	struct route route;
	size_t key;
	int i;

	for (key = 0; key < KEYS; key++) {
		if (!history->now[key])
			continue;
		route = churn_route(key, history->now[key]);
		book_add(&book, &route);
	}
	for (i = 0; i < names; i++)
		check_list(name[i], &book);
	book_free(&book);
}

/* Returns the number that the next change gets. */
static uint64_t begin(struct client *client, const char *name)
{
	struct kucomms_message message;
	struct route_counts counts;
	struct answer answer;
	const void *data;

	client_open(client, name, RING_SIZE);
	client_send(client, ROUTE_STATUS, 0, NULL, 0, false);
	data = client_next(client, &message);
	if (message.type != ROUTE_COUNTS || message.length != sizeof(counts))
		die("%s: no counts", name);
	memcpy(&counts, data, sizeof(counts));
	client_answer(client, &answer, NULL, NULL);
	if (counts.routes4 + counts.routes6)
		die("%s: there are routes; flush them first", name);
	return counts.changes + 1;
}

static void run_clients(struct worker *workers, size_t operations,
			uint64_t seed, int names, char **name)
{
	size_t i;

	for (i = 0; i < CLIENTS; i++) {
		workers[i].index = i;
		workers[i].number = operations;
		workers[i].dice = seed + i;
		start_worker(&workers[i], name[i % (size_t)names]);
	}
	for (i = 0; i < CLIENTS; i++)
		end_worker(&workers[i]);
}

static void check_all(const struct worker *workers,
		      struct subscriber *subscribers, int names, char **name)
{
	struct history *history = &subscribers[0].history;
	size_t i;

	history_index(history);
	check_subscribers(subscribers, names);
	check_counts(workers, history);
	for (i = 0; i < CLIENTS; i++)
		check_worker(&workers[i], history);
	check_tables(history, names, name);
	printf("%zu operations of each of %u clients agree with %zu changes\n",
	       workers[0].number, CLIENTS, history->number);
}

static void make_last_change(struct client *client)
{
	struct route route = churn_route(LAST_KEY, 1);
	struct answer answer;

	client_ask(client, ROUTE_CREATE, &route, sizeof(route), &answer);
}

static void flush(struct client *client)
{
	const struct route_filter all = { 0 };
	struct answer answer;

	client_ask(client, ROUTE_FLUSH, &all, sizeof(all), &answer);
}

void churn(size_t operations, uint64_t seed, int names, char **name)
{
	static struct worker workers[CLIENTS];
	static struct subscriber subscribers[NAMES_MOST];
	struct client client;
	uint64_t first;
	size_t w;
	int i;

	if (names > NAMES_MOST)
		die("more than %d names", NAMES_MOST);
	first = begin(&client, name[0]);
	for (i = 0; i < names; i++) {
		subscribers[i].history.first = first;
		start_subscriber(&subscribers[i], name[i]);
	}
	run_clients(workers, operations, seed, names, name);
	make_last_change(&client);
	for (i = 0; i < names; i++) {
		pthread_join(subscribers[i].thread, NULL);
		client_close(&subscribers[i].client);
	}
	check_all(workers, subscribers, names, name);
	flush(&client);
	client_close(&client);
	for (i = 0; i < names; i++)
		history_free(&subscribers[i].history);
	for (w = 0; w < CLIENTS; w++) {
		free(workers[w].operations);
		free(workers[w].expected);
	}
}
