// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a message costs between two sides in user space, each on a processor of
 * its own. Writes one JSON object per line; what they mean is said in
 * report_native.py.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

#define NSEC_PER_SEC	1000000000ULL
#define SAMPLES_MAX	64

/* A burst lasts at least as long, and a measurement; and quick ones. */
#define NSEC_BURST		1000000ULL
#define NSEC_PASS		12000000ULL
#define NSEC_BURST_QUICK	250000ULL
#define NSEC_PASS_QUICK		1500000ULL
#define BURST_MIN		64
/* Of a burst so many round trips are timed together. */
#define ROUND_TRIPS		16
#define COSTS_MAX		4096
/* By so many round trips the distance is measured, in parts. */
#define DISTANCE_TRIPS		32
#define DISTANCE_PARTS		8
/* Two distances that differ more than that are two. */
#define SAME_DISTANCE		1.25
/* Whoever hangs is ended, and not waited for. */
#define SECONDS_MOST		30

#define MAPPINGS_MAX		8
#define COUNTED			8192

enum metric {
	COST,			/* ns of one message */
	SYSCALLS,
	WAKEUPS,
	DISTANCE,		/* of the two processors meanwhile: ns */
	METRICS,
};

/* All measurements of one cell of one subject. */
struct samples {
	int number;
	double of[METRICS][SAMPLES_MAX];
	uint64_t lost;
};

enum order {
	EXCHANGE,
	ANSWER,			/* @back is to be what @there is */
	END,
};

/* What the near side tells the far side to do, and what that has done. */
struct orders {
	enum order order;
	uint64_t burst;		/* of so many messages */
	uint64_t given;		/* number of the order */

	uint64_t done __attribute__((aligned(128)));
	uint64_t there __attribute__((aligned(128)));
	uint64_t back __attribute__((aligned(128)));

	uint64_t attached __attribute__((aligned(128)));
	uint64_t wrong;
	uint64_t syscalls;
	uint64_t sleeps;
};

static const struct cell cells[] = {
	{ STREAM, 64, 1 },
	{ STREAM, 64, 16 },
	{ STREAM, 64, 32 },
	{ STREAM, 64, 64 },
	{ STREAM, 1024, 1 },
	{ STREAM, 1024, 32 },
	{ STREAM_BY_CALL, 64, 1 },
	{ STREAM_BY_CALL, 64, 32 },
	{ STREAM_IN_PLACE, 64, 1 },
	{ STREAM_IN_PLACE, 1024, 1 },
	{ ROUND_TRIP, 24, 1 },
	{ ROUND_TRIP, 64, 1 },
	{ ROUND_TRIP, 1024, 1 },
	{ ROUND_TRIP_ASLEEP, 64, 1 },
	{ ROUND_TRIP_ONE_CPU, 64, 1 },
};

#define CELLS	(sizeof(cells) / sizeof(cells[0]))

static const char *const direction_names[KINDS] = {
	[STREAM] = "one-way",
	[STREAM_IN_PLACE] = "one-way-in-place",
	[STREAM_BY_CALL] = "one-way-by-call",
	[ROUND_TRIP] = "echo",
	[ROUND_TRIP_ASLEEP] = "echo-asleep",
	[ROUND_TRIP_ONE_CPU] = "echo-one-cpu",
};

struct cell cell;
uint64_t outgoing[SIDES][AHEAD][(SIZE_MAX_BYTES + CACHE_LINE) / 8]
	__attribute__((aligned(128)));
uint64_t incoming[SIDES][SIZE_MAX_BYTES / 8] __attribute__((aligned(128)));
uint64_t syscalls;

static int passes;
static bool quick;
static const char *wanted_subjects;
static int cpus[SIDES];
static bool real_time = true;

static const struct subject *subject;
static struct orders *orders;

static struct {
	void *address;
	size_t size;
} mappings[MAPPINGS_MAX];
static int mappings_number;

void die(const char *what, int err)
{
	fprintf(stderr, "bench-native: %s: %s\n", what, strerror(err));
	exit(1);
}

