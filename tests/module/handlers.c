// SPDX-License-Identifier: GPL-2.0-only
/*
 * The handlers of an endpoint: never two at a time, work 100 times a second,
 * the timer once, connect and disconnect in pairs, and sending from hard
 * interrupts while handlers send, too. In every mode of dispatch.
 */
#include <poll.h>
#include <pthread.h>

#include "test.h"

#define CLIENTS 4
#define ECHOES 3000

static void *echo_client(void *arg)
{
	struct kucomms_channel *channel = t_open(arg, 65536, 65536);
	char text[32];
	int i;

	for (i = 0; i < ECHOES; i++) {
		struct kucomms_message message = { .id = (__u64)i };
		char answer[256];

		snprintf(text, sizeof(text), "%d", i);
		message.length = (__u32)strlen(text);
		assert_int_equal(kucomms_send(channel, &message, text, 0, -1),
				 0);
		do {	/* between them the timer's ticks, sent to all */
			assert_int_equal(kucomms_receive_copy(channel, &message,
							      answer,
							      sizeof(answer),
							      -1), 0);
		} while (message.type != TEST_ECHO);
		assert_int_equal(message.id, i);
		assert_true(!memcmp(answer, text, strlen(text)));
	}
	kucomms_channel_close(channel);
	return NULL;
}

static void clients_at_once(const char *name)
{
	pthread_t threads[CLIENTS];
	int i;

	for (i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, echo_client,
						(void *)name), 0);
	for (i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/*
 * Four calls of the timer, however long they take; by the kernel's own clock no
 * call comes early. One that was late is made up for, and one that is due when the
 * first report is made may come just after it.
 */
static void check_rates(struct kucomms_channel *channel)
{
	struct test_report first = t_report(channel), last;
	double seconds;

	do {
		assert_int_equal(poll(NULL, 0, 100), 0);
		last = t_report(channel);
	} while (last.timer - first.timer < 4);
	seconds = (double)(last.elapsed - first.elapsed) / 1e9;
	printf("work %.2f a second, timer %.2f\n",
	       (double)(last.work - first.work) / seconds,
	       (double)(last.timer - first.timer) / seconds);
	assert_true(last.timer - first.timer <= (__u64)seconds + 2);
	assert_true(last.work - first.work <= (__u64)(seconds * 100) + 2);
	assert_true(last.work > first.work);
}

static void check_broadcast(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const void *data;

	do {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		kucomms_release(channel);
	} while (message.type != TEST_REPORT || !message.id);
}

/* What the module is told of one broadcast of @length bytes: who got it, or why not. */
static long long reached(struct kucomms_channel *channel, __u64 length)
{
	struct kucomms_message message = { .type = TEST_BROADCAST, .id = 1,
					   .user = length };
	const void *data;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	/* In front of the answer comes the broadcast, if it does. */
	do {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		kucomms_release(channel);
	} while (message.length);
	return message.id ? -(long long)message.id : (long long)message.user;
}

/* A broadcast says how many got it, and that nobody did. */
static void check_reached(void)
{
	struct kucomms_channel *small = t_open("test", 4096, 4096);
	struct kucomms_channel *large = t_open("test", 4096, 65536);

	assert_int_equal(reached(large, 100), 2);
	assert_int_equal(reached(large, 5000), 1);
	assert_int_equal(reached(small, 5000), 1);
	kucomms_channel_close(large);
	assert_int_equal(reached(small, 100), 1);
	assert_int_equal(reached(small, 5000), -ESRCH);
	kucomms_channel_close(small);
}

/* Interrupts send while the client has its echoes handled: none gets lost. */
static void check_interrupts(const char *name)
{
	struct kucomms_channel *channel = t_open(name, 65536, 16 << 20);
	struct kucomms_message message = { .type = TEST_BURST, .id = 20000,
					   .user = 48 };
	uint64_t bursts = 0, wrong = 0;
	const void *data;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	while (bursts < 20000) {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		assert_int_equal(message.type, TEST_BURST);
		assert_int_equal(message.id, bursts);
		assert_int_equal(message.length, 48);
		wrong += message.user != 1;
		bursts++;
		kucomms_release(channel);
	}
	assert_int_equal(wrong, 0);
	kucomms_channel_close(channel);
}

/* A closed file in the middle of a burst: disconnect stops the interrupts. */
static void check_close_in_burst(void)
{
	struct kucomms_message message = { .type = TEST_BURST, .id = 1 << 30 };
	int i;

	for (i = 0; i < 20; i++) {
		struct kucomms_channel *channel = t_open("test", 4096, 4096);
		const void *data;

		assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1),
				 0);
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		message = (struct kucomms_message){ .type = TEST_BURST,
						    .id = 1 << 30 };
		kucomms_channel_close(channel);
	}
}

static void device(const char *name, const char *mode)
{
	t_device(name);
	assert_int_equal(t_adjust(name, "dispatch", mode), 0);
}

static void check_mode(const char *mode)
{
	struct kucomms_channel *channel;
	struct test_report first, last;

	printf("%s:\n", mode);
	device("kucomms_test", mode);
	device("kucomms_shared", mode);
	device("kucomms_ticker", mode);
	channel = t_open("ticker", 65536, 65536);
	first = t_report(channel);
	check_rates(channel);
	check_broadcast(channel);
	clients_at_once("ticker");
	clients_at_once("shared");
	check_interrupts("shared");
	check_close_in_burst();
	check_reached();

	last = t_report(channel);
	assert_int_equal(last.overlaps, 0);
	assert_int_equal(last.connects, first.connects + CLIENTS);
	assert_int_equal(last.disconnects, first.disconnects + CLIENTS);
	kucomms_channel_close(channel);
	assert_int_equal(t_remove("kucomms_test"), 0);
	assert_int_equal(t_remove("kucomms_shared"), 0);
	assert_int_equal(t_remove("kucomms_ticker"), 0);
}

int main(void)
{
	int i;

	for (i = 0; i < T_MODES; i++)
		check_mode(t_modes[i]);
	return 0;
}
