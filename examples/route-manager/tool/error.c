// SPDX-License-Identifier: MIT
/*
 * Error messages.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

/* Writes a message at once, so that those of two threads do not mix. */
static void print_message(const char *before, const char *format,
			  va_list arguments)
{
	char text[1024], line[4 * sizeof(text) + 1], *end = line;
	const char *c;

	vsnprintf(text, sizeof(text), format, arguments);
	for (c = text; *c; c++) {
		if (*c >= ' ' && *c <= '~')
			*end++ = *c;
		else
			end += sprintf(end, "\\x%02x", (unsigned char)*c);
	}
	*end = '\0';
	fflush(stdout);
	fprintf(stderr, "%s%s\n", before, line);
}

void report(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_message("kucomms-route: ", format, arguments);
	va_end(arguments);
}

void hint(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_message("  hint: ", format, arguments);
	va_end(arguments);
}

const char *error_name(int error)
{
	const char *name = NULL;

#ifdef __GLIBC__
	name = strerrorname_np(error);
#else
	(void)error;
#endif
	return name ? name : "unknown error";
}