const char *reason(const char *what, int err)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(err));
	return text;
}

/* ---- for subjects */

static void number_messages(void)
{
	uint64_t side, i;

	for (side = 0; side < SIDES; side++) {
		for (i = 0; i < AHEAD; i++)
			*to_send(side, i) = i;
	}
}

bool fits_busy(const struct cell *wanted)
{
	return (wanted->kind == STREAM || wanted->kind == ROUND_TRIP) &&
	       wanted->batch == 1;
}

bool fits_batches(const struct cell *wanted)
{
	return wanted->kind <= ROUND_TRIP && wanted->kind != STREAM_BY_CALL;
}

bool fits_kernel(const struct cell *wanted)
{
	return (wanted->kind == STREAM || wanted->kind >= ROUND_TRIP) &&
	       wanted->batch == 1;
}

bool fits_pingpong(const struct cell *wanted)
{
	return wanted->kind >= ROUND_TRIP_ASLEEP;
}

bool sleeps_between(void)
{
	return cell.kind >= ROUND_TRIP_ASLEEP;
}

uint64_t syscalls_counted(enum side side)
{
	(void)side;
	return syscalls;
}

uint64_t syscalls_none(enum side side)
{
	(void)side;
	return 0;
}

static void *remember(void *address, size_t size)
{
	if (address == MAP_FAILED || mappings_number == MAPPINGS_MAX)
		die("mmap", errno);
	mappings[mappings_number].address = address;
	mappings[mappings_number++].size = size;
	return address;
}

void *shared_memory(size_t size)
{
	return remember(mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0),
			size);
}

