// SPDX-License-Identifier: MIT
/*
 * kucomms-route: routes of a route manager, in the manner of `ip route`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "batch.h"
#include "command.h"
#include "error.h"

/* Each printer flushes when that is due, whatever standard output is. */
static char output_buffer[65536];

static const char help[] =
	"usage: kucomms-route [OPTION]... COMMAND\n"
	"       kucomms-route [OPTION]... -b FILE\n"
	"\n"
	"commands:\n"
	"  add | change | replace | del  PREFIX [via ADDRESS] [dev IFACE]\n"
	"                                [metric N] [table ID]\n"
	"  get ADDRESS [table ID]        the route that leads there\n"
	"  get PREFIX [metric N] [table ID]\n"
	"                                exactly this route\n"
	"  show | list [SELECTOR]...     routes; of table main by default\n"
	"  flush SELECTOR... | all       delete routes\n"
	"  monitor [list] [--count N] [SELECTOR]...\n"
	"                                changes, as they come; list: after what\n"
	"                                there is, all as a batch for a copy of it\n"
	"  status                        how many routes, and the limit\n"
	"  help                          this text\n"
	"\n"
	"SELECTOR: [root | match | exact] PREFIX | via ADDRESS | dev IFACE |\n"
	"          metric N | table ID | table all\n"
	"ID:       a number, main, local or default\n"
	"\n"
	"options:\n"
	"  -4, -6            IPv4 only, IPv6 only\n"
	"  -j, -json         print JSON\n"
	"  -n, -name NAME    of the manager's device or socket: route\n"
	"  -t, -transport T  kernel (the default), netlink or process\n"
	"  -b, -batch FILE   commands from a file, one on a line; -: stdin\n"
	"  -force            go on after errors in a batch\n"
	"  -q, -quiet        show no progress\n"
	"  -h, -help; -V, -Version\n";

static const char version[] = "kucomms-route " KUCOMMS_VERSION "\n";

/**
 * struct settings - the options
 * @text:    text to be printed instead of executing a command, or NULL
 * @style:   how to print
 * @manager: the manager to connect to
 * @batch:   if it has a file: the batch to be executed
 */
struct settings {
	const char *text;
	struct style style;
	struct manager manager;
	struct batch_options batch;
};

static int usage_error(const char *what, const char *word)
{
	report("%s%s", what, word);
	hint("kucomms-route -help");
	return EXIT_USAGE;
}

/* As in `ip`: an option has one dash or two, before a word or a letter. */
static bool is_option(const char *text, const char *letter, const char *word)
{
	text += text[1] == '-' ? 2 : 1;
	return !strcmp(text, letter) || !strcmp(text, word);
}

/* Sets option @text; returns false if it is no option without a value. */
static bool set_flag(struct settings *settings, const char *text)
{
	if (is_option(text, "4", "4"))
		settings->batch.family = AF_INET;
	else if (is_option(text, "6", "6"))
		settings->batch.family = AF_INET6;
	else if (is_option(text, "j", "json"))
		settings->style.json = true;
	else if (is_option(text, "q", "quiet"))
		settings->batch.quiet = true;
	else if (is_option(text, "force", "force"))
		settings->batch.force = true;
	else if (is_option(text, "h", "help"))
		settings->text = help;
	else if (is_option(text, "V", "Version"))
		settings->text = version;
	else
		return false;
	return true;
}

/* Returns where to put the value of option @text; NULL: no such option. */
static const char **find_value(struct settings *settings, const char *text)
{
	if (is_option(text, "n", "name"))
		return &settings->manager.name;
	if (is_option(text, "t", "transport"))
		return &settings->manager.transport;
	if (is_option(text, "b", "batch"))
		return &settings->batch.file;
	return NULL;
}

/* Moves @words behind the options. Returns 0 or the exit status. */
static int parse_options(struct settings *settings, char ***words)
{
	char **next;
	const char **value;

	for (next = *words; *next && **next == '-'; next++) {
		if (set_flag(settings, *next))
			continue;
		value = find_value(settings, *next);
		if (!value)
			return usage_error("there is no option ", *next);
		if (!next[1])
			return usage_error("a value is missing after ", *next);
		*value = *++next;
	}
	*words = next;
	return 0;
}

static int check_transport(const char *transport)
{
	static const char *const transports[] = {
		"kernel", "netlink", "process"
	};
	size_t i;

	for (i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (!strcmp(transport, transports[i]))
			return 0;
	return usage_error("-t takes kernel, netlink or process, not ",
			   transport);
}

static int run_batch(struct settings *settings, char **words)
{
	int status;

	if (*words)
		return usage_error("with -b no command is expected: ", *words);
	if (manager_open(&settings->manager, 0))
		return EXIT_FAILURE;
	status = batch_run(&settings->manager, &settings->style,
			   &settings->batch);
	kucomms_channel_close(settings->manager.channel);
	return status;
}

static int run_command(struct settings *settings, char **array)
{
	struct words words = { .next = array };
	struct request request;
	bool monitor;
	int status;

	if (!request_parse(&request, &words, settings->batch.family))
		return usage_error(words.error, "");
	settings->style.table_main = request.table_main;
	settings->style.mirror = request.list;
	monitor = request.type == ROUTE_SUBSCRIBE;
	if (manager_open(&settings->manager, monitor ? MONITOR_ROOM : 0))
		return EXIT_FAILURE;
	if (monitor)
		status = monitor_run(&settings->manager, &settings->style,
				     &request);
	else
		status = command_run(&settings->manager, &settings->style,
				     &request, settings->batch.quiet);
	kucomms_channel_close(settings->manager.channel);
	return status;
}

/* Returns @status, or EXIT_FAILURE if the output could not be written. */
static int finish_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	report("cannot write the output");
	hint("look at where standard output leads");
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.manager = { .transport = "kernel", .name = ROUTE_DEVICE },
		.batch = { .family = AF_UNSPEC },
	};
	char **words = argv + 1;
	int status;

	(void)argc;
	setvbuf(stdout, output_buffer, _IOFBF, sizeof(output_buffer));
	status = parse_options(&settings, &words);
	if (status)
		return status;
	if (!settings.text && *words && !strcmp(*words, "help"))
		settings.text = help;
	if (settings.text)
		return finish_output(fputs(settings.text, stdout) < 0);
	status = check_transport(settings.manager.transport);
	if (status)
		return status;
	return finish_output(settings.batch.file ?
			     run_batch(&settings, words) :
			     run_command(&settings, words));
}
