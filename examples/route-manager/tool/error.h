/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_ERROR_H
#define KUCOMMS_ROUTE_ERROR_H

/* Exit status beside 0 and EXIT_FAILURE: the command is invalid. */
#define EXIT_USAGE	2

/*
 * Prints "kucomms-route: ..." to stderr, after flushing stdout. Characters that
 * could disturb a terminal are escaped. Any thread may call this.
 */
__attribute__((format(printf, 1, 2)))
void report(const char *format, ...);

/* Prints what to do next, on a line of its own. */
__attribute__((format(printf, 1, 2)))
void hint(const char *format, ...);

/* Returns the name of an errno, such as "EEXIST". */
const char *error_name(int error);

#endif
