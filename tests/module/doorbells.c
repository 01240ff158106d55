// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a message costs in system calls, counted by both sides: one doorbell for
 * each published batch, none to a reader that is awake, nothing when idle.
 */
#include <poll.h>

#include "test.h"

#define MESSAGES 100000

static void send_sink(struct kucomms_channel *channel, unsigned int flags)
{
	struct kucomms_message message = { .length = 64, .type = TEST_SINK };
	char data[64] = "";

	assert_int_equal(kucomms_send(channel, &message, data, flags, -1), 0);
}

static void batches(struct kucomms_channel *channel, unsigned int batch)
{
	struct kucomms_channel_stats before = t_stats(channel), after;
	unsigned long long kernel = t_attribute("kucomms_test", "doorbells");
	unsigned int i;

	for (i = 0; i < MESSAGES; i++)
		send_sink(channel, (i + 1) % batch ? KUCOMMS_SEND_MORE : 0);
	assert_int_equal(kucomms_flush(channel), 0);
	after = t_stats(channel);
	assert_int_equal(after.sent - before.sent, MESSAGES);
	assert_int_equal(after.doorbells - before.doorbells,
			 (MESSAGES + batch - 1) / batch);
	assert_int_equal(t_attribute("kucomms_test", "doorbells") - kernel,
			 after.doorbells - before.doorbells);
	assert_int_equal(after.waits, before.waits);
	printf("to the kernel, batches of %u: %.4f system calls a message\n",
	       batch, (double)(after.doorbells - before.doorbells) / MESSAGES);
}

static void echoes(struct kucomms_channel *channel)
{
	struct kucomms_channel_stats before = t_stats(channel), after;
	int i;

	for (i = 0; i < 1000; i++)
		assert_int_equal(t_echo(channel,
					"one system call there and back"), 0);
	after = t_stats(channel);
	assert_int_equal(after.doorbells - before.doorbells, 1000);
	assert_int_equal(after.waits - before.waits, 0);
}

/* The kernel sends to a client that reads all the time: nobody is woken. */
static void busy_reader(struct kucomms_channel *channel)
{
	struct kucomms_message message = { .type = TEST_BURST, .id = MESSAGES,
					   .user = 64 };
	unsigned long long wakeups = t_attribute("kucomms_test", "wakeups");
	struct kucomms_channel_stats before, after;
	const void *data;
	uint64_t next = 0, lost = 0;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	before = t_stats(channel);
	while (next < MESSAGES) {
		int err = kucomms_receive(channel, &message, &data, 0);

		if (err == -EAGAIN)
			continue;
		assert_int_equal(err, 0);
		lost += message.id - next;
		next = message.id + 1;
		kucomms_release(channel);
		if (message.id == MESSAGES - 1)
			break;
	}
	after = t_stats(channel);
	assert_int_equal(lost, 0);
	assert_int_equal(after.waits - before.waits, 0);
	assert_int_equal(after.doorbells - before.doorbells, 0);
	assert_int_equal(t_attribute("kucomms_test", "wakeups"), wakeups);
	printf("to a busy reader: 0 system calls, 0 wake-ups in %d messages\n",
	       MESSAGES);
}

static unsigned long long switches(pid_t pid)
{
	unsigned long long count, total = 0;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	assert_true(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "voluntary_ctxt_switches: %llu", &count) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %llu", &count) == 1)
			total += count;
	}
	fclose(file);
	return total;
}

/* Until the process sleeps, so that what follows is its idle time. */
static void until_asleep(pid_t pid)
{
	char path[64], state = '?';

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (state != 'S') {
		FILE *file = fopen(path, "r");

		assert_true(file);
		assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
		fclose(file);
	}
}

/* Ten seconds in which a client waits for a message that does not come. */
static void idle(void)
{
	unsigned long long doorbells, wakeups, before;
	int pipe_fds[2];
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0) {
		struct kucomms_channel *channel = t_open("test", 0, 0);
		struct kucomms_message message;
		const void *data;

		assert_int_equal(write(pipe_fds[1], "x", 1), 1);
		exit(kucomms_receive(channel, &message, &data, -1) ? 1 : 2);
	}
	assert_int_equal(read(pipe_fds[0], &(char){ 0 }, 1), 1);
	until_asleep(pid);
	doorbells = t_attribute("kucomms_test", "doorbells");
	wakeups = t_attribute("kucomms_test", "wakeups");
	before = switches(pid);
	/* Not to wait for something: the ten seconds are what is tested. */
	assert_int_equal(poll(NULL, 0, 10000), 0);
	assert_int_equal(switches(pid), before);
	assert_int_equal(t_attribute("kucomms_test", "doorbells"), doorbells);
	assert_int_equal(t_attribute("kucomms_test", "wakeups"), wakeups);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(t_wait(pid), -SIGKILL);
	printf("idle: 0 wake-ups in ten seconds\n");
}

/* No handler that needs one, no thread. */
static void threads(void)
{
	assert_true(system("ps -o comm | grep -q kucomms_mymod"));
	assert_int_equal(system("ps -o comm | grep -q kucomms_ticker"), 0);
}

int main(void)
{
	struct kucomms_channel *channel;

	t_device("kucomms_test");
	channel = t_open("test", 1 << 20, 16 << 20);
	batches(channel, 1);
	batches(channel, 16);
	batches(channel, 64);
	echoes(channel);
	busy_reader(channel);
	kucomms_channel_close(channel);
	threads();
	idle();
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
