// SPDX-License-Identifier: GPL-2.0-only
/*
 * For sensor.sh, not a test itself: clients that command examples/sensor without
 * pause, rightly and wrongly, by shared memory and by netlink, and leave in the
 * middle; they go on with the next module when one has gone, until killed.
 * Arguments: how many there are.
 */
#include "../../examples/sensor/sensor.h"
#include "test.h"

static struct kucomms_message command(uint64_t *state)
{
	const uint64_t random = t_random(state);
	struct kucomms_message message = { .id = random };

	switch (random % 8) {
	case 0:
		message.type = SENSOR_STOP;
		break;
	case 1:
		message.type = SENSOR_SET_RATE;
		message.user = 100 + random / 8 % 901;
		break;
	case 2:
		/* The module answers with an error; in the end it hangs up. */
		message.type = random / 8 % 8;
		message.user = random;
		break;
	default:
		message.type = SENSOR_START;
		message.user = random / 8 % 4;
	}
	return message;
}

/* Until the module hangs up, or it is time to leave. */
static void talk(struct kucomms_channel *channel, uint64_t *state)
{
	int left = 1 + (int)(t_random(state) % 1000);
	struct kucomms_message message, sample;
	const void *data;
	int err = 0;

	while (left-- && !err) {
		message = command(state);
		err = kucomms_send(channel, &message, NULL, 0, 0);
		while (!err && !kucomms_receive(channel, &sample, &data, 0))
			kucomms_release(channel);
		/* Full: what there is has been read, so there will be room. */
		if (err == -EAGAIN)
			err = 0;
	}
}

static void load(unsigned int number)
{
	const struct kucomms_options options = { .size = sizeof(options),
						 .timeout_ms = -1 };
	const char *name = number % 4 ? "sensor" : "netlink:sensor";
	uint64_t state = number + 1;
	struct kucomms_channel *channel;

	for (;;) {
		if (kucomms_open(name, &options, &channel))
			continue;
		talk(channel, &state);
		kucomms_channel_close(channel);
	}
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;

	while (--count > 0) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			break;
	}
	load((unsigned int)count);
}
