/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_INTERRUPT_H
#define KUCOMMS_ROUTE_INTERRUPT_H

#include <linux/types.h>

/*
 * From now on SIGINT and SIGTERM, unless they are ignored, end the process as
 * ever, but not before it has said how far it was: @line is that of the last
 * request, @answered how many have been answered. Both may change meanwhile, in
 * any thread, atomically. NULL: there is one request, without an answer yet.
 */
void interrupt_begin(const __u64 *line, const __u64 *answered);

/* They end it silently again. */
void interrupt_end(void);

#endif
