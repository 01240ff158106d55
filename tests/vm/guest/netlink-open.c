// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: netlink-open NAME [deaf]
 *
 * For netlink-number.sh: is there a channel, and does it work? With `deaf` it never
 * reads, says so when the kernel has tried for a while, and waits to be killed.
 */
#include <poll.h>

#include "test.h"

static int be_deaf(struct kucomms_channel *channel)
{
	const struct kucomms_message stream = {
		.type = TEST_STREAM, .id = 3000, .user = 1000,
	};
	int err = kucomms_send(channel, &stream, NULL, 0, -1);

	if (err)
		return err;
	poll(NULL, 0, 500);
	puts("deaf");
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	struct kucomms_channel *channel;
	int err;

	t_assert(argc >= 2);
	err = kucomms_open(argv[1], NULL, &channel);
	if (!err)
		err = argc > 2 ? be_deaf(channel) : t_echo(channel, "hello");
	if (err)
		printf("%s: %s\n", argv[1], strerror(-err));
	/* Whatever keeps it from working, the number is to blame. */
	t_assert(!err || err == -EPROTONOSUPPORT);
	return !!err;
}
