// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many channels on one device: what attaching one takes, how much memory it
 * has, and what an echo costs beside so many others; and that they cost nothing
 * while they are idle.
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

#define DEVICE		"bench_adaptive"
#define THREAD_DEVICE	"bench_thread"
#define CHANNELS_MOST	4096
/* Besides those of channels. */
#define FILES		64
#define ECHOES		256
#define SIZE		64
#define RING_SIZE	4096

static struct kucomms_channel *channels[CHANNELS_MOST];
static struct kucomms_channel *sleeper;

/* Returns 0, or an error. */
static int attach(const char *device, struct kucomms_channel **channel)
{
	const struct kucomms_options options = {
		.size = sizeof(options),
		.send_size = RING_SIZE,
		.receive_size = RING_SIZE,
	};

	return kucomms_open(device, &options, channel);
}

static uint64_t number_in(const char *path, const char *form)
{
	unsigned long long value;
	char line[256];
	FILE *file = fopen(path, "re");

	if (!file)
		die(path, errno);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, form, &value) != 1)
			continue;
		fclose(file);
		return value;
	}
	die(path, EPROTO);
}

/* Each processor keeps some of the changes to itself, unless asked. */
static uint64_t free_memory(void)
{
	FILE *file = fopen("/proc/sys/vm/stat_refresh", "we");

	if (file) {
		fputs("1\n", file);
		fclose(file);
	}
	return number_in("/proc/meminfo", "MemFree: %llu kB") * 1024;
}

static uint64_t wakeups(void)
{
	static const char *const devices[] = { DEVICE, THREAD_DEVICE };
	uint64_t sum = 0;
	char path[128];
	int i;

	for (i = 0; i < (sleeper ? 2 : 1); i++) {
		snprintf(path, sizeof(path),
			 "/sys/class/kucomms/kucomms_%s/wakeups", devices[i]);
		sum += number_in(path, "%llu");
		snprintf(path, sizeof(path),
			 "/sys/class/kucomms/kucomms_%s/thread_wakeups",
			 devices[i]);
		sum += number_in(path, "%llu");
	}
	return sum;
}

static double echo(struct kucomms_channel *channel)
{
	struct kucomms_message message = {
		.length = SIZE, .type = BENCH_ECHO,
	};
	char data[SIZE] = "";
	uint64_t start = now();
	int i, err;

	for (i = 0; i < ECHOES; i++) {
		err = kucomms_send(channel, &message, data, 0, -1);
		if (!err)
			err = kucomms_receive_copy(channel, &message, data,
						   sizeof(data), -1);
		if (err)
			die("echo", -err);
	}
	return (double)(now() - start) / ECHOES;
}

/* Attaches channels until there are @end, and writes what that took. */
static void grow(unsigned int begin, unsigned int end)
{
	static double costs[CHANNELS_MOST];
	const char *unit = settings.instructions ? "instructions" : "ns";
	uint64_t memory = free_memory(), start;
	unsigned int i;
	int err;

	for (i = begin; i < end; i++) {
		start = now();
		err = attach(DEVICE, &channels[i]);
		costs[i - begin] = now() - start;
		if (err)
			die("cannot attach to " DEVICE, -err);
	}
	memory -= free_memory();
	settle();
	echo(channels[end - 1]);
	printf("{\"channels\": %u, \"attach_%s\": %.9g, \"echo_%s\": %.9g, "
	       "\"bytes_per_channel\": %.9g}\n", end, unit,
	       median(costs, end - begin), unit, echo(channels[end - 1]),
	       (double)memory / (end - begin));
}

/* Nothing happens on any channel: who is woken nevertheless? */
static void idle(unsigned int number, unsigned int seconds)
{
	uint64_t before = wakeups();

	sleep(seconds);
	printf("{\"idle_channels\": %u, \"seconds\": %u, \"wakeups\": %llu}\n",
	       number, seconds, (unsigned long long)(wakeups() - before));
}

void measure_channels(unsigned int most, unsigned int idle_seconds)
{
	static const struct rlimit files = {
		CHANNELS_MOST + FILES, CHANNELS_MOST + FILES,
	};
	unsigned int number, end, i;

	if (setrlimit(RLIMIT_NOFILE, &files))
		die("setrlimit", errno);
	/* What the first one brings along is not its own. */
	if (attach(DEVICE, &sleeper)) {
		printf("{\"skipped\": \"channels\", \"reason\": \"no device "
		       DEVICE "\"}\n");
		return;
	}
	kucomms_channel_close(sleeper);
	if (attach(THREAD_DEVICE, &sleeper))
		sleeper = NULL;
	for (number = 0; number < most; number = end) {
		end = number ? number * 4 : 64;
		grow(number, end);
	}
	idle(number, idle_seconds);
	kucomms_channel_close(sleeper);
	for (i = 0; i < number; i++)
		kucomms_channel_close(channels[i]);
}
