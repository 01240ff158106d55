// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call and its answer: one system call at most, whatever the mode of
 * dispatch; and how it ends without an answer.
 */
#include "test.h"

#define DEVICE "kucomms_test"
#define CALLS 2000

static int call(struct kucomms_channel *channel, __u64 type, __u64 id,
		__u64 user, int timeout_ms)
{
	const struct kucomms_message request = { .type = type, .id = id,
						 .user = user, .length = 4 };
	struct kucomms_message answer;
	const char *data;
	int err;

	err = kucomms_exchange(channel, &request, "data", &answer,
			       (const void **)&data, timeout_ms);
	if (err)
		return err;
	assert_int_equal(answer.type, type);
	assert_int_equal(answer.id, id);
	assert_int_equal(answer.length, 4);
	assert_true(!memcmp(data, "data", 4));
	kucomms_release(channel);
	return 0;
}

static void check_calls(struct kucomms_channel *channel, const char *mode)
{
	struct kucomms_channel_stats before = t_stats(channel), after;
	unsigned long long system_calls;
	__u64 i;

	for (i = 0; i < CALLS; i++)
		assert_int_equal(call(channel, TEST_ECHO, i, 0, -1), 0);
	after = t_stats(channel);
	assert_int_equal(after.sent - before.sent, CALLS);
	assert_int_equal(after.received - before.received, CALLS);
	system_calls = after.doorbells - before.doorbells + after.waits -
		       before.waits;
	printf("%s: %.3f system calls a call\n", mode,
	       (double)system_calls / CALLS);
	/* The first one finds out that answers come late. */
	assert_true(system_calls <= CALLS + 1);
}

/* No answer in time; it can be had later. */
static void check_timeouts(struct kucomms_channel *channel)
{
	struct kucomms_message message = { .type = TEST_ECHO };
	const void *data;
	int err;

	assert_int_equal(call(channel, TEST_SINK, 0, 0, 0), -EAGAIN);
	assert_int_equal(call(channel, TEST_SINK, 0, 0, 20), -ETIMEDOUT);
	/* A handler that runs inside the call takes its time. */
	err = call(channel, TEST_SLOW, 8, 100, 10);
	assert_true(!err || err == -ETIMEDOUT);
	if (err) {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		assert_int_equal(message.id, 8);
		kucomms_release(channel);
	}
	message.length = kucomms_channel_length_max(channel) + 1;
	assert_int_equal(kucomms_exchange(channel, &message, NULL, &message,
					  &data, -1), -EMSGSIZE);
	assert_int_equal(call(channel, TEST_ECHO, 9, 0, -1), 0);
}

int main(void)
{
	struct kucomms_channel *channel;
	int i;

	t_device(DEVICE);
	for (i = 0; i < T_MODES; i++) {
		assert_int_equal(t_adjust(DEVICE, "dispatch", t_modes[i]), 0);
		channel = t_open(DEVICE, 4096, 4096);
		check_calls(channel, t_modes[i]);
		check_timeouts(channel);
		assert_int_equal(t_report(channel).overlaps, 0);
		assert_int_equal(call(channel, TEST_FAIL, 0, 0, -1), -EPROTO);
		kucomms_channel_close(channel);
	}
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
