// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoints whose handlers may run at the same time, for different channels:
 * they do, for one channel they do not, and nobody waits for another client's
 * handler.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "raw.h"

#define ECHOES 500
#define CLIENTS 4
#define CALLS 3000
#define ROUNDS 10

static void take(struct kucomms_channel *channel, __u64 type)
{
	struct kucomms_message message;

	assert_int_equal(kucomms_receive_copy(channel, &message, NULL, 0, -1),
			 0);
	assert_int_equal(message.type, type);
}

/* Its handler returns when another one is in the same place. */
static void *meet(void *arg)
{
	t_ask(arg, TEST_MEET, 0, 0);
	take(arg, TEST_MEET);
	return NULL;
}

/* One client's handler takes as long as another client likes. */
static void check_slow(const char *device)
{
	struct kucomms_channel *slow = t_open(device, 0, 0);
	struct kucomms_channel *quick = t_open(device, 0, 0);
	pthread_t thread;
	int i;

	assert_int_equal(pthread_create(&thread, NULL, meet, slow), 0);
	while (t_report(quick).running < 2)
		;
	for (i = 0; i < ECHOES; i++)
		assert_int_equal(t_echo(quick, "not slowed down"), 0);
	/* The slow one is still in its handler, or this would never return. */
	meet(quick);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(t_report(quick).together >= 2);
	kucomms_channel_close(slow);
	kucomms_channel_close(quick);
}

static void *call(void *arg)
{
	int i, j;

	for (i = 0; i < CALLS; i += 100) {
		struct kucomms_channel *channel = t_open(arg, 4096, 4096);

		for (j = 0; j < 100; j++)
			assert_int_equal(t_echo(channel, "together"), 0);
		kucomms_channel_close(channel);
	}
	return NULL;
}

/* Clients come, call and go, all at once. */
static void check_clients(const char *device)
{
	pthread_t threads[CLIENTS];
	int i;

	for (i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call,
						(void *)device), 0);
	for (i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static volatile bool ringing;

static void *ring(void *arg)
{
	while (ringing)
		assert_true(raw_ring(arg) >= 0);
	return NULL;
}

/*
 * Two threads ring for one channel: one handler at a time, all in order. Some
 * handlers sleep, so that the next message is there before they return.
 */
static void check_one_channel(const char *device)
{
	struct kucomms_message message = { 0 };
	struct raw raw = raw_open(device, 4096);
	pthread_t threads[2];
	const void *data;
	int i, j;

	ringing = true;
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ring, &raw),
				 0);
	for (i = 0; i < CALLS; i++) {
		raw_send(&raw, i % 64 < 4 ? TEST_SLOW : TEST_ECHO, (__u64)i);
		if (i % 4 != 3)
			continue;
		for (j = i - 3; j <= i; j++) {
			while (!kucomms_consumer_receive(&raw.in, &message,
							 &data))
				;
			assert_int_equal(message.id, j);
		}
		kucomms_consumer_release(&raw.in);
		kucomms_consumer_tell(&raw.in);
	}
	ringing = false;
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	raw_close(&raw);
}

/* Until the thread sleeps for something that no signal ends. */
static void await_sleep(const pid_t *tid)
{
	char path[64], state = 0;
	FILE *file;

	while (!__atomic_load_n(tid, __ATOMIC_ACQUIRE))
		;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", *tid);
	while (state != 'D') {
		file = fopen(path, "r");
		assert_true(file);
		assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
		fclose(file);
	}
}

static void *unregister(void *arg)
{
	__atomic_store_n((pid_t *)arg, gettid(), __ATOMIC_RELEASE);
	t_parameter("late", "0");
	return NULL;
}

/*
 * The module goes while the handler of one client runs, and so waits for that;
 * another client can close meanwhile.
 */
static void check_unregister(const char *device)
{
	struct kucomms_channel *slow, *quick, *other = t_open(device, 0, 0);
	pthread_t meeting, going;
	pid_t tid = 0;

	t_parameter("late", "2");
	slow = t_open("kucomms_late", 0, 0);
	quick = t_open("kucomms_late", 0, 0);
	assert_int_equal(pthread_create(&meeting, NULL, meet, slow), 0);
	while (t_report(quick).running < 2)
		;
	assert_int_equal(pthread_create(&going, NULL, unregister, &tid), 0);
	await_sleep(&tid);
	kucomms_channel_close(quick);
	/* The slow one is still in its handler, or this would never return. */
	meet(other);
	assert_int_equal(pthread_join(meeting, NULL), 0);
	assert_int_equal(pthread_join(going, NULL), 0);
	kucomms_channel_close(slow);
	kucomms_channel_close(other);
}

struct closing {
	struct kucomms_channel *channel;
	pid_t tid;
};

