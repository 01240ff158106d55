// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The dictionary's handlers: one source, for a kernel module and for a process.
 *
 * Nothing here is locked: handlers of an endpoint never run at the same time.
 */
#include <kucomms/handler.h>

#include "dictionary.h"

/* Entries that one call of the work handler looks at. */
#define SWEEP	64

struct bytes {
	const void *data;
	__u32 length;
};

/*
 * @expires: nanoseconds, as of kucomms_time_ns(); 0: never
 * @bytes:   the key, then the value
 */
struct entry {
	__u64 expires;
	__u32 key_length;
	__u32 value_length;
	unsigned char bytes[];
};

/*
 * What a channel watches; the priv of the channel.
 * @missed: an event found no room, and the client has not been told so yet
 */
struct watch {
	struct watch *next;
	struct kucomms_channel *channel;
	__u64 id;
	bool missed;
	__u32 length;
	unsigned char prefix[];
};

/*
 * @missed:   at least one watch has missed an event
 * @sweeping: the sweep still has to look at the entries from @sweep_at on
 * @entries:  sorted by key. In a sorted array a lookup costs the same whatever
 *            keys a client chooses, and the next key is at hand
 */
struct dictionary {
	struct watch *watches;
	bool missed;
	bool sweeping;
	__u32 sweep_at;
	__u32 count;
	__u32 bytes;
	struct entry *entries[DICTIONARY_ENTRIES_MAX];
};

static struct bytes entry_key(const struct entry *entry)
{
	return (struct bytes){ entry->bytes, entry->key_length };
}

static struct bytes entry_value(const struct entry *entry)
{
	return (struct bytes){ entry->bytes + entry->key_length,
			       entry->value_length };
}

static __u32 entry_size(const struct entry *entry)
{
	return entry->key_length + entry->value_length;
}

/* An expired entry stays until the next sweep, but clients do not see it. */
static bool entry_expired(const struct entry *entry, __u64 now)
{
	return entry->expires && now >= entry->expires;
}

static int compare(struct bytes a, struct bytes b)
{
	__u32 common = a.length < b.length ? a.length : b.length;
	int order = memcmp(a.data, b.data, common);

	if (order)
		return order;
	return (a.length > b.length) - (a.length < b.length);
}

