// SPDX-License-Identifier: MIT
/*
 * One to many: a text of one member goes to all other members. Listens at
 * process:hub, or at the name that it is given, until SIGINT or SIGTERM.
 *
 * The handlers run one after the other, in one thread: so there is no lock, and
 * all members get the texts in the same order.
 */
#include <ctype.h>
#include <errno.h>
#include <kucomms/endpoint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub.h"

/* @name: empty before it joins; @missed: texts, and is still to be told so */
struct member {
	struct member *next;
	struct kucomms_channel *channel;
	bool missed;
	char name[HUB_NAME_MAX + 1];
};

struct hub {
	struct member *members;
};

static int post(struct member *member, __u64 type, const char *text)
{
	const struct kucomms_message message = {
		.length = (__u32)strlen(text),
		.type = type,
	};

	return kucomms_reply(member->channel, &message, text, 0);
}

/* The hub does not wait for a member that does not read: it misses texts. */
static void post_or_miss(struct member *member, __u64 type, const char *text)
{
	if (member->missed)
		member->missed = post(member, HUB_MISSED, "") != 0;
	if (!member->missed)
		member->missed = post(member, type, text) != 0;
}

/* @from: the member that does not get the text; may be NULL */
static void post_others(struct hub *hub, const struct member *from, __u64 type,
			const char *text)
{
	struct member *member;

	for (member = hub->members; member; member = member->next) {
		if (member != from && member->name[0])
			post_or_miss(member, type, text);
	}
}

/* Only text may reach the terminals of other members. */
static bool is_text(const char *text, __u32 length)
{
	while (length--) {
		if (iscntrl((unsigned char)*text++))
			return false;
	}
	return true;
}

static struct member *find(const struct hub *hub, const char *name)
{
	struct member *member = hub->members;

	while (member && strcmp(member->name, name))
		member = member->next;
	return member;
}

/* Returns NULL, or why the name is refused. */
static const char *join(struct hub *hub, struct member *member,
			const char *text, __u32 length)
{
	char name[HUB_NAME_MAX + 1] = "";

	if (member->name[0])
		return "you have a name";
	if (!length || length > HUB_NAME_MAX)
		return "a name has 1 to 31 bytes";
	memcpy(name, text, length);
	if (find(hub, name))
		return "somebody has this name";
	memcpy(member->name, name, sizeof(name));
	post_others(hub, NULL, HUB_NAME, name);
	return NULL;
}

static const char *say(struct hub *hub, struct member *member,
		       const char *text, __u32 length)
{
	char line[HUB_NAME_MAX + 2 + HUB_TEXT_MAX + 1];

	if (!member->name[0])
		return "say your name first";
	if (length > HUB_TEXT_MAX)
		return "this is too long";
	snprintf(line, sizeof(line), "%s: %.*s", member->name, (int)length,
		 text);
	post_others(hub, member, HUB_TEXT, line);
	return NULL;
}

static int hub_message(struct kucomms_channel *channel,
		       const struct kucomms_message *message, const void *data,
		       void *priv)
{
	struct member *member = kucomms_channel_priv(channel);
	const char *refusal;

	if (!is_text(data, message->length))
		refusal = "this is not text";
	else if (message->type == HUB_NAME)
		refusal = join(priv, member, data, message->length);
	else if (message->type == HUB_TEXT)
		refusal = say(priv, member, data, message->length);
	else
		refusal = "what is this?";
	if (refusal)
		post_or_miss(member, HUB_REFUSED, refusal);
	return 0;
}

static int hub_connect(struct kucomms_channel *channel, void *priv)
{
	struct member *member = calloc(1, sizeof(*member));
	struct hub *hub = priv;

	if (!member)
		return -ENOMEM;
	member->channel = channel;
	member->next = hub->members;
	hub->members = member;
	kucomms_channel_set_priv(channel, member);
	return 0;
}

static void hub_disconnect(struct kucomms_channel *channel, void *priv)
{
	struct member *member = kucomms_channel_priv(channel);
	struct hub *hub = priv;
	struct member **link = &hub->members;

	while (*link != member)
		link = &(*link)->next;
	*link = member->next;
	if (member->name[0])
		post_others(hub, member, HUB_LEFT, member->name);
	free(member);
}

static const struct kucomms_ops ops = {
	.message = hub_message,
	.connect = hub_connect,
	.disconnect = hub_disconnect,
};

static int serve(const char *name, const sigset_t *until)
{
	struct kucomms_endpoint *endpoint;
	struct hub hub = { };
	int err, signal;

	err = kucomms_endpoint_create(&ops, &hub, NULL, &endpoint);
	if (err)
		return err;
	err = kucomms_endpoint_listen(endpoint, name, NULL);
	if (!err)
		err = kucomms_endpoint_start(endpoint);
	if (!err) {
		printf("listening at %s\n", name);
		fflush(stdout);
		sigwait(until, &signal);
	}
	kucomms_endpoint_destroy(endpoint);
	return err;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "process:hub";
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	err = serve(name, &signals);
	if (err)
		fprintf(stderr, "cannot listen at %s: %s\n", name,
			kucomms_strerror(err));
	return err ? 1 : 0;
}
