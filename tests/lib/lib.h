/* SPDX-License-Identifier: MIT */
/*
 * What the programs here share: where they listen, children, a pair of channels.
 */
#ifndef KUCOMMS_TESTS_LIB_H
#define KUCOMMS_TESTS_LIB_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <kucomms/endpoint.h>

#include "../patience.h"

/* Where "process:" listens; gone at the end, unless something was left in it. */
static char directory[] = "/tmp/kucomms-test-XXXXXX";
static char process_name[sizeof("process:") + sizeof(directory) + 16];

/* Of each transport that has user space on the other side. */
static const char *const names[] = { "local:test", process_name };

static inline const char *socket_path(void)
{
	return process_name + strlen("process:");
}

static inline void begin_program(void)
{
	if (!mkdtemp(directory))
		abort();
	snprintf(process_name, sizeof(process_name), "process:%s/test",
		 directory);
	alarm(patience());
}

static inline int end_program(int failed)
{
	if (!rmdir(directory) || failed)
		return failed;
	perror(directory);
	return 1;
}

/* What main() returns. */
#define run_program(name, tests)						\
	(begin_program(),						\
	 end_program(cmocka_run_group_tests_name(name, tests, NULL, NULL)))

/* What has been printed is printed once, and who loses its parent ends. */
static inline pid_t fork_quietly(void)
{
	const pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(1);
	return pid;
}

static inline void end_process(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static inline struct kucomms_listener *listen_at(const char *name)
{
	struct kucomms_listener *listener;

	assert_int_equal(kucomms_listen(name, NULL, &listener), 0);
	return listener;
}

/* Two ends that no endpoint has. */
static inline void open_pair(struct kucomms_channel **here,
			     struct kucomms_channel **there)
{
	struct kucomms_listener *listener = listen_at("local:pair");

	assert_int_equal(kucomms_open("local:pair", NULL, here), 0);
	assert_int_equal(kucomms_accept(listener, there, 0), 0);
	kucomms_listener_close(listener);
}

/* With somebody who sends back what comes. */
static inline void exchange_echoes(struct kucomms_channel *channel,
				   unsigned int echoes, int timeout_ms)
{
	unsigned char sent[300], received[300];
	struct kucomms_message message;
	unsigned int i, length;
	int err;

	for (i = 0; i < echoes; i++) {
		length = i % sizeof(sent);
		memset(sent, (int)i, length);
		message = (struct kucomms_message){
			.length = length, .type = i, .id = ~(__u64)i, .user = 1,
		};
		assert_int_equal(kucomms_send(channel, &message, sent, 0, -1), 0);
		do {
			err = kucomms_receive_copy(channel, &message, received,
						   sizeof(received), timeout_ms);
		} while (err == -EAGAIN);
		assert_int_equal(err, 0);
		assert_int_equal(message.length, length);
		assert_int_equal(message.type, i);
		assert_int_equal(message.id, ~(__u64)i);
		assert_memory_equal(sent, received, length);
	}
}

/* Receives what there is. */
static inline int empty(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const void *data;
	int count = 0;

	while (!kucomms_receive(channel, &message, &data, 0)) {
		kucomms_release(channel);
		count++;
	}
	return count;
}

static inline __u64 doorbells(const struct kucomms_channel *channel)
{
	struct kucomms_channel_stats stats = { .size = sizeof(stats) };

	assert_int_equal(kucomms_channel_get_stats(channel, &stats), 0);
	return stats.doorbells;
}

#endif
