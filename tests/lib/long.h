/* SPDX-License-Identifier: MIT */
/*
 * What the programs that take long share: random numbers; what this process has
 * open and mapped.
 *
 * KUCOMMS_TEST_DIVISOR in the environment: only so much of the work is done, for
 * those whom sanitizers and valgrind slow down. KUCOMMS_TEST_SEED: the random
 * numbers of a run that failed.
 */
#ifndef KUCOMMS_TESTS_USER_H
#define KUCOMMS_TESTS_USER_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../assertions.h"
#include "lib.h"
#include <dirent.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/resource.h>


static inline unsigned long shortened(unsigned long count)
{
	const char *divisor = getenv("KUCOMMS_TEST_DIVISOR");
	unsigned long by = divisor ? strtoul(divisor, NULL, 10) : 1;

	return by > 1 && count > by ? count / by : by > 1 ? 1 : count;
}

/* splitmix64: neighbours have nothing in common. */
static inline __u64 mixed(__u64 value)
{
	value += 0x9e3779b97f4a7c15ull;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
	return value ^ (value >> 31);
}

static inline __u64 random_next(__u64 *state)
{
	return mixed((*state)++);
}

static inline __u32 random_below(__u64 *state, __u32 limit)
{
	return (__u32)(random_next(state) % limit);
}

static inline __u64 seed(void)
{
	const char *given = getenv("KUCOMMS_TEST_SEED");
	__u64 value = given ? strtoull(given, NULL, 10) :
			      mixed((__u64)time(NULL) ^ (__u64)getpid() << 32);

	printf("# KUCOMMS_TEST_SEED=%llu\n", (unsigned long long)value);
	return value;
}

static inline __s64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static inline void pause_us(long us)
{
	const struct timespec pause = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&pause, NULL);
}

static inline void kill_process(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static inline int count_open(void)
{
	DIR *list = opendir("/proc/self/fd");
	int count = -3;

	assert_true(list);
	while (readdir(list))
		count++;
	closedir(list);
	return count;
}

/* Of channels only: other mappings are the C library's, or the sanitizer's. */
static inline int count_mapped(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	assert_true(maps);
	while (fgets(line, sizeof(line), maps))
		count += !!strstr(line, "memfd:kucomms");
	fclose(maps);
	return count;
}

/* Memory that forked processes share. */
static inline void *share(size_t size)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(shared != MAP_FAILED);
	return shared;
}

static inline pthread_t run_thread(void *(*function)(void *), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, function, arg), 0);
	return thread;
}

static inline int echo_message(struct kucomms_channel *channel,
			       const struct kucomms_message *message,
			       const void *data, void *priv)
{
	(void)priv;
	return kucomms_reply(channel, message, data, 0);
}

/* An endpoint in a thread of its own, which listens under @name. */
static inline struct kucomms_endpoint *serve(const struct kucomms_ops *ops,
					     void *priv, const char *name)
{
	struct kucomms_endpoint *endpoint;

	assert_int_equal(kucomms_endpoint_create(ops, priv, NULL, &endpoint),
			 0);
	assert_int_equal(kucomms_endpoint_listen(endpoint, name, NULL), 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	return endpoint;
}

static inline void wait_for_channels(struct kucomms_endpoint *endpoint,
				     __u64 count)
{
	struct kucomms_endpoint_stats stats = { .size = sizeof(stats) };

	do {
		sched_yield();
		assert_int_equal(kucomms_endpoint_get_stats(endpoint, &stats),
				 0);
	} while (stats.channels != count);
}

#endif
