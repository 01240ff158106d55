/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For test programs in a guest. Each program tests one behaviour, prints what
 * it found, and exits with 0 (passed) or 77 (skipped); or an assertion ends it.
 */
#ifndef KUCOMMS_TEST_H
#define KUCOMMS_TEST_H

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <kucomms/kucomms.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../assertions.h"
#include "kmod/protocol.h"

#define T_CONTROL "/sys/devices/virtual/kucomms/kucomms/"
#define T_CLASS "/sys/class/kucomms/"

/* Or a child that exits would print again what its parent has printed. */
static inline void __attribute__((constructor)) t_by_lines(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* What the call comes to: its result, or the negated errno. */
#define t_sys(call)							\
	({								\
		long result_ = (long)(call);				\
									\
		result_ == -1 ? (long)-errno : result_;			\
	})

/* For a signal that is to end a wait, and nothing else. */
static inline void t_ignore(int signal)
{
	(void)signal;
}

static inline void t_stay_on_first_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	assert_int_equal(t_sys(sched_setaffinity(0, sizeof(cpus), &cpus)), 0);
}

/* 0, or -errno. */
static inline int t_write(const char *path, const void *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t done;
	int err = 0;

	if (fd < 0)
		return -errno;
	done = write(fd, text, length);
	if (done < 0)
		err = -errno;
	close(fd);
	return err;
}

/* What the handlers of kucomms_test.ko do from now on, see kmod/main.c. */
static inline void t_parameter(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/kucomms_test/parameters/%s",
		 name);
	assert_int_equal(t_write(path, text, strlen(text)), 0);
}

static inline int t_create(const char *name)
{
	return t_write(T_CONTROL "create_device", name, strlen(name));
}

static inline int t_remove(const char *name)
{
	return t_write(T_CONTROL "remove_device", name, strlen(name));
}

/* A device that is this test's own, whatever one before has left behind. */
static inline void t_device(const char *name)
{
	int err = t_remove(name);

	assert_true(!err || err == -ENODEV);
	assert_int_equal(t_create(name), 0);
}

/* A descriptor of the device. */
static inline int t_device_fd(const char *device, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", device);
	fd = open(path, O_RDWR | O_CLOEXEC | flags);
	assert_true(fd >= 0);
	return fd;
}

static inline unsigned long long t_attribute(const char *device,
					     const char *name)
{
	char path[256], text[64];
	FILE *file;

	snprintf(path, sizeof(path), T_CLASS "%s/%s", device, name);
	file = fopen(path, "r");
	assert_true(file);
	assert_true(fgets(text, sizeof(text), file));
	fclose(file);
	return strtoull(text, NULL, 10);
}

/*
 * Removes a device as soon as nobody has it open: the kernel may close a netlink
 * socket a moment after its process, when it was about to send.
 */
static inline void t_remove_closed(const char *name)
{
	while (t_attribute(name, "opens"))
		;
	assert_int_equal(t_remove(name), 0);
}

/*
 * The next task in @proc, an open /proc: its number, and its name in @name, which a
 * process or a thread has up to 15 characters of. 0: there is none any more.
 */
static inline int t_next_task(DIR *proc, char *name, int size)
{
	const struct dirent *entry;

	while ((entry = readdir(proc))) {
		char path[300];
		FILE *file;

		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file)	/* it has ended */
			continue;
		if (!fgets(name, size, file))
			*name = '\0';
		fclose(file);
		name[strcspn(name, "\n")] = '\0';
		return atoi(entry->d_name);
	}
	return 0;
}

/* What the administrator chooses for a device: 0, or -errno. */
static inline int t_adjust(const char *device, const char *name,
			   const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), T_CLASS "%s/%s", device, name);
	return t_write(path, text, strlen(text));
}

/* Whether the attribute reads so. */
static inline bool t_reads(const char *device, const char *name,
			   const char *text)
{
	char path[256], line[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), T_CLASS "%s/%s", device, name);
	file = fopen(path, "r");
	assert_true(file);
	if (fgets(line, sizeof(line), file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
	if (strcmp(line, text))
		printf("%s of %s is \"%s\"\n", name, device, line);
	return !strcmp(line, text);
}

/* The ways of dispatch that a test goes through. */
static const char *const t_modes[] = { "adaptive", "thread", "poll" };
#define T_MODES 3

/*
 * A kernel with checkers keeps freed memory for a while to find late uses of
 * it, so the amount of free memory proves nothing; kmemleak does it there.
 */
static inline bool t_memory_is_exact(void)
{
	if (access("/sys/kernel/debug/kmemleak", F_OK))
		return true;
	printf("memory is not compared: kmemleak looks for leaks instead\n");
	return false;
}

/*
 * For what comes at once, or else never. Nothing but the end of a test that has
 * failed depends on it: half of what the harness gives it, see ../runner.
 */
static inline int t_patience_ms(void)
{
	const char *seconds = getenv("KUCOMMS_TEST_PATIENCE");

	return 1000 * (seconds ? atoi(seconds) : 120);
}

static inline uint64_t t_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A reproducible stream of numbers; @state must not be 0. */
static inline uint64_t t_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline struct kucomms_channel *t_open(const char *name,
					     __u32 to_kernel, __u32 to_user)
{
	const struct kucomms_options options = {
		.size = sizeof(options),
		.send_size = to_kernel,
		.receive_size = to_user,
	};
	struct kucomms_channel *channel;

	assert_int_equal(kucomms_open(name, &options, &channel), 0);
	return channel;
}

static inline struct kucomms_channel_stats
t_stats(struct kucomms_channel *channel)
{
	struct kucomms_channel_stats stats = { .size = sizeof(stats) };

	assert_int_equal(kucomms_channel_get_stats(channel, &stats), 0);
	return stats;
}

/* What kucomms_test.ko says of the endpoint behind @channel. */
static inline struct test_report t_report(struct kucomms_channel *channel)
{
	struct kucomms_message message = { .type = TEST_REPORT, .id = ~0ull };
	struct test_report report;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	do {
		assert_int_equal(kucomms_receive_copy(channel, &message,
						      &report, sizeof(report),
						      -1), 0);
	} while (message.id != ~0ull);
	return report;
}

/* A message of which the header says all that the endpoint has to know. */
static inline void t_ask(struct kucomms_channel *channel, __u64 type, __u64 id,
			 __u64 user)
{
	const struct kucomms_message message = { .type = type, .id = id,
						 .user = user };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
}

/* Whether the channel still does what it is for. */
static inline int t_echo(struct kucomms_channel *channel, const char *text)
{
	struct kucomms_message message = {
		.length = (__u32)strlen(text), .type = TEST_ECHO, .id = 77,
		.user = 78,
	};
	char answer[256];
	int err;

	err = kucomms_send(channel, &message, text, 0, -1);
	if (err)
		return err;
	err = kucomms_receive_copy(channel, &message, answer, sizeof(answer),
				   -1);
	if (err)
		return err;
	if (message.length != strlen(text) || message.type != TEST_ECHO ||
	    message.id != 77 || message.user != 78 ||
	    memcmp(answer, text, message.length))
		return -EILSEQ;
	return 0;
}

/* Waits for a child and returns its exit status, or minus its signal. */
static inline int t_wait(pid_t pid)
{
	int status;

	assert_true(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#endif
