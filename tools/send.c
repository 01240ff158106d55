// SPDX-License-Identifier: MIT
/*
 * kucommsctl send
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "channel.h"
#include "error.h"
#include "message.h"
#include "output.h"

#define WHAT	"send to NAME"

/**
 * struct exchange - what is being done
 * @message:    the header of all messages
 * @data:       what to send; NULL: standard input
 * @lines:      every line of that is a message
 * @receive:    a message is awaited for each
 * @timeout_ms: for each step
 */
struct exchange {
	struct device_name name;
	struct kucomms_channel *channel;
	struct kucomms_message message;
	const char *data;
	bool lines;
	bool receive;
	int timeout_ms;
	struct message_format format;
};

static int report_too_long(const struct exchange *exchange)
{
	char explanation[64];
	const struct problem problem = {
		EMSGSIZE, EXIT_FAILURE, explanation,
		"send it in parts, or create the device for more: kucommsctl "
		"create --ring-size BYTES NAME"
	};

	snprintf(explanation, sizeof(explanation),
		 "a message may have %u bytes here",
		 kucomms_channel_length_max(exchange->channel));
	return report_problem(&problem, WHAT, short_name(&exchange->name));
}

static int report_input(const struct exchange *exchange, int error)
{
	static const struct problem problems[] = {
		{ 0, EXIT_FAILURE, NULL,
		  "look at where standard input comes from" }
	};

	return report(problems, error, "read what to send to NAME",
		      short_name(&exchange->name));
}

static int receive_answer(struct exchange *exchange)
{
	struct kucomms_message answer;
	const void *data;
	bool written;
	int err;

	err = kucomms_receive(exchange->channel, &answer, &data,
			      exchange->timeout_ms);
	if (err)
		return report_message(&exchange->name, -err,
				      "receive an answer from NAME");
	written = print_message(&exchange->format, &answer, data);
	kucomms_release(exchange->channel);
	return written ? EXIT_SUCCESS : finish_output(EXIT_SUCCESS);
}

static int send_data(struct exchange *exchange, const char *data,
		     size_t length)
{
	int err;

	if (length > kucomms_channel_length_max(exchange->channel))
		return report_too_long(exchange);
	exchange->message.length = length;
	err = kucomms_send(exchange->channel, &exchange->message, data, 0,
			   exchange->timeout_ms);
	if (err)
		return report_message(&exchange->name, -err, WHAT);
	return exchange->receive ? receive_answer(exchange) : EXIT_SUCCESS;
}

/* One byte more than can be sent is read, to see that there is too much. */
static int send_input(struct exchange *exchange)
{
	const size_t capacity =
		kucomms_channel_length_max(exchange->channel) + 1;
	char *data = must_have(malloc(capacity));
	size_t length;
	int status;

	length = fread(data, 1, capacity, stdin);
	status = ferror(stdin) ? report_input(exchange, errno) :
				 send_data(exchange, data, length);
	free(data);
	return status;
}

static int send_lines(struct exchange *exchange)
{
	int status = EXIT_SUCCESS;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while (!status && (length = getline(&line, &size, stdin)) >= 0) {
		if (length && line[length - 1] == '\n')
			length--;
		status = send_data(exchange, line, length);
	}
	if (!status && ferror(stdin))
		status = report_input(exchange, errno);
	free(line);
	return status;
}

static int run_exchange(struct exchange *exchange)
{
	int status = open_channel(&exchange->name, WHAT, 0, &exchange->channel);

	if (status)
		return status;
	if (exchange->data)
		status = send_data(exchange, exchange->data,
				   strlen(exchange->data));
	else if (exchange->lines)
		status = send_lines(exchange);
	else
		status = send_input(exchange);
	kucomms_channel_close(exchange->channel);
	return status;
}

static void parse_options(const struct command *command, int argc, char **argv,
			  struct exchange *exchange)
{
	struct kucomms_message *message = &exchange->message;
	int option;

	while ((option = next_option(command, argc, argv)) != -1) {
		switch (option) {
		case 'T':
			message->type = number_argument(command, "--type",
							optarg);
			break;
		case 'I':
			message->id = number_argument(command, "--id", optarg);
			break;
		case 'U':
			message->user = number_argument(command, "--user",
							optarg);
			break;
		case 'l':
			exchange->lines = true;
			break;
		case 'r':
			exchange->receive = true;
			break;
		case 't':
			exchange->timeout_ms = timeout_argument(command,
								optarg);
			break;
		}
	}
}

static int run(const struct command *command, int argc, char **argv)
{
	struct exchange exchange = { .timeout_ms = -1 };

	parse_options(command, argc, argv, &exchange);
	exchange.name = next_name(command, argc, argv);
	if (optind < argc)
		exchange.data = argv[optind++];
	no_more_arguments(command, argc, argv);
	if (exchange.data && !strcmp(exchange.data, "-"))
		exchange.data = NULL;
	if (exchange.data && exchange.lines)
		return usage_error(command, "--lines reads standard input, so "
				   "DATA must not be given");
	exchange.format.newline = exchange.lines || isatty(STDOUT_FILENO);
	return run_exchange(&exchange);
}

static const struct option options[] = {
	{ "type", required_argument, NULL, 'T' },
	{ "id", required_argument, NULL, 'I' },
	{ "user", required_argument, NULL, 'U' },
	{ "lines", no_argument, NULL, 'l' },
	{ "receive", no_argument, NULL, 'r' },
	{ "timeout", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_send = {
	.name = "send",
	.synopsis = "[-lr] [-t SECONDS] [--type N] [--id N] [--user N] NAME [DATA | -]",
	.summary = "send messages, and receive the answers",
	.details =
	"Sends DATA, or standard input, as one message.\n"
	"\n"
	"  -l, --lines            every line of standard input is a message\n"
	"  -r, --receive          wait for an answer to every message, and print it\n"
	"  -t, --timeout SECONDS  how long to wait for room, and for an answer (for ever)\n"
	"      --type N           these go into the header (0); numbers are decimal, or\n"
	"      --id N             hexadecimal with 0x\n"
	"      --user N\n",
	.short_options = ":hlrt:",
	.long_options = options,
	.run = run,
};
