// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a read() or write() that waits comes to an end other than success: a
 * signal, a hang-up, a broken channel, the end of the process; and what a
 * program gets whose device has no module.
 */
#include <poll.h>
#include <pthread.h>

#include "test.h"

static long put(int fd, __u64 type, __u64 id, __u64 user)
{
	const struct kucomms_message message = { .type = type, .id = id,
						 .user = user };

	return t_sys(write(fd, &message, sizeof(message)));
}

static long take(int fd, __u64 *id)
{
	struct kucomms_message message;
	long got = t_sys(read(fd, &message, sizeof(message)));

	*id = got > 0 ? message.id : 0;
	return got;
}

/* Without SA_RESTART a signal ends the wait, with it the wait goes on. */
static void check_signals(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 20000000,
					 .it_interval.tv_nsec = 20000000 };
	struct sigaction action = { .sa_handler = t_ignore };
	int fd = t_device_fd("kucomms_test", 0);
	timer_t timer;
	__u64 id;

	assert_int_equal(put(fd, TEST_SINK, 0, 0), 32);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
	assert_int_equal(take(fd, &id), -EINTR);
	action.sa_flags = SA_RESTART;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	/* Ten signals come while the handler sleeps and nothing is there. */
	assert_int_equal(put(fd, TEST_SLOW, 5, 200), 32);
	assert_int_equal(take(fd, &id), 32);
	assert_int_equal(id, 5);
	timer_delete(timer);
	close(fd);
}

static void *sleep_in_read(void *arg)
{
	__u64 id;

	return (void *)take(*(int *)arg, &id);
}

/* What was sent before can still be read. */
static void check_hang_up(void)
{
	struct pollfd polled;
	pthread_t thread;
	void *result;
	int fd, other;
	__u64 id;

	t_parameter("late", "1");
	t_device("kucomms_late");
	fd = t_device_fd("kucomms_late", 0);
	other = t_device_fd("kucomms_late", 0);
	assert_int_equal(put(fd, TEST_ECHO, 1, 0), 32);
	assert_int_equal(put(fd, TEST_ECHO, 2, 0), 32);
	assert_int_equal(put(other, TEST_SINK, 0, 0), 32);
	assert_int_equal(pthread_create(&thread, NULL, sleep_in_read, &other),
			 0);
	t_parameter("late", "0");
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((long)result, -ESHUTDOWN);
	assert_int_equal(put(fd, TEST_ECHO, 3, 0), -ESHUTDOWN);
	assert_int_equal(take(fd, &id), 32);
	assert_int_equal(id, 1);
	assert_int_equal(take(fd, &id), 32);
	assert_int_equal(id, 2);
	assert_int_equal(take(fd, &id), -ESHUTDOWN);
	polled = (struct pollfd){ .fd = fd };
	assert_int_equal(poll(&polled, 1, -1), 1);
	assert_true(polled.revents & POLLHUP);
	close(fd);
	close(other);
	/* Nobody serves it. */
	fd = t_device_fd("kucomms_late", 0);
	assert_int_equal(put(fd, TEST_ECHO, 1, 0), -ENOTCONN);
	assert_int_equal(take(fd, &id), -ENOTCONN);
	t_parameter("late", "1");
	assert_int_equal(put(fd, TEST_ECHO, 4, 0), 32);
	assert_int_equal(take(fd, &id), 32);
	assert_int_equal(id, 4);
	close(fd);
	t_parameter("late", "0");
	assert_int_equal(t_remove("kucomms_late"), 0);
}

static void check_broken(void)
{
	int fd = t_device_fd("kucomms_test", 0);
	__u64 id;

	assert_int_equal(put(fd, TEST_FAIL, 0, 0), -EPROTO);
	assert_int_equal(put(fd, TEST_ECHO, 0, 0), -EPROTO);
	assert_int_equal(take(fd, &id), -EPROTO);
	close(fd);
	fd = t_device_fd("kucomms_picky", 0);
	assert_int_equal(put(fd, TEST_ECHO, 0, 0), -EDQUOT);
	close(fd);
}

/* Killed while it waits; and descriptors that one can only read or write. */
static void check_rest(void)
{
	struct kucomms_message message = { .type = TEST_ECHO };
	int fds[2], fd, i;
	__u64 id;

	assert_int_equal(pipe(fds), 0);
	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			fd = t_device_fd("kucomms_test", 0);
			assert_int_equal(put(fd, TEST_SINK, 0, 0), 32);
			assert_int_equal(write(fds[1], "x", 1), 1);
			exit((int)take(fd, &id));
		}
		assert_int_equal(read(fds[0], &(char){ 0 }, 1), 1);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(t_wait(pid), -SIGKILL);
	}
	close(fds[0]);
	close(fds[1]);
	fd = open("/dev/kucomms_test", O_RDONLY);
	assert_int_equal(t_sys(write(fd, &message, sizeof(message))), -EBADF);
	close(fd);
	fd = open("/dev/kucomms_test", O_WRONLY);
	assert_int_equal(t_sys(read(fd, &message, sizeof(message))), -EBADF);
	assert_int_equal(t_sys(write(fd, &message, sizeof(message))), 32);
	close(fd);
}

int main(void)
{
	t_device("kucomms_test");
	t_device("kucomms_picky");
	check_signals();
	check_hang_up();
	check_broken();
	check_rest();
	assert_int_equal(t_attribute("kucomms_test", "opens"), 0);
	assert_int_equal(t_attribute("kucomms_test", "channels"), 0);
	assert_int_equal(t_remove("kucomms_test"), 0);
	assert_int_equal(t_remove("kucomms_picky"), 0);
	return 0;
}
