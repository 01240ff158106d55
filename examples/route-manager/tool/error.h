/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_ERROR_H
#define KUCOMMS_ROUTE_ERROR_H

/* Beside 0 and 1 (EXIT_FAILURE, it failed): the command makes no sense. */
#define EXIT_USAGE	2

/*
 * "kucomms-route: ..." on stderr, after what is on its way to stdout. What
 * could disturb a terminal is escaped. May be called by any thread.
 */
__attribute__((format(printf, 1, 2)))
void report(const char *format, ...);

/* One next step, on a line below that. */
__attribute__((format(printf, 1, 2)))
void hint(const char *format, ...);

/* "EEXIST" and the like. */
const char *error_name(int error);

#endif
