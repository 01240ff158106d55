// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients of the route manager at once: some look up, some list, some change
 * what is beside it. The routes that stay are found all the time.
 *
 *	route-mixed NAME ROUNDS		so many lookups by each who looks up
 *	route-mixed NAME until-hangup	says "running" when all are at work, and
 *					succeeds when all have been hung up on
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../examples/route-manager/route.h"

#define PATIENCE	60000
#define READERS		3
#define LISTERS		1
#define WRITERS		2
#define CLIENTS		(READERS + LISTERS + WRITERS)
/* 10.0.0.0/8, and of its parts the even ones. */
#define FIXED		129

struct client {
	struct kucomms_channel *channel;
	__u64 seed;
	__u64 id;
	struct kucomms_message message;
	unsigned char data[256];
};

static const char *name;
static bool until_hangup;
static int rounds;
static atomic_int readers_left = READERS, starting = CLIENTS;

static void fail(const char *what, long long value)
{
	printf("%s: %lld\n", what, value);
	exit(1);
}

static __u32 random_below(struct client *client, __u32 bound)
{
	client->seed ^= client->seed << 13;
	client->seed ^= client->seed >> 7;
	client->seed ^= client->seed << 17;
	return (__u32)(client->seed >> 16) % bound;
}

/* False: there is nobody any more, which is what was waited for. */
static bool went_well(int err)
{
	if (err == -ESHUTDOWN && until_hangup)
		return false;
	if (err)
		fail("a message failed", err);
	return true;
}

static bool next_message(struct client *client)
{
	return went_well(kucomms_receive_copy(client->channel, &client->message,
					      client->data,
					      sizeof(client->data), PATIENCE));
}

static bool send_request(struct client *client, __u64 type, __u64 flags,
			 const void *data, __u32 length)
{
	const struct kucomms_message request = {
		.length = length,
		.type = type,
		.id = ++client->id,
		.user = flags,
	};

	return went_well(kucomms_send(client->channel, &request, data, 0,
				      PATIENCE));
}

static struct route route_at(__u32 part, __u32 rest, __u8 length)
{
	return (struct route){
		.family = AF_INET,
		.length = length,
		.table = ROUTE_TABLE_MAIN,
		.prefix = { 10, (__u8)part, (__u8)(rest >> 8), (__u8)rest },
	};
}

/* What is found leads there, and is no shorter than what stays. */
static bool look_up(struct client *client)
{
	const __u32 part = random_below(client, 256);
	const struct route address =
		route_at(part, random_below(client, 0x10000), 32);
	struct route found;

	if (!send_request(client, ROUTE_LOOKUP, 0, &address, sizeof(address)) ||
	    !next_message(client))
		return false;
	if (client->message.type != ROUTE_ENTRY)
		fail("no route to this part", part);
	memcpy(&found, client->data, sizeof(found));
	if (found.length < (part % 2 ? 8 : 16) ||
	    memcmp(found.prefix, address.prefix, found.length / 8))
		fail("this is no route to that address", found.length);
	if (!next_message(client))
		return false;
	if (client->message.type != ROUTE_DONE)
		fail("something instead of an end", client->message.type);
	return true;
}

static bool list(struct client *client)
{
	const struct route_filter filter = {
		.fields = ROUTE_BY_INTERFACE, .route.interface = 1,
	};
	int fixed = 0;

	if (!send_request(client, ROUTE_LIST, 0, &filter, sizeof(filter)))
		return false;
	for (;; fixed++) {
		if (!next_message(client))
			return false;
		if (client->message.type == ROUTE_DONE)
			break;
	}
	if (fixed != FIXED)
		fail("so many listed of those that stay", fixed);
	return true;
}

/* Anything goes, if it is not one of those that stay. */
static bool change(struct client *client)
{
	static const __u8 lengths[] = { 24, 31, 32 };
	struct route route = route_at(random_below(client, 256),
				      random_below(client, 4) << 8,
				      lengths[random_below(client, 3)]);
	const struct route_filter subtree = {
		.fields = ROUTE_BY_FAMILY | ROUTE_BY_ROOT | ROUTE_BY_INTERFACE,
		.route = { .family = AF_INET, .length = 16, .interface = 2,
			   .prefix = { 10, route.prefix[1] } },
	};
	bool sent;

	route.metric = random_below(client, 3);
	switch (random_below(client, 8)) {
	case 0:
		sent = send_request(client, ROUTE_FLUSH, 0, &subtree,
				    sizeof(subtree));
		break;
	case 1:
	case 2:
		sent = send_request(client, ROUTE_DELETE, 0, &route,
				    sizeof(route));
		break;
	default:
		route.interface = 2;
		sent = send_request(client, ROUTE_CREATE, ROUTE_FLAG_REPLACE,
				    &route, sizeof(route));
	}
	return sent && next_message(client);
}

static void work(struct client *client, bool (*step)(struct client *client),
		 bool reader)
{
	int round;

	if (!step(client))
		return;
	if (atomic_fetch_sub(&starting, 1) == 1 && until_hangup) {
		puts("running");
		fflush(stdout);
	}
	for (round = 1; until_hangup || !reader || round < rounds; round++) {
		if (!reader && !atomic_load(&readers_left))
			break;
		if (!step(client))
			break;
	}
	if (reader)
		atomic_fetch_sub(&readers_left, 1);
}

static struct client *connect_as(unsigned int number)
{
	struct client *client = calloc(1, sizeof(*client));
	int err;

	if (!client)
		fail("no memory", number);
	client->seed = 0x9e3779b97f4a7c15 * (number + 1);
	err = kucomms_open(name, NULL, &client->channel);
	if (err)
		fail("cannot open a channel", err);
	return client;
}

static void *client_main(void *number)
{
	const unsigned int which = *(unsigned int *)number;
	struct client *client = connect_as(which);

	if (which < READERS)
		work(client, look_up, true);
	else if (which < READERS + LISTERS)
		work(client, list, false);
	else
		work(client, change, false);
	kucomms_channel_close(client->channel);
	free(client);
	return NULL;
}

static void create_fixed(struct client *client)
{
	struct route route = route_at(0, 0, 8);
	__u32 part;

	route.interface = 1;
	for (part = 0; part <= 256; part += 2) {
		send_request(client, ROUTE_CREATE, 0, &route, sizeof(route));
		next_message(client);
		if (client->message.user)
			fail("a route cannot be created",
			     (long long)client->message.user);
		route = route_at(part, 0, 16);
		route.interface = 1;
	}
}

int main(int argc, char **argv)
{
	const struct route_filter everything = { .fields = 0 };
	unsigned int numbers[CLIENTS], i;
	pthread_t threads[CLIENTS];
	struct client *client;

	if (argc != 3)
		return 2;
	name = argv[1];
	until_hangup = !strcmp(argv[2], "until-hangup");
	rounds = atoi(argv[2]);
	client = connect_as(CLIENTS);
	create_fixed(client);
	for (i = 0; i < CLIENTS; i++) {
		numbers[i] = i;
		if (pthread_create(&threads[i], NULL, client_main, &numbers[i]))
			fail("no thread", i);
	}
	for (i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	if (send_request(client, ROUTE_FLUSH, 0, &everything,
			 sizeof(everything)))
		next_message(client);
	kucomms_channel_close(client->channel);
	free(client);
	return 0;
}
