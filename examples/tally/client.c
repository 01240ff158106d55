// SPDX-License-Identifier: MIT
/*
 * A client of a tally, in a kernel module or in a process.
 */
#include <kucomms/kucomms.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tally.h"

static void print(const struct kucomms_message *message, const void *data)
{
	const struct tally_entry *entry = data;

	if (message->type == TALLY_CHANGED)
		printf("change %llu: ", (unsigned long long)message->id);
	if (message->type != TALLY_DONE)
		printf("%u is %lld\n", entry->counter,
		       (long long)entry->value);
	fflush(stdout);
}

/* Sends a request and prints its answers. */
static int ask(struct kucomms_channel *channel, __u64 type,
	       const struct tally_entry *entry)
{
	struct kucomms_message message = {
		.type = type,
		.length = entry ? sizeof(*entry) : 0,
	};
	const void *data;
	int err = kucomms_send(channel, &message, entry, 0, 5000);

	while (!err) {
		err = kucomms_receive(channel, &message, &data, 5000);
		if (err)
			break;
		if (message.type == TALLY_ENTRY)
			print(&message, data);
		kucomms_release(channel);
		if (message.type == TALLY_DONE)
			return -(int)message.user;
	}
	return err;
}

/*
 * Prints the list, and then all changes. A client gets changes from the moment
 * that it is connected, so it misses none between the list and the changes.
 */
static int watch(struct kucomms_channel *channel)
{
	struct kucomms_message message = { .type = TALLY_LIST };
	const void *data;
	int err = kucomms_send(channel, &message, NULL, 0, 5000);

	while (!err) {
		err = kucomms_receive(channel, &message, &data, -1);
		if (err)
			break;
		print(&message, data);
		kucomms_release(channel);
	}
	return err;
}

int main(int argc, char **argv)
{
	struct kucomms_channel *channel;
	struct tally_entry entry = { };
	int err;

	if (argc < 3) {
		fputs("usage: client NAME add COUNTER VALUE | list | watch\n",
		      stderr);
		return 2;
	}
	err = kucomms_open(argv[1], NULL, &channel);
	if (err) {
		fprintf(stderr, "%s: %s\n", argv[1], kucomms_strerror(err));
		return 1;
	}
	if (argc == 5 && !strcmp(argv[2], "add")) {
		entry.counter = (__u32)strtoul(argv[3], NULL, 0);
		entry.value = strtoll(argv[4], NULL, 0);
		err = ask(channel, TALLY_ADD, &entry);
	} else if (!strcmp(argv[2], "watch")) {
		err = watch(channel);
	} else {
		err = ask(channel, TALLY_LIST, NULL);
	}
	kucomms_channel_close(channel);
	if (err)
		fprintf(stderr, "cannot %s: %s\n", argv[2],
			kucomms_strerror(err));
	return err ? 1 : 0;
}
