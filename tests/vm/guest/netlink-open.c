// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: netlink-open NAME    for netlink-number.sh: is there a channel, and does it work?
 */
#include "test.h"

int main(int argc, char **argv)
{
	struct kucomms_channel *channel;
	int err;

	t_assert(argc == 2);
	err = kucomms_open(argv[1], NULL, &channel);
	if (!err)
		err = t_echo(channel, "hello");
	if (err)
		printf("%s: %s\n", argv[1], strerror(-err));
	/* Whatever keeps it from working, the number is to blame. */
	t_assert(!err || err == -EPROTONOSUPPORT);
	return !!err;
}
