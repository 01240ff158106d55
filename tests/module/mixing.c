// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module whose handlers send without the lock of a channel to which an interrupt
 * sends with it is told so, on kernels with lockdep, though the two have not met.
 */
#include <sys/klog.h>

#include "test.h"

static void mark(const char *text)
{
	assert_int_equal(t_write("/dev/kmsg", text, strlen(text)), 0);
}

/* Whether the kernel log says so. */
static bool is_logged(const char *text)
{
	static char log[8 << 20];
	int length = klogctl(3, log, sizeof(log) - 1);

	assert_true(length >= 0);
	log[length] = '\0';
	return strstr(log, text);
}

static void mix(void)
{
	struct kucomms_channel *channel = t_open("test", 0, 0);
	struct kucomms_message message = { .type = TEST_BURST, .id = 1 };
	const void *data;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	assert_int_equal(message.type, TEST_BURST);
	kucomms_release(channel);
	assert_int_equal(t_echo(channel, "with the lock"), 0);
	message = (struct kucomms_message){ .type = TEST_MIX };
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	assert_int_equal(message.type, TEST_MIX);
	kucomms_channel_close(channel);
}

int main(void)
{
	static const char warning[] =
		"kucomms_test sends without the lock of a channel";

	if (access("/proc/lockdep", F_OK)) {
		printf("the kernel has no lockdep\n");
		return 77;
	}
	t_device("kucomms_test");
	assert_true(!is_logged(warning));
	mark("kucomms-test: expected begins");
	mix();
	mark("kucomms-test: expected ends");
	assert_true(is_logged(warning));
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
