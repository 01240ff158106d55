// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels that come and go, in every way that an attach can end, give all
 * their memory back: pages, slab objects, kernel address space.
 */
#include "memory.h"

#define ROUNDS 1500

static void attach_and_close(void)
{
	struct kucomms_channel *channel = t_open("test", 65536, 65536);

	assert_int_equal(t_echo(channel, "in use"), 0);
	kucomms_channel_close(channel);
}

/* Refused by the module when all its memory has been allocated; tried again. */
static void attach_refused(void)
{
	struct kucomms_attach attach;
	int fd = t_device_fd("kucomms_picky", 0);
	int i;

	assert_true(fd >= 0);
	for (i = 0; i < 2; i++) {
		attach = (struct kucomms_attach){ .size = sizeof(attach),
						  .to_kernel_size = 65536,
						  .to_user_size = 65536 };
		assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, &attach)),
				 -EDQUOT);
	}
	close(fd);
}

static void attach_broken(void)
{
	struct kucomms_channel *channel = t_open("test", 65536, 65536);
	struct kucomms_message message = { .type = TEST_FAIL };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), -EPROTO);
	kucomms_channel_close(channel);
}

/* For read() and write(), which need something small: so many times. */
static void attach_plain(void)
{
	const struct kucomms_message message = { .type = TEST_SINK };
	int i, fd;

	for (i = 0; i < 5; i++) {
		fd = t_device_fd("kucomms_test", 0);
		assert_int_equal(write(fd, &message, sizeof(message)),
				 sizeof(message));
		close(fd);
	}
}

static void open_only(void)
{
	close(t_device_fd("kucomms_test", 0));
}

static void round_trip(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		attach_and_close();
		attach_refused();
		attach_broken();
		attach_plain();
		open_only();
	}
}

int main(void)
{
	struct memory before;

	t_device("kucomms_test");
	t_device("kucomms_picky");
	round_trip();
	before = memory_settled();
	round_trip();
	memory_compare(&before);
	assert_int_equal(t_attribute("kucomms_test", "opens"), 0);
	assert_int_equal(t_attribute("kucomms_picky", "channels"), 0);
	assert_int_equal(t_remove("kucomms_test"), 0);
	assert_int_equal(t_remove("kucomms_picky"), 0);
	return 0;
}
