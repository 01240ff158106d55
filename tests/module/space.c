// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module knows how large a client's rings are, already when it connects, how
 * full, and what the longest message is; a client that lies about what it has read
 * changes nothing but that figure.
 */
#include "raw.h"

static __u64 length_max(struct kucomms_channel *channel, struct kucomms_space *space)
{
	struct kucomms_message message = { .type = TEST_SPACE };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	assert_int_equal(kucomms_receive_copy(channel, &message, space,
					      sizeof(*space), -1), 0);
	assert_int_equal(message.length, sizeof(*space));
	return message.user;
}

static void check_connect(struct kucomms_channel *channel)
{
	struct kucomms_message message = { .type = TEST_WHO };
	struct test_who who;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	assert_int_equal(kucomms_receive_copy(channel, &message, &who,
					      sizeof(who), -1), 0);
	assert_int_equal(who.to_kernel_size, 8192);
	assert_int_equal(who.to_user_size, 65536);
}

static void check_used(void)
{
	struct kucomms_channel *channel = t_open("test", 8192, 65536);
	const struct kucomms_message echo = { .type = TEST_ECHO, .length = 33 };
	static const char bytes[33];
	struct kucomms_message message;
	struct kucomms_space space;
	const void *data;
	int i;

	check_connect(channel);
	/* All has been read, and is given back when there is nothing more. */
	assert_int_equal(kucomms_receive(channel, &message, &data, 0), -EAGAIN);
	assert_int_equal(length_max(channel, &space), 65536 - 64);
	assert_int_equal(space.in_size, 8192);
	assert_int_equal(space.out_size, 65536);
	assert_int_equal(space.used, 0);
	assert_int_equal(space.free, 65536 - 32);

	assert_int_equal(kucomms_receive(channel, &message, &data, 0), -EAGAIN);
	for (i = 0; i < 10; i++)
		assert_int_equal(kucomms_send(channel, &echo, bytes, 0, -1), 0);
	message = (struct kucomms_message){ .type = TEST_SPACE };
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	do {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		memcpy(&space, data, sizeof(space));
		kucomms_release(channel);
	} while (message.type != TEST_SPACE);
	/* Each with its header and padding. */
	assert_int_equal(space.used, 10 * 96);
	assert_int_equal(space.free, 65536 - 32 - 10 * 96);
	kucomms_channel_close(channel);
}

static void check_netlink(void)
{
	struct kucomms_channel *channel = t_open("netlink:test", 0, 128 << 10);
	struct kucomms_space space;

	assert_int_equal(length_max(channel, &space), (128 << 10) - 64);
	assert_int_equal(space.out_size, 128 << 10);
	kucomms_channel_close(channel);
}

/* Whatever it says that it has read: the figures stay within the ring. */
static void check_lies(void)
{
	static const __u32 positions[] = { 32, 1, 4096, 1u << 31, ~0u };
	struct raw raw = raw_open("kucomms_test", 4096);
	struct kucomms_message message;
	const struct kucomms_space *space;
	const void *data;
	unsigned int i;

	for (i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
		__atomic_store_n(&raw.user->position, positions[i],
				 __ATOMIC_RELEASE);
		raw_send(&raw, TEST_SPACE, 0);
		assert_true(raw_ring(&raw) >= 0);
		assert_int_equal(kucomms_consumer_receive(&raw.in, &message,
							  &data), 1);
		space = data;
		assert_int_equal(space->out_size, 4096);
		assert_true(space->used <= 4096 - 32);
		assert_int_equal(space->used + space->free, 4096 - 32);
	}
	raw_close(&raw);
}

int main(void)
{
	t_device("kucomms_test");
	check_used();
	check_netlink();
	check_lies();
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
