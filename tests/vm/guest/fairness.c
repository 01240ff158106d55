// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients that flood an endpoint, and a quiet one that shares it: how much of
 * the floods is handled while the quiet one waits for each of its answers is
 * bounded by what a turn may take. In every mode of dispatch.
 */
#include "flood.h"

#define FLOODERS 4
#define TRIPS 10000
#define TURN 256	/* messages */
#define TURNS 4		/* of each flooder, for a trip, on average */

/* One doorbell, one turn: exactly what a turn may take, and no more. */
static void check_turn(void)
{
	struct flood flood = { .raw = raw_open("kucomms_test", FLOOD_RING) };
	__u32 before = flood_handled(&flood);
	int i;

	for (i = 0; i < 2 * TURN; i++)
		raw_send(&flood.raw, TEST_SINK, 0);
	t_equal(raw_ring(&flood.raw), 1);
	t_equal(flood_since(&flood, before), TURN);
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
		t_equal(t_echo(channel, "quiet"), 0);
		for (i = 0; i < FLOODERS; i++) {
			since = flood_since(&floods[i], before[i]);
			handled[i] += since;
			most = since > most ? since : most;
		}
	}
	for (i = 0; i < FLOODERS; i++) {
		printf("flooder %d had %.2f turns a round trip\n", i,
		       (double)handled[i] / TURN / TRIPS);
		t_assert(handled[i] <= (unsigned long)TRIPS * TURNS * TURN);
		/* Nor do they starve each other. */
		flood_await(&floods[i]);
	}
	printf("%.2f turns in the worst one\n", (double)most / TURN);
	for (i = 0; i < FLOODERS; i++)
		flood_stop(&floods[i]);
	t_equal(t_report(channel).overlaps, 0);
	kucomms_close(channel);
}

int main(void)
{
	int i;

	t_device("kucomms_test");
	check_turn();
	for (i = 0; i < T_MODES; i++) {
		t_equal(t_adjust("kucomms_test", "dispatch", t_modes[i]), 0);
		printf("%s:\n", t_modes[i]);
		check_quiet("kucomms_test");
	}
	t_equal(t_remove("kucomms_test"), 0);
	return 0;
}
