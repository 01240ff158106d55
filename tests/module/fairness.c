// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients that flood an endpoint, and a quiet one that shares it: how much of
 * the floods is handled while the quiet one waits for each of its answers is
 * bounded by what a turn may take. In every mode of dispatch.
 */
#include <pthread.h>

#include "flood.h"

#define FLOODERS 4
#define TRIPS 10000
#define TURN 256	/* messages */
#define TURNS 4		/* of each flooder, for a trip, on average */
#define RINGERS 16	/* threads of one flooder that do nothing but ring */
#define SLOW 200	/* messages that take a millisecond each, at least */

/*
 * One doorbell, one turn: exactly what a turn may take, and no more. The ring is so
 * small that a turn is more than an eighth of it, which the kernel tells.
 */
static void check_turn(void)
{
	struct flood flood = { .raw = raw_open("kucomms_test", 1u << 15) };
	__u32 before = flood_handled(&flood);
	int i;

	for (i = 0; i < 2 * TURN; i++)
		raw_send(&flood.raw, TEST_SINK, 0);
	assert_int_equal(raw_ring(&flood.raw), 1);
	assert_int_equal(flood_since(&flood, before), TURN);
	raw_close(&flood.raw);
}

static void check_quiet(const char *device)
{
	struct flood floods[FLOODERS];
	struct kucomms_channel *channel;
	unsigned long handled[FLOODERS] = { 0 };
	__u32 before[FLOODERS], most = 0, since;
	int i, trip;

	channel = t_open(device, 0, 0);
	/* The last one rings for every message. */
	for (i = 0; i < FLOODERS; i++)
		floods[i] = flood_start(device, i == FLOODERS - 1 ? 1 : 0);
	for (i = 0; i < FLOODERS; i++)
		flood_await(&floods[i]);
	for (trip = 0; trip < TRIPS; trip++) {
		for (i = 0; i < FLOODERS; i++)
			before[i] = flood_handled(&floods[i]);
		assert_int_equal(t_echo(channel, "quiet"), 0);
		for (i = 0; i < FLOODERS; i++) {
			since = flood_since(&floods[i], before[i]);
			handled[i] += since;
			most = since > most ? since : most;
		}
	}
	for (i = 0; i < FLOODERS; i++) {
		printf("flooder %d had %.2f turns a round trip\n", i,
		       (double)handled[i] / TURN / TRIPS);
		assert_true(handled[i] <= (unsigned long)TRIPS * TURNS * TURN);
		/* Nor do they starve each other. */
		flood_await(&floods[i]);
	}
	printf("%.2f turns in the worst one\n", (double)most / TURN);
	for (i = 0; i < FLOODERS; i++)
		flood_stop(&floods[i]);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
}

static void *ring_for_ever(void *arg)
{
	while (raw_ring(arg) >= 0)
		;
	return NULL;
}

/* However many threads a client has, it gets one turn at a time like others. */
static void check_threads(void)
{
	struct kucomms_channel *channel = t_open("kucomms_test", 0, 0);
	struct flood flood = { .raw = raw_open("kucomms_test", FLOOD_RING) };
	unsigned long handled = 0;
	pthread_t thread;
	int i, trip;

	flood.pid = fork();
	if (flood.pid == 0) {
		for (i = 0; i < RINGERS; i++)
			assert_int_equal(pthread_create(&thread, NULL,
							ring_for_ever,
							&flood.raw), 0);
		flood_run(&flood.raw, 0);
	}
	flood_await(&flood);
	for (trip = 0; trip < TRIPS / 10; trip++) {
		__u32 before = flood_handled(&flood);

		assert_int_equal(t_echo(channel, "one at a time"), 0);
		handled += flood_since(&flood, before);
	}
	printf("%d threads had %.2f turns a round trip\n", RINGERS,
	       (double)handled / TURN / (TRIPS / 10));
	assert_true(handled <= (unsigned long)(TRIPS / 10) * TURNS * TURN);
	flood_stop(&flood);
	kucomms_channel_close(channel);
}

/*
 * Slow messages, fewer than a turn may have, handled by one doorbell; false: the
 * other client did not come before they had all been handled.
 */
static bool slow_is_cut_short(struct kucomms_channel *channel)
{
	struct raw raw = raw_open("kucomms_test", FLOOD_RING);
	struct kucomms_message *record;
	pid_t pid;
	int i;

	for (i = 0; i < SLOW; i++) {
		assert_int_equal(kucomms_producer_reserve(&raw.out, 0, &record),
				 0);
		record->type = TEST_SLOW;
		record->user = 1;
		kucomms_producer_commit(&raw.out, record,
					KUCOMMS_CONTROL_MESSAGE, false);
	}
	pid = fork();
	if (pid == 0)
		exit(raw_ring(&raw));
	/* The first one has been answered: the turn has begun. */
	while (!kucomms_consumer_ready(&raw.in))
		;
	assert_int_equal(t_echo(channel, "in between"), 0);
	i = t_wait(pid);
	assert_true(i == 0 || i == 1);
	raw_close(&raw);
	return i;
}

/* A turn ends early when somebody waits, however few messages it has had. */
static void check_slow(void)
{
	struct kucomms_channel *channel = t_open("kucomms_test", 0, 0);
	int tries = 1;

	while (!slow_is_cut_short(channel))
		assert_true(tries++ < 50);
	printf("a long turn was cut short at try %d\n", tries);
	kucomms_channel_close(channel);
}

/*
 * Publishing the longest message takes one word once it lies there, so a turn
 * that counted messages only could be made to copy gigabytes.
 */
static void a_turn_is_bounded_in_bytes(void)
{
	struct raw raw = raw_open("kucomms_test", 16 << 20);
	unsigned long long before;
	__u32 at;

	for (at = 0; at < raw.out.size; at += 32) {
		struct kucomms_message *record = (void *)(raw.out.data + at);

		record->length = KUCOMMS_LENGTH_MAX(raw.out.size);
		record->type = TEST_SINK;
		record->control = KUCOMMS_CONTROL_MESSAGE;
	}
	before = t_attribute("kucomms_test", "messages_to_kernel");
	assert_int_equal(raw_ring(&raw), 1);
	assert_int_equal(t_attribute("kucomms_test",
				     "messages_to_kernel") - before, 1);
	raw_close(&raw);
}

int main(void)
{
	int i;

	t_device("kucomms_test");
	check_turn();
	a_turn_is_bounded_in_bytes();
	check_threads();
	check_slow();
	for (i = 0; i < T_MODES; i++) {
		assert_int_equal(t_adjust("kucomms_test", "dispatch",
					  t_modes[i]), 0);
		printf("%s:\n", t_modes[i]);
		check_quiet("kucomms_test");
	}
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
