// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sensor: a timer takes samples in hard interrupt context and sends them to
 * the clients that have asked for them. The timer runs as long as there is such
 * a client.
 *
 * What runs when: the handlers run in process context, one after the other; the
 * timer runs beside them, at any time between hrtimer_start() and
 * hrtimer_cancel(). Only handlers call these two, and after stop() no handler
 * starts the timer again. So there is no lock; the timer and the handlers share
 * single words only.
 *
 * Handlers use kucomms_send() and not kucomms_reply(): the timer may be
 * sending on the same channel.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <kucomms/module.h>

#include "sensor.h"

/**
 * struct sensor - what all clients share
 * @timer:    takes the samples
 * @target:   the endpoint that it sends them to; set before the timer is
 *            started
 * @rate:     samples a second; handlers write it, the timer reads it
 * @next:     the number of the next sample; only the timer uses it
 * @watchers: how many clients have a topic
 */
struct sensor {
	struct hrtimer timer;
	struct kucomms_endpoint *target;
	unsigned int rate;
	u64 next;
	unsigned int watchers;
};

/**
 * struct client - what the sensor remembers of a client, beside its topic
 * @errors: how many of its commands were wrong
 */
struct client {
	unsigned int errors;
};

static struct sensor sensor = { .rate = SENSOR_RATE };
static struct kucomms_endpoint *endpoint;

/* Makes up a value, which goes up and down: there is no real sensor. */
static s32 measure(u64 number)
{
	u32 phase = number & 255;

	return phase < 128 ? phase : 255 - phase;
}

/* Returns the topics of a sample: N for a multiple of 2 to the power of N. */
static u32 topics_of(u64 number)
{
	return number ? (u32)(2ull << __ffs64(number)) - 1 : ~0u;
}

/*
 * Takes and sends a sample, in hard interrupt context. A client without room
 * misses the sample, and sees that from the numbers.
 */
static enum hrtimer_restart take_sample(struct hrtimer *timer)
{
	const u64 number = sensor.next++;
	const struct sensor_sample sample = { .value = measure(number) };
	const struct kucomms_message message = {
		.length = sizeof(sample),
		.type = SENSOR_SAMPLE,
		.id = number,
		.user = ktime_get_ns(),
	};

	kucomms_broadcast_topics(sensor.target, topics_of(number), &message,
				 &sample, 0);
	hrtimer_forward_now(timer, NSEC_PER_SEC / READ_ONCE(sensor.rate));
	return HRTIMER_RESTART;
}

/*
 * Starts a client's samples. Sets @target here, since a handler may run before
 * kucomms_register() has returned.
 */
static int start(struct kucomms_channel *channel, u64 power)
{
	const bool first = !kucomms_channel_topics(channel);

	if (power > SENSOR_POWER_MAX)
		return ERANGE;
	kucomms_channel_set_topics(channel, 1u << power);
	if (first && !sensor.watchers++) {
		sensor.target = kucomms_channel_endpoint(channel);
		hrtimer_start(&sensor.timer, NSEC_PER_SEC / sensor.rate,
			      HRTIMER_MODE_REL_HARD);
	}
	return 0;
}

static void end(struct kucomms_channel *channel)
{
	if (!kucomms_channel_topics(channel))
		return;
	kucomms_channel_set_topics(channel, 0);
	if (!--sensor.watchers)
		hrtimer_cancel(&sensor.timer);
}

/* Sets the rate, in samples a second, for the time after the next sample. */
static int set_rate(u64 rate)
{
	if (!rate || rate > SENSOR_RATE_MAX)
		return ERANGE;
	WRITE_ONCE(sensor.rate, rate);
	return 0;
}

/*
 * Executes a command. Returns 0 or an errno. A command that is executed again
 * changes nothing: see sensor_message().
 */
static int execute(struct kucomms_channel *channel,
		   const struct kucomms_message *command)
{
	if (command->length)
		return EINVAL;
	switch (command->type) {
	case SENSOR_START:
		return start(channel, command->user);
	case SENSOR_STOP:
		end(channel);
		return 0;
	case SENSOR_SET_RATE:
		return set_rate(command->user);
	default:
		return EOPNOTSUPP;
	}
}

/*
 * Answers a command, also a bad one; hangs up on a client that has sent
 * SENSOR_ERRORS_MAX bad ones. Without room for the answer kucomms_send() fails
 * with -EAGAIN, and the command comes again.
 */
static int sensor_message(struct kucomms_channel *channel,
			  const struct kucomms_message *command,
			  const void *data, void *priv)
{
	struct client *client = kucomms_channel_priv(channel);
	const struct kucomms_message answer = {
		.type = command->type,
		.id = command->id,
		.user = execute(channel, command),
	};
	int err;

	err = kucomms_send(channel, &answer, NULL, 0, 0);
	if (!err && answer.user && ++client->errors == SENSOR_ERRORS_MAX)
		kucomms_channel_shutdown(channel);
	return err;
}

static int sensor_connect(struct kucomms_channel *channel, void *priv)
{
	struct client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	kucomms_channel_set_priv(channel, client);
	return 0;
}

/*
 * Ends the client's samples and frees its data, which the timer does not use.
 */
static void sensor_disconnect(struct kucomms_channel *channel, void *priv)
{
	end(channel);
	kfree(kucomms_channel_priv(channel));
}

/* Stops the timer. No handler runs after this that could start it again. */
static void sensor_stop(struct kucomms_endpoint *endpoint, void *priv)
{
	hrtimer_cancel(&sensor.timer);
}

static const struct kucomms_ops ops = {
	.message = sensor_message,
	.connect = sensor_connect,
	.disconnect = sensor_disconnect,
	.stop = sensor_stop,
	.flags = KUCOMMS_OPS_ADJUSTABLE,
};

static int __init sensor_init(void)
{
#ifdef HAVE_HRTIMER_SETUP
	hrtimer_setup(&sensor.timer, take_sample, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
#else	/* before 6.13 */
	hrtimer_init(&sensor.timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	sensor.timer.function = take_sample;
#endif
	endpoint = kucomms_register("sensor", &ops, NULL);
	return PTR_ERR_OR_ZERO(endpoint);
}

static void __exit sensor_exit(void)
{
	kucomms_unregister(endpoint);
}

module_init(sensor_init);
module_exit(sensor_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("kucomms example: sends samples from interrupts");
