/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_INTERRUPT_H
#define KUCOMMS_ROUTE_INTERRUPT_H

#include <linux/types.h>

/*
 * From now on SIGINT and SIGTERM, unless they are ignored, have the process
 * print how far it has come before they end it: @line is the line of the last
 * request, @answered the number of answers. Any thread may change both,
 * atomically. NULL: there is one request, without an answer yet.
 */
void interrupt_begin(const __u64 *line, const __u64 *answered);

/* From now on the signals end the process without a message. */
void interrupt_end(void);

#endif
