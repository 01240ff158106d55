/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_MEASUREMENT_H
#define KUCOMMSCTL_MEASUREMENT_H

#include <json-c/json.h>

#include "echo.h"
#include "name.h"

/**
 * struct load - what is to be measured
 * @size:   bytes of data in each message
 * @batch:  how many messages are published at a time
 * @window: how many are on their way at most; 1: one round trip at a time
 */
struct load {
	uint32_t size;
	uint32_t batch;
	uint32_t window;
};

/**
 * struct measurement - what messages cost, there and back
 * @load:      of what kind they were
 * @messages:  how many went there and came back
 * @ns:        how long that took
 * @times:     what each took, if they went one at a time
 * @syscalls:  system calls of this process, to ring and to wait
 * @wakeups:   of processes and of the endpoint's threads, on the whole device;
 *             negative: not known
 * @cpu_ns:    CPU time of this process, handlers that ran in it included
 */
struct measurement {
	struct load load;
	uint64_t messages;
	uint64_t ns;
	struct histogram times;
	uint64_t syscalls;
	int64_t wakeups;
	uint64_t cpu_ns;
};

/*
 * Measures for @seconds, after a tenth of that which does not count; the load
 * is the caller's to set. Fails as the functions of echo.h.
 */
int measure(struct measurement *measurement, struct echo *echo,
	    const struct device_name *name, double seconds);

/* A line of the table, the line of titles, and the same for machines. */
void print_titles(void);
void print_measurement(const struct measurement *measurement);
struct json_object *json_from_measurement(const struct measurement *measurement);

#endif
