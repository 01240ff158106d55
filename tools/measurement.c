// SPDX-License-Identifier: MIT
/*
 * Measurements of echoes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "device.h"
#include "measurement.h"
#include "output.h"

/* What the library and the module count. */
struct counters {
	uint64_t messages;
	uint64_t syscalls;
	int64_t wakeups;
};

/* A counter of the device; -1 if it has none of that name. */
static int64_t device_counter(const struct device_name *name,
			      enum device_field field)
{
	char *text = read_attribute(device_directory(name).text,
				    device_key(field));
	const int64_t value = text ? strtoll(text, NULL, 10) : -1;

	free(text);
	return value;
}

static int64_t device_wakeups(const struct device_name *name)
{
	const int64_t clients = device_counter(name, DEVICE_WAKEUPS);
	const int64_t threads = device_counter(name, DEVICE_THREAD_WAKEUPS);

	/* A kucomms.ko without this counter has no threads to wake. */
	return clients < 0 || threads < 0 ? clients : clients + threads;
}

static struct counters read_counters(const struct echo *echo,
				     const struct device_name *name)
{
	struct kucomms_channel_stats stats = { .size = sizeof(stats) };

	kucomms_channel_get_stats(echo->channel, &stats);
	return (struct counters) {
		.messages = stats.received,
		.syscalls = stats.doorbells + stats.waits,
		.wakeups = device_wakeups(name),
	};
}

static uint64_t cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return ((uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		1000000 +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)) *
	       1000;
}

static int run_echo(struct measurement *measurement, struct echo *echo,
		    double seconds)
{
	const uint64_t until = now_ns() + (uint64_t)(seconds * 1e9);

	if (measurement->load.window == 1)
		return echo_round_trips(echo, until, &measurement->times);
	return echo_stream(echo, until, measurement->load.batch,
			   measurement->load.window);
}

/* Nothing but the messages lies between the looks at the clocks. */
static int run_timed(struct measurement *measurement, struct echo *echo,
		     double seconds)
{
	const uint64_t cpu = cpu_ns();
	const uint64_t start = now_ns();
	const int err = run_echo(measurement, echo, seconds);

	measurement->ns = now_ns() - start;
	measurement->cpu_ns = cpu_ns() - cpu;
	return err;
}

int measure(struct measurement *measurement, struct echo *echo,
	    const struct device_name *name, double seconds)
{
	struct counters before, after;
	int err;

	echo->message.length = measurement->load.size;
	echo->answered = false;
	err = run_echo(measurement, echo, seconds / 10);
	if (err)
		return err;
	memset(&measurement->times, 0, sizeof(measurement->times));
	before = read_counters(echo, name);
	err = run_timed(measurement, echo, seconds);
	if (err)
		return err;
	after = read_counters(echo, name);

	measurement->messages = after.messages - before.messages;
	measurement->syscalls = after.syscalls - before.syscalls;
	measurement->wakeups = before.wakeups < 0 || after.wakeups < 0 ? -1 :
			       after.wakeups - before.wakeups;
	return 0;
}

static double per_message(const struct measurement *measurement, double what)
{
	return what / (double)measurement->messages;
}

static double per_second(const struct measurement *measurement, double what)
{
	return measurement->ns ? what * 1e9 / (double)measurement->ns : 0;
}

static double messages_per_s(const struct measurement *measurement)
{
	return per_second(measurement, (double)measurement->messages);
}

static double bytes_per_s(const struct measurement *measurement)
{
	return messages_per_s(measurement) * measurement->load.size;
}

#define QUANTILES	3

/* In nanoseconds; false: there are none, the messages went in batches. */
static bool round_trip_times(const struct measurement *measurement,
			     uint64_t *times)
{
	times[0] = measurement->times.least;
	times[1] = histogram_quantile(&measurement->times, 0.5);
	times[2] = histogram_quantile(&measurement->times, 0.99);
	return measurement->times.count;
}

void print_titles(void)
{
	printf("%8s  %5s  %8s  %9s  %8s  %10s  %8s  %8s  %7s  %8s\n", "SIZE",
	       "BATCH", "MIN_NS", "MEDIAN_NS", "P99_NS", "MESSAGES/S", "MB/S",
	       "SYSCALLS", "WAKEUPS", "CPU_NS");
}

void print_measurement(const struct measurement *measurement)
{
	static const int widths[QUANTILES] = { 8, 9, 8 };
	uint64_t times[QUANTILES];
	const bool timed = round_trip_times(measurement, times);
	int i;

	printf("%8" PRIu32 "  %5" PRIu32, measurement->load.size,
	       measurement->load.batch);
	for (i = 0; i < QUANTILES; i++)
		if (timed)
			printf("  %*" PRIu64, widths[i], times[i]);
		else
			printf("  %*s", widths[i], NO_VALUE);
	printf("  %10.0f  %8.1f  %8.4f", messages_per_s(measurement),
	       bytes_per_s(measurement) / 1e6,
	       per_message(measurement, (double)measurement->syscalls));
	if (measurement->wakeups < 0)
		printf("  %7s", NO_VALUE);
	else
		printf("  %7.4f", per_message(measurement,
					      (double)measurement->wakeups));
	printf("  %8.0f\n",
	       per_message(measurement, (double)measurement->cpu_ns));
}

static struct json_object *json_whole(double number)
{
	return json_object_new_uint64((uint64_t)(number + 0.5));
}

static struct json_object *json_ratio(double number)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6f", number);
	return json_object_new_double_s(number, text);
}

struct json_object *json_from_measurement(const struct measurement *measurement)
{
	static const char *const keys[QUANTILES] = {
		"rtt_min_ns", "rtt_median_ns", "rtt_p99_ns"
	};
	struct json_object *row = json_object_new_object();
	uint64_t times[QUANTILES];
	const bool timed = round_trip_times(measurement, times);
	const double syscalls = (double)measurement->syscalls;
	const double wakeups = (double)measurement->wakeups;
	const double cpu = (double)measurement->cpu_ns;
	int i;

	json_object_object_add(row, "size", json_whole(measurement->load.size));
	json_object_object_add(row, "batch", json_whole(measurement->load.batch));
	json_object_object_add(row, "in_flight",
			       json_whole(measurement->load.window));
	json_object_object_add(row, "messages",
			       json_object_new_uint64(measurement->messages));
	for (i = 0; i < QUANTILES; i++)
		json_object_object_add(row, keys[i], timed ?
				       json_object_new_uint64(times[i]) : NULL);
	json_object_object_add(row, "messages_per_s",
			       json_whole(messages_per_s(measurement)));
	json_object_object_add(row, "bytes_per_s",
			       json_whole(bytes_per_s(measurement)));
	json_object_object_add(row, "syscalls_per_message",
			       json_ratio(per_message(measurement, syscalls)));
	json_object_object_add(row, "wakeups_per_message", wakeups < 0 ? NULL :
			       json_ratio(per_message(measurement, wakeups)));
	json_object_object_add(row, "cpu_ns_per_message",
			       json_whole(per_message(measurement, cpu)));
	return row;
}
