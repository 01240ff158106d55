// SPDX-License-Identifier: MIT
/*
 * The smallest kucomms application: sends its argument to the kernel module and
 * prints the answer.
 */
#include <kucomms/kucomms.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : "hello, kernel";
	struct kucomms_message message = { .length = strlen(text) };
	struct kucomms_channel *channel;
	const void *data;
	int err;

	err = kucomms_open("mymodule", NULL, &channel);
	if (err) {
		fprintf(stderr, "cannot open mymodule: %s\n",
			kucomms_strerror(err));
		return 1;
	}
	err = kucomms_send(channel, &message, text, 0, -1);
	if (!err)
		err = kucomms_receive(channel, &message, &data, 1000);
	if (!err) {
		printf("%.*s\n", (int)message.length, (const char *)data);
		kucomms_release(channel);
	}
	kucomms_channel_close(channel);
	if (err)
		fprintf(stderr, "no echo: %s\n", kucomms_strerror(err));
	return err ? 1 : 0;
}
