// SPDX-License-Identifier: MIT
/*
 * A client of the dictionary, in a kernel module or in a process:
 *
 *	client kernel:dictionary put colour green
 *	client process:dictionary watch
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dictionary.h"

/* Milliseconds until a missing answer is an error. */
#define PATIENCE	5000

static const char usage[] =
	"usage: client NAME put KEY VALUE [MILLISECONDS]\n"
	"       client NAME get KEY\n"
	"       client NAME delete KEY\n"
	"       client NAME list\n"
	"       client NAME watch [PREFIX]\n"
	"NAME is kernel:dictionary, or process:dictionary\n";

/* The data of the answer are valid until kucomms_release(). */
static int ask(struct kucomms_channel *channel, __u64 type, const void *data,
	       size_t length, struct kucomms_message *answer,
	       const void **answer_data)
{
	const struct kucomms_message request = {
		.type = type,
		.length = (__u32)length,
	};
	int err;

	err = kucomms_exchange(channel, &request, data, answer, answer_data,
			       PATIENCE);
	if (err)
		return err;
	if (answer->user)
		kucomms_release(channel);
	return -(int)answer->user;
}

/* For requests whose answer has no data. */
static int ask_for_success(struct kucomms_channel *channel, __u64 type,
			   const void *data, size_t length)
{
	struct kucomms_message answer;
	const void *nothing;
	int err;

	err = ask(channel, type, data, length, &answer, &nothing);
	if (!err)
		kucomms_release(channel);
	return err;
}

static void print_line(const char *before, const void *data, __u32 length)
{
	fputs(before, stdout);
	fwrite(data, 1, length, stdout);
	putchar('\n');
	fflush(stdout);
}

static int put(struct kucomms_channel *channel, char **arguments)
{
	const char *key = arguments[0], *value = arguments[1];
	size_t key_length = strlen(key), value_length = strlen(value);
	size_t size = sizeof(struct dictionary_put) + key_length + value_length;
	struct dictionary_put *data = malloc(size);
	int err;

	if (!data)
		return -ENOMEM;
	data->key_length = (__u32)key_length;
	data->ttl_ms = 0;
	if (arguments[2])
		data->ttl_ms = (__u32)strtoul(arguments[2], NULL, 10);
	memcpy(data + 1, key, key_length);
	memcpy((char *)(data + 1) + key_length, value, value_length);
	err = ask_for_success(channel, DICTIONARY_PUT, data, size);
	free(data);
	return err;
}

static int get(struct kucomms_channel *channel, char **arguments)
{
	struct kucomms_message answer;
	const void *value;
	int err;

	err = ask(channel, DICTIONARY_GET, arguments[0], strlen(arguments[0]),
		  &answer, &value);
	if (err)
		return err;
	print_line("", value, answer.length);
	kucomms_release(channel);
	return 0;
}

static int delete(struct kucomms_channel *channel, char **arguments)
{
	return ask_for_success(channel, DICTIONARY_DELETE, arguments[0],
			       strlen(arguments[0]));
}

static int list(struct kucomms_channel *channel, char **arguments)
{
	char key[DICTIONARY_KEY_MAX];
	struct kucomms_message answer = { };
	const void *found;
	int err;

	(void)arguments;
	for (;;) {
		err = ask(channel, DICTIONARY_NEXT, key, answer.length,
			  &answer, &found);
		if (err)
			return err == -ENOENT ? 0 : err;
		if (answer.length > sizeof(key))
			return -EPROTO;
		memcpy(key, found, answer.length);
		kucomms_release(channel);
		print_line("", key, answer.length);
	}
}

static int watch(struct kucomms_channel *channel, char **arguments)
{
	const char *prefix = arguments[0] ? arguments[0] : "";
	struct kucomms_message event;
	const void *key;
	int err;

	err = ask_for_success(channel, DICTIONARY_WATCH, prefix,
			      strlen(prefix));
	if (!err)
		print_line("watching ", prefix, (__u32)strlen(prefix));
	while (!err) {
		err = kucomms_receive(channel, &event, &key, -1);
		if (err)
			break;
		if (event.user == DICTIONARY_MISSED)
			puts("missed some");
		else
			print_line(event.user == DICTIONARY_PUT ? "put " :
				   event.user == DICTIONARY_DELETE ? "delete " :
				   "expired ", key, event.length);
		kucomms_release(channel);
	}
	return err;
}

static const struct command {
	const char *name;
	int least, most;	/* arguments */
	int (*run)(struct kucomms_channel *channel, char **arguments);
} commands[] = {
	{ "put", 2, 3, put },
	{ "get", 1, 1, get },
	{ "delete", 1, 1, delete },
	{ "list", 0, 0, list },
	{ "watch", 0, 1, watch },
};

static const struct command *find_command(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *command = &commands[i];

		if (argc >= 3 + command->least && argc <= 3 + command->most &&
		    !strcmp(argv[2], command->name))
			return command;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command = find_command(argc, argv);
	struct kucomms_channel *channel;
	int err;

	if (!command) {
		fputs(usage, stderr);
		return 2;
	}
	err = kucomms_open(argv[1], NULL, &channel);
	if (err) {
		fprintf(stderr, "cannot open %s: %s\n", argv[1],
			kucomms_strerror(err));
		return 1;
	}
	err = command->run(channel, argv + 3);
	kucomms_channel_close(channel);
	if (err)
		fprintf(stderr, "cannot %s: %s\n", command->name,
			err == -ENOENT ? "there is no such key" :
			kucomms_strerror(err));
	return err ? 1 : 0;
}
