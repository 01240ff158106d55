// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others do with the processors meanwhile.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "native.h"

/* Seconds of all processors together, since the machine was started. */
struct load {
	double busy;		/* by anybody in this machine */
	double stolen;		/* by other machines on the same processors */
	double own;		/* by this program */
};

static struct load before;

static double seconds(const struct timeval *time)
{
	return time->tv_sec + time->tv_usec / 1e6;
}

static double own(void)
{
	static const int of[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	struct rusage usage;
	double sum = 0;
	int i;

	for (i = 0; i < 2; i++) {
		getrusage(of[i], &usage);
		sum += seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
	}
	return sum;
}

static struct load load_now(void)
{
	/* user, nice, system, idle, waiting, interrupts (2), stolen */
	unsigned long long ticks[8] = { 0 };
	double second = sysconf(_SC_CLK_TCK);
	struct load load = { .own = own() };
	FILE *file = fopen("/proc/stat", "re");

	if (!file)
		return load;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu",
		   &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4],
		   &ticks[5], &ticks[6], &ticks[7]) == 8) {
		load.busy = (ticks[0] + ticks[1] + ticks[2] + ticks[5] +
			     ticks[6]) / second;
		load.stolen = ticks[7] / second;
	}
	fclose(file);
	return load;
}

void load_begin(void)
{
	before = load_now();
}

void load_end(double elapsed)
{
	struct load after = load_now();
	double others = after.busy - before.busy - (after.own - before.own);

	printf("{\"seconds\": %.1f, \"others_cpus\": %.2f, "
	       "\"stolen_cpus\": %.2f}\n", elapsed,
	       others > 0 ? others / elapsed : 0,
	       (after.stolen - before.stolen) / elapsed);
}
