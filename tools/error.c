// SPDX-License-Identifier: MIT
/*
 * Error messages: what failed, why, and what to do next.
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static void print_with_name(const char *text, const char *name)
{
	const char *place;

	while (name && (place = strstr(text, "NAME"))) {
		fprintf(stderr, "%.*s%s", (int)(place - text), text, name);
		text = place + strlen("NAME");
	}
	fputs(text, stderr);
}

int report_problem(const struct problem *problem, const char *what,
		   const char *name)
{
	const char *explanation = problem->explanation;

	if (!explanation)
		explanation = kucomms_strerror(problem->error);
	/* Whoever reads both in one place sees them in order. */
	fflush(stdout);
	fputs("kucommsctl: cannot ", stderr);
	print_with_name(what, name);
	fprintf(stderr, ": %s: ", error_name(problem->error));
	print_with_name(explanation, name);
	fputs("\n  hint: ", stderr);
	print_with_name(problem->hint, name);
	fputc('\n', stderr);
	return problem->status;
}

int report(const struct problem *problems, int error, const char *what,
	   const char *name)
{
	struct problem problem;

	while (problems->error && problems->error != error)
		problems++;
	problem = *problems;
	problem.error = error;
	return report_problem(&problem, what, name);
}

int usage_error(const struct command *command, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "kucommsctl: cannot %s: EINVAL: ",
		command ? command->name : "start");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n  hint: kucommsctl help%s%s\n", command ? " " : "",
		command ? command->name : "");
	return EXIT_USAGE;
}

void *must_have(void *memory)
{
	static const struct problem problem = {
		ENOMEM, EXIT_FAILURE, NULL, "stop other programs"
	};

	if (!memory)
		exit(report_problem(&problem, "continue", NULL));
	return memory;
}

const char *quote(const char *text)
{
	static char quoted[512];
	const size_t longest = sizeof("\\x00\"...");
	char *end = quoted;

	*end++ = '"';
	for (; *text; text++) {
		const unsigned char c = *text;

		if (end + longest > quoted + sizeof(quoted)) {
			strcpy(end, "\"...");
			return quoted;
		}
		if (c == '"' || c == '\\')
			end += sprintf(end, "\\%c", c);
		else if (c >= ' ' && c <= '~')
			*end++ = c;
		else
			end += sprintf(end, "\\x%02x", c);
	}
	strcpy(end, "\"");
	return quoted;
}
