// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that is stopped, traced or frozen in the middle of its flood keeps the
 * endpoint from nobody, and one that is out of CPU time does so until its next
 * period at most. With a preemptible kernel it can be anywhere then, also in the
 * middle of a handler.
 */
#include <sys/mount.h>
#include <sys/ptrace.h>

#include "flood.h"

#define DEVICE "kucomms_test"
#define TRIPS 300
#define TIMES 10

static const char *cgroups;	/* where they are mounted, NULL: nowhere */

static void trips(struct kucomms_channel *channel, int count)
{
	int i;

	for (i = 0; i < count; i++)
		assert_int_equal(t_echo(channel, "not kept waiting"), 0);
}

static void check_stopped(struct kucomms_channel *channel)
{
	struct flood flood = flood_start(DEVICE, 0);
	int i, status;

	for (i = 0; i < TIMES; i++) {
		flood_await(&flood);
		assert_int_equal(kill(flood.pid, SIGSTOP), 0);
		assert_int_equal(waitpid(flood.pid, &status, WUNTRACED),
				 flood.pid);
		assert_true(WIFSTOPPED(status));
		trips(channel, TRIPS);
		assert_int_equal(kill(flood.pid, SIGCONT), 0);
	}
	flood_await(&flood);
	flood_stop(&flood);
}

/* Stopped where it is, and then at the beginning and end of its calls. */
static void check_traced(struct kucomms_channel *channel)
{
	struct flood flood = flood_start(DEVICE, 0);
	int i, status;

	flood_await(&flood);
	assert_int_equal(ptrace(PTRACE_SEIZE, flood.pid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, flood.pid, 0, 0), 0);
	for (i = 0; i < 2 * TIMES; i++) {
		assert_int_equal(waitpid(flood.pid, &status, __WALL),
				 flood.pid);
		assert_true(WIFSTOPPED(status));
		trips(channel, TRIPS);
		assert_int_equal(ptrace(PTRACE_SYSCALL, flood.pid, 0, 0), 0);
	}
	assert_int_equal(waitpid(flood.pid, &status, __WALL), flood.pid);
	assert_int_equal(ptrace(PTRACE_DETACH, flood.pid, 0, 0), 0);
	flood_await(&flood);
	flood_stop(&flood);
}

static void cgroup_path(char *path, size_t size, const char *file)
{
	snprintf(path, size, "%s/flood%s%s", cgroups, *file ? "/" : "", file);
}

static int cgroup_write(const char *file, const char *text)
{
	char path[128];

	cgroup_path(path, sizeof(path), file);
	return t_write(path, text, strlen(text));
}

/* The number behind @key in a file of the group. */
static unsigned long long cgroup_read(const char *file, const char *key)
{
	char path[128], line[128], word[64];
	unsigned long long value = 0, found = ~0ull;
	FILE *stream;

	cgroup_path(path, sizeof(path), file);
	stream = fopen(path, "r");
	assert_true(stream);
	while (fgets(line, sizeof(line), stream))
		if (sscanf(line, "%63s %llu", word, &value) == 2 &&
		    !strcmp(word, key))
			found = value;
	fclose(stream);
	assert_true(found != ~0ull);
	return found;
}

/* A group of its own with the controller @needs; false: the kernel has none. */
static bool cgroup_make(const char *needs)
{
	char path[128], controller[16];

	if (!cgroups)
		return false;
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroups);
	snprintf(controller, sizeof(controller), "+%s", needs);
	if (*needs && t_write(path, controller, strlen(controller)))
		return false;
	cgroup_path(path, sizeof(path), "");
	assert_int_equal(mkdir(path, 0700), 0);
	return true;
}

static void cgroup_enter(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	assert_int_equal(cgroup_write("cgroup.procs", text), 0);
}

static void cgroup_remove(void)
{
	char path[128];

	cgroup_path(path, sizeof(path), "");
	assert_int_equal(rmdir(path), 0);
}

static void check_frozen(struct kucomms_channel *channel)
{
	struct flood flood;
	int i;

	if (!cgroup_make("")) {
		printf("not frozen: this kernel has no cgroup v2\n");
		return;
	}
	flood = flood_start(DEVICE, 0);
	cgroup_enter(flood.pid);
	for (i = 0; i < TIMES; i++) {
		flood_await(&flood);
		assert_int_equal(cgroup_write("cgroup.freeze", "1"), 0);
		while (!cgroup_read("cgroup.events", "frozen"))
			;
		trips(channel, TRIPS);
		assert_int_equal(cgroup_write("cgroup.freeze", "0"), 0);
	}
	flood_await(&flood);
	flood_stop(&flood);
	cgroup_remove();
}

/*
 * Ten milliseconds of a tenth of a second: nearly all the time it is out of the
 * race, wherever that has caught it. If it has the turn then, others get theirs in
 * its next period: all of them come through, and so does a client that closes.
 */
static void check_throttled(struct kucomms_channel *channel)
{
	struct flood flood;
	unsigned long count = 0;

	if (!cgroup_make("cpu") || cgroup_write("cpu.max", "10000 100000")) {
		printf("not throttled: this kernel cannot\n");
		return;
	}
	flood = flood_start(DEVICE, 0);
	flood_await(&flood);
	cgroup_enter(flood.pid);
	while (cgroup_read("cpu.stat", "nr_throttled") < TIMES) {
		trips(channel, 1);
		/* A client that opens and closes waits for the turn, too. */
		if (count % 8 == 0)
			kucomms_channel_close(t_open("test", 4096, 4096));
		count++;
	}
	printf("%lu round trips in %llu periods of 0.1 s\n", count,
	       cgroup_read("cpu.stat", "nr_periods"));
	flood_stop(&flood);
	cgroup_remove();
}

static void check_all(void)
{
	struct kucomms_channel *channel = t_open("test", 0, 0);

	check_stopped(channel);
	check_traced(channel);
	check_frozen(channel);
	check_throttled(channel);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
}

int main(void)
{
	t_device(DEVICE);
	mkdir("/sys/fs/cgroup", 0755);
	if (!mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) ||
	    errno == EBUSY)
		cgroups = "/sys/fs/cgroup";
	check_all();
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
