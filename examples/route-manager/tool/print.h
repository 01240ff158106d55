/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_PRINT_H
#define KUCOMMS_ROUTE_PRINT_H

#include <stdbool.h>

#include "../route.h"

/**
 * struct style - how to print
 * @json:       print JSON
 * @table_main: print the table of a route also if it is main
 * @mirror:     print changes as commands that have the same effect on any copy
 */
struct style {
	bool json;
	bool table_main;
	bool mirror;
};

/* Prints a route on a line, or as an array of one object. */
void print_route(const struct style *style, const struct route *route);

/* Prints many routes, as lines or as one array; @first: this is the first. */
void print_list_route(const struct style *style, const struct route *route,
		      bool first);
void print_list_end(const struct style *style, bool empty);

/*
 * Print, as a line of a batch or as an object on a line: a change with its
 * number and ROUTE_ADDED and so on (@number 0: a route of a list); the removal
 * of all routes that match a filter; the loss of changes.
 */
void print_change(const struct style *style, __u64 what, __u64 number,
		  const struct route *route);
void print_flush(const struct style *style, const struct route_filter *filter);
void print_lost(const struct style *style, __u64 number);

void print_counts(const struct style *style, const struct route_counts *counts);
void print_flushed(const struct style *style, __u64 count);

#endif
