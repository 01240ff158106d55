// SPDX-License-Identifier: MIT
/*
 * kucommsctl help, and the table of commands
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "error.h"

static const struct command *const commands[] = {
	&command_create,
	&command_remove,
	&command_list,
	&command_show,
	&command_set,
	&command_send,
	&command_recv,
	&command_bench,
	&command_version,
	&command_help,
	NULL
};

const struct command *command_find(const char *name)
{
	const struct command *const *command;

	for (command = commands; *command; command++)
		if (!strcmp((*command)->name, name))
			return *command;
	return NULL;
}

void print_help(void)
{
	const struct command *const *command;

	puts("Usage: kucommsctl COMMAND [ARGUMENT...]\n"
	     "       kucommsctl -h | --help | -V | --version\n"
	     "\n"
	     "Manages kucomms devices, the meeting points of kernel modules and programs.\n");
	for (command = commands; *command; command++)
		printf("  %-10s%s\n", (*command)->name, (*command)->summary);
	puts("\n"
	     "NAME is the name of a device, with or without the prefix kucomms_, or its path:\n"
	     "/dev/kucomms_NAME or /dev/kucomms/NAME.\n"
	     "kucommsctl help COMMAND tells more, kucommsctl(8) all.");
}

static int run(const struct command *command, int argc, char **argv)
{
	const struct command *topic;

	while (next_option(command, argc, argv) != -1)
		;
	if (optind == argc) {
		print_help();
		return EXIT_SUCCESS;
	}
	topic = command_find(argv[optind]);
	if (!topic)
		return usage_error(command, "there is no command %s",
				   quote(argv[optind]));
	optind++;
	no_more_arguments(command, argc, argv);
	print_command_help(topic);
	return EXIT_SUCCESS;
}

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_help = {
	.name = "help",
	.synopsis = "[COMMAND]",
	.summary = "explain a command",
	.details = "Without COMMAND lists all.\n",
	.short_options = ":h",
	.long_options = options,
	.run = run,
};
