// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a message costs: to the kernel, from it, and there and back, in every
 * way that there is on this machine. Writes one JSON object per line; what they
 * mean is said in report.py.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define SAMPLES_MAX		32
#define OUTPUT_MAX		(1u << 20)
#define NSEC_PER_SEC		1000000000ULL

/* A measurement of time lasts at least as long; a quick one; and at most. */
#define NSEC_LEAST		10000000ULL
#define NSEC_LEAST_QUICK	2000000ULL
#define NSEC_MOST		150000000ULL
/* So many in all show that none is lost, and that a count is exactly 0. */
#define MESSAGES_FOR_SURE	100000ULL
/* Instructions need no more: each message takes as many as any other. */
#define MESSAGES_COUNTED	2048ULL
#define MESSAGES_COUNTED_LONG	256ULL

/* What is timed together, and of how many such parts there is a median. */
#define ROUND_TRIPS		16
#define RINGFULS		4
#define PARTS_MIN		4
#define PARTS_MAX		65536

/* The kernel frees what was closed within that time. */
#define USEC_TO_SETTLE		50000

enum metric {
	COST,			/* of one message: ns, or instructions */
	SYSCALLS,
	WAKEUPS,
	METRICS,
};

/* All measurements of one cell of one subject. */
struct samples {
	int number;
	double of[METRICS][SAMPLES_MAX];
	uint64_t lost;
};

struct settings settings;
struct cell cell;
uint64_t sequence, disordered, syscalls;

static const char *const direction_names[DIRECTIONS] = {
	[ECHO] = "echo",
	[TO_KERNEL] = "to-kernel",
	[TO_USER] = "to-user",
};

static const uint32_t sizes[] = { 64, 1024, 65536 };
static const uint32_t batches[] = { 1, 16, 64 };

static int passes;
static const char *wanted_subjects;
static bool quick;

void die(const char *what, int err)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(err));
	exit(1);
}

const char *reason(const char *what, int err)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(err));
	return text;
}

uint32_t ring_size(void)
{
	uint32_t least = (cell.batch + 1) * bench_ring_record(cell.size);
	uint32_t size = 128 * 1024;

	while (size < least)
		size *= 2;
	return size;
}

void *buffer(size_t size)
{
	/* Whole pages, and touched, so that no fault is measured. */
	void *memory = aligned_alloc(4096, (size + 4095) / 4096 * 4096);

	if (!memory)
		die("no memory", ENOMEM);
	return memset(memory, 0, size);
}

static uint64_t whole_batches(uint64_t count)
{
	return (count + cell.batch - 1) / cell.batch * cell.batch;
}

