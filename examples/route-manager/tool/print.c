// SPDX-License-Identifier: MIT
/*
 * Prints routes, changes and counts, as text and as JSON.
 *
 * A list may have a million routes, so lines are made without printf().
 */
#include <arpa/inet.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "interface.h"
#include "print.h"
#include "text.h"

/* Bytes that are enough for the longest line of a route. */
#define LINE_MAX	256

static char *put_address(char *end, __u8 family, const __u8 *address)
{
	int i;

	if (family == AF_INET6) {
		inet_ntop(AF_INET6, address, end, INET6_ADDRSTRLEN);
		return end + strlen(end);
	}
	for (i = 0; i < 4; i++) {
		end = put_number(end, address[i]);
		*end++ = '.';
	}
	*--end = '\0';
	return end;
}

static bool has_gateway(const struct route *route)
{
	static const __u8 none[sizeof(route->gateway)];

	return memcmp(route->gateway, none, sizeof(none)) != 0;
}

/*
 * In the form of `ip route`; but "default" without a gateway is read as that of
 * IPv4, so ::/0 without a gateway is not printed as "default".
 */
static char *put_prefix(char *end, const struct route *route)
{
	const __u8 bits = route->family == AF_INET ? 32 : 128;

	if (!route->length && (route->family == AF_INET || has_gateway(route)))
		return put_text(end, "default");
	end = put_address(end, route->family, route->prefix);
	if (route->length == bits)
		return end;
	end = put_text(end, "/");
	return put_number(end, route->length);
}

static char *put_table(char *end, __u32 table)
{
	return table == ROUTE_TABLE_MAIN ? put_text(end, "main") :
					   put_number(end, table);
}

/* @metric: print the metric also if it is 0 */
static char *put_route(char *end, const struct style *style,
		       const struct route *route, bool metric)
{
	end = put_prefix(end, route);
	if (has_gateway(route)) {
		end = put_text(end, " via ");
		end = put_address(end, route->family, route->gateway);
	}
	if (route->interface) {
		end = put_text(end, " dev ");
		end = put_text(end, interface_name(route->interface));
	}
	if (route->metric || metric) {
		end = put_text(end, " metric ");
		end = put_number(end, route->metric);
	}
	if (route->table != ROUTE_TABLE_MAIN || style->table_main) {
		end = put_text(end, " table ");
		end = put_table(end, route->table);
	}
	return end;
}

static void print_line(char *line, char *end)
{
	*end++ = '\n';
	fwrite(line, 1, (size_t)(end - line), stdout);
}

static void add_text(struct json_object *object, const char *key,
		     const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key,
		       __u64 number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

static void add_route(struct json_object *object, const struct route *route)
{
	char text[LINE_MAX];

	put_prefix(text, route);
	add_text(object, "dst", text);
	if (has_gateway(route)) {
		put_address(text, route->family, route->gateway);
		add_text(object, "gateway", text);
	}
	if (route->interface)
		add_text(object, "dev", interface_name(route->interface));
	add_number(object, "metric", route->metric);
	put_table(text, route->table);
	add_text(object, "table", text);
}

/* Prints @object and frees it. */
static void print_object(struct json_object *object, const char *before,
			 const char *after)
{
	fputs(before, stdout);
	fputs(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
					     JSON_C_TO_STRING_NOSLASHESCAPE),
	      stdout);
	fputs(after, stdout);
	json_object_put(object);
}

static void print_json_route(const struct route *route, const char *before,
			     const char *after)
{
	struct json_object *object = json_object_new_object();

	add_route(object, route);
	print_object(object, before, after);
}

static void print_text_route(const struct style *style,
			     const struct route *route)
{
	char line[LINE_MAX];

	print_line(line, put_route(line, style, route, false));
}

void print_route(const struct style *style, const struct route *route)
{
	if (style->json)
		print_json_route(route, "[", "]\n");
	else
		print_text_route(style, route);
}

void print_list_route(const struct style *style, const struct route *route,
		      bool first)
{
	if (style->json)
		print_json_route(route, first ? "[" : ",\n", "");
	else
		print_text_route(style, route);
}

void print_list_end(const struct style *style, bool empty)
{
	if (style->json)
		puts(empty ? "[]" : "]");
}

static const char *change_verb(const struct style *style, __u64 what)
{
	if (style->mirror)
		return what == ROUTE_REMOVED ? "flush" : "replace";
	return what == ROUTE_ADDED ? "add" :
	       what == ROUTE_CHANGED ? "change" : "del";
}

void print_change(const struct style *style, __u64 what, __u64 number,
		  const struct route *route)
{
	struct json_object *object;
	char line[LINE_MAX], *end;

	if (!style->json) {
		end = put_text(line, change_verb(style, what));
		end = put_text(end, " ");
		/* With its metric the command means this route, and no other. */
		end = put_route(end, style, route, what != ROUTE_ADDED);
		print_line(line, end);
		return;
	}
	object = json_object_new_object();
	add_text(object, "event", change_verb(style, what));
	if (number)
		add_number(object, "change", number);
	add_route(object, route);
	print_object(object, "", "\n");
}

/* A whole family is printed as "root" and the default route. */
static char *put_selected_prefix(char *end, const struct route_filter *filter)
{
	if (!(filter->fields & ROUTE_BY_FAMILY))
		return end;
	end = put_text(end, filter->fields & ROUTE_BY_EXACT ? " exact " :
			    filter->fields & ROUTE_BY_MATCH ? " match " :
							      " root ");
	return put_prefix(end, &filter->route);
}

void print_flush(const struct style *style, const struct route_filter *filter)
{
	char line[LINE_MAX], *end;

	if (style->json) {
		puts("{\"event\":\"flush\"}");
		return;
	}
	end = put_text(line, "flush");
	end = put_selected_prefix(end, filter);
	if (filter->fields & ROUTE_BY_METRIC) {
		end = put_text(end, " metric ");
		end = put_number(end, filter->route.metric);
	}
	end = put_text(end, " table ");
	if (filter->fields & ROUTE_BY_TABLE)
		end = put_table(end, filter->route.table);
	else
		end = put_text(end, "all");
	print_line(line, end);
}

void print_lost(const struct style *style, __u64 number)
{
	struct json_object *object;

	if (!style->json) {
		printf("# changes were lost, number %llu is the last of them\n",
		       number);
		return;
	}
	object = json_object_new_object();
	add_text(object, "event", "lost");
	add_number(object, "change", number);
	print_object(object, "", "\n");
}

void print_counts(const struct style *style, const struct route_counts *counts)
{
	const struct {
		const char *title, *key;
		__u64 value;
	} rows[] = {
		{ "IPv4 routes", "routes4", counts->routes4 },
		{ "IPv6 routes", "routes6", counts->routes6 },
		{ "limit of both", "limit", counts->limit },
		{ "tables in use", "tables", counts->tables },
		{ "bytes of memory", "bytes", counts->bytes },
		{ "last change", "changes", counts->changes },
	};
	struct json_object *object;
	size_t i;

	if (!style->json) {
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			printf("%-15s  %20llu\n", rows[i].title, rows[i].value);
		return;
	}
	object = json_object_new_object();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		add_number(object, rows[i].key, rows[i].value);
	print_object(object, "", "\n");
}

void print_flushed(const struct style *style, __u64 count)
{
	struct json_object *object;

	if (!style->json) {
		printf("flushed %llu route%s\n", count, count == 1 ? "" : "s");
		return;
	}
	object = json_object_new_object();
	add_number(object, "flushed", count);
	print_object(object, "", "\n");
}
