// SPDX-License-Identifier: MIT
/*
 * Commands: makes a request of the words of a command.
 */
#include <string.h>
#include <sys/socket.h>

#include "interface.h"
#include "request.h"

/* Names of tables, as in `ip route`; main is ROUTE_TABLE_MAIN. */
#define TABLE_DEFAULT	253u
#define TABLE_LOCAL	255u
#define TABLE_ALL	0u

#define BY_PREFIX	(ROUTE_BY_EXACT | ROUTE_BY_ROOT | ROUTE_BY_MATCH)

static bool parse_via(struct words *words, const char *text,
		      struct route *route)
{
	return words_address(words, text, &route->family, route->gateway);
}

/* An address of zeros means that there is none, so it cannot be given. */
static bool has_gateway(struct words *words, const struct route *route)
{
	static const __u8 none[sizeof(route->gateway)];

	return memcmp(route->gateway, none, sizeof(none)) ||
	       words_fail(words, "the gateway may not be %s; leave via out if "
			  "there is none",
			  route->family == AF_INET ? "0.0.0.0" : "::");
}

static bool parse_dev(struct words *words, const char *text,
		      struct route *route)
{
	if (*text >= '0' && *text <= '9' && !text[strspn(text, "0123456789")])
		return words_number(words, "interface", text, 1,
				    &route->interface);
	route->interface = interface_number(text);
	return route->interface ||
	       words_fail(words, "there is no interface '%s'; one that is yet "
			  "to come can be given by number", text);
}

static bool parse_metric(struct words *words, const char *text,
			 struct route *route)
{
	return words_number(words, "metric", text, 0, &route->metric);
}

static bool parse_table(struct words *words, const char *text,
			struct route *route)
{
	static const struct {
		const char *name;
		__u32 table;
	} tables[] = {
		{ "main", ROUTE_TABLE_MAIN },
		{ "local", TABLE_LOCAL },
		{ "default", TABLE_DEFAULT },
		{ "all", TABLE_ALL },
	};
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (!strcmp(text, tables[i].name)) {
			route->table = tables[i].table;
			return true;
		}
	}
	return words_number(words, "table", text, 1, &route->table);
}

static const struct field {
	const char *word;
	__u32 bit;
	bool (*parse)(struct words *words, const char *text,
		      struct route *route);
} fields[] = {
	{ "via", ROUTE_BY_GATEWAY, parse_via },
	{ "dev", ROUTE_BY_INTERFACE, parse_dev },
	{ "metric", ROUTE_BY_METRIC, parse_metric },
	{ "table", ROUTE_BY_TABLE, parse_table },
};

/* Returns the field that the next word begins, or NULL. */
static const struct field *find_field(const struct words *words)
{
	const char *word = *words->next;
	size_t i;

	for (i = 0; word && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!strcmp(word, fields[i].word))
			return &fields[i];
	return NULL;
}

static bool parse_field(struct words *words, const struct field *field,
			struct route_filter *given)
{
	const char *text;

	words_take(words);
	if (given->fields & field->bit)
		return words_fail(words, "%s is there twice", field->word);
	given->fields |= field->bit;
	text = words_take(words);
	if (!text)
		return words_fail(words, "%s what? its value is missing",
				  field->word);
	return field->parse(words, text, &given->route);
}

/* Reads the remaining words, which are fields that are @allowed. */
static bool parse_fields(struct words *words, const char *verb, __u32 allowed,
			 struct route_filter *given)
{
	while (*words->next) {
		const struct field *field = find_field(words);

		if (!field || !(field->bit & allowed))
			return words_fail(words, "%s does not know what to do "
					  "with '%s'", verb, *words->next);
		if (!parse_field(words, field, given))
			return false;
	}
	return true;
}

static bool parse_prefix(struct words *words, const char *verb,
			 struct route *route)
{
	char *text = words_take(words);

	if (!text)
		return words_fail(words, "%s what? the prefix is missing",
				  verb);
	return words_prefix(words, text, &route->family, route->prefix,
			    &route->length);
}

