// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at the same time: clients come, call and go, some are killed in
 * the middle of it, while the name is registered and unregistered, served in
 * one way and another, the device removed (by force, too) and created, and the
 * module unloaded and loaded. Nothing hangs, nobody sees an error that is none,
 * and all counts come back to zero.
 */
#include <sched.h>
#include <sys/syscall.h>

#include "raw.h"

#define ROUNDS 300
#define PROGRESS 100	/* each worker gets this far, or the test goes on */

#define MODULE "/modules/kucomms_test.ko"

#define OPENERS 2
#define CALLERS 2
#define KILLERS 2
#define WORKERS (OPENERS + CALLERS + KILLERS)

/* Shared by all processes. */
struct shared {
	volatile bool stop;
	volatile unsigned long progress[WORKERS];
};

static struct shared *shared;

static const char *const names[] = { "late", "test" };

/* What an attach may come to while everything comes and goes. */
static bool is_absence(int err)
{
	return err == -ENOENT || err == -ENODEV || err == -ENOTCONN ||
	       err == -ENXIO;
}

/* The file alone; the file and a channel; a channel and half of its regions. */
static void opener(int self)
{
	uint64_t state = (uint64_t)self + 1;

	while (!shared->stop) {
		struct raw raw;
		char path[64];
		int fd, err;

		snprintf(path, sizeof(path), "/dev/kucomms_%s",
			 names[t_random(&state) % 2]);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			assert_true(is_absence(-errno));
			continue;
		}
		err = raw_attach(&raw, fd, 4096u << t_random(&state) % 4);
		assert_true(!err || is_absence(err));
		if (err) {
			close(fd);
			continue;
		}
		raw_map_all(&raw);
		raw_ring(&raw);
		shared->progress[self]++;
		/* Either may go last. */
		if (t_random(&state) % 2) {
			raw_close(&raw);
		} else {
			close(fd);
			raw_unmap(&raw);
		}
	}
}

/* Calls until the other side goes, and then from the beginning. */
static void call(int self, uint64_t *state, const bool *stop)
{
	struct kucomms_message message = { .type = TEST_ECHO };
	struct kucomms_channel *channel;
	int err;

	err = kucomms_open(names[t_random(state) % 2], NULL, &channel);
	if (err) {
		assert_true(is_absence(err));
		return;
	}
	while (!err && !*(volatile const bool *)stop) {
		message.type = t_random(state) % 32 ? TEST_ECHO : TEST_SLOW;
		message.user = 1;
		err = kucomms_send(channel, &message, NULL, 0, -1);
		if (!err)
			err = kucomms_receive_copy(channel, &message, NULL, 0,
						   -1);
		if (!err)
			shared->progress[self]++;
	}
	assert_true(!err || err == -ESHUTDOWN);
	kucomms_channel_close(channel);
}

static void caller(int self)
{
	uint64_t state = (uint64_t)self + 1;

	while (!shared->stop)
		call(self, &state, (const bool *)&shared->stop);
}

/* A child that never stops, killed a random number of calls later. */
static void killer(int self)
{
	uint64_t state = (uint64_t)self + 1;

	while (!shared->stop) {
		unsigned long end = shared->progress[self] +
				    t_random(&state) % 64;
		pid_t pid = fork();

		if (pid == 0) {
			const bool never = false;

			for (;;)
				call(self, &state, &never);
		}
		while (shared->progress[self] < end && !shared->stop)
			sched_yield();
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(t_wait(pid), -SIGKILL);
	}
}

static void reload(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(t_sys(syscall(SYS_delete_module, "kucomms_test",
				       O_NONBLOCK)), 0);
	assert_int_equal(t_sys(syscall(SYS_finit_module, fd, "", 0)), 0);
	close(fd);
}

/* All that the other side of a client can do, over and over. */
static void manage(int round)
{
	int err;

	t_parameter("late", "1");
	assert_int_equal(t_adjust("kucomms_late", "dispatch",
				  t_modes[round % T_MODES]), 0);
	if (round % 4 == 0) {
		err = t_remove("kucomms_late");
		assert_true(!err || err == -EBUSY);
		if (err && round % 8 == 0)
			err = t_remove("kucomms_late force");
		if (!err)
			assert_int_equal(t_create("kucomms_late"), 0);
	}
	if (round % 10 == 0)
		reload();
	else
		t_parameter("late", "0");
}

static bool all_have_progressed(void)
{
	int i;

	for (i = 0; i < WORKERS; i++)
		if (shared->progress[i] < PROGRESS)
			return false;
	return true;
}

static pid_t start(int self)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (self < OPENERS)
		opener(self);
	else if (self < OPENERS + CALLERS)
		caller(self);
	else
		killer(self);
	exit(0);
}

static void check_quiet(const char *device, const char *name)
{
	struct kucomms_channel *channel;

	assert_int_equal(t_attribute(device, "opens"), 0);
	assert_int_equal(t_attribute(device, "channels"), 0);
	channel = t_open(name, 0, 0);
	assert_int_equal(kucomms_channel_number(channel), 0);
	assert_int_equal(t_echo(channel, "after it all"), 0);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	assert_int_equal(t_remove(device), 0);
}

int main(void)
{
	pid_t pids[WORKERS];
	int i, round;

	t_device("kucomms_test");
	t_device("kucomms_late");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	for (i = 0; i < WORKERS; i++)
		pids[i] = start(i);
	for (round = 0; round < ROUNDS || !all_have_progressed(); round++)
		manage(round);
	shared->stop = true;
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(t_wait(pids[i]), 0);
	printf("%d rounds\n", round);
	t_parameter("late", "1");
	check_quiet("kucomms_late", "late");
	check_quiet("kucomms_test", "test");
	t_parameter("late", "0");
	return 0;
}
