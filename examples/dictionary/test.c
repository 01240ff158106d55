// SPDX-License-Identifier: MIT
/*
 * A test of the dictionary, in a kernel module or in a process:
 *
 *	test kernel:dictionary
 *	test process:dictionary
 *
 * Waits until the dictionary is served, and leaves it empty.
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dictionary.h"

/* Milliseconds until a missing message is an error. */
#define PATIENCE	60000
#define THREADS		4

#define check(condition)						\
	do {								\
		if (!(condition)) {					\
			printf("%s:%d: %s is false\n", __FILE__,	\
			       __LINE__, #condition);			\
			exit(1);					\
		}							\
	} while (0)

/* Both are 0 or an errno. */
#define equal(is, should)						\
	do {								\
		int is_ = (is), should_ = (should);			\
									\
		if (is_ != should_) {					\
			printf("%s:%d: %s is %d (%s), not %d\n",	\
			       __FILE__, __LINE__, #is, is_,		\
			       strerror(is_), should_);			\
			exit(1);					\
		}							\
	} while (0)

/* @message and @data: the last message that was received. */
struct client {
	struct kucomms_channel *channel;
	__u64 id;
	struct kucomms_message message;
	char data[DICTIONARY_VALUE_MAX + 1];
};

static const char *name;

static struct client *connect_with(__u32 to_user_size)
{
	const struct kucomms_options options = {
		.size = sizeof(options),
		.send_size = 1 << 18,
		.receive_size = to_user_size,
		.timeout_ms = PATIENCE,
	};
	struct client *client = calloc(1, sizeof(*client));
	int err;

	check(client);
	err = kucomms_open(name, &options, &client->channel);
	if (err) {
		printf("cannot open %s: %s\n", name, kucomms_strerror(err));
		exit(1);
	}
	return client;
}

static void disconnect(struct client *client)
{
	kucomms_channel_close(client->channel);
	free(client);
}

static void send_request(struct client *client, __u64 type, const void *data,
			 size_t length)
{
	const struct kucomms_message request = {
		.length = (__u32)length,
		.type = type,
		.id = ++client->id,
	};

	equal(-kucomms_send(client->channel, &request, data, 0, PATIENCE), 0);
}

static void receive(struct client *client)
{
	equal(-kucomms_receive_copy(client->channel, &client->message,
				    client->data, sizeof(client->data) - 1,
				    PATIENCE), 0);
	client->data[client->message.length] = '\0';
}

/* Sends a request, and returns the errno of the answer. */
static int ask(struct client *client, __u64 type, const void *data,
	       size_t length)
{
	send_request(client, type, data, length);
	receive(client);
	check(client->message.type == type);
	check(client->message.id == client->id);
	if (client->message.user)
		check(client->message.length == 0);
	return (int)client->message.user;
}

static int ask_text(struct client *client, __u64 type, const char *text)
{
	return ask(client, type, text, strlen(text));
}

static int put_for(struct client *client, const char *key, const void *value,
		   size_t length, __u32 ttl_ms)
{
	__u32 key_length = (__u32)strlen(key);
	size_t size = sizeof(struct dictionary_put) + key_length + length;
	struct dictionary_put *put = malloc(size);
	int err;

	check(put);
	put->key_length = key_length;
	put->ttl_ms = ttl_ms;
	memcpy(put + 1, key, key_length);
	memcpy((char *)(put + 1) + key_length, value, length);
	err = ask(client, DICTIONARY_PUT, put, size);
	free(put);
	return err;
}

static int put(struct client *client, const char *key, const char *value)
{
	return put_for(client, key, value, strlen(value), 0);
}

static int get(struct client *client, const char *key)
{
	return ask_text(client, DICTIONARY_GET, key);
}

static int delete(struct client *client, const char *key)
{
	return ask_text(client, DICTIONARY_DELETE, key);
}

static int next(struct client *client, const char *key)
{
	return ask_text(client, DICTIONARY_NEXT, key);
}

static int watch(struct client *client, const char *prefix)
{
	return ask_text(client, DICTIONARY_WATCH, prefix);
}

static void empty(struct client *client)
{
	while (!next(client, ""))
		equal(ask(client, DICTIONARY_DELETE, client->data,
			  client->message.length), 0);
	equal((int)client->message.user, ENOENT);
}

static void test_values(void)
{
	struct client *client = connect_with(1 << 18);
	char *longest = malloc(DICTIONARY_VALUE_MAX + 1);

	check(longest);
	memset(longest, 'v', DICTIONARY_VALUE_MAX + 1);
	equal(get(client, "a"), ENOENT);
	equal(put(client, "a", "1"), 0);
	equal(get(client, "a"), 0);
	check(!strcmp(client->data, "1"));
	equal(put(client, "a", ""), 0);
	equal(get(client, "a"), 0);
	check(client->message.length == 0);
	equal(put_for(client, "a", longest, DICTIONARY_VALUE_MAX, 0), 0);
	equal(get(client, "a"), 0);
	check(client->message.length == DICTIONARY_VALUE_MAX);
	check(!memcmp(client->data, longest, DICTIONARY_VALUE_MAX));
	equal(put_for(client, "a", longest, DICTIONARY_VALUE_MAX + 1, 0),
	      EFBIG);
	equal(get(client, "a"), 0);
	check(client->message.length == DICTIONARY_VALUE_MAX);
	equal(delete(client, "a"), 0);
	equal(delete(client, "a"), ENOENT);
	equal(get(client, "a"), ENOENT);
	free(longest);
	disconnect(client);
}

static void test_order(void)
{
	static const char *const keys[] = { "a", "ab", "b", "ba", "c" };
	static const int order[] = { 3, 0, 4, 2, 1 };
	struct client *client = connect_with(0);
	const char *last = "";
	int i;

	for (i = 0; i < 5; i++)
		equal(put(client, keys[order[i]], keys[order[i]]), 0);
	for (i = 0; i < 5; i++) {
		equal(next(client, last), 0);
		check(!strcmp(client->data, keys[i]));
		last = keys[i];
	}
	equal(next(client, last), ENOENT);
	equal(next(client, "aa"), 0);
	check(!strcmp(client->data, "ab"));
	equal(delete(client, "ab"), 0);
	equal(next(client, "a"), 0);
	check(!strcmp(client->data, "b"));
	empty(client);
	disconnect(client);
}

/* Invalid requests are refused, without any other effect. */
static void test_wrong_requests(void)
{
	struct client *client = connect_with(0);
	struct {
		struct dictionary_put header;
		char bytes[DICTIONARY_KEY_MAX + 1];
	} long_put = { .header.key_length = DICTIONARY_KEY_MAX + 1 };
	struct dictionary_put put_beyond = { .key_length = 1 };
	char long_key[DICTIONARY_KEY_MAX + 1] = "k";
	__u64 type;

	for (type = DICTIONARY_GET; type <= DICTIONARY_WATCH; type++) {
		equal(ask(client, type, long_key, sizeof(long_key)),
		      ENAMETOOLONG);
	}
	equal(get(client, ""), EINVAL);
	equal(delete(client, ""), EINVAL);
	equal(put(client, "", "value"), EINVAL);
	equal(ask(client, DICTIONARY_PUT, NULL, 0), EINVAL);
	equal(ask(client, DICTIONARY_PUT, &put_beyond,
		  sizeof(put_beyond) - 1), EINVAL);
	equal(ask(client, DICTIONARY_PUT, &put_beyond, sizeof(put_beyond)),
	      EINVAL);
	put_beyond.key_length = ~0u;
	equal(ask(client, DICTIONARY_PUT, &put_beyond, sizeof(put_beyond)),
	      EINVAL);
	equal(ask(client, DICTIONARY_PUT, &long_put, sizeof(long_put)),
	      ENAMETOOLONG);
	equal(ask(client, 0, NULL, 0), EOPNOTSUPP);
	equal(ask(client, DICTIONARY_CHANGED, "k", 1), EOPNOTSUPP);
	equal(ask(client, ~0ull, "k", 1), EOPNOTSUPP);
	for (type = DICTIONARY_NEXT; type <= DICTIONARY_WATCH; type++) {
		struct kucomms_message request = { .type = type, .user = 1 };

		equal(-kucomms_send(client->channel, &request, NULL, 0,
				    PATIENCE), 0);
		receive(client);
		equal((int)client->message.user, EINVAL);
	}
	equal(next(client, ""), ENOENT);
	disconnect(client);
}

static __u64 random_number(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Each random request gets one answer; some of the requests may be valid. */
static void test_garbage(void)
{
	struct client *client = connect_with(1 << 18);
	__u64 seed = 0x2545f4914f6cdd1d;
	int i;

	for (i = 0; i < 20000; i++) {
		__u64 words[64];
		__u64 type = random_number(&seed) % 8;
		size_t j;

		if (type == DICTIONARY_WATCH)
			continue;
		for (j = 0; j < 64; j++)
			words[j] = random_number(&seed);
		if (i % 2)
			words[0] &= 0x1ff;
		ask(client, type, words, random_number(&seed) % sizeof(words));
	}
	empty(client);
	disconnect(client);
}

static void expect_event(struct client *client, __u64 what, const char *key)
{
	receive(client);
	check(client->message.type == DICTIONARY_CHANGED);
	equal((int)client->message.user, (int)what);
	check(!strcmp(client->data, key));
}

static void test_watch(void)
{
	struct client *watcher = connect_with(0), *client = connect_with(0);

	equal(watch(watcher, "us"), 0);
	equal(put(client, "u", "too short"), 0);
	equal(put(client, "user", "x"), 0);
	equal(put(client, "them", "others"), 0);
	equal(delete(client, "user"), 0);
	equal(delete(client, "user"), ENOENT);
	expect_event(watcher, DICTIONARY_PUT, "user");
	check(watcher->message.id == watcher->id);
	expect_event(watcher, DICTIONARY_DELETE, "user");

	/* The second watch replaces the first; a client sees its own changes. */
	equal(watch(watcher, ""), 0);
	equal(delete(watcher, "them"), 0);
	expect_event(watcher, DICTIONARY_DELETE, "them");
	equal(put(client, "us", ""), 0);
	expect_event(watcher, DICTIONARY_PUT, "us");
	equal(put(client, "z", ""), 0);
	expect_event(watcher, DICTIONARY_PUT, "z");
	disconnect(watcher);
	empty(client);
	disconnect(client);
}

/* Expects this event; events of expired keys before it are only counted. */
static int count_expired_before(struct client *watcher, const char *put_key)
{
	int count = 0;

	for (;; count++) {
		receive(watcher);
		if (watcher->message.user == DICTIONARY_PUT)
			break;
		equal((int)watcher->message.user, DICTIONARY_EXPIRED);
	}
	check(!strcmp(watcher->data, put_key));
	return count;
}

static void test_expiry(void)
{
	struct client *watcher = connect_with(0), *client = connect_with(0);
	const __u32 weeks = ~0u;
	int i, expired = 0;
	char key[16];

	equal(put_for(client, "stays", "x", 1, weeks), 0);
	equal(watch(watcher, ""), 0);
	/* More keys than one step of the sweep looks at, among some that stay. */
	for (i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "%03d", i);
		equal(put_for(client, key, "x", 1, i % 2 ? 1 : 0), 0);
		expired += count_expired_before(watcher, key);
	}
	for (; expired < 100; expired++) {
		receive(watcher);
		equal((int)watcher->message.user, DICTIONARY_EXPIRED);
		equal(get(client, watcher->data), ENOENT);
		equal(delete(client, watcher->data), ENOENT);
	}
	for (i = 0; i < 200; i += 2) {
		snprintf(key, sizeof(key), "%03d", i);
		equal(get(client, key), 0);
	}
	equal(next(client, "000"), 0);
	check(!strcmp(client->data, "002"));
	equal(get(client, "stays"), 0);
	disconnect(watcher);
	empty(client);
	disconnect(client);
}

/* Keys of several lengths: where a long one has no room a short one may fit. */
static void put_number(struct client *client, int number)
{
	char key[201];

	memset(key, 'x', sizeof(key));
	snprintf(key, sizeof(key), "%04d", number);
	if (number % 3 == 0) {
		key[4] = 'x';
		key[200] = '\0';
	}
	equal(put(client, key, ""), 0);
}

/*
 * A client that does not read delays no other client, gets in order the events
 * for which there was room, and is told of each gap before any later event.
 */
static void test_missed(void)
{
	struct client *watcher = connect_with(4096), *client = connect_with(0);
	int number, sent = 0, expected = 0, gaps = 0;
	bool gap = false;

	equal(watch(watcher, ""), 0);
	while (sent < 1000)
		put_number(client, sent++);
	while (expected < 1000) {
		receive(watcher);
		if (watcher->message.user == DICTIONARY_MISSED) {
			check(watcher->message.length == 0);
			gap = true;
			gaps++;
			put_number(client, sent++);
			continue;
		}
		number = atoi(watcher->data);
		check(gap ? number >= expected : number == expected);
		expected = number + 1;
		gap = false;
	}
	check(gaps);
	disconnect(watcher);
	empty(client);
	disconnect(client);
}

/*
 * More requests than there is room for answers: some have to wait. A change
 * that is made twice would show, since the second DELETE finds nothing.
 */
static void test_put_off(void)
{
	struct client *client = connect_with(4096);
	struct {
		struct dictionary_put header;
		char key;
	} request = { .header.key_length = 1, .key = 'k' };
	const size_t length = sizeof(request.header) + 1;
	__u64 id;

	while (client->id < 1000) {
		send_request(client, DICTIONARY_PUT, &request, length);
		send_request(client, DICTIONARY_DELETE, &request.key, 1);
	}
	for (id = 1; id <= 1000; id++) {
		receive(client);
		check(client->message.id == id);
		equal((int)client->message.user, 0);
	}
	equal(get(client, "k"), ENOENT);
	disconnect(client);
}

static void test_limits(void)
{
	struct client *client = connect_with(0), *small = connect_with(4096);
	char *value = calloc(1, DICTIONARY_VALUE_MAX);
	char key[16];
	unsigned int i;

	check(value);
	for (i = 0; i < DICTIONARY_ENTRIES_MAX; i++) {
		snprintf(key, sizeof(key), "%u", i);
		equal(put(client, key, "x"), 0);
	}
	equal(put(client, "one more", "x"), ENOSPC);
	equal(put(client, "0", "y"), 0);
	equal(delete(client, "1"), 0);
	equal(put(client, "one more", "x"), 0);
	empty(client);

	for (i = 0; i < DICTIONARY_BYTES_MAX / DICTIONARY_VALUE_MAX - 1; i++) {
		snprintf(key, sizeof(key), "%u", i);
		equal(put_for(client, key, value, DICTIONARY_VALUE_MAX, 0), 0);
	}
	equal(put_for(client, "x", value, DICTIONARY_VALUE_MAX, 0), ENOSPC);
	equal(put_for(client, "0", value, DICTIONARY_VALUE_MAX, 0), 0);
	equal(get(small, "0"), EMSGSIZE);
	equal(put(small, "0", "x"), 0);
	equal(get(small, "0"), 0);
	free(value);
	disconnect(small);
	empty(client);
	disconnect(client);
}

/* No other client writes these keys: each has the value that was put. */
static void use_own_key(struct client *client, const char *key, int round)
{
	char value[16];

	snprintf(value, sizeof(value), "%d", round);
	equal(put(client, key, value), 0);
	equal(get(client, key), 0);
	check(!strcmp(client->data, value));
	equal(delete(client, key), 0);
	equal(get(client, key), ENOENT);
}

/* All clients write one key, each its own bytes: no value is a mixture. */
static void use_shared_key(struct client *client, char letter)
{
	char value[500];

	memset(value, letter, sizeof(value));
	equal(put_for(client, "shared", value, sizeof(value), 0), 0);
	equal(get(client, "shared"), 0);
	check(client->message.length == sizeof(value));
	memset(value, client->data[0], sizeof(value));
	check(!memcmp(client->data, value, sizeof(value)));
}

static void *client_at_once(void *key)
{
	struct client *client = connect_with(0);
	int round;

	for (round = 0; round < 500; round++) {
		use_own_key(client, key, round);
		use_shared_key(client, *(char *)key);
	}
	disconnect(client);
	return NULL;
}

static void test_clients_at_once(void)
{
	char keys[THREADS][2] = { "a", "b", "c", "d" };
	struct client *client = connect_with(0);
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		equal(pthread_create(&threads[i], NULL, client_at_once,
				     keys[i]), 0);
	for (i = 0; i < THREADS; i++)
		equal(pthread_join(threads[i], NULL), 0);
	empty(client);
	disconnect(client);
}

/* Clients leave that watch, or have no answer yet: the others go on. */
static void test_sudden_ends(void)
{
	struct client *client = connect_with(0);
	int i;

	for (i = 0; i < 100; i++) {
		struct client *other = connect_with(4096);

		equal(watch(other, ""), 0);
		send_request(other, DICTIONARY_GET, "x", 1);
		equal(put(client, "x", ""), 0);
		send_request(other, DICTIONARY_DELETE, "x", 1);
		disconnect(other);
		equal(put(client, "x", ""), 0);
	}
	/* Not empty(): the last requests of others may be handled only now. */
	while (!next(client, ""))
		delete(client, "x");
	disconnect(client);
}

static const struct {
	const char *what;
	void (*run)(void);
} tests[] = {
	{ "values", test_values },
	{ "order", test_order },
	{ "wrong requests", test_wrong_requests },
	{ "garbage", test_garbage },
	{ "watch", test_watch },
	{ "expiry", test_expiry },
	{ "missed", test_missed },
	{ "put off", test_put_off },
	{ "limits", test_limits },
	{ "clients at once", test_clients_at_once },
	{ "sudden ends", test_sudden_ends },
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc != 2) {
		fprintf(stderr, "usage: %s NAME\n", argv[0]);
		return 2;
	}
	name = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		printf("%s\n", tests[i].what);
		tests[i].run();
	}
	return 0;
}
