// SPDX-License-Identifier: GPL-2.0-only
/*
 * The administrator changes how a device is served, in the middle of it:
 * nothing is lost, doubled or reordered; and what may not be changed, is not.
 */
#include <pthread.h>

#include "test.h"

#define DEVICE "kucomms_late"
#define CLIENTS 3
#define CHANGES 300
#define WINDOW 32	/* messages that are under way */

static volatile bool stop;
static volatile unsigned long echoes[CLIENTS];

/* Sends ahead, and sees every message come back, in order. */
static void *client(void *arg)
{
	volatile unsigned long *count = arg;
	struct kucomms_channel *channel = t_open(DEVICE, 4096, 4096);
	struct kucomms_message message = { .type = TEST_ECHO };
	__u64 sent = 0, received = 0;
	unsigned int flags;

	while (!stop || received < sent) {
		while (!stop && sent < received + WINDOW) {
			message.type = TEST_ECHO;
			message.id = sent++;
			flags = sent % 8 ? KUCOMMS_SEND_MORE : 0;
			assert_int_equal(kucomms_send(channel, &message, NULL,
						      flags, -1), 0);
		}
		assert_int_equal(kucomms_flush(channel), 0);
		if (received == sent)
			continue;
		assert_int_equal(kucomms_receive_copy(channel, &message, NULL,
						      0, -1), 0);
		assert_int_equal(message.id, received);
		received++;
		*count = received;
	}
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	return NULL;
}

static void await_progress(void)
{
	int i;

	for (i = 0; i < CLIENTS; i++) {
		unsigned long before = echoes[i];

		while (echoes[i] < before + WINDOW)
			;
	}
}

static void check_changes(void)
{
	static const char *const limits[] = { "1", "100", "1000000", "0" };
	static const char *const cpus[] = { "0", "1", "0-1", "\n" };
	pthread_t threads[CLIENTS];
	uint64_t state = 1;
	int i;

	for (i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, client,
						(void *)&echoes[i]), 0);
	for (i = 0; i < CHANGES; i++) {
		const char *mode = t_modes[t_random(&state) % T_MODES];

		assert_int_equal(t_adjust(DEVICE, "dispatch", mode), 0);
		assert_int_equal(t_adjust(DEVICE, "poll_idle_us",
					  limits[t_random(&state) % 4]), 0);
		assert_int_equal(t_adjust(DEVICE, "cpus",
					  cpus[t_random(&state) % 4]), 0);
		/* Some changes come faster than anybody could take note. */
		if (i % 4)
			await_progress();
	}
	stop = true;
	for (i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(t_adjust(DEVICE, "dispatch", "default"), 0);
	assert_true(t_reads(DEVICE, "dispatch", "adaptive"));
}

/* What the administrator chose stays when the module goes and comes. */
static void check_kept(void)
{
	struct kucomms_channel *channel;

	assert_int_equal(t_adjust(DEVICE, "dispatch", "thread"), 0);
	t_parameter("late", "0");
	assert_true(t_reads(DEVICE, "dispatch", "thread"));
	t_parameter("late", "1");
	assert_true(t_reads(DEVICE, "dispatch", "thread"));
	channel = t_open(DEVICE, 0, 0);
	assert_int_equal(t_echo(channel, "by its thread"), 0);
	assert_true(t_attribute(DEVICE, "thread_wakeups") > 0);
	kucomms_channel_close(channel);
	t_parameter("late", "0");
	assert_int_equal(t_adjust(DEVICE, "dispatch", "default"), 0);
	assert_true(t_reads(DEVICE, "dispatch", "default"));
	assert_int_equal(t_adjust(DEVICE, "dispatch", "poll"), 0);
	t_parameter("late", "1");
	assert_true(t_reads(DEVICE, "dispatch", "poll"));
	/* A device created anew starts anew. */
	t_device(DEVICE);
	assert_true(t_reads(DEVICE, "dispatch", "adaptive"));
}

static void check_refusals(const char *device)
{
	static const struct {
		const char *name;
		const char *text;
	} bad[] = {
		{ "dispatch", "\n" }, { "dispatch", "Thread" },
		{ "dispatch", "threads" }, { "dispatch", "1" },
		{ "poll_idle_us", "-1" }, { "poll_idle_us", "1000001" },
		{ "poll_idle_us", "soon" }, { "poll_idle_us", "10 ms" },
		{ "cpus", "x" }, { "cpus", "3-1" }, { "cpus", "100000" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int err = t_adjust(device, bad[i].name, bad[i].text);

		if (err != -EINVAL)
			printf("\"%s\" to %s: %d\n", bad[i].text, bad[i].name,
			       err);
		assert_int_equal(err, -EINVAL);
	}
}

/* A module that does not say that it may be adjusted is not. */
static void check_fixed(void)
{
	t_device("kucomms_mute");
	assert_true(t_reads("kucomms_mute", "dispatch", "adaptive"));
	assert_int_equal(t_adjust("kucomms_mute", "dispatch", "thread"),
			 -EOPNOTSUPP);
	assert_int_equal(t_adjust("kucomms_mute", "poll_idle_us", "5"),
			 -EOPNOTSUPP);
	assert_int_equal(t_adjust("kucomms_mute", "cpus", "0"), -EOPNOTSUPP);
	assert_true(t_reads("kucomms_mute", "dispatch", "adaptive"));
	assert_int_equal(t_remove("kucomms_mute"), 0);
}

int main(void)
{
	t_parameter("late", "1");
	t_device(DEVICE);
	check_refusals(DEVICE);
	check_fixed();
	check_changes();
	check_kept();
	t_parameter("late", "0");
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
