// SPDX-License-Identifier: MIT
/*
 * kucommsctl recv
 */
#include <stdlib.h>
#include <unistd.h>

#include "arguments.h"
#include "channel.h"
#include "message.h"

/* Ends early when the output fails, finish_output() will say why. */
static int receive(struct kucomms_channel *channel, uint64_t count,
		   int timeout_ms, const struct message_format *format)
{
	const bool for_ever = count == 0;
	struct kucomms_message message;
	bool written = true;
	const void *data;
	int err;

	while (written && (for_ever || count--)) {
		err = kucomms_receive(channel, &message, &data, timeout_ms);
		if (err)
			return err;
		written = print_message(format, &message, data);
		kucomms_release(channel);
	}
	return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
	const char *what = "receive from NAME";
	struct message_format format = { 0 };
	struct kucomms_channel *channel;
	struct device_name name;
	int option, status, err;
	uint64_t count = 1;
	int timeout_ms = -1;

	while ((option = next_option(command, argc, argv)) != -1) {
		switch (option) {
		case 'c':
			count = number_argument(command, "--count", optarg);
			break;
		case 't':
			timeout_ms = timeout_argument(command, optarg);
			break;
		case 'H':
			format.header = true;
			break;
		case 'x':
			format.hex = true;
			break;
		case 'J':
			format.json = true;
			break;
		}
	}
	name = next_name(command, argc, argv);
	no_more_arguments(command, argc, argv);
	format.newline = format.header || format.hex || isatty(STDOUT_FILENO);

	status = open_channel(&name, what, 0, &channel);
	if (status)
		return status;
	err = receive(channel, count, timeout_ms, &format);
	kucomms_channel_close(channel);
	return err ? report_message(&name, -err, what) : EXIT_SUCCESS;
}

static const struct option options[] = {
	{ "count", required_argument, NULL, 'c' },
	{ "timeout", required_argument, NULL, 't' },
	{ "header", no_argument, NULL, 'H' },
	{ "hex", no_argument, NULL, 'x' },
	{ "json", no_argument, NULL, 'J' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_recv = {
	.name = "recv",
	.synopsis = "[-Hx | -J] [-c COUNT] [-t SECONDS] NAME",
	.summary = "receive messages and print them",
	.details =
	"The data are printed as they are; on a terminal, and with -H or -x, a newline\n"
	"follows.\n"
	"\n"
	"  -c, --count COUNT      how many messages (1); 0: for ever\n"
	"  -H, --header           with a line \"type=... id=... user=... length=...\"\n"
	"  -J, --json             as JSON, one object per line\n"
	"  -t, --timeout SECONDS  how long to wait for each (for ever)\n"
	"  -x, --hex              the data as hexadecimal digits\n",
	.short_options = ":hc:t:HxJ",
	.long_options = options,
	.run = run,
};