void *shared_ring(size_t size)
{
	char *address = remember(mmap(NULL, 2 * size, PROT_NONE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
				 2 * size);
	int fd = memfd_create("bench", MFD_CLOEXEC), i;

	if (fd < 0 || ftruncate(fd, size))
		die("memfd", errno);
	for (i = 0; i < 2; i++) {
		if (mmap(address + i * size, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
			 0) == MAP_FAILED)
			die("mmap", errno);
	}
	close(fd);
	return address;
}

static void forget(void)
{
	while (mappings_number) {
		mappings_number--;
		munmap(mappings[mappings_number].address,
		       mappings[mappings_number].size);
	}
}

/* ---- the two sides */

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

static uint64_t sleeps(void)
{
	struct rusage usage;

	getrusage(subject->threads ? RUSAGE_THREAD : RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static void pin(enum side side)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[cell.kind == ROUND_TRIP_ONE_CPU ? NEAR : side], &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity", errno);
}

/* What else there is to do on this processor waits, if that is allowed. */
static void prefer(bool preferred)
{
	struct sched_param priority = { .sched_priority = preferred };

	if (subject->helped || cell.kind == ROUND_TRIP_ONE_CPU)
		return;
	if (real_time && sched_setscheduler(0, preferred ? SCHED_FIFO :
							   SCHED_OTHER,
					    &priority))
		real_time = false;
}

/*
 * Whoever finds only one processor for itself when it attaches does not look
 * before it sleeps: that is for those who are to sleep.
 */
static void take_place(enum side side)
{
	if (sleeps_between())
		pin(side);
	if (subject->attach)
		subject->attach(side);
	pin(side);
}

/* For the other side, which may need this processor. */
static void wait_a_little(void)
{
	if (cell.kind == ROUND_TRIP_ONE_CPU || subject->helped)
		sched_yield();
	else
		relax();
}

static const struct loops *loops(void)
{
	switch (cell.kind) {
	case STREAM_IN_PLACE:
		return subject->in_place;
	case STREAM_BY_CALL:
		return subject->called;
	default:
		return subject->copied;
	}
}

static bool is_stream(void)
{
	return cell.kind < ROUND_TRIP;
}

/* The far side of distance(). */
static void answer(uint64_t trips)
{
	uint64_t i;

	for (i = 1; i <= trips; i++) {
		while (__atomic_load_n(&orders->there, __ATOMIC_ACQUIRE) != i)
			relax();
		__atomic_store_n(&orders->back, i, __ATOMIC_RELEASE);
	}
}

/* Does what it is told, and says what that has cost. */
static void be_far_side(void)
{
	uint64_t number = 0, first = 0, syscalls_before = 0, sleeps_before;
	run_t run;

	take_place(FAR);
	prefer(true);
	run = is_stream() ? loops()->receive : loops()->pong;
	sleeps_before = sleeps();
	if (subject->syscalls)
		syscalls_before = subject->syscalls(FAR);
	__atomic_store_n(&orders->attached, 1, __ATOMIC_RELEASE);
	for (;;) {
		while (__atomic_load_n(&orders->given, __ATOMIC_ACQUIRE) ==
		       number)
			wait_a_little();
		if (orders->order == END)
			break;
		if (orders->order == ANSWER) {
			answer(orders->burst);
		} else {
			orders->wrong += run(first, orders->burst);
			first += orders->burst;
		}
		if (subject->syscalls)
			orders->syscalls = subject->syscalls(FAR) -
					   syscalls_before;
		orders->sleeps = sleeps() - sleeps_before;
		__atomic_store_n(&orders->done, ++number, __ATOMIC_RELEASE);
	}
	if (subject->detach)
		subject->detach(FAR);
}

static void *far_thread(void *unused)
{
	be_far_side();
	return unused;
}

/* The far side, and how to wait for its end. */
static pid_t far_process;
static pthread_t far;

static void start_far_side(void)
{
	if (subject->threads) {
		int err = pthread_create(&far, NULL, far_thread, NULL);

		if (err)
			die("pthread_create", err);
		return;
	}
	far_process = fork();
	if (far_process < 0)
		die("fork", errno);
	if (far_process)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	be_far_side();
	/* What the near side has not written yet is not for this one. */
	_exit(0);
}

static void give_up(const char *why)
{
	dprintf(STDERR_FILENO, "bench-native: %s, direction %s: %s\n",
		subject->name, direction_names[cell.kind], why);
	_exit(1);
}

/* Nobody waits for a side that has died, nor for two that hang. */
static void notice(int signal, siginfo_t *info, void *unused)
{
	(void)unused;
	if (signal == SIGALRM)
		give_up("hangs");
	if (info->si_code != CLD_EXITED || info->si_status)
		give_up("the far side died");
}

static void notice_failures(void)
{
	struct sigaction action = {
		.sa_sigaction = notice,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGCHLD, &action, NULL);
}

static void join_far_side(void)
{
	if (subject->threads)
		pthread_join(far, NULL);
	else if (waitpid(far_process, NULL, 0) < 0)
		die("waitpid", errno);
}

/* ---- measuring */

static void give(enum order order, uint64_t burst)
{
	orders->order = order;
	orders->burst = burst;
	__atomic_store_n(&orders->given, orders->given + 1, __ATOMIC_RELEASE);
}

static void wait_until_done(void)
{
	while (__atomic_load_n(&orders->done, __ATOMIC_ACQUIRE) !=
	       orders->given)
		wait_a_little();
}

/* What is measured of one subject in one pass. */
struct pass {
	uint64_t messages;	/* so far */
	uint64_t wrong;
	double costs[COSTS_MAX];
	size_t costs_number;
};

static void add_cost(struct pass *pass, uint64_t start, uint64_t count)
{
	if (pass->costs_number < COSTS_MAX)
		pass->costs[pass->costs_number++] =
			(double)(now() - start) / count;
}

static void stream(struct pass *pass, uint64_t count)
{
	uint64_t start = now();

	pass->wrong += loops()->send(pass->messages, count);
	wait_until_done();
	add_cost(pass, start, count);
}

static void ping(struct pass *pass, uint64_t count)
{
	uint64_t i, start;

	for (i = 0; i < count; i += ROUND_TRIPS) {
		start = now();
		pass->wrong += loops()->ping(pass->messages + i, ROUND_TRIPS);
		add_cost(pass, start, ROUND_TRIPS);
	}
	wait_until_done();
}

/* Returns what it took in all. */
static uint64_t exchange(struct pass *pass, uint64_t count)
{
	uint64_t start = now();

	give(EXCHANGE, count);
	if (is_stream())
		stream(pass, count);
	else
		ping(pass, count);
	pass->messages += count;
	return now() - start;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, size_t number)
{
	qsort(values, number, sizeof(*values), ascending);
	return number % 2 ? values[number / 2] :
	       (values[number / 2 - 1] + values[number / 2]) / 2;
}

static uint64_t syscalls_of_both(void)
{
	return subject->syscalls ?
	       subject->syscalls(NEAR) + orders->syscalls : 0;
}

/*
 * How far the two processors are from each other: what a cache line takes there
 * and back. In a virtual machine that changes from one second to the next, with
 * the processors that it is given: two halves of one, neighbours, or strangers.
 */
static double distance(void)
{
	double costs[DISTANCE_PARTS];
	uint64_t trip = 0, start;
	int part, i;

	if (cell.kind == ROUND_TRIP_ONE_CPU)
		return 0;
	orders->there = 0;
	orders->back = 0;
	give(ANSWER, DISTANCE_TRIPS * DISTANCE_PARTS);
	for (part = 0; part < DISTANCE_PARTS; part++) {
		start = now();
		for (i = 0; i < DISTANCE_TRIPS; i++) {
			__atomic_store_n(&orders->there, ++trip,
					 __ATOMIC_RELEASE);
			while (__atomic_load_n(&orders->back,
					       __ATOMIC_ACQUIRE) != trip)
				relax();
		}
		costs[part] = (double)(now() - start) / DISTANCE_TRIPS;
	}
	wait_until_done();
	return median(costs, DISTANCE_PARTS);
}

/* Of a measurement between these two; negative if they are not the same. */
static double distance_between(double before, double after)
{
	if (before > after * SAME_DISTANCE || after > before * SAME_DISTANCE)
		return -1;
	return (before + after) / 2;
}

/*
 * Bursts that last long enough to be timed, one after the other, for a while.
 * Of what they cost the median counts: one during which somebody else had a
 * processor is not what a message takes.
 */
static void measure(struct samples *samples)
{
	static struct pass pass;
	uint64_t count = BURST_MIN / 2, calls, slept, before, end;
	int n = samples->number++;
	double distance_before;

	memset(&pass, 0, sizeof(pass));
	do {
		count *= 2;
	} while (exchange(&pass, count) <
		 (quick ? NSEC_BURST_QUICK : NSEC_BURST));
	distance_before = distance();
	pass.costs_number = 0;
	before = pass.messages;
	calls = syscalls_of_both();
	slept = sleeps() + orders->sleeps;
	end = now() + (quick ? NSEC_PASS_QUICK : NSEC_PASS);
	do {
		exchange(&pass, count);
	} while (now() < end);
	count = pass.messages - before;
	samples->of[COST][n] = median(pass.costs, pass.costs_number);
	samples->of[SYSCALLS][n] =
		(double)(syscalls_of_both() - calls) / count;
	/* There and back are two messages, either of which may wake a side. */
	samples->of[WAKEUPS][n] = (double)(sleeps() + orders->sleeps - slept) /
				  count / (is_stream() ? 1 : 2);
	samples->of[DISTANCE][n] = distance_between(distance_before,
						    distance());
	samples->lost += pass.wrong + orders->wrong;
}

static bool open_subject(void)
{
	const char *why = subject->missing;

	number_messages();
	if (!why && subject->open)
		why = subject->open();
	if (!why)
		return true;
	printf("{\"skipped\": \"%s\", \"reason\": \"%s\"}\n", subject->name,
	       why);
	return false;
}

static void close_subject(void)
{
	if (subject->close)
		subject->close();
	forget();
}

/* One pass of one subject. */
static void measure_subject(struct samples *samples, const cpu_set_t *all)
{
	alarm(SECONDS_MOST);
	if (!open_subject())
		return;
	memset(orders, 0, sizeof(*orders));
	syscalls = 0;
	fflush(stdout);
	start_far_side();
	take_place(NEAR);
	while (!__atomic_load_n(&orders->attached, __ATOMIC_ACQUIRE))
		sched_yield();
	prefer(true);
	measure(samples);
	give(END, 0);
	prefer(false);
	if (subject->detach)
		subject->detach(NEAR);
	join_far_side();
	close_subject();
	if (sched_setaffinity(0, sizeof(*all), all))
		die("sched_setaffinity", errno);
}

/* ---- which measurements count: those that were made at the same distance */

/* The shortest of those that most measurements were made at. */
static double common_distance(const struct samples *samples, size_t number)
{
	size_t s, found = 0, first = 0, best = 0, i;
	double *all = calloc(number * SAMPLES_MAX, sizeof(*all)), common = 0;
	int n;

	if (!all)
		die("distances", ENOMEM);
	for (s = 0; s < number; s++) {
		for (n = 0; n < samples[s].number; n++) {
			if (samples[s].of[DISTANCE][n] > 0)
				all[found++] = samples[s].of[DISTANCE][n];
		}
	}
	qsort(all, found, sizeof(*all), ascending);
	for (i = 0; i < found; i++) {
		while (all[i] > all[first] * SAME_DISTANCE)
			first++;
		if (i - first + 1 > best) {
			best = i - first + 1;
			common = all[first];
		}
	}
	free(all);
	return common;
}

static bool is_at(double distance, double common)
{
	return !distance ||
	       (distance >= common && distance <= common * SAME_DISTANCE);
}

/* Leaves those that count, or all if there are none. Returns how many go. */
static int select_at(struct samples *samples, double common)
{
	int n, kept = 0, metric, all = samples->number;

	for (n = 0; n < all; n++) {
		if (!is_at(samples->of[DISTANCE][n], common))
			continue;
		for (metric = 0; metric < METRICS; metric++)
			samples->of[metric][kept] = samples->of[metric][n];
		kept++;
	}
	if (kept)
		samples->number = kept;
	return all - kept;
}

/* ---- what is written */

static void print(const char *metric, double *values, int number)
{
	double middle = median(values, number);

	printf("{\"subject\": \"%s\", \"metric\": \"%s\", "
	       "\"direction\": \"%s\", \"size\": %u, \"batch\": %u, "
	       "\"median\": %.9g, \"min\": %.9g, \"max\": %.9g, "
	       "\"samples\": %d}\n",
	       subject->name, metric, direction_names[cell.kind], cell.size,
	       cell.batch, middle, values[0], values[number - 1], number);
}

static void print_samples(struct samples *samples)
{
	double lost = samples->lost, *cost = samples->of[COST];
	int n = samples->number, i;

	if (!is_stream())
		print("rtt_ns", cost, n);
	for (i = 0; i < n; i++)
		cost[i] = NSEC_PER_SEC / cost[i];
	if (is_stream())
		print("messages_per_s", cost, n);
	if (subject->syscalls)
		print("syscalls_per_message", samples->of[SYSCALLS], n);
	print("wakeups_per_message", samples->of[WAKEUPS], n);
	print("messages_lost", &lost, 1);
}

/* ---- what is measured */

static bool is_wanted(const struct subject *candidate)
{
	size_t length = strlen(candidate->name);
	const char *at = wanted_subjects;

	while (at) {
		if (!strncmp(at, candidate->name, length) &&
		    (!at[length] || at[length] == ','))
			return true;
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return !wanted_subjects;
}

/* One measurement of each cell of each subject that is wanted. */
static void measure_once(struct samples *samples, const cpu_set_t *all)
{
	size_t c, s;

	for (c = 0; c < CELLS; c++) {
		cell = cells[c];
		for (s = 0; subjects[s]; s++) {
			subject = subjects[s];
			if (is_wanted(subject) && subject->fits(&cell))
				measure_subject(&samples[s * CELLS + c], all);
		}
	}
}

static void write_all(struct samples *samples, size_t number)
{
	double common = common_distance(samples, number);
	int made = 0, left_out = 0;
	size_t i;

	for (i = 0; i < number; i++) {
		if (!samples[i].number)
			continue;
		subject = subjects[i / CELLS];
		cell = cells[i % CELLS];
		made += samples[i].number;
		left_out += select_at(&samples[i], common);
		print_samples(&samples[i]);
	}
	printf("{\"cache_line_ns\": %.0f, \"measurements\": %d, "
	       "\"at_another_distance\": %d}\n", common, made, left_out);
}

/* All of it, and then again: what disturbs for a minute disturbs all alike. */
static void measure_all(void)
{
	size_t number = 0;
	struct samples *samples;
	cpu_set_t all;
	int pass;

	while (subjects[number])
		number++;
	number *= CELLS;
	samples = calloc(number, sizeof(*samples));
	if (!samples)
		die("samples", ENOMEM);
	if (sched_getaffinity(0, sizeof(all), &all))
		die("sched_getaffinity", errno);
	for (pass = 0; pass < passes; pass++)
		measure_once(samples, &all);
	write_all(samples, number);
	free(samples);
}

static void *attach_far(void *unused)
{
	subject->attach(FAR);
	return unused;
}

/* Whoever counts instructions counts those in here. */
static __attribute__((noipa)) uint64_t count_messages(uint64_t first,
						      uint64_t count)
{
	return loops()->both(first, count);
}

/* One thread is both sides of the subject that is wanted. */
static void run_alone(enum kind kind)
{
	size_t s = 0;

	cell = (struct cell){ kind, 64, 1 };

	while (subjects[s] && !(subjects[s]->alone && is_wanted(subjects[s])))
		s++;
	subject = subjects[s];
	if (!subject)
		die(wanted_subjects, ENOENT);
	if (!open_subject())
		return;
	if (subject->attach) {
		pthread_create(&far, NULL, attach_far, NULL);
		subject->attach(NEAR);
		pthread_join(far, NULL);
	}
	if (loops()->both(0, COUNTED) ||
	    count_messages(COUNTED, COUNTED))
		die("messages were lost", EPROTO);
	printf("{\"counted\": %d}\n", COUNTED);
}

static void find_processors(void)
{
	cpu_set_t set;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity", errno);
	cpus[NEAR] = -1;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (cpus[NEAR] < 0)
			cpus[NEAR] = cpu;
		cpus[FAR] = cpu;
	}
}

static void usage(FILE *to)
{
	fputs("Usage: bench-native [--quick] [--passes N] [SUBJECT,...]\n"
	      "       bench-native --alone|--alone-by-call SUBJECT\n", to);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "alone", no_argument, NULL, 'a' },
		{ "alone-by-call", no_argument, NULL, 'c' },
		{ "quick", no_argument, NULL, 'q' },
		{ "passes", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	enum kind alone = KINDS;
	uint64_t start;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			alone = STREAM;
			break;
		case 'c':
			alone = STREAM_BY_CALL;
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
	wanted_subjects = argv[optind];
	if (!passes)
		passes = quick ? 2 : 11;
	if (passes < 1 || passes > SAMPLES_MAX ||
	    (alone != KINDS && !wanted_subjects)) {
		usage(stderr);
		return 2;
	}
	find_processors();
	if (alone != KINDS) {
		run_alone(alone);
		return 0;
	}
	if (cpus[NEAR] == cpus[FAR]) {
		puts("{\"skipped\": \"all\", \"reason\": "
		     "\"two sides that never sleep need two processors\"}");
		return 0;
	}
	orders = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (orders == MAP_FAILED)
		die("mmap", errno);
	notice_failures();
	start = now();
	load_begin();
	measure_all();
	printf("{\"scheduling\": \"%s\", \"cpus\": \"%d and %d\"}\n",
	       real_time ? "real-time" : "normal", cpus[NEAR], cpus[FAR]);
	load_end((double)(now() - start) / NSEC_PER_SEC);
	return 0;
}
