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

	t_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
}

static void take(struct kucomms_channel *channel, __u64 type)
{
	struct kucomms_message message;

	t_equal(kucomms_receive_copy(channel, &message, NULL, 0, -1), 0);
	t_equal(message.type, type);
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

	t_equal(pthread_create(&thread, NULL, meet, slow), 0);
	while (t_report(quick).running < 2)
		;
	for (i = 0; i < ECHOES; i++)
		t_equal(t_echo(quick, "not slowed down"), 0);
	/* The slow one is still in its handler, or this would never return. */
	meet(quick);
	t_equal(pthread_join(thread, NULL), 0);
	t_assert(t_report(quick).together >= 2);
	kucomms_close(slow);
	kucomms_close(quick);
}

static void *call(void *arg)
{
	int i, j;

	for (i = 0; i < CALLS; i += 100) {
		struct kucomms_channel *channel = t_open(arg, 4096, 4096);

		for (j = 0; j < 100; j++)
			t_equal(t_echo(channel, "together"), 0);
		kucomms_close(channel);
	}
	return NULL;
}

/* Clients come, call and go, all at once. */
static void check_clients(const char *device)
{
	pthread_t threads[CLIENTS];
	int i;

	for (i = 0; i < CLIENTS; i++)
		t_equal(pthread_create(&threads[i], NULL, call,
				       (void *)device), 0);
	for (i = 0; i < CLIENTS; i++)
		t_equal(pthread_join(threads[i], NULL), 0);
}

static volatile bool ringing;

static void *ring(void *arg)
{
	while (ringing)
		t_assert(raw_ring(arg) >= 0);
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
		t_equal(pthread_create(&threads[i], NULL, ring, &raw), 0);
	for (i = 0; i < CALLS; i++) {
		raw_send(&raw, i % 64 < 4 ? TEST_SLOW : TEST_ECHO, (__u64)i);
		if (i % 4 != 3)
			continue;
		for (j = i - 3; j <= i; j++) {
			while (!kucomms_consumer_receive(&raw.in, &message,
							 &data))
				;
			t_equal(message.id, j);
		}
		kucomms_consumer_release(&raw.in);
		kucomms_consumer_tell(&raw.in);
	}
	ringing = false;
	for (i = 0; i < 2; i++)
		t_equal(pthread_join(threads[i], NULL), 0);
	raw_close(&raw);
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
	t_equal(report.overlaps, 0);
	t_equal(report.connects, report.disconnects + 1);
	kucomms_close(channel);
}

int main(void)
{
	int i;

	t_device("kucomms_parallel");
	check_device("kucomms_parallel");
	t_equal(t_remove("kucomms_parallel"), 0);

	if (sysconf(_SC_NPROCESSORS_ONLN) == 1) {
		printf("not in two threads: there is one CPU\n");
		return 0;
	}
	t_device("kucomms_pinned");
	check_device("kucomms_pinned");
	for (i = 0; i < T_MODES; i++) {
		t_equal(t_adjust("kucomms_pinned", "dispatch", t_modes[i]), 0);
		t_assert(t_reads("kucomms_pinned", "dispatch", t_modes[i]));
		check_device("kucomms_pinned");
	}
	t_equal(t_remove("kucomms_pinned"), 0);
	return 0;
}
