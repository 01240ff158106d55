// SPDX-License-Identifier: MIT
/*
 * The progress of a long command, on the terminal.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

#define SECOND	1000000000ull

/* Time after which progress is shown. */
#define PATIENCE	(2 * SECOND)

/* A clock that is cheap, and exact to a few milliseconds. */
static __u64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return (__u64)time.tv_sec * SECOND + (__u64)time.tv_nsec;
}

void progress_begin(struct progress *progress, const char *unit, bool quiet)
{
	*progress = (struct progress){
		.enabled = !quiet && isatty(STDERR_FILENO),
		.unit = unit,
	};
	if (!progress->enabled)
		return;
	progress->started = now();
	progress->next = progress->started + PATIENCE;
}

void progress_consume(struct progress *progress, __u64 bytes)
{
	__atomic_store_n(&progress->consumed, progress->consumed + bytes,
			 __ATOMIC_RELAXED);
}

static void show(struct progress *progress, __u64 elapsed)
{
	const __u64 consumed = __atomic_load_n(&progress->consumed,
					       __ATOMIC_RELAXED);
	const double seconds = (double)elapsed / SECOND;

	fprintf(stderr, "\r\033[K%llu %s, %.0f/s", progress->done,
		progress->unit, (double)progress->done / seconds);
	if (consumed && consumed <= progress->size)
		fprintf(stderr, ", %.0f s left", seconds *
			(double)(progress->size - consumed) / (double)consumed);
	fflush(stderr);
	progress->visible = true;
}

void progress_tick(struct progress *progress)
{
	__u64 time;

	if (!progress->enabled)
		return;
	time = now();
	if (time < progress->next)
		return;
	progress->next = time + PROGRESS_MS * (SECOND / 1000);
	show(progress, time - progress->started);
}

void progress_step(struct progress *progress)
{
	progress->done++;
	progress_tick(progress);
}

void progress_hide(struct progress *progress)
{
	if (!progress->visible)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->visible = false;
}

void progress_yield(struct progress *progress)
{
	if (!progress->enabled || !isatty(STDOUT_FILENO))
		return;
	progress_hide(progress);
	progress->enabled = false;
}