/* Sets the defaults of a route for members that were not given. */
static bool complete_route(struct words *words, struct route_filter *given)
{
	struct route *route = &given->route;

	if (route->family == AF_UNSPEC)
		route->family = AF_INET;
	if (!(given->fields & ROUTE_BY_TABLE))
		route->table = ROUTE_TABLE_MAIN;
	return route->table != TABLE_ALL ||
	       words_fail(words, "a route is in one table, not in all");
}

static void use_route(struct request *request, const struct route *route)
{
	request->route = *route;
	request->length = sizeof(request->route);
}

static void use_filter(struct request *request,
		       const struct route_filter *filter)
{
	request->filter = *filter;
	request->length = sizeof(request->filter);
}

/* add, change, replace, del: PREFIX, and fields in any order */
static bool parse_route(struct request *request, struct words *words,
			__u8 family)
{
	struct route_filter given = { .route.family = family };

	words_take_if(words, "to");
	if (!parse_prefix(words, request->verb, &given.route) ||
	    !parse_fields(words, request->verb, ~0u, &given) ||
	    !complete_route(words, &given))
		return false;
	if (given.fields & ROUTE_BY_GATEWAY &&
	    !has_gateway(words, &given.route))
		return false;
	if (request->type == ROUTE_DELETE &&
	    given.fields & (ROUTE_BY_GATEWAY | ROUTE_BY_INTERFACE)) {
		/* Only if it leads there: that is no part of the key. */
		given.fields |= ROUTE_BY_FAMILY | ROUTE_BY_TABLE |
				ROUTE_BY_EXACT;
		request->type = ROUTE_FLUSH;
		request->needs_some = true;
		use_filter(request, &given);
		return true;
	}
	if (request->type != ROUTE_CREATE && !(given.fields & ROUTE_BY_METRIC))
		request->flags |= ROUTE_FLAG_ANY_METRIC;
	use_route(request, &given.route);
	return true;
}

/* get: an ADDRESS, to be looked up, or a PREFIX, the key of a route */
static bool parse_get(struct request *request, struct words *words, __u8 family)
{
	struct route_filter given = { .route.family = family };
	const char *text = *words->next;
	bool exact = text && (strchr(text, '/') || !strcmp(text, "default"));
	__u32 allowed = ROUTE_BY_TABLE | (exact ? ROUTE_BY_METRIC : 0);

	if (!parse_prefix(words, request->verb, &given.route) ||
	    !parse_fields(words, request->verb, allowed, &given) ||
	    !complete_route(words, &given))
		return false;
	request->type = exact ? ROUTE_READ : ROUTE_LOOKUP;
	if (exact && !(given.fields & ROUTE_BY_METRIC))
		request->flags |= ROUTE_FLAG_ANY_METRIC;
	use_route(request, &given.route);
	return true;
}

/* [to] [root | match | exact] PREFIX */
static bool parse_selected_prefix(struct words *words, const char *verb,
				  struct route_filter *given)
{
	__u32 bit = ROUTE_BY_EXACT;

	words_take_if(words, "to");
	if (words_take_if(words, "root"))
		bit = ROUTE_BY_ROOT;
	else if (words_take_if(words, "match"))
		bit = ROUTE_BY_MATCH;
	else
		words_take_if(words, "exact");
	if (given->fields & BY_PREFIX)
		return words_fail(words, "%s takes one prefix", verb);
	given->fields |= bit;
	return parse_prefix(words, verb, &given->route);
}

/* --count N, for monitor */
static bool parse_count(struct request *request, struct words *words)
{
	const char *text = words_take(words);

	if (!text)
		return words_fail(words, "--count what? the number is missing");
	return words_number(words, "count", text, 1, &request->count);
}

/* list, for monitor */
static bool parse_list(struct request *request, struct words *words)
{
	if (request->type != ROUTE_SUBSCRIBE || !words_take_if(words, "list"))
		return false;
	request->list = true;
	return true;
}

static bool parse_selectors(struct request *request, struct words *words,
			    struct route_filter *given)
{
	while (*words->next) {
		const struct field *field = find_field(words);
		bool good;

		if (field)
			good = parse_field(words, field, given);
		else if (request->type == ROUTE_SUBSCRIBE &&
			 words_take_if(words, "--count"))
			good = parse_count(request, words);
		else if (parse_list(request, words))
			good = true;
		else
			good = parse_selected_prefix(words, request->verb,
						     given);
		if (!good)
			return false;
	}
	return true;
}

