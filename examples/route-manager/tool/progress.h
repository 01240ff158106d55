/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_PROGRESS_H
#define KUCOMMS_ROUTE_PROGRESS_H

#include <linux/types.h>
#include <stdbool.h>

/* Milliseconds after which progress is shown again while nothing is done. */
#define PROGRESS_MS	500

/**
 * struct progress - the progress of a long command
 * @enabled:  progress is shown
 * @visible:  the terminal has a line of progress now
 * @unit:     word for what is counted
 * @done:     units that are done
 * @started:  when the command began, in nanoseconds
 * @next:     when to show progress again, in nanoseconds
 * @size:     bytes to be read; 0: not known
 * @consumed: bytes of @size that have been read; another thread writes it
 */
struct progress {
	bool enabled;
	bool visible;
	const char *unit;
	__u64 done;
	__u64 started;
	__u64 next;
	__u64 size;
	__u64 consumed;
};

/* Progress is shown only if stderr is a terminal and without @quiet. */
void progress_begin(struct progress *progress, const char *unit, bool quiet);

/* Notes how many bytes have been read. */
void progress_consume(struct progress *progress, __u64 bytes);

/* Counts one more unit. */
void progress_step(struct progress *progress);

/* Shows progress if that is due. */
void progress_tick(struct progress *progress);

/* Clears the line, before other output to stderr; it is shown again later. */
void progress_hide(struct progress *progress);

/* Clears the line before output to stdout, which on a terminal is progress. */
void progress_yield(struct progress *progress);

#endif
