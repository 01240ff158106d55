// SPDX-License-Identifier: MIT
/*
 * A member of the hub: sends the lines of standard input, and prints the texts
 * of the other members, until the end of the input.
 *
 *	member alice
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hub.h"

/* Input that has been read and not been sent: the beginning of a line. */
struct input {
	char bytes[HUB_TEXT_MAX];
	size_t length;
};

static int send_text(struct kucomms_channel *channel, __u64 type,
		     const char *text, size_t length)
{
	const struct kucomms_message message = {
		.length = (__u32)length,
		.type = type,
	};

	return kucomms_send(channel, &message, text, 0, -1);
}

/* A line that is too long is sent in pieces. */
static int say_lines(struct kucomms_channel *channel, struct input *input,
		     bool end)
{
	size_t done = 0, length;
	int err = 0;

	while (!err && done < input->length) {
		const char *line = input->bytes + done;
		const char *newline = memchr(line, '\n', input->length - done);

		length = newline ? (size_t)(newline - line) :
			 input->length - done;
		if (!newline && !end && length < sizeof(input->bytes))
			break;
		err = send_text(channel, HUB_TEXT, line, length);
		done += length + (newline != NULL);
	}
	input->length -= done;
	memmove(input->bytes, input->bytes + done, input->length);
	return err;
}

/* Returns 1 to go on, 0 at the end, or a negated errno. */
static int read_input(struct kucomms_channel *channel, struct input *input)
{
	ssize_t got = read(STDIN_FILENO, input->bytes + input->length,
			   sizeof(input->bytes) - input->length);
	int err;

	if (got < 0)
		return errno == EINTR ? 1 : -errno;
	input->length += (size_t)got;
	err = say_lines(channel, input, got == 0);
	return err ? err : got > 0;
}

static void print(const struct kucomms_message *message, const char *text)
{
	static const char *const after[] = {
		[HUB_NAME] = " has joined",
		[HUB_TEXT] = "",
		[HUB_LEFT] = " has left",
		[HUB_REFUSED] = "!",
		[HUB_MISSED] = "(you have missed something)",
	};

	if (message->type >= HUB_NAME && message->type <= HUB_MISSED)
		printf("%.*s%s\n", (int)message->length, text,
		       after[message->type]);
}

/* Receives all messages: poll() reports each only once. */
static int print_messages(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const void *text;
	int err;

	while (!(err = kucomms_receive(channel, &message, &text, 0))) {
		print(&message, text);
		kucomms_release(channel);
	}
	fflush(stdout);
	return err == -EAGAIN ? 0 : err;
}

static int chat(struct kucomms_channel *channel)
{
	struct pollfd polled[] = {
		{ .fd = kucomms_channel_poll_start(channel), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	struct input input = { .length = 0 };
	int err, more;

	for (;;) {
		err = print_messages(channel);
		if (err)
			return err;
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (!polled[1].revents)
			continue;
		more = read_input(channel, &input);
		if (more <= 0)
			return more;
	}
}

int main(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[2] : "process:hub";
	struct kucomms_channel *channel;
	int err;

	if (argc < 2) {
		fputs("usage: member MY-NAME [process:HUB]\n", stderr);
		return 2;
	}
	err = kucomms_open(name, NULL, &channel);
	if (err) {
		fprintf(stderr, "cannot open %s: %s\n", name,
			kucomms_strerror(err));
		return 1;
	}
	err = send_text(channel, HUB_NAME, argv[1], strlen(argv[1]));
	if (!err)
		err = chat(channel);
	kucomms_channel_close(channel);
	if (err)
		fprintf(stderr, "the chat has ended: %s\n",
			kucomms_strerror(err));
	return err ? 1 : 0;
}