/* Returns the index at which the key is, or would be inserted. */
static __u32 position(const struct dictionary *dictionary, struct bytes key)
{
	__u32 low = 0, high = dictionary->count;

	while (low < high) {
		__u32 middle = low + (high - low) / 2;

		if (compare(entry_key(dictionary->entries[middle]), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct dictionary *dictionary, __u32 at,
		  struct bytes key)
{
	return at < dictionary->count &&
	       !compare(entry_key(dictionary->entries[at]), key);
}

static void insert(struct dictionary *dictionary, __u32 at, struct entry *entry)
{
	memmove(&dictionary->entries[at + 1], &dictionary->entries[at],
		(dictionary->count - at) * sizeof(entry));
	dictionary->entries[at] = entry;
	dictionary->count++;
	dictionary->bytes += entry_size(entry);
}

static struct entry *take(struct dictionary *dictionary, __u32 at)
{
	struct entry *entry = dictionary->entries[at];

	dictionary->count--;
	dictionary->bytes -= entry_size(entry);
	memmove(&dictionary->entries[at], &dictionary->entries[at + 1],
		(dictionary->count - at) * sizeof(entry));
	return entry;
}

/* A watcher without room misses the event, so that no other client waits. */
static void notify(struct dictionary *dictionary, struct watch *watch,
		   __u64 what, struct bytes key)
{
	const struct kucomms_message event = {
		.length = key.length,
		.type = DICTIONARY_CHANGED,
		.id = watch->id,
		.user = what,
	};

	watch->missed = kucomms_reply(watch->channel, &event, key.data, 0) != 0;
	if (watch->missed)
		dictionary->missed = true;
}

static void notify_all(struct dictionary *dictionary, __u64 what,
		       struct bytes key)
{
	struct watch *watch;

	for (watch = dictionary->watches; watch; watch = watch->next) {
		/* The watcher is told of the gap before any later event. */
		if (watch->missed || key.length < watch->length ||
		    memcmp(key.data, watch->prefix, watch->length))
			continue;
		notify(dictionary, watch, what, key);
	}
}

static void notify_missed(struct dictionary *dictionary)
{
	struct watch *watch;

	dictionary->missed = false;
	for (watch = dictionary->watches; watch; watch = watch->next) {
		if (watch->missed)
			notify(dictionary, watch, DICTIONARY_MISSED,
			       (struct bytes){ });
	}
}

static int check_key(struct bytes key)
{
	if (!key.length)
		return -EINVAL;
	return key.length > DICTIONARY_KEY_MAX ? -ENAMETOOLONG : 0;
}

static int get(struct dictionary *dictionary, struct bytes key,
	       struct bytes *value)
{
	__u32 at = position(dictionary, key);
	int err = check_key(key);

	if (err)
		return err;
	if (!is_at(dictionary, at, key) ||
	    entry_expired(dictionary->entries[at], kucomms_time_ns()))
		return -ENOENT;
	*value = entry_value(dictionary->entries[at]);
	return 0;
}

static int next(struct dictionary *dictionary, struct bytes key,
		struct bytes *found)
{
	__u64 now = kucomms_time_ns();
	__u32 at;

	if (key.length > DICTIONARY_KEY_MAX)
		return -ENAMETOOLONG;
	at = position(dictionary, key);
	if (is_at(dictionary, at, key))
		at++;
	while (at < dictionary->count &&
	       entry_expired(dictionary->entries[at], now))
		at++;
	if (at == dictionary->count)
		return -ENOENT;
	*found = entry_key(dictionary->entries[at]);
	return 0;
}

/* Checks the lengths in a PUT against the length of the message. */
static int parse(struct bytes data, const struct dictionary_put **header,
		 struct bytes *key, struct bytes *value)
{
	const struct dictionary_put *put = data.data;
	int err;

	if (data.length < sizeof(*put) ||
	    data.length - sizeof(*put) < put->key_length)
		return -EINVAL;
	key->data = put + 1;
	key->length = put->key_length;
	value->data = (const unsigned char *)(put + 1) + key->length;
	value->length = data.length - sizeof(*put) - key->length;
	*header = put;
	err = check_key(*key);
	if (err)
		return err;
	return value->length > DICTIONARY_VALUE_MAX ? -EFBIG : 0;
}

static struct entry *entry_create(__u32 ttl_ms, struct bytes key,
				  struct bytes value)
{
	struct entry *entry;

	entry = kucomms_zalloc(sizeof(*entry) + key.length + value.length);
	if (!entry)
		return NULL;
	if (ttl_ms)
		entry->expires = kucomms_time_ns() + ttl_ms * 1000000ull;
	entry->key_length = key.length;
	entry->value_length = value.length;
	memcpy(entry->bytes, key.data, key.length);
	memcpy(entry->bytes + key.length, value.data, value.length);
	return entry;
}

static int put(struct dictionary *dictionary, struct bytes data)
{
	const struct dictionary_put *header;
	struct entry *entry, *old = NULL;
	struct bytes key, value;
	__u32 at, before = 0;
	int err;

	err = parse(data, &header, &key, &value);
	if (err)
		return err;
	at = position(dictionary, key);
	if (is_at(dictionary, at, key))
		old = dictionary->entries[at];
	if (old)
		before = entry_size(old);
	else if (dictionary->count == DICTIONARY_ENTRIES_MAX)
		return -ENOSPC;
	if (dictionary->bytes - before + key.length + value.length >
	    DICTIONARY_BYTES_MAX)
		return -ENOSPC;
	entry = entry_create(header->ttl_ms, key, value);
	if (!entry)
		return -ENOMEM;
	if (old)
		kucomms_free(take(dictionary, at));
	insert(dictionary, at, entry);
	notify_all(dictionary, DICTIONARY_PUT, key);
	return 0;
}

static int delete(struct dictionary *dictionary, struct bytes key)
{
	__u32 at = position(dictionary, key);
	int err = check_key(key);

	if (err)
		return err;
	if (!is_at(dictionary, at, key) ||
	    entry_expired(dictionary->entries[at], kucomms_time_ns()))
		return -ENOENT;
	kucomms_free(take(dictionary, at));
	notify_all(dictionary, DICTIONARY_DELETE, key);
	return 0;
}

static void unsubscribe(struct dictionary *dictionary,
			struct kucomms_channel *channel)
{
	struct watch *watch = kucomms_channel_priv(channel);
	struct watch **link = &dictionary->watches;

	if (!watch)
		return;
	while (*link != watch)
		link = &(*link)->next;
	*link = watch->next;
	kucomms_channel_set_priv(channel, NULL);
	kucomms_free(watch);
}

static int subscribe(struct dictionary *dictionary,
		     struct kucomms_channel *channel, __u64 id,
		     struct bytes prefix)
{
	struct watch *watch;

	if (prefix.length > DICTIONARY_KEY_MAX)
		return -ENAMETOOLONG;
	watch = kucomms_zalloc(sizeof(*watch) + prefix.length);
	if (!watch)
		return -ENOMEM;
	watch->channel = channel;
	watch->id = id;
	watch->length = prefix.length;
	memcpy(watch->prefix, prefix.data, prefix.length);
	unsubscribe(dictionary, channel);
	watch->next = dictionary->watches;
	dictionary->watches = watch;
	kucomms_channel_set_priv(channel, watch);
	return 0;
}

/* Without room for the answer the same lookup is made again later. */
static int answer_query(struct dictionary *dictionary,
			struct kucomms_channel *channel,
			const struct kucomms_message *request,
			struct bytes key)
{
	struct kucomms_message answer = {
		.type = request->type,
		.id = request->id,
	};
	struct bytes found = { };
	int err;

	if (request->user)
		err = -EINVAL;
	else if (request->type == DICTIONARY_GET)
		err = get(dictionary, key, &found);
	else
		err = next(dictionary, key, &found);
	answer.length = found.length;
	answer.user = -err;
	err = kucomms_reply(channel, &answer, found.data, 0);
	if (err != -EMSGSIZE)
		return err;
	answer.length = 0;
	answer.user = EMSGSIZE;
	return kucomms_reply(channel, &answer, NULL, 0);
}

static int change(struct dictionary *dictionary,
		  struct kucomms_channel *channel,
		  const struct kucomms_message *request, struct bytes data)
{
	if (request->user)
		return -EINVAL;
	switch (request->type) {
	case DICTIONARY_PUT:
		return put(dictionary, data);
	case DICTIONARY_DELETE:
		return delete(dictionary, data);
	case DICTIONARY_WATCH:
		return subscribe(dictionary, channel, request->id, data);
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * A change must not be made twice. So this reserves room for the answer first:
 * without room the handler fails, and the same request is delivered again.
 */
static int answer_change(struct dictionary *dictionary,
			 struct kucomms_channel *channel,
			 const struct kucomms_message *request,
			 struct bytes data)
{
	struct kucomms_message *answer;
	int err;

	err = kucomms_reserve(channel, 0, &answer, 0);
	if (err)
		return err;
	err = change(dictionary, channel, request, data);
	answer->type = request->type;
	answer->id = request->id;
	answer->user = -err;
	kucomms_commit(channel, answer, 0);
	return 0;
}

static int dictionary_message(struct kucomms_channel *channel,
			      const struct kucomms_message *message,
			      const void *data, void *priv)
{
	const struct bytes bytes = { data, message->length };

	if (message->type == DICTIONARY_GET || message->type == DICTIONARY_NEXT)
		return answer_query(priv, channel, message, bytes);
	return answer_change(priv, channel, message, bytes);
}

static void dictionary_disconnect(struct kucomms_channel *channel, void *priv)
{
	unsubscribe(priv, channel);
}

static void dictionary_timer(struct kucomms_endpoint *endpoint, void *priv)
{
	struct dictionary *dictionary = priv;

	(void)endpoint;
	if (!dictionary->sweeping)
		dictionary->sweep_at = 0;
	dictionary->sweeping = true;
}

/*
 * Removes expired entries, a few in each call. Keys are added and removed
 * between two calls, so a sweep may miss some; the next sweep finds them.
 */
static void sweep(struct dictionary *dictionary)
{
	__u64 now = kucomms_time_ns();
	int left = SWEEP;

	while (left-- && dictionary->sweep_at < dictionary->count) {
		__u32 at = dictionary->sweep_at;
		struct entry *entry = dictionary->entries[at];

		if (!entry_expired(entry, now)) {
			dictionary->sweep_at++;
			continue;
		}
		take(dictionary, at);
		notify_all(dictionary, DICTIONARY_EXPIRED, entry_key(entry));
		kucomms_free(entry);
	}
	dictionary->sweeping = dictionary->sweep_at < dictionary->count;
}

static bool dictionary_work(struct kucomms_endpoint *endpoint, void *priv)
{
	struct dictionary *dictionary = priv;

	(void)endpoint;
	if (dictionary->missed)
		notify_missed(dictionary);
	if (dictionary->sweeping)
		sweep(dictionary);
	return dictionary->sweeping;
}

const struct kucomms_ops dictionary_ops = {
	.message = dictionary_message,
	.work = dictionary_work,
	.timer = dictionary_timer,
	.disconnect = dictionary_disconnect,
};

struct dictionary *dictionary_create(void)
{
	return kucomms_zalloc(sizeof(struct dictionary));
}

void dictionary_destroy(struct dictionary *dictionary)
{
	__u32 i;

	if (!dictionary)
		return;
	for (i = 0; i < dictionary->count; i++)
		kucomms_free(dictionary->entries[i]);
	kucomms_free(dictionary);
}
