// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a module sends in pieces: records reserved together and written in the
 * ring, some of them discarded, and messages held back until the last. In every
 * mode of dispatch.
 */
#include <sched.h>

#include "flood.h"

#define DEVICE "kucomms_test"
#define BURST 2000000000
#define BURST_SEEN 200000

/* Committed last to first, every second one discarded, all in order. */
static void check_in_place(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const unsigned char *data;
	unsigned int length, i;

	for (length = 0; length < 500; length += 7) {
		t_ask(channel, TEST_PLACE, 15, length);
		for (i = 0; i < 15; i += 2) {
			assert_int_equal(kucomms_receive(channel, &message,
							 (const void **)&data,
							 -1), 0);
			assert_int_equal(message.type, TEST_PLACE);
			assert_int_equal(message.id, i);
			assert_int_equal(message.length, length);
			assert_true(!length || (data[0] == i &&
						data[length - 1] == i));
			kucomms_release(channel);
		}
	}
	assert_int_equal(t_echo(channel, "after records in place"), 0);
}

/* Whoever sleeps is woken once, by the last one. */
static void check_more(struct kucomms_channel *channel)
{
	unsigned long long wakeups = t_attribute(DEVICE, "wakeups");
	struct kucomms_message message;
	int round, i;

	for (round = 0; round < 100; round++) {
		t_ask(channel, TEST_MORE, 50, 0);
		for (i = 0; i < 50; i++) {
			assert_int_equal(kucomms_receive_copy(channel, &message,
							      NULL, 0, -1), 0);
			assert_int_equal(message.type, TEST_MORE);
			assert_int_equal(message.id, i);
		}
	}
	assert_true(t_attribute(DEVICE, "wakeups") - wakeups <= 100);
}

/*
 * Interrupts hold every second message back, while turns end in which room was
 * made but nothing sent: what those publish is not theirs.
 */
static void a_turn_publishes_its_own_only(void)
{
	struct raw raw = raw_open("kucomms_test", 4096);
	struct kucomms_message message, *record;
	unsigned int seen = 0;
	const void *data;
	uint64_t last;
	pid_t pid;

	assert_int_equal(kucomms_producer_reserve(&raw.out, 0, &record), 0);
	record->type = TEST_BURST_MORE;
	record->id = BURST;
	record->user = 8;
	kucomms_producer_commit(&raw.out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
	assert_int_equal(raw_ring(&raw), 0);
	pid = fork();
	if (pid == 0)
		flood_run(&raw, 0);
	for (last = t_now_ns(); seen < BURST_SEEN;) {
		if (kucomms_consumer_receive(&raw.in, &message, &data) == 1) {
			kucomms_consumer_release(&raw.in);
			kucomms_consumer_tell(&raw.in);
			seen++;
			last = t_now_ns();
		} else {
			assert_true(t_now_ns() - last <
				    t_patience_ms() * 1000000ull);
			sched_yield();
		}
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(t_wait(pid), -SIGKILL);
	raw_close(&raw);
}

int main(void)
{
	struct kucomms_channel *channel;
	int i;

	t_device(DEVICE);
	for (i = 0; i < T_MODES; i++) {
		assert_int_equal(t_adjust(DEVICE, "dispatch", t_modes[i]), 0);
		channel = t_open(DEVICE, 4096, 16384);
		check_in_place(channel);
		check_more(channel);
		assert_int_equal(t_report(channel).overlaps, 0);
		kucomms_channel_close(channel);
	}
	assert_int_equal(t_adjust(DEVICE, "dispatch", "default"), 0);
	a_turn_publishes_its_own_only();
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
