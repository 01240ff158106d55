// SPDX-License-Identifier: GPL-2.0-only
/*
 * routes: asks a route manager for much, and checks every answer. Exit status:
 * 0, or 1 and what was wrong.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes.h"

static const char usage[] =
	"usage: routes lookup NAME NUMBER SEED FILE\n"
	"       routes list NAME FILE\n"
	"       routes churn OPERATIONS SEED NAME...\n"
	"       routes bench NUMBER FILE NAME...\n"
	"       routes bench-instructions NUMBER FILE NAME...\n"
	"NAME is kernel:route or the like; FILE what kucomms-route has read, or -\n";

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fflush(stdout);
	/* Of several threads one may say what is wrong. */
	flockfile(stderr);
	fputs("routes: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

/* splitmix64 */
uint64_t dice(uint64_t *state)
{
	uint64_t value = *state += 0x9e3779b97f4a7c15u;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
	value = (value ^ value >> 27) * 0x94d049bb133111ebu;
	return value ^ value >> 31;
}

uint64_t dice_below(uint64_t *state, uint64_t limit)
{
	return (dice(state) >> 32) * limit >> 32;
}

const char *route_text(const struct route *route, char *text)
{
	char prefix[INET6_ADDRSTRLEN] = "?", gateway[INET6_ADDRSTRLEN] = "?";

	inet_ntop(route->family, route->prefix, prefix, sizeof(prefix));
	inet_ntop(route->family, route->gateway, gateway, sizeof(gateway));
	snprintf(text, ROUTE_TEXT_MAX, "%s/%u table %u metric %u via %s dev %u",
		 prefix, route->length, route->table, route->metric, gateway,
		 route->interface);
	return text;
}

static unsigned long long number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (end == text || *end)
		die("%s: not a number", text);
	return value;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	struct book book = { 0 };

	if (argc == 6 && !strcmp(command, "lookup")) {
		book_read(&book, argv[5]);
		check_lookups(argv[2], number(argv[3]), number(argv[4]), &book);
	} else if (argc == 4 && !strcmp(command, "list")) {
		book_read(&book, argv[3]);
		check_list(argv[2], &book);
	} else if (argc > 4 && !strcmp(command, "churn")) {
		churn(number(argv[2]), number(argv[3]), argc - 4, argv + 4);
	} else if (argc > 4 && (!strcmp(command, "bench") ||
				!strcmp(command, "bench-instructions"))) {
		book_read(&book, argv[3]);
		bench(number(argv[2]), strcmp(command, "bench"), &book,
		      argc - 4, argv + 4);
	} else {
		fputs(usage, stderr);
		return 2;
	}
	book_free(&book);
	return 0;
}
