// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel sides of the benchmark that use kucomms: one endpoint for each way
 * of dispatch, all with the same handlers.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <kucomms/module.h>

#include "count.h"

static unsigned int cpu = UINT_MAX;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "where the endpoints' threads run (default: the last processor; programs are on the first)");

/* How often the thread of a stream sends before others have their turn. */
#define STREAM_SHARE	256

/* What one client wants. */
struct client {
	struct count count;
	u64 sequence;
	u64 flowed;
};

/* One endpoint. The handlers have the turn, so nothing here needs a lock. */
struct server {
	const char *name;
	struct kucomms_ops ops;
	struct kucomms_endpoint *endpoint;

	/* A stream that the thread sends; one at a time. */
	struct kucomms_channel *streaming;
	u64 left;
	u32 size;
	u32 batch;
};

/* What is sent: the sequence number, and bytes that nobody looks at. */
static u64 *data_to_send;

static int send_next(struct kucomms_channel *channel, struct client *client,
		     u32 size, unsigned int flags)
{
	const struct kucomms_message message = {
		.length = size,
		.type = BENCH_SINK,
	};
	int err;

	*data_to_send = client->sequence;
	err = kucomms_reply(channel, &message, data_to_send, flags);
	if (!err)
		client->sequence++;
	return err;
}

/* The program asks for no more than there is room for. */
static int burst(struct kucomms_channel *channel,
		 const struct kucomms_message *message)
{
	struct client *client = kucomms_channel_priv(channel);
	int err = 0;
	u64 i;

	if (message->user > BENCH_SIZE_MAX)
		return -EINVAL;
	for (i = 1; !err && i <= message->id; i++)
		err = send_next(channel, client, message->user,
				i < message->id ? KUCOMMS_SEND_MORE : 0);
	/* It could not be said again from the middle on. */
	return err == -EAGAIN ? -ENOSPC : err;
}

/* As fast as there is room for it: the handler is called again when there is. */
static int flow(struct kucomms_channel *channel,
		const struct kucomms_message *message)
{
	struct client *client = kucomms_channel_priv(channel);
	int err;

	if (message->user > BENCH_SIZE_MAX)
		return -EINVAL;
	for (; client->flowed < message->id; client->flowed++) {
		err = send_next(channel, client, message->user, 0);
		if (err)
			return err;
	}
	client->flowed = 0;
	return 0;
}

static int stream_begin(struct server *server, struct kucomms_channel *channel,
			const struct kucomms_message *message,
			const u64 *batch)
{
	if (message->user > BENCH_SIZE_MAX ||
	    message->length < sizeof(*batch))
		return -EINVAL;
	server->left = message->id;
	server->size = message->user;
	server->batch = clamp_t(u64, READ_ONCE(*batch), 1, STREAM_SHARE);
	server->streaming = channel;
	return 0;
}

/* Each batch is published with its last message. */
static bool stream(struct kucomms_endpoint *endpoint, void *priv)
{
	struct server *server = priv;
	struct client *client;
	int i, err = 0;

	if (!server->streaming)
		return false;
	client = kucomms_channel_priv(server->streaming);
	for (i = 0; server->left && !err && i < STREAM_SHARE; i++) {
		err = send_next(server->streaming, client, server->size,
				(server->left - 1) % server->batch ?
				KUCOMMS_SEND_MORE : 0);
		if (!err)
			server->left--;
	}
	if (!server->left || (err && err != -EAGAIN))
		server->streaming = NULL;
	return server->streaming;
}

static int send_count(struct kucomms_channel *channel)
{
	const struct kucomms_message message = {
		.length = sizeof(struct bench_count),
		.type = BENCH_COUNT,
	};
	struct client *client = kucomms_channel_priv(channel);
	struct bench_count sum = count_take(&client->count);

	client->sequence = 0;
	return kucomms_reply(channel, &message, &sum, 0);
}

/* What is asked for now and then: kept apart, lest its stack be every message's. */
static noinline int control(struct kucomms_channel *channel,
			    const struct kucomms_message *message,
			    const void *data, void *priv)
{
	switch (message->type) {
	case BENCH_BURST:
		return burst(channel, message);
	case BENCH_FLOW:
		return flow(channel, message);
	case BENCH_STREAM:
		return stream_begin(priv, channel, message, data);
	case BENCH_COUNT:
		return send_count(channel);
	default:
		return -EINVAL;
	}
}

static int message(struct kucomms_channel *channel,
		   const struct kucomms_message *message, const void *data,
		   void *priv)
{
	struct client *client;

	if (message->type == BENCH_SINK && message->length >= sizeof(u64)) {
		client = kucomms_channel_priv(channel);
		count_message(&client->count, data);
		return 0;
	}
	if (message->type == BENCH_ECHO)
		return kucomms_reply(channel, message, data, 0);
	return control(channel, message, data, priv);
}

static int connect(struct kucomms_channel *channel, void *priv)
{
	struct client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	kucomms_channel_set_priv(channel, client);
	return 0;
}

static void disconnect(struct kucomms_channel *channel, void *priv)
{
	struct server *server = priv;

	if (server->streaming == channel)
		server->streaming = NULL;
	kfree(kucomms_channel_priv(channel));
}

#define HANDLERS	.message = message, .connect = connect, \
			.disconnect = disconnect

static struct server servers[] = {
	{
		.name = "bench_adaptive",
		.ops = { HANDLERS, .flags = KUCOMMS_OPS_SHARED_RECEIVE },
	},
	{
		.name = "bench_copy",
		.ops = { HANDLERS },
	},
	{
		/* The only one with a thread, whose ticks the others spare. */
		.name = "bench_stream",
		.ops = { HANDLERS, .flags = KUCOMMS_OPS_SHARED_RECEIVE,
			 .work = stream },
	},
	{
		.name = "bench_thread",
		.ops = { HANDLERS, .flags = KUCOMMS_OPS_SHARED_RECEIVE,
			 .dispatch = KUCOMMS_DISPATCH_THREAD },
	},
	{
		/*
		 * Never falls asleep while a client is there, even if that one
		 * is kept from running for a while by others.
		 */
		.name = "bench_poll",
		.ops = { HANDLERS, .flags = KUCOMMS_OPS_SHARED_RECEIVE,
			 .dispatch = KUCOMMS_DISPATCH_POLL,
			 .poll_idle_us = 1000000 },
	},
};

static void unregister_all(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(servers); i++)
		kucomms_unregister(servers[i].endpoint);
	kvfree(data_to_send);
}

static int __init bench_init(void)
{
	size_t i;

	if (cpu == UINT_MAX)
		cpu = cpumask_last(cpu_online_mask);
	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -EINVAL;
	data_to_send = kvzalloc(BENCH_SIZE_MAX, GFP_KERNEL);
	if (!data_to_send)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(servers); i++) {
		struct server *server = &servers[i];

		server->ops.cpus = cpumask_of(cpu);
		server->endpoint = kucomms_register(server->name, &server->ops,
						    server);
		if (IS_ERR(server->endpoint)) {
			int err = PTR_ERR(server->endpoint);

			unregister_all();
			return err;
		}
	}
	return 0;
}

static void __exit bench_exit(void)
{
	unregister_all();
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("kucomms: the kernel side of its benchmark");
