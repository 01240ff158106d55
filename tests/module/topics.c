// SPDX-License-Identifier: GPL-2.0-only
/*
 * Broadcasts by topic go to those who have one of the topics, over every transport,
 * and to nobody else; the module is told how many got them.
 */
#include "test.h"

/* What the next message must be, so nothing else has come before it. */
static void echoes(struct kucomms_channel *channel)
{
	assert_int_equal(t_echo(channel, "nothing before this"), 0);
}

static void set_topics(struct kucomms_channel *channel, __u64 topics)
{
	const struct kucomms_message message = { .type = TEST_TOPICS,
						 .id = topics };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	echoes(channel);
}

/* What kucomms_broadcast_topics() returns. */
static long long broadcast(struct kucomms_channel *channel, __u64 topics)
{
	struct kucomms_message message = { .type = TEST_BROADCAST_TOPICS,
					   .id = topics };
	const void *data;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	kucomms_release(channel);
	return (long long)message.user;
}

static void got(struct kucomms_channel *channel, __u64 topics)
{
	struct kucomms_message message;
	const void *data;

	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	assert_int_equal(message.type, TEST_BROADCAST_TOPICS);
	assert_int_equal(message.id, topics);
	kucomms_release(channel);
}

/* A topic is the client's as long as its channel is. */
static void check_again(struct kucomms_channel *asks)
{
	struct kucomms_channel *channel = t_open("test", 0, 0);

	set_topics(channel, 8);
	assert_int_equal(broadcast(asks, 8), 1);
	kucomms_channel_close(channel);
	channel = t_open("test", 0, 0);
	assert_int_equal(broadcast(asks, 8), -ESRCH);
	echoes(channel);
	kucomms_channel_close(channel);
}

int main(void)
{
	struct kucomms_channel *asks, *one, *both, *far;

	t_device("kucomms_test");
	asks = t_open("test", 0, 0);
	one = t_open("test", 0, 0);
	both = t_open("test", 0, 0);
	far = t_open("netlink:test", 0, 0);
	assert_int_equal(broadcast(asks, ~0ull), -ESRCH);
	set_topics(one, 1);
	set_topics(both, 1 | 1u << 31);
	set_topics(far, 1u << 31);

	assert_int_equal(broadcast(asks, 1), 2);
	got(one, 1);
	got(both, 1);
	assert_int_equal(broadcast(asks, 1u << 31), 2);
	got(both, 1u << 31);
	got(far, 1u << 31);
	assert_int_equal(broadcast(asks, ~0u), 3);
	got(one, ~0u);
	got(both, ~0u);
	got(far, ~0u);
	assert_int_equal(broadcast(asks, 2), -ESRCH);
	set_topics(both, 0);
	assert_int_equal(broadcast(asks, 1), 1);
	got(one, 1);
	echoes(one);
	echoes(both);
	echoes(far);
	check_again(asks);
	kucomms_channel_close(asks);
	kucomms_channel_close(one);
	kucomms_channel_close(both);
	kucomms_channel_close(far);
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
