// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's side goes and comes: clients see the hang-up at once, asleep or
 * awake, what was sent before can still be read, and a new channel works when
 * the name is registered again. Nothing is handled once a channel has come to
 * its end. Either order of device and registration, every mode of dispatch.
 */
#include <poll.h>
#include <pthread.h>

#include "raw.h"

#define AFTER 600	/* messages behind the last one: more than a turn's */
#define ECHOES 100

static void *sleep_in_receive(void *arg)
{
	struct kucomms_message message;
	const void *data;

	return (void *)(long)kucomms_receive(arg, &message, &data, -1);
}

static void *sleep_in_poll(void *arg)
{
	struct pollfd polled = { .fd = kucomms_channel_poll_start(arg),
				 .events = POLLIN };

	assert_int_equal(poll(&polled, 1, -1), 1);
	return (void *)(long)polled.revents;
}

/* Both sleepers are there; then the module unregisters. */
static void check_sleepers(void)
{
	struct kucomms_channel *a = t_open("late", 4096, 4096);
	struct kucomms_channel *b = t_open("late", 4096, 4096);
	struct kucomms_message message = { .type = TEST_SINK };
	pthread_t threads[2];
	void *result;

	assert_int_equal(pthread_create(&threads[0], NULL, sleep_in_receive, a),
			 0);
	assert_int_equal(pthread_create(&threads[1], NULL, sleep_in_poll, b),
			 0);
	t_parameter("late", "0");
	assert_int_equal(pthread_join(threads[0], &result), 0);
	assert_int_equal((long)result, -ESHUTDOWN);
	assert_int_equal(pthread_join(threads[1], &result), 0);
	assert_true((long)result & POLLHUP);
	assert_int_equal(kucomms_send(a, &message, NULL, 0, -1), -ESHUTDOWN);
	assert_int_equal(t_echo(b, "nobody"), -ESHUTDOWN);
	kucomms_channel_close(a);
	kucomms_channel_close(b);
}

static void check_rest_is_read(void)
{
	struct kucomms_channel *channel;
	struct kucomms_message message = { .type = TEST_ECHO };
	const void *data;
	int i;

	t_parameter("late", "1");
	channel = t_open("late", 4096, 4096);
	for (i = 0; i < 5; i++) {
		message.id = (__u64)i;
		assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0),
				 0);
	}
	while (t_attribute("kucomms_late", "messages_to_kernel") < 5)
		;
	t_parameter("late", "0");
	for (i = 0; i < 5; i++) {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		assert_int_equal(message.id, i);
		kucomms_release(channel);
	}
	assert_int_equal(kucomms_receive(channel, &message, &data, -1),
			 -ESHUTDOWN);
	kucomms_channel_close(channel);
}

/* Clients that never stop, while the module comes and goes. */
static void *restless(void *arg)
{
	volatile bool *stop = arg;
	struct kucomms_channel *channel;
	long echoes = 0;
	int err;

	while (!*stop) {
		err = kucomms_open("late", NULL, &channel);
		if (err == -ENOTCONN)
			continue;
		assert_int_equal(err, 0);
		do {
			err = t_echo(channel, "restless");
			echoes += !err;
		} while (!err && !*stop);
		assert_true(!err || err == -ESHUTDOWN);
		kucomms_channel_close(channel);
	}
	return (void *)echoes;
}

static void check_races(void)
{
	volatile bool stop = false;
	pthread_t threads[3];
	void *echoes;
	int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, restless,
						(void *)&stop), 0);
	for (i = 0; i < 200; i++) {
		t_parameter("late", "1");
		t_parameter("late", "0");
	}
	t_parameter("late", "1");
	/* All three are served by the last registration, too. */
	while (t_attribute("kucomms_late", "messages_to_user") < 1000)
		;
	stop = true;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], &echoes), 0);
	t_parameter("late", "0");
}

/*
 * The message of type @last ends the channel, so none that is behind it is
 * handled, however often the endpoint has looked at its channels since.
 */
static void check_nothing_after(enum test_type last, __u32 state)
{
	struct kucomms_channel *other = t_open("late", 0, 0);
	struct raw raw = raw_open("kucomms_late", 65536);
	__u64 before = t_report(other).messages;
	int i;

	raw_send(&raw, last, 0);
	for (i = 0; i < AFTER; i++)
		raw_send(&raw, TEST_SINK, 0);
	raw_ring(&raw);
	while (kucomms_load(&raw.kernel->state) == KUCOMMS_STATE_OPEN)
		raw_ring(&raw);
	assert_int_equal(kucomms_load(&raw.kernel->state), state);
	assert_true(raw_ring(&raw) < 0);
	for (i = 0; i < ECHOES; i++)
		assert_int_equal(t_echo(other, "looked at in between"), 0);
	/* The first report and, if it is no failure, the last message. */
	assert_int_equal(t_report(other).messages - before,
			 1 + ECHOES + (last != TEST_FAIL));
	raw_close(&raw);
	kucomms_channel_close(other);
}

static void check_mode(const char *mode)
{
	struct kucomms_channel *channel;

	/* Registered first, then created. */
	t_parameter("late", "1");
	assert_int_equal(kucomms_open("late", NULL, &channel), -ENOENT);
	t_device("kucomms_late");
	assert_int_equal(t_adjust("kucomms_late", "dispatch", mode), 0);
	channel = t_open("late", 0, 0);
	assert_int_equal(t_echo(channel, "registered first"), 0);
	kucomms_channel_close(channel);
	t_parameter("late", "0");
	assert_int_equal(kucomms_open("late", NULL, &channel), -ENOTCONN);
	/* Created first, then registered. */
	t_parameter("late", "1");
	check_sleepers();
	check_rest_is_read();
	check_races();
	t_parameter("late", "1");
	check_nothing_after(TEST_FAIL, KUCOMMS_STATE_BROKEN);
	check_nothing_after(TEST_HANG_UP, KUCOMMS_STATE_HANGUP);
	t_parameter("late", "0");
	/* Removed while registered, created once more. */
	t_parameter("late", "1");
	assert_int_equal(t_remove("kucomms_late"), 0);
	assert_int_equal(t_create("kucomms_late"), 0);
	channel = t_open("late", 0, 0);
	assert_int_equal(t_echo(channel, "again"), 0);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	t_parameter("late", "0");
	assert_int_equal(t_remove("kucomms_late"), 0);
}

int main(void)
{
	int i;

	for (i = 0; i < T_MODES; i++)
		check_mode(t_modes[i]);
	return 0;
}
