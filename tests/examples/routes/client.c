// SPDX-License-Identifier: GPL-2.0-only
/* A client of a route manager, that takes nothing for granted. */
#include <string.h>

#include "routes.h"

/* Bytes; more than the requests that are ever under way. */
#define REQUESTS_SIZE	(1u << 17)

/* So many entries are given back together. */
#define RELEASE		256

void client_open(struct client *client, const char *name, __u32 ring_size)
{
	const struct kucomms_options options = {
		.size = sizeof(options),
		.send_size = REQUESTS_SIZE,
		.receive_size = ring_size,
		.timeout_ms = PATIENCE,
	};
	int err = kucomms_open(name, &options, &client->channel);

	if (err)
		die("cannot open %s: %s", name, strerror(-err));
	client->name = name;
	client->next_id = 1;
	client->expected_id = 1;
}

void client_close(struct client *client)
{
	kucomms_channel_close(client->channel);
}

void client_send(struct client *client, __u64 type, __u64 flags,
		 const void *data, size_t length, bool more)
{
	const struct kucomms_message message = {
		.length = (__u32)length,
		.type = type,
		.id = client->next_id++,
		.user = flags,
	};
	int err = kucomms_send(client->channel, &message, data,
			       more ? KUCOMMS_SEND_MORE : 0, PATIENCE);

	if (err)
		die("%s: cannot send: %s", client->name, strerror(-err));
}

static void receive(struct client *client, struct kucomms_message *message,
		    const void **data)
{
	int err = kucomms_receive(client->channel, message, data, PATIENCE);

	if (err)
		die("%s: cannot receive: %s", client->name, strerror(-err));
}

static void copy(void *to, size_t size, const struct kucomms_message *message,
		 const void *data)
{
	if (message->length != size)
		die("a message of type %llu has %u bytes, not %zu",
		    (unsigned long long)message->type, message->length, size);
	memcpy(to, data, size);
}

const void *client_next(struct client *client, struct kucomms_message *message)
{
	const void *data;

	receive(client, message, &data);
	return data;
}

static void check_id(const struct client *client,
		     const struct kucomms_message *message)
{
	if (message->id != client->expected_id)
		die("%s: answer %llu where %llu should come", client->name,
		    (unsigned long long)message->id,
		    (unsigned long long)client->expected_id);
}

/* With an error the data say what was wrong. */
static void take_end(struct answer *answer,
		     const struct kucomms_message *message, const void *data)
{
	answer->error = (int)message->user;
	if (answer->error && !message->length)
		die("error %d without a text", answer->error);
	if (!answer->error && message->length)
		copy(&answer->number, sizeof(answer->number), message, data);
}

void client_answer(struct client *client, struct answer *answer,
		   void (*entry)(const struct route *route, void *priv),
		   void *priv)
{
	struct kucomms_message message;
	const void *data;

	memset(answer, 0, sizeof(*answer));
	for (;;) {
		receive(client, &message, &data);
		check_id(client, &message);
		if (message.type != ROUTE_ENTRY)
			break;
		copy(&answer->entry, sizeof(answer->entry), &message, data);
		answer->entries++;
		if (entry)
			entry(&answer->entry, priv);
		/* The room of one record wakes no sender that waits. */
		if (answer->entries % RELEASE == 0)
			kucomms_release(client->channel);
	}
	if (message.type != ROUTE_DONE)
		die("%s: a message of type %llu in between", client->name,
		    (unsigned long long)message.type);
	take_end(answer, &message, data);
	kucomms_release(client->channel);
	client->expected_id++;
}

void client_ask(struct client *client, __u64 type, const void *data,
		size_t length, struct answer *answer)
{
	client_send(client, type, 0, data, length, false);
	client_answer(client, answer, NULL, NULL);
	if (answer->error)
		die("%s: request of type %llu: %s", client->name,
		    (unsigned long long)type, strerror(answer->error));
}

void client_run(struct client *client, const struct requests *requests,
		size_t batch)
{
	size_t sent = 0, answered = 0, end, under_way;
	struct answer answer;

	while (sent < requests->number) {
		end = sent + batch < requests->number ? sent + batch :
							requests->number;
		for (; sent < end; sent++)
			requests->send(client, sent, sent + 1 < end,
				       requests->priv);
		under_way = batch > 1 && end < requests->number ? batch : 0;
		for (; answered + under_way < end; answered++) {
			client_answer(client, &answer, NULL, NULL);
			requests->check(answered, &answer, requests->priv);
		}
	}
}
