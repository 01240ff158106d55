// SPDX-License-Identifier: MIT
/*
 * kucommsctl bench
 */
#include <errno.h>
#include <kucomms/ring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "channel.h"
#include "device.h"
#include "error.h"
#include "measurement.h"

#define WHAT		"measure NAME"

/* A user who waits longer than this is told what for. */
#define PATIENCE_S	2

/**
 * struct bench - measurements of a device
 * @sizes:     of messages
 * @all_sizes: one that the rings have no room for is an error
 * @batches:   sizes of batches
 * @seconds:   for each measurement
 * @ring_size: 0: what the device thinks best
 * @json:      results are printed as JSON, all at the end
 * @loads:     what is measured, one after the other
 */
struct bench {
	struct device_name name;
	struct size_list sizes;
	bool all_sizes;
	struct size_list batches;
	double seconds;
	uint32_t ring_size;
	bool json;
	struct echo echo;
	struct load loads[LIST_MAX * (LIST_MAX + 1)];
	int count;
};

static const struct problem problems[] = {
	{ ETIMEDOUT, EXIT_TIMEOUT,
	  "the module behind it has not answered the first message within a "
	  "second",
	  "bench needs a module that sends every message back; perhaps NAME "
	  "does so with a certain --type" },
	{ EBADMSG, EXIT_FAILURE, "what comes back is not what was sent",
	  "bench needs a module that sends every message back; perhaps NAME "
	  "does so with a certain --type" },
	{ 0, EXIT_FAILURE, NULL, "look into the kernel's log: dmesg" }
};

static int report_echo(const struct bench *bench, int error)
{
	if (error == EBADMSG || (error == ETIMEDOUT && !bench->echo.received))
		return report(problems, error, WHAT, short_name(&bench->name));
	return report_message(&bench->name, error, WHAT);
}

static int report_too_long(const struct bench *bench, uint32_t length_max)
{
	char explanation[64];
	const struct problem problem = {
		EMSGSIZE, EXIT_FAILURE, explanation,
		"choose a smaller --size or a greater --ring-size"
	};

	snprintf(explanation, sizeof(explanation),
		 "a message may have %u bytes here", length_max);
	return report_problem(&problem, WHAT, short_name(&bench->name));
}

/* Round trips, then the batches that there is room for. */
static void plan_size(struct bench *bench, uint32_t size, uint32_t window)
{
	int i;

	bench->loads[bench->count++] = (struct load) { size, 1, 1 };
	for (i = 0; i < bench->batches.count; i++)
		if (window > 1 && bench->batches.sizes[i] <= window)
			bench->loads[bench->count++] = (struct load) {
				size, bench->batches.sizes[i], window
			};
}

static int plan(struct bench *bench)
{
	const uint32_t most = kucomms_channel_length_max(bench->echo.channel);
	uint32_t size;
	int i;

	for (i = 0; i < bench->sizes.count; i++) {
		size = bench->sizes.sizes[i];
		if (size <= most)
			plan_size(bench, size, kucomms_record_after(0, most) /
					       kucomms_record_after(0, size));
		else if (bench->all_sizes)
			return report_too_long(bench, most);
	}
	return EXIT_SUCCESS;
}

static bool progress_wanted(const struct bench *bench)
{
	return bench->count * bench->seconds > PATIENCE_S &&
	       isatty(STDERR_FILENO);
}

static void show_progress(const struct bench *bench, int i)
{
	if (progress_wanted(bench))
		fprintf(stderr, "\r%d of %d: %u bytes, %u at a time ...%10s",
			i + 1, bench->count, bench->loads[i].size,
			bench->loads[i].batch, "");
}

static void clear_progress(const struct bench *bench)
{
	if (progress_wanted(bench))
		fprintf(stderr, "\r%60s\r", "");
}

static int run_loads(struct bench *bench, struct json_object *results)
{
	struct measurement measurement;
	int err, i;

	for (i = 0; i < bench->count && flush_output(); i++) {
		measurement = (struct measurement) { .load = bench->loads[i] };
		show_progress(bench, i);
		err = measure(&measurement, &bench->echo, &bench->name,
			      bench->seconds);
		clear_progress(bench);
		if (err)
			return report_echo(bench, -err);
		if (results) {
			json_object_array_add(results,
					      json_from_measurement(&measurement));
			continue;
		}
		if (i == 0)
			print_titles();
		print_measurement(&measurement);
	}
	return EXIT_SUCCESS;
}

