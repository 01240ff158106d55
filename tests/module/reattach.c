// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients that outlive the module: they wait for one to come, attach again when
 * it has been replaced, and keep their descriptor and their number.
 */
#include <poll.h>
#include <pthread.h>

#include "test.h"

#define DEVICE "kucomms_late"
#define ROUNDS 100

static int open_waiting(int timeout_ms, struct kucomms_channel **channel)
{
	const struct kucomms_options options = { .size = sizeof(options),
						 .timeout_ms = timeout_ms };

	return kucomms_open("late", &options, channel);
}

static void *open_for_ever(void *arg)
{
	return (void *)(long)open_waiting(-1, arg);
}

/* It has opened the device; whether it sleeps already makes no difference. */
static void until_one_waits(void)
{
	while (t_attribute(DEVICE, "opens") == 0)
		;
}

static void check_waiting(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 20000000 };
	struct sigaction action = { .sa_handler = t_ignore };
	struct kucomms_channel *channel = NULL, *other;
	uint64_t start = t_now_ns();
	pthread_t thread;
	timer_t timer;
	void *result;

	assert_int_equal(open_waiting(0, &channel), -ENOTCONN);
	assert_int_equal(open_waiting(30, &channel), -ENOTCONN);
	assert_true(t_now_ns() - start >= 30000000);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
	assert_int_equal(open_waiting(-1, &channel), -EINTR);
	timer_delete(timer);
	assert_true(!channel);

	assert_int_equal(pthread_create(&thread, NULL, open_for_ever, &channel),
			 0);
	until_one_waits();
	t_parameter("late", "1");
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((long)result, 0);
	assert_int_equal(t_echo(channel, "somebody came"), 0);
	t_parameter("late", "0");
	kucomms_channel_close(channel);

	/* The device goes while one waits, and comes again. */
	assert_int_equal(pthread_create(&thread, NULL, open_for_ever, &channel),
			 0);
	until_one_waits();
	assert_int_equal(t_remove(DEVICE " force"), 0);
	start = t_now_ns();
	assert_int_equal(open_waiting(30, &other), -ENOENT);
	assert_true(t_now_ns() - start >= 30000000);
	assert_int_equal(t_create(DEVICE), 0);
	t_parameter("late", "1");
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((long)result, 0);
	assert_int_equal(t_echo(channel, "the device came"), 0);
	t_parameter("late", "0");
	kucomms_channel_close(channel);
}

/* Somebody else has all channels, and gives one back. */
static void check_waiting_for_place(const char *name)
{
	const struct kucomms_options options = { .size = sizeof(options),
						 .timeout_ms = 30 };
	struct kucomms_channel *channel, *other;
	uint64_t start = t_now_ns();
	pthread_t thread;
	void *result;

	assert_int_equal(t_remove(DEVICE), 0);
	assert_int_equal(t_create(DEVICE " channels=1"), 0);
	t_parameter("late", "1");
	channel = t_open("late", 0, 0);
	assert_int_equal(kucomms_open(name, &options, &other), -EUSERS);
	assert_true(t_now_ns() - start >= 30000000);
	assert_int_equal(pthread_create(&thread, NULL, open_for_ever, &other),
			 0);
	kucomms_channel_close(channel);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((long)result, 0);
	assert_int_equal(t_echo(other, "the only one"), 0);
	kucomms_channel_close(other);
	t_parameter("late", "0");
	assert_int_equal(t_remove(DEVICE), 0);
	assert_int_equal(t_create(DEVICE), 0);
}

/* Everything that an application has counted on is as before. */
static void check_again(void)
{
	const struct kucomms_options options = {
		.size = sizeof(options), .flags = KUCOMMS_OPEN_NUMBER,
		.number = 5, .send_size = 8192, .receive_size = 4096,
	};
	struct kucomms_channel *channel;
	struct pollfd polled = { .events = POLLIN };
	struct kucomms_message message = { .type = TEST_BURST, .id = 1 };
	__u32 length;

	t_parameter("late", "1");
	assert_int_equal(kucomms_open("late", &options, &channel), 0);
	polled.fd = kucomms_channel_poll_start(channel);
	length = kucomms_channel_length_max(channel);
	assert_int_equal(t_echo(channel, "the first module"), 0);
	t_parameter("late", "0");
	assert_int_equal(t_echo(channel, "no module"), -ESHUTDOWN);
	assert_int_equal(kucomms_channel_reattach(channel, 0), -ENOTCONN);
	/* As it was. */
	assert_int_equal(t_echo(channel, "no module"), -ESHUTDOWN);
	t_parameter("late", "1");
	assert_int_equal(kucomms_channel_reattach(channel, 0), 0);
	assert_int_equal(kucomms_channel_poll_start(channel), polled.fd);
	assert_int_equal(kucomms_channel_number(channel), 5);
	assert_int_equal(kucomms_channel_length_max(channel), length);
	assert_int_equal(t_echo(channel, "the second module"), 0);
	assert_int_equal(t_stats(channel).received, 2);
	/* poll() is still kept informed. */
	assert_int_equal(poll(&polled, 1, 0), 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	assert_int_equal(poll(&polled, 1, -1), 1);
	assert_int_equal(polled.revents, POLLIN);
	kucomms_channel_close(channel);
	t_parameter("late", "0");
	assert_int_equal(t_attribute(DEVICE, "opens"), 0);
}

/* A device that is full of those who want to attach again. */
static void check_full(void)
{
	struct kucomms_channel *channel;

	assert_int_equal(t_remove(DEVICE), 0);
	assert_int_equal(t_create(DEVICE " channels=1"), 0);
	t_parameter("late", "1");
	channel = t_open("late", 0, 0);
	t_parameter("late", "0");
	t_parameter("late", "1");
	assert_int_equal(kucomms_channel_reattach(channel, 0), 0);
	assert_int_equal(t_echo(channel, "the only one"), 0);
	kucomms_channel_close(channel);
	t_parameter("late", "0");
}

static volatile bool stop;

/* Whatever becomes of a call, it comes back to service. */
static void *faithful(void *arg)
{
	volatile unsigned long *served = arg;
	struct kucomms_channel *channel;
	int err;

	assert_int_equal(open_waiting(-1, &channel), 0);
	while (!stop) {
		err = t_echo(channel, "faithful");
		if (err == -ESHUTDOWN) {
			assert_int_equal(kucomms_channel_reattach(channel, -1),
					 0);
			(*served)++;
		} else {
			assert_int_equal(err, 0);
		}
	}
	kucomms_channel_close(channel);
	return NULL;
}

static void check_races(void)
{
	static volatile unsigned long served[3];
	pthread_t threads[3];
	int i;

	t_parameter("late", "1");
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, faithful,
						(void *)&served[i]), 0);
	/* A client that comes only now has nothing to come back from. */
	while (t_attribute(DEVICE, "channels") != 3)
		;
	for (i = 0; i < ROUNDS; i++) {
		unsigned long before = served[i % 3];

		t_parameter("late", "0");
		t_parameter("late", "1");
		while (served[i % 3] == before)
			;
	}
	stop = true;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	t_parameter("late", "0");
}

int main(void)
{
	t_device(DEVICE);
	check_waiting();
	check_waiting_for_place("late");
	check_waiting_for_place("netlink:late");
	check_again();
	check_races();
	check_full();
	assert_int_equal(t_attribute(DEVICE, "opens"), 0);
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
