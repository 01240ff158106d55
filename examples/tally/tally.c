// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The handlers of a tally: one source, for a kernel module and for a process.
 */
#include <kucomms/handler.h>

#include "manager.h"
#include "tally.h"

struct tally {
	__s64 values[TALLY_COUNTERS];
	__u64 changes;
};

/* Data of one client: the counter at which its list goes on. */
struct client {
	__u32 next;
};

static int done(struct kucomms_channel *channel,
		const struct kucomms_message *request, int error)
{
	const struct kucomms_message answer = {
		.type = TALLY_DONE,
		.id = request->id,
		.user = (__u64)error,
	};

	return kucomms_reply(channel, &answer, NULL, 0);
}

/* Returns 0, with the new value of the counter in *@sum, or an errno. */
static int check_add(const struct tally *tally,
		     const struct kucomms_message *request,
		     const struct tally_entry *entry, __s64 *sum)
{
	if (request->length != sizeof(*entry) || request->user)
		return EINVAL;
	if (entry->reserved)
		return EINVAL;
	if (entry->counter >= TALLY_COUNTERS)
		return ERANGE;
	if (__builtin_add_overflow(tally->values[entry->counter], entry->value,
				   sum))
		return EOVERFLOW;
	return 0;
}

/* Answers first: if there is no room for the answer, nothing has changed. */
static int add(struct tally *tally, struct kucomms_channel *channel,
	       const struct kucomms_message *request,
	       const struct tally_entry *entry)
{
	struct tally_entry now = { };
	struct kucomms_message change = {
		.length = sizeof(now),
		.type = TALLY_CHANGED,
	};
	int error = check_add(tally, request, entry, &now.value);
	int err = done(channel, request, error);

	if (err || error)
		return err;
	now.counter = entry->counter;
	tally->values[now.counter] = now.value;
	change.id = ++tally->changes;
	kucomms_broadcast(kucomms_channel_endpoint(channel), &change, &now, 0);
	return 0;
}

/* Called again if there was no room, and goes on where it stopped. */
static int list(struct tally *tally, struct kucomms_channel *channel,
		const struct kucomms_message *request)
{
	struct client *client = kucomms_channel_priv(channel);
	struct tally_entry entry = { };
	const struct kucomms_message answer = {
		.length = sizeof(entry),
		.type = TALLY_ENTRY,
		.id = request->id,
	};
	int err;

	for (; client->next < TALLY_COUNTERS; client->next++) {
		entry.counter = client->next;
		entry.value = tally->values[entry.counter];
		if (!entry.value)
			continue;
		err = kucomms_reply(channel, &answer, &entry, KUCOMMS_SEND_MORE);
		if (err)
			return err;
	}
	err = done(channel, request, 0);
	if (!err)
		client->next = 0;
	return err;
}

static int tally_message(struct kucomms_channel *channel,
			 const struct kucomms_message *request,
			 const void *data, void *priv)
{
	switch (request->type) {
	case TALLY_ADD:
		return add(priv, channel, request, data);
	case TALLY_LIST:
		if (request->length || request->user)
			return done(channel, request, EINVAL);
		return list(priv, channel, request);
	default:
		return done(channel, request, EOPNOTSUPP);
	}
}

static int tally_connect(struct kucomms_channel *channel, void *priv)
{
	struct client *client = kucomms_zalloc(sizeof(*client));

	(void)priv;
	if (!client)
		return -ENOMEM;
	kucomms_channel_set_priv(channel, client);
	return 0;
}

static void tally_disconnect(struct kucomms_channel *channel, void *priv)
{
	(void)priv;
	kucomms_free(kucomms_channel_priv(channel));
}

const struct kucomms_ops tally_ops = {
	.message = tally_message,
	.connect = tally_connect,
	.disconnect = tally_disconnect,
};

struct tally *tally_create(void)
{
	return kucomms_zalloc(sizeof(struct tally));
}

void tally_destroy(struct tally *tally)
{
	kucomms_free(tally);
}
