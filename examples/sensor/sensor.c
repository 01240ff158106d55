// SPDX-License-Identifier: MIT
/*
 * A client of the sensor: prints samples, and says how many it has missed.
 *
 *	sensor [COUNT [RATE [NAME]]]
 */
#include <kucomms/kucomms.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sensor.h"

struct reader {
	struct kucomms_channel *channel;
	unsigned long wanted;
	unsigned long got;
	__u64 first;
	__u64 last;
};

/* Prints a sample, unless the reader has all that it wants already. */
static void print_sample(struct reader *reader,
			 const struct kucomms_message *message,
			 const void *data)
{
	const struct sensor_sample *sample = data;

	if (!reader->got++)
		reader->first = message->id;
	reader->last = message->id;
	if (reader->got <= reader->wanted)
		printf("%llu %llu %d\n", (unsigned long long)message->id,
		       (unsigned long long)message->user, sample->value);
}

/* Sends a command and waits for the answer; samples may come before it. */
static int command(struct reader *reader, __u64 type, __u64 user)
{
	const struct kucomms_message ask = { .type = type, .user = user };
	struct kucomms_message message;
	const void *data;
	int err;

	err = kucomms_send(reader->channel, &ask, NULL, 0, -1);
	while (!err) {
		err = kucomms_receive(reader->channel, &message, &data, -1);
		if (err)
			break;
		if (message.type == SENSOR_SAMPLE)
			print_sample(reader, &message, data);
		kucomms_release(reader->channel);
		if (message.type == type)
			return -(int)message.user;
	}
	return err;
}

static int read_samples(struct reader *reader)
{
	struct kucomms_message message;
	const void *data;
	int err;

	while (reader->got < reader->wanted) {
		err = kucomms_receive(reader->channel, &message, &data, -1);
		if (err)
			return err;
		print_sample(reader, &message, data);
		kucomms_release(reader->channel);
	}
	return 0;
}

static int run(struct reader *reader, unsigned long rate)
{
	int err = 0;

	if (rate)
		err = command(reader, SENSOR_SET_RATE, rate);
	if (!err)
		err = command(reader, SENSOR_START, 0);
	if (!err)
		err = read_samples(reader);
	if (!err)
		err = command(reader, SENSOR_STOP, 0);
	if (!err && reader->got)
		fprintf(stderr, "%lu samples, %lu missed\n", reader->got,
			(unsigned long)(reader->last - reader->first + 1) -
				reader->got);
	return err;
}

int main(int argc, char **argv)
{
	struct reader reader = {
		.wanted = argc > 1 ? strtoul(argv[1], NULL, 0) : 10,
	};
	const char *name = argc > 3 ? argv[3] : "sensor";
	int err = kucomms_open(name, NULL, &reader.channel);

	if (err) {
		fprintf(stderr, "cannot open %s: %s\n", name,
			kucomms_strerror(err));
		return 1;
	}
	err = run(&reader, argc > 2 ? strtoul(argv[2], NULL, 0) : 0);
	kucomms_channel_close(reader.channel);
	if (err)
		fprintf(stderr, "%s: %s\n", name, kucomms_strerror(err));
	return err ? 1 : 0;
}
