/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_PRINT_H
#define KUCOMMS_ROUTE_PRINT_H

#include <stdbool.h>

#include "../route.h"

/**
 * struct style - how things are printed
 * @json:       as JSON
 * @table_main: routes with their table also if it is main
 * @mirror:     changes as commands that do the same whatever there was before
 */
struct style {
	bool json;
	bool table_main;
	bool mirror;
};

/* A route on a line, or as an array of one object. */
void print_route(const struct style *style, const struct route *route);

/* Many of them, as lines or as one array; @first: there was none before. */
void print_list_route(const struct style *style, const struct route *route,
		      bool first);
void print_list_end(const struct style *style, bool empty);

/*
 * Change number @number, one of ROUTE_ADDED and so on, as a line that a batch
 * understands, or as an object on a line; 0: it was so already. Then the same
 * for the removal of all that a filter lets pass; and that some have been lost.
 */
void print_change(const struct style *style, __u64 what, __u64 number,
		  const struct route *route);
void print_flush(const struct style *style, const struct route_filter *filter);
void print_lost(const struct style *style, __u64 number);

void print_counts(const struct style *style, const struct route_counts *counts);
void print_flushed(const struct style *style, __u64 count);

#endif