/* Refuses via and dev: the manager would not tell when a route loses them. */
static bool fits_list(const struct request *request, struct words *words,
		      const struct route_filter *given)
{
	const __u32 target = ROUTE_BY_GATEWAY | ROUTE_BY_INTERFACE;

	return !request->list || !(given->fields & target) ||
	       words_fail(words, "monitor list takes neither via nor dev: it "
			  "would not hear of routes that cease to lead there");
}

/*
 * show, flush, monitor: any selectors. flush needs at least one, so that
 * nothing is flushed by mistake; monitor is about all tables by default.
 */
static bool parse_selection(struct request *request, struct words *words,
			    __u8 family)
{
	struct route_filter given = { .route.family = family };
	bool everything = request->type == ROUTE_SUBSCRIBE;

	if (request->type == ROUTE_FLUSH) {
		if (!*words->next)
			return words_fail(words, "flush what? name a selector, "
					  "or all");
		everything = !strcmp(*words->next, "all") && !words->next[1];
		if (everything)
			words_take(words);
	}
	if (!parse_selectors(request, words, &given) ||
	    !fits_list(request, words, &given))
		return false;
	if (given.fields & BY_PREFIX && given.route.family == AF_UNSPEC)
		given.route.family = AF_INET;
	if (given.route.family != AF_UNSPEC)
		given.fields |= ROUTE_BY_FAMILY;
	if (given.fields & ROUTE_BY_TABLE) {
		request->table_main = given.route.table == TABLE_ALL;
		if (request->table_main)
			given.fields &= ~ROUTE_BY_TABLE;
	} else if (!everything) {
		given.fields |= ROUTE_BY_TABLE;
		given.route.table = ROUTE_TABLE_MAIN;
	}
	use_filter(request, &given);
	return true;
}

/* status */
static bool parse_nothing(struct request *request, struct words *words,
			  __u8 family)
{
	struct route_filter given = { .route.family = family };

	return parse_fields(words, request->verb, 0, &given);
}

static const struct verb {
	const char *name;
	__u64 type;
	__u64 flags;
	bool (*parse)(struct request *request, struct words *words,
		      __u8 family);
} verbs[] = {
	{ "add", ROUTE_CREATE, 0, parse_route },
	{ "replace", ROUTE_CREATE, ROUTE_FLAG_REPLACE, parse_route },
	{ "change", ROUTE_UPDATE, 0, parse_route },
	{ "del", ROUTE_DELETE, 0, parse_route },
	{ "delete", ROUTE_DELETE, 0, parse_route },
	{ "get", ROUTE_LOOKUP, 0, parse_get },
	{ "show", ROUTE_LIST, 0, parse_selection },
	{ "list", ROUTE_LIST, 0, parse_selection },
	{ "flush", ROUTE_FLUSH, 0, parse_selection },
	{ "monitor", ROUTE_SUBSCRIBE, 0, parse_selection },
	{ "status", ROUTE_STATUS, 0, parse_nothing },
};

bool request_parse(struct request *request, struct words *words, __u8 family)
{
	const char *name = words_take(words);
	size_t i;

	if (!name)
		return words_fail(words, "the command is missing");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(name, verbs[i].name))
			continue;
		*request = (struct request){
			.verb = verbs[i].name,
			.type = verbs[i].type,
			.flags = verbs[i].flags,
		};
		return verbs[i].parse(request, words, family);
	}
	return words_fail(words, "there is no command '%s'", name);
}

int request_send(const struct request *request, struct kucomms_channel *channel,
		 __u64 id, unsigned int flags)
{
	struct kucomms_message *record;
	int err;

	err = kucomms_reserve(channel, request->length, &record, -1);
	if (err)
		return err;
	record->type = request->type;
	record->id = id;
	record->user = request->flags;
	memcpy(record + 1, &request->filter, request->length);
	return kucomms_commit(channel, record, flags);
}
