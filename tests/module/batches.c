// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a module sends in pieces: records reserved together and written in the
 * ring, some of them discarded, and messages held back until the last. In every
 * mode of dispatch.
 */
#include "test.h"

#define DEVICE "kucomms_test"

static void ask(struct kucomms_channel *channel, __u64 type, __u64 id,
		__u64 user)
{
	const struct kucomms_message message = { .type = type, .id = id,
						 .user = user };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
}

/* Committed last to first, every second one discarded, all in order. */
static void check_in_place(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const unsigned char *data;
	unsigned int length, i;

	for (length = 0; length < 500; length += 7) {
		ask(channel, TEST_PLACE, 15, length);
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
		ask(channel, TEST_MORE, 50, 0);
		for (i = 0; i < 50; i++) {
			assert_int_equal(kucomms_receive_copy(channel, &message,
							      NULL, 0, -1), 0);
			assert_int_equal(message.type, TEST_MORE);
			assert_int_equal(message.id, i);
		}
	}
	assert_true(t_attribute(DEVICE, "wakeups") - wakeups <= 100);
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
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
