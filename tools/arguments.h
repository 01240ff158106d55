/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_ARGUMENTS_H
#define KUCOMMSCTL_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "kucommsctl.h"
#include "name.h"

void print_command_help(const struct command *command);

/*
 * These read the arguments of @command. On a mistake they explain it and exit,
 * as they do after --help; so commands must not hold anything by then.
 */

/* The next option or, when there are no more, -1. */
int next_option(const struct command *command, int argc, char **argv);

/* The device that the next argument names. */
struct device_name next_name(const struct command *command, int argc,
			     char **argv);

/* No more arguments may follow. */
void no_more_arguments(const struct command *command, int argc, char **argv);

/* The values of options, which are called @option in messages. */
uint64_t number_argument(const struct command *command, const char *option,
			 const char *text);
uint32_t range_argument(const struct command *command, const char *option,
			const char *text, uint32_t least, uint32_t most);
double seconds_argument(const struct command *command, const char *option,
			const char *text);
int timeout_argument(const struct command *command, const char *text);

/* A number from @least to @most; K, M or G may follow: times 1024, ... */
uint32_t size_argument(const struct command *command, const char *option,
		       const char *text, uint32_t least, uint32_t most);

/* Bytes of a ring: a power of two, from a page on. */
uint32_t ring_size_argument(const struct command *command, const char *option,
			    const char *text);

/* A way of dispatch; "default" only if that is allowed. */
const char *dispatch_argument(const struct command *command, const char *text,
			      bool may_be_default);

/* Several sizes, separated by commas. */
#define LIST_MAX	16

struct size_list {
	uint32_t sizes[LIST_MAX];
	int count;
};

struct size_list list_argument(const struct command *command,
			       const char *option, const char *text,
			       uint32_t least, uint32_t most);

#endif
