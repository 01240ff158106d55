/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_PROGRESS_H
#define KUCOMMS_ROUTE_PROGRESS_H

#include <linux/types.h>
#include <stdbool.h>

/* How often, in milliseconds, it is to be shown though nothing is done. */
#define PROGRESS_MS	500

/**
 * struct progress - how far something that takes long has come
 * @enabled:  somebody may want to see it
 * @visible:  there is a line on the terminal now
 * @unit:     what is counted
 * @done:     how many of them
 * @started:  when it began, in nanoseconds, as @next
 * @next:     when it is shown again
 * @size:     bytes that there are to be read, 0: nobody knows
 * @consumed: bytes of them that have been; written by another thread
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

/* Shown only if stderr is a terminal; @quiet: not even then. */
void progress_begin(struct progress *progress, const char *unit, bool quiet);

/* So many bytes have been read. */
void progress_consume(struct progress *progress, __u64 bytes);

/* One more is done. */
void progress_step(struct progress *progress);

/* Time has passed. */
void progress_tick(struct progress *progress);

/* Something else is to be printed on stderr; later it is shown again. */
void progress_hide(struct progress *progress);

/* Something is to be printed on stdout: on a terminal that is enough to see. */
void progress_yield(struct progress *progress);

#endif
