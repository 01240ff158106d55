// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helper of unload.sh: attaches to mymodule, writes a line to the file named,
 * and waits for the hang-up. Exits with 0 when it has seen it.
 */
#include "test.h"

int main(int argc, char **argv)
{
	struct kucomms_channel *channel;
	struct kucomms_message message;
	const void *data;
	FILE *started;

	assert_int_equal(argc, 2);
	channel = t_open("mymodule", 0, 0);
	started = fopen(argv[1], "w");
	assert_true(started);
	fputs("started\n", started);
	fclose(started);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1),
			 -ESHUTDOWN);
	kucomms_channel_close(channel);
	return 0;
}
