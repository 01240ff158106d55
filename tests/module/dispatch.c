// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoints served by a thread: it sleeps when there is nothing to do, and is
 * woken by the first message; one that polls needs no system call while it is
 * kept busy, and sleeps, too, when it has not been for a while.
 */
#include <poll.h>

#include "test.h"

#define ECHOES 100000

/* The thread that bears the name of the device. */
static int thread_of(const char *device)
{
	DIR *proc = opendir("/proc");
	int pid, found = 0;
	char name[100];

	assert_true(proc);
	/* Longer names are cut off. */
	while ((pid = t_next_task(proc, name, sizeof(name))))
		if (!strncmp(name, device, 15))
			found = pid;
	closedir(proc);
	assert_true(found);
	return found;
}

struct thread {
	char state;
	unsigned long time;	/* in user and kernel mode, ticks */
	unsigned long long switches;
};

static struct thread look_at(int pid)
{
	unsigned long long count;
	struct thread thread = { 0 };
	unsigned long user, kernel;
	char path[64], line[128];
	FILE *file;
	int fields;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	assert_true(file);
	fields = fscanf(file, "%*d (%*[^)]) %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&thread.state, &user, &kernel);
	assert_int_equal(fields, 3);
	thread.time = user + kernel;
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	assert_true(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %llu", &count) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %llu", &count) == 1)
			thread.switches += count;
	fclose(file);
	return thread;
}

static void until_asleep(const char *device)
{
	const int pid = thread_of(device);

	while (!strchr("SI", look_at(pid).state))
		;
}

/* Ten seconds in which nothing is sent: the threads are not even woken. */
static void check_idle(void)
{
	static const char *const devices[] = { "kucomms_threaded",
					       "kucomms_polling" };
	struct kucomms_channel *channels[2];
	struct thread before[2], after, demand;
	unsigned long long wakeups;
	int i;

	for (i = 0; i < 2; i++) {
		channels[i] = t_open(devices[i], 0, 0);
		assert_int_equal(t_echo(channels[i], "before the rest"), 0);
		until_asleep(devices[i]);
	}
	for (i = 0; i < 2; i++)
		before[i] = look_at(thread_of(devices[i]));
	/* One whose work is done on demand has no period to wake up for, either. */
	t_device("kucomms_demand");
	until_asleep("kucomms_demand");
	demand = look_at(thread_of("kucomms_demand"));
	/* Not to wait for something: the ten seconds are what is tested. */
	assert_int_equal(poll(NULL, 0, 10000), 0);
	after = look_at(thread_of("kucomms_demand"));
	assert_int_equal(after.switches, demand.switches);
	assert_int_equal(t_remove("kucomms_demand"), 0);
	for (i = 0; i < 2; i++) {
		after = look_at(thread_of(devices[i]));
		assert_int_equal(after.switches, before[i].switches);
		assert_int_equal(after.time, before[i].time);
		wakeups = t_attribute(devices[i], "thread_wakeups");
		assert_int_equal(t_echo(channels[i], "after the rest"), 0);
		assert_int_equal(t_attribute(devices[i], "thread_wakeups"),
				 wakeups + 1);
		kucomms_channel_close(channels[i]);
	}
	printf("idle: 0 wake-ups in ten seconds\n");
}

static void echo(struct kucomms_channel *channel, __u64 id)
{
	struct kucomms_message message = { .type = TEST_ECHO, .id = id };
	const void *data;
	int err;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	do {
		err = kucomms_receive(channel, &message, &data, 0);
	} while (err == -EAGAIN);
	assert_int_equal(err, 0);
	assert_int_equal(message.id, id);
	kucomms_release(channel);
}

/* Both sides look all the time: nobody calls the kernel, nobody is woken. */
static void check_polling(void)
{
	const char *const device = "kucomms_polling";
	struct kucomms_channel *channel;
	struct kucomms_channel_stats before, after;
	unsigned long long doorbells, wakeups, thread_wakeups;
	__u64 i;

	/* Long enough for any pause that the machine makes of its own. */
	assert_int_equal(t_adjust(device, "poll_idle_us", "1000000"), 0);
	assert_true(t_reads(device, "poll_idle_us", "1000000"));
	channel = t_open(device, 0, 0);
	echo(channel, 0);
	before = t_stats(channel);
	doorbells = t_attribute(device, "doorbells");
	wakeups = t_attribute(device, "wakeups");
	thread_wakeups = t_attribute(device, "thread_wakeups");
	for (i = 0; i < ECHOES; i++)
		echo(channel, i);
	after = t_stats(channel);
	assert_int_equal(after.sent - before.sent, ECHOES);
	assert_int_equal(after.doorbells, before.doorbells);
	assert_int_equal(after.waits, before.waits);
	assert_int_equal(t_attribute(device, "doorbells"), doorbells);
	assert_int_equal(t_attribute(device, "wakeups"), wakeups);
	assert_int_equal(t_attribute(device, "thread_wakeups"), thread_wakeups);
	printf("polling: 0 system calls, 0 wake-ups in %d echoes\n", ECHOES);
	kucomms_channel_close(channel);
	assert_int_equal(t_adjust(device, "poll_idle_us", "0"), 0);
}

/* A client that sleeps and a thread that sleeps wake each other, no more. */
static void check_ping_pong(void)
{
	struct kucomms_channel *channel = t_open("kucomms_threaded", 0, 0);
	unsigned long long before = t_attribute("kucomms_threaded",
						"thread_wakeups");
	int i;

	for (i = 0; i < 1000; i++)
		assert_int_equal(t_echo(channel, "your turn"), 0);
	assert_true(t_attribute("kucomms_threaded",
				"thread_wakeups") - before <= 1000);
	assert_true(t_stats(channel).doorbells <= 1000);
	kucomms_channel_close(channel);
}

/* The thread takes what the client has published without asking again. */
static void check_stream(const char *device)
{
	struct kucomms_channel *channel = t_open(device, 4096, 4096);
	struct kucomms_message message = { .type = TEST_SINK, .length = 100 };
	static const char data[100];
	int i;

	for (i = 0; i < ECHOES; i++)
		assert_int_equal(kucomms_send(channel, &message, data, 0, -1),
				 0);
	assert_int_equal(t_echo(channel, "all of it"), 0);
	assert_int_equal(t_attribute(device, "messages_to_kernel"), ECHOES + 1);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
}

int main(void)
{
	t_device("kucomms_threaded");
	t_device("kucomms_polling");
	check_stream("kucomms_threaded");
	check_stream("kucomms_polling");
	check_ping_pong();
	check_polling();
	check_idle();
	assert_int_equal(t_remove("kucomms_threaded"), 0);
	assert_int_equal(t_remove("kucomms_polling"), 0);
	return 0;
}
