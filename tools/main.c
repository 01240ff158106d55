// SPDX-License-Identifier: MIT
/*
 * kucommsctl: manages kucomms devices and talks to them.
 */
#include <kucomms/kucomms.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "kucommsctl.h"
#include "output.h"

static bool is_either(const char *argument, const char *one, const char *other)
{
	return !strcmp(argument, one) || !strcmp(argument, other);
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2)
		return usage_error(NULL, "a command is missing");
	if (is_either(argv[1], "-h", "--help")) {
		print_help();
		return finish_output(EXIT_SUCCESS);
	}
	if (is_either(argv[1], "-V", "--version")) {
		puts("kucommsctl " KUCOMMS_VERSION);
		return finish_output(EXIT_SUCCESS);
	}
	command = command_find(argv[1]);
	if (!command)
		return usage_error(NULL, "there is no command %s",
				   quote(argv[1]));
	return finish_output(command->run(command, argc - 1, argv + 1));
}
