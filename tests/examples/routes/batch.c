// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batch files, as far as they add routes: a line is
 * `add PREFIX [via ADDRESS] [dev NUMBER] [metric NUMBER] [table NUMBER]`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes.h"

static bool is_address(__u8 family, const char *text, __u8 *address)
{
	return text && inet_pton(family, text, address) == 1;
}

static bool is_number(const char *text, unsigned long most,
		      unsigned long *number)
{
	char *end;

	if (!text)
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return !errno && end != text && !*end && *number <= most;
}

static bool is_prefix(char *text, struct route *route)
{
	char *slash = text ? strchr(text, '/') : NULL;
	unsigned long length;

	if (!slash)
		return false;
	*slash = '\0';
	route->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (!is_number(slash + 1, route_bits(route), &length))
		return false;
	route->length = (__u8)length;
	return is_address(route->family, text, route->prefix);
}

static bool is_option(const char *name, const char *value, struct route *route)
{
	unsigned long number;

	if (!strcmp(name, "via"))
		return is_address(route->family, value, route->gateway);
	if (!is_number(value, UINT32_MAX, &number))
		return false;
	if (!strcmp(name, "dev"))
		route->interface = (__u32)number;
	else if (!strcmp(name, "metric"))
		route->metric = (__u32)number;
	else if (!strcmp(name, "table"))
		route->table = (__u32)number;
	else
		return false;
	return true;
}

/* @line is cut into words. */
static bool is_route(char *line, struct route *route)
{
	char *word = strtok(line, " \n");

	*route = (struct route){ .table = ROUTE_TABLE_MAIN };
	if (!word || strcmp(word, "add") ||
	    !is_prefix(strtok(NULL, " \n"), route))
		return false;
	while ((word = strtok(NULL, " \n"))) {
		if (!is_option(word, strtok(NULL, " \n"), route))
			return false;
	}
	return true;
}

void book_read(struct book *book, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	size_t number = 0, size = 0;
	struct route route;
	char *line = NULL;

	if (!file)
		die("%s: %s", path, strerror(errno));
	while (getline(&line, &size, file) > 0) {
		number++;
		if (!is_route(line, &route))
			die("%s:%zu: not a line that adds a route", path,
			    number);
		book_add(book, &route);
	}
	if (ferror(file))
		die("%s: cannot be read", path);
	free(line);
	if (file != stdin)
		fclose(file);
}