static int run_json(struct bench *bench)
{
	struct json_object *answer = json_answer();
	struct json_object *results = json_object_new_array();
	struct device device;
	int status;

	if (device_read(&device, &bench->name)) {
		json_add_fields(answer, &device.fields[DEVICE_NAME], 1);
		json_add_fields(answer, &device.fields[DEVICE_ENDPOINT], 1);
		json_add_fields(answer, &device.fields[DEVICE_DISPATCH], 1);
		device_free(&device);
	}
	json_object_object_add(answer, "results", results);
	status = run_loads(bench, results);
	if (!status)
		print_json(json_object_get(answer));
	json_object_put(answer);
	return status;
}

static int run_bench(struct bench *bench)
{
	void *data;
	int status;

	status = open_channel(&bench->name, WHAT, bench->ring_size,
			      &bench->echo.channel);
	if (status)
		return status;
	/* Anything but zeros, which a ring may be full of anyway. */
	data = must_have(
		malloc(kucomms_channel_length_max(bench->echo.channel)));
	memset(data, 0x5a, kucomms_channel_length_max(bench->echo.channel));
	bench->echo.data = data;
	status = plan(bench);
	if (!status)
		status = bench->json ? run_json(bench) : run_loads(bench, NULL);
	free(data);
	kucomms_channel_close(bench->echo.channel);
	return status;
}

static void parse_options(const struct command *command, int argc, char **argv,
			  struct bench *bench)
{
	int option;

	while ((option = next_option(command, argc, argv)) != -1) {
		switch (option) {
		case 's':
			bench->sizes = list_argument(command, "--size", optarg,
						     0, KUCOMMS_RING_SIZE_MAX);
			bench->all_sizes = true;
			break;
		case 'b':
			bench->batches = list_argument(command, "--batch",
						       optarg, 1, UINT32_MAX);
			break;
		case 't':
			bench->seconds = seconds_argument(command, "--time",
							  optarg);
			break;
		case 'r':
			bench->ring_size = ring_size_argument(command,
							      "--ring-size",
							      optarg);
			break;
		case 'T':
			bench->echo.message.type =
				number_argument(command, "--type", optarg);
			break;
		case 'J':
			bench->json = true;
			break;
		}
	}
}

static int run(const struct command *command, int argc, char **argv)
{
	struct bench bench = {
		.sizes = { { 64, 1024, 65536 }, 3 },
		.batches = { { 16, 64 }, 2 },
		.seconds = 1,
	};

	parse_options(command, argc, argv, &bench);
	bench.name = next_name(command, argc, argv);
	no_more_arguments(command, argc, argv);
	return run_bench(&bench);
}

static const struct option options[] = {
	{ "batch", required_argument, NULL, 'b' },
	{ "json", no_argument, NULL, 'J' },
	{ "ring-size", required_argument, NULL, 'r' },
	{ "size", required_argument, NULL, 's' },
	{ "time", required_argument, NULL, 't' },
	{ "type", required_argument, NULL, 'T' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

const struct command command_bench = {
	.name = "bench",
	.synopsis = "[-J] [-s N[,N...]] [-b N[,N...]] [-t SECONDS] [-r BYTES] [--type N] NAME",
	.summary = "measure a device whose kernel module echoes",
	.details =
	"Needs a kernel module that sends every message back. For each size the first\n"
	"line is one message at a time, the others are batches, as many as the rings hold\n"
	"on their way. SYSCALLS, WAKEUPS and CPU_NS are for each message there and back.\n"
	"\n"
	"  -b, --batch N[,N...]   messages published at a time (16,64)\n"
	"  -J, --json             as JSON\n"
	"  -r, --ring-size BYTES  of both rings (what the device thinks best)\n"
	"  -s, --size N[,N...]    bytes of data in a message (64,1K,64K)\n"
	"  -t, --time SECONDS     for each line (1)\n"
	"      --type N           goes into the header (0)\n",
	.short_options = ":hb:Jr:s:t:",
	.long_options = options,
	.run = run,
};