static void *close_it(void *arg)
{
	struct closing *closing = arg;

	__atomic_store_n(&closing->tid, gettid(), __ATOMIC_RELEASE);
	kucomms_channel_close(closing->channel);
	return NULL;
}

/* A client that closes waits for its own handler: others come and go meanwhile. */
static void check_closing(const char *device)
{
	struct closing closing = { .channel = t_open(device, 0, 0) };
	struct kucomms_channel *quick = t_open(device, 0, 0);
	pthread_t thread;
	int i;

	t_ask(closing.channel, TEST_MEET, 0, 0);
	while (t_report(quick).running < 2)
		;
	assert_int_equal(pthread_create(&thread, NULL, close_it, &closing), 0);
	await_sleep(&closing.tid);
	for (i = 0; i < 100; i++)
		kucomms_channel_close(t_open(device, 4096, 4096));
	/* It is still in its handler, or this would never return. */
	meet(quick);
	assert_int_equal(pthread_join(thread, NULL), 0);
	kucomms_channel_close(quick);
}

static void check_device(const char *device)
{
	struct kucomms_channel *channel;
	struct test_report report;

	check_slow(device);
	check_clients(device);
	check_one_channel(device);
	channel = t_open(device, 0, 0);
	report = t_report(channel);
	assert_int_equal(report.overlaps, 0);
	assert_int_equal(report.connects, report.disconnects + 1);
	kucomms_channel_close(channel);
}

/* Whether there was any. */
static bool take_answers(struct raw *raw)
{
	struct kucomms_message message;
	const void *data;

	while (kucomms_consumer_receive(&raw->in, &message, &data) == 1)
		kucomms_consumer_release(&raw->in);
	return kucomms_consumer_tell(&raw->in);
}

/* Handlers that take their time: most of the time it is inside of one. */
static void ring_until_hang_up(int ready)
{
	const struct sched_param param = { .sched_priority = 10 };
	struct raw raw = raw_open("kucomms_late", 4096);
	struct pollfd polled = { .fd = raw.fd, .events = POLLIN };

	assert_int_equal(t_sys(sched_setscheduler(0, SCHED_FIFO, &param)), 0);
	assert_int_equal(write(ready, "r", 1), 1);
	do {
		raw_send(&raw, TEST_SLOW, 0);
		assert_true(raw_ring(&raw) >= 0 || errno == ESHUTDOWN);
	} while (take_answers(&raw));
	/* Lets the other one go on, which is to hang up. */
	assert_int_equal(poll(&polled, 1, t_patience_ms()), 1);
	assert_true(polled.revents & POLLHUP);
	exit(0);
}

/*
 * The client of a parallel endpoint waits for its own turn while disconnect
 * runs, and of two on one CPU a real-time client goes on first: it has the turn
 * before it has been hung up, if the kernel was booted with preempt=full.
 */
static void no_message_after_disconnect(void)
{
	struct kucomms_channel *channel;
	int i, ends[2];
	pid_t pid;
	char byte;

	t_device("kucomms_late");
	for (i = 0; i < ROUNDS; i++) {
		t_parameter("late", "2");
		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0) {
			t_stay_on_first_cpu();
			ring_until_hang_up(ends[1]);
		}
		assert_int_equal(read(ends[0], &byte, 1), 1);
		close(ends[0]);
		close(ends[1]);
		t_stay_on_first_cpu();
		t_parameter("late", "0");
		assert_int_equal(t_wait(pid), 0);
	}
	t_parameter("late", "1");
	channel = t_open("late", 0, 0);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	t_parameter("late", "0");
	assert_int_equal(t_remove("kucomms_late"), 0);
}

int main(void)
{
	int i;

	t_device("kucomms_parallel");
	t_device("kucomms_late");
	check_device("kucomms_parallel");
	check_unregister("kucomms_parallel");
	assert_int_equal(t_remove("kucomms_late"), 0);
	assert_int_equal(t_remove("kucomms_parallel"), 0);
	no_message_after_disconnect();

	if (sysconf(_SC_NPROCESSORS_ONLN) == 1) {
		printf("not in two threads: there is one CPU\n");
		return 0;
	}
	t_device("kucomms_pinned");
	check_device("kucomms_pinned");
	for (i = 0; i < T_MODES; i++) {
		assert_int_equal(t_adjust("kucomms_pinned", "dispatch",
					  t_modes[i]), 0);
		assert_true(t_reads("kucomms_pinned", "dispatch", t_modes[i]));
		check_device("kucomms_pinned");
		if (strcmp(t_modes[i], "adaptive"))
			check_closing("kucomms_pinned");
	}
	assert_int_equal(t_remove("kucomms_pinned"), 0);
	return 0;
}
