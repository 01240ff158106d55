/* SPDX-License-Identifier: MIT */
/*
 * kucommsctl: what its commands look like, and the exit codes of all of them.
 */
#ifndef KUCOMMSCTL_H
#define KUCOMMSCTL_H

#include <getopt.h>

/* Stable: scripts depend on them. 0 and 1 are EXIT_SUCCESS and EXIT_FAILURE. */
enum {
	EXIT_USAGE = 2,
	EXIT_NO_MODULE = 3,
	EXIT_PERMISSION = 4,
	EXIT_NO_DEVICE = 5,
	EXIT_BUSY = 6,
	EXIT_EXISTS = 7,
	EXIT_VERSION = 8,
	EXIT_TIMEOUT = 9,
};

/* Counts in JSON output: raised when a key goes or changes its meaning. */
#define OUTPUT_VERSION	1

/**
 * struct command - a row of the table of commands
 * @name:          the first argument
 * @synopsis:      the arguments after it
 * @summary:       one line for the list of commands
 * @details:       the rest of its help
 * @short_options: for getopt_long(): ':', 'h', and the command's own
 * @long_options:  for getopt_long(), with "help"
 * @run:           does it; returns the exit code
 */
struct command {
	const char *name;
	const char *synopsis;
	const char *summary;
	const char *details;
	const char *short_options;
	const struct option *long_options;
	int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command command_create;
extern const struct command command_remove;
extern const struct command command_list;
extern const struct command command_show;
extern const struct command command_set;
extern const struct command command_send;
extern const struct command command_recv;
extern const struct command command_bench;
extern const struct command command_version;
extern const struct command command_help;

/* help.c */
const struct command *command_find(const char *name);
void print_help(void);

#endif
