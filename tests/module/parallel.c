// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoints whose handlers may run at the same time, for different channels:
 * they do, for one channel they do not, and nobody waits for another client's
 * handler.
 */
#include <pthread.h>

#include "raw.h"

#define ECHOES 500
#define CLIENTS 4
#define CALLS 3000

static void ask(struct kucomms_channel *channel, __u64 type)
{
	struct kucomms_message message = { .type = type };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
}

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
	ask(arg, TEST_MEET);
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

static void late(const char *how)
{
	assert_int_equal(t_write("/sys/module/kucomms_test/parameters/late",
				 how, 1), 0);
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
	late("0");
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

	late("2");
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

	ask(closing.channel, TEST_MEET);
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

int main(void)
{
	int i;

	t_device("kucomms_parallel");
	t_device("kucomms_late");
	check_device("kucomms_parallel");
	check_unregister("kucomms_parallel");
	assert_int_equal(t_remove("kucomms_late"), 0);
	assert_int_equal(t_remove("kucomms_parallel"), 0);

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