uint64_t now(void)
{
	struct timespec time;

	if (settings.instructions)
		return __builtin_ia32_rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

static uint64_t syscalls_of(const struct subject *subject)
{
	return subject->syscalls ? subject->syscalls() : syscalls;
}

static uint64_t wakeups_of(const struct subject *subject)
{
	struct rusage usage;

	if (subject->wakeups)
		return subject->wakeups();
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

/* Of @sent messages: how many did not come, or not in their turn. */
static uint64_t lost_of(const struct subject *subject, uint64_t sent,
			struct bench_count sum)
{
	uint64_t missing;

	if (cell.direction != TO_KERNEL || !subject->count)
		return disordered;
	missing = sent > sum.received ? sent - sum.received :
					sum.received - sent;
	return missing > sum.lost ? missing : sum.lost;
}

/* The numbers begin at 0 again, on both sides. */
static struct bench_count begin_anew(const struct subject *subject)
{
	struct bench_count sum = { 0 };

	if (subject->count)
		sum = subject->count();
	sequence = 0;
	return sum;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double median(double *values, size_t number)
{
	qsort(values, number, sizeof(*values), ascending);
	return number % 2 ? values[number / 2] :
	       (values[number / 2 - 1] + values[number / 2]) / 2;
}

/* So many messages are timed together. */
static uint64_t part(void)
{
	uint64_t messages = ROUND_TRIPS;

	/* So many that what the ring takes up at first hardly matters. */
	if (cell.direction != ECHO)
		messages = RINGFULS * (uint64_t)ring_size() /
			   bench_ring_record(cell.size);
	return whole_batches(messages);
}

/*
 * Exchanges messages and returns what one takes: the median of many parts. One
 * during which somebody else had a processor is not what a message takes, and
 * makes it look a thousand times as slow if both sides look all the time.
 * Returns 0 if there are too few: then it is what all of them take. What cannot
 * be done in a while is left in @count.
 */
static double exchange(const struct subject *subject, uint64_t *count)
{
	static double costs[PARTS_MAX];
	uint64_t size = part(), end = now() + NSEC_MOST, start;
	size_t number = 0;

	if (settings.instructions || *count < PARTS_MIN * size) {
		subject->run[cell.direction](*count);
		*count = 0;
		return 0;
	}
	do {
		if (size > *count)
			size = *count;
		start = now();
		subject->run[cell.direction](size);
		*count -= size;
		if (number < PARTS_MAX)
			costs[number++] = (double)(now() - start) / size;
	} while (*count && now() < end);
	return median(costs, number);
}

/* Measures @count messages of an open subject; returns what they took. */
static uint64_t measure(const struct subject *subject, uint64_t count,
			struct samples *samples)
{
	uint64_t calls, wakeups, start, end, left = count, sent;
	struct bench_count sum = { 0 };
	int n = samples->number++;
	double cost;

	begin_anew(subject);
	disordered = 0;
	if (subject->begin)
		subject->begin(count);
	wakeups = wakeups_of(subject);
	calls = syscalls_of(subject);
	start = now();
	cost = exchange(subject, &left);
	/* Now the other side has all of it. */
	if (subject->deferred)
		sum = begin_anew(subject);
	end = now();
	calls = syscalls_of(subject) - calls;
	wakeups = wakeups_of(subject) - wakeups;
	count -= left;
	sent = count;
	/* What has begun comes to an end. */
	if (subject->begin && left) {
		subject->run[cell.direction](left);
		sent += left;
	}
	if (!subject->deferred)
		sum = begin_anew(subject);
	samples->lost += lost_of(subject, sent, sum);
	samples->of[COST][n] = cost ? cost : (double)(end - start) / count;
	samples->of[SYSCALLS][n] = (double)calls / count;
	/* There and back are two messages, either of which may wake a side. */
	samples->of[WAKEUPS][n] = (double)wakeups / count /
				  (cell.direction == ECHO ? 2 : 1);
	return end - start;
}

void settle(void)
{
	if (settings.instructions)
		usleep(USEC_TO_SETTLE);
}

static bool open_subject(const struct subject *subject)
{
	const char *why = subject->open(subject, &cell);

	settle();
	if (!why)
		return true;
	printf("{\"skipped\": \"%s\", \"reason\": \"%s\"}\n", subject->name,
	       why);
	return false;
}

/* How many messages of an open subject take long enough to measure. */
static uint64_t calibrate(const struct subject *subject)
{
	uint64_t count = cell.batch, least = 0;
	struct samples samples;

	if (settings.instructions)
		return cell.size > 4096 ? MESSAGES_COUNTED_LONG :
					  MESSAGES_COUNTED;
	do {
		count *= 2;
		samples.number = 0;
	} while (measure(subject, count, &samples) <
		 (quick ? NSEC_LEAST_QUICK : NSEC_LEAST));
	/* Two threads that run at the same time, in a ring between them. */
	if (subject->deferred || subject->begin) {
		least = PARTS_MIN * part();
		if (cell.size == sizes[0] && least < MESSAGES_FOR_SURE / passes)
			least = MESSAGES_FOR_SURE / passes + 1;
	}
	return count > least ? count : whole_batches(least);
}

/* ---- what is written */

static void print(const struct subject *subject, const char *metric,
		  double *values, int number)
{
	double middle = median(values, number);

	printf("{\"subject\": \"%s\", \"metric\": \"%s\", \"direction\": \"%s\", "
	       "\"size\": %u, \"batch\": %u, \"median\": %.9g, \"min\": %.9g, "
	       "\"max\": %.9g, \"samples\": %d}\n",
	       subject->name, metric, direction_names[cell.direction],
	       cell.size, cell.batch, middle, values[0], values[number - 1],
	       number);
}

static void print_times(const struct subject *subject, double *cost, int number)
{
	int i;

	if (cell.direction == ECHO && cell.batch == 1)
		print(subject, "rtt_ns", cost, number);
	for (i = 0; i < number; i++)
		cost[i] = NSEC_PER_SEC / cost[i];
	print(subject, "messages_per_s", cost, number);
}

static void print_samples(const struct subject *subject,
			  struct samples *samples)
{
	double lost = samples->lost, *cost = samples->of[COST];
	int n = samples->number;

	if (settings.instructions)
		print(subject, "instructions_per_message", cost, n);
	else
		print_times(subject, cost, n);
	print(subject, "syscalls_per_message", samples->of[SYSCALLS], n);
	print(subject, "wakeups_per_message", samples->of[WAKEUPS], n);
	print(subject, "messages_lost", &lost, 1);
}

/* ---- what is measured */

static bool is_wanted(const struct subject *subject)
{
	size_t length = strlen(subject->name);
	const char *at = wanted_subjects;

	while (at) {
		if (!strncmp(at, subject->name, length) &&
		    (!at[length] || at[length] == ','))
			return true;
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return !wanted_subjects;
}

static bool fits(const struct subject *subject)
{
	return is_wanted(subject) && subject->run[cell.direction] &&
	       !(subject->busy && settings.instructions) &&
	       (!subject->fits || subject->fits(&cell));
}

/* One measurement of each subject after the other, and then again. */
static void measure_cell(struct samples *samples, uint64_t *counts)
{
	size_t i;
	int pass;

	for (i = 0; subjects[i]; i++) {
		counts[i] = 0;
		memset(&samples[i], 0, sizeof(samples[i]));
	}
	for (pass = 0; pass < passes; pass++) {
		for (i = 0; subjects[i]; i++) {
			struct samples warm_up = { 0 };

			if (!fits(subjects[i]) || (pass && !counts[i]) ||
			    !open_subject(subjects[i]))
				continue;
			if (!pass)
				counts[i] = calibrate(subjects[i]);
			measure(subjects[i],
				whole_batches(counts[i] / 8 + 1), &warm_up);
			measure(subjects[i], counts[i], &samples[i]);
			subjects[i]->close();
		}
	}
	for (i = 0; subjects[i]; i++) {
		if (samples[i].number)
			print_samples(subjects[i], &samples[i]);
	}
}

static void measure_all(void)
{
	uint64_t counts[64];
	size_t number = 0, s, b;
	struct samples *samples;

	while (subjects[number])
		number++;
	samples = calloc(number, sizeof(*samples));
	if (!samples || number > sizeof(counts) / sizeof(counts[0]))
		die("subjects", ENOMEM);
	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (b = 0; b < sizeof(batches) / sizeof(batches[0]); b++) {
			cell.size = sizes[s];
			cell.batch = batches[b];
			for (cell.direction = ECHO; cell.direction < DIRECTIONS;
			     cell.direction++)
				measure_cell(samples, counts);
		}
	}
	free(samples);
}

static void pin(void)
{
	cpu_set_t set;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity", errno);
	settings.near_cpu = -1;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (settings.near_cpu < 0)
			settings.near_cpu = cpu;
		settings.far_cpu = cpu;
	}
	CPU_ZERO(&set);
	CPU_SET(settings.near_cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity", errno);
}

static void usage(FILE *to)
{
	fputs("Usage: bench [--instructions] [--quick] [--passes N] [SUBJECT,...]\n",
	      to);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "instructions", no_argument, NULL, 'i' },
		{ "quick", no_argument, NULL, 'q' },
		{ "passes", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'i':
			settings.instructions = true;
			break;
		case 'q':
			quick = true;
			break;
		case 'p':
			passes = atoi(optarg);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (!passes)
		passes = quick ? 1 : settings.instructions ? 5 : 7;
	if (passes < 1 || passes > SAMPLES_MAX) {
		usage(stderr);
		return 2;
	}
	wanted_subjects = argv[optind];
	/* The reader must have nothing to do before all is measured. */
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_MAX);
	if (mlockall(MCL_CURRENT))
		die("mlockall", errno);
	pin();
	measure_all();
	if (!wanted_subjects)
		measure_channels(quick ? 256 : 4096, quick ? 1 : 10);
	return 0;
}
