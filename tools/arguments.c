// SPDX-License-Identifier: MIT
/*
 * Command line arguments.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "error.h"
#include "output.h"

/* What getopt_long() did not like: it keeps a bundled letter in optopt only. */
static const char *bad_option(const struct command *command, char **argv)
{
	static char letter[] = "-?";

	if (!optopt || strchr(command->short_options, optopt))
		return argv[optind - 1];
	letter[1] = optopt;
	return letter;
}

void print_command_help(const struct command *command)
{
	printf("Usage: kucommsctl %s %s\n\n%s\n%s", command->name,
	       command->synopsis, command->summary,
	       *command->details ? "\n" : "");
	printf("%s", command->details);
}

int next_option(const struct command *command, int argc, char **argv)
{
	int option;

	opterr = 0;
	option = getopt_long(argc, argv, command->short_options,
			     command->long_options, NULL);
	switch (option) {
	case 'h':
		print_command_help(command);
		exit(finish_output(EXIT_SUCCESS));
	case '?':
		exit(usage_error(command, "it has no such option: %s",
				 quote(bad_option(command, argv))));
	case ':':
		exit(usage_error(command, "a value must follow %s",
				 quote(argv[optind - 1])));
	default:
		return option;
	}
}

struct device_name next_name(const struct command *command, int argc,
			     char **argv)
{
	struct device_name name;
	const char *mistake;

	if (optind >= argc)
		exit(usage_error(command, "the NAME of a device is missing"));
	mistake = parse_name(&name, argv[optind]);
	if (mistake)
		exit(usage_error(command, "%s is no name: %s",
				 quote(argv[optind]), mistake));
	optind++;
	return name;
}

void no_more_arguments(const struct command *command, int argc, char **argv)
{
	if (optind < argc)
		exit(usage_error(command, "too many arguments, from %s on",
				 quote(argv[optind])));
}

/* Octal numbers would surprise, so the base is not left to strtoull(). */
uint64_t number_argument(const struct command *command, const char *option,
			 const char *text)
{
	const bool hex = !strncmp(text, "0x", 2);
	const char *digits = hex ? text + 2 : text;
	const size_t length = strspn(digits, hex ? "0123456789abcdefABCDEF" :
						   "0123456789");
	uint64_t number;

	errno = 0;
	number = strtoull(digits, NULL, hex ? 16 : 10);
	if (!length || digits[length] || errno)
		exit(usage_error(command, "%s %s is no number: 0 to %llu, or "
				 "0x and up to 16 hexadecimal digits", option,
				 quote(text), ULLONG_MAX));
	return number;
}

uint32_t range_argument(const struct command *command, const char *option,
			const char *text, uint32_t least, uint32_t most)
{
	const uint64_t number = number_argument(command, option, text);

	if (number < least || number > most)
		exit(usage_error(command, "%s %s is out of range: %u to %u",
				 option, quote(text), least, most));
	return (uint32_t)number;
}

double seconds_argument(const struct command *command, const char *option,
			const char *text)
{
	const double most = INT_MAX / 1000;
	double seconds;
	char *end;

	seconds = strtod(text, &end);
	/* strtod() would also take signs, blanks, "inf" and hexadecimal. */
	if (end == text || text[strspn(text, "0123456789.")] || *end ||
	    seconds > most)
		exit(usage_error(command, "%s %s is no number of seconds: "
				 "0 to %.0f, a fraction is allowed", option,
				 quote(text), most));
	return seconds;
}

/* Seconds to milliseconds, rounded up: only 0 means not to wait at all. */
int timeout_argument(const struct command *command, const char *text)
{
	const double ms = seconds_argument(command, "--timeout", text) * 1000;
	const int whole = ms;

	return whole < ms ? whole + 1 : whole;
}

/* How far the suffix at @text shifts a number; -1 if it is none. */
static int suffix_shift(const char *text)
{
	static const char letters[] = "KMG";
	const char *letter;

	if (!*text)
		return 0;
	letter = strchr(letters, *text);
	return letter && !text[1] ? 10 * (int)(letter - letters + 1) : -1;
}

uint32_t size_argument(const struct command *command, const char *option,
		       const char *text, uint32_t least, uint32_t most)
{
	const size_t digits = strspn(text, "0123456789");
	const int shift = suffix_shift(text + digits);
	uint64_t size;

	errno = 0;
	size = strtoull(text, NULL, 10);
	if (!digits || shift < 0 || errno || size > most ||
	    size << shift > most || size << shift < least)
		exit(usage_error(command, "%s %s is out of range or no number: "
				 "%u to %u, K, M or G may follow", option,
				 quote(text), least, most));
	return size << shift;
}

uint32_t ring_size_argument(const struct command *command, const char *option,
			    const char *text)
{
	const uint32_t size = size_argument(command, option, text,
					    sysconf(_SC_PAGESIZE),
					    KUCOMMS_RING_SIZE_MAX);

	if (size & (size - 1))
		exit(usage_error(command, "%s %s is no power of two", option,
				 quote(text)));
	return size;
}

const char *dispatch_argument(const struct command *command, const char *text,
			      bool may_be_default)
{
	static const char *const ways[] = { "adaptive", "thread", "poll" };
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(text, ways[i]))
			return text;
	if (may_be_default && !strcmp(text, "default"))
		return text;
	exit(usage_error(command, "--dispatch %s is neither adaptive, thread%s "
			 "poll", quote(text),
			 may_be_default ? ", default nor" : " nor"));
}

struct size_list list_argument(const struct command *command,
			       const char *option, const char *text,
			       uint32_t least, uint32_t most)
{
	struct size_list list = { .count = 0 };
	char *copy = must_have(strdup(text));
	char *rest = copy, *item;

	while ((item = strsep(&rest, ","))) {
		if (list.count == LIST_MAX)
			exit(usage_error(command, "%s has more than %d numbers",
					 option, LIST_MAX));
		list.sizes[list.count++] = size_argument(command, option, item,
							 least, most);
	}
	free(copy);
	return list;
}
