// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many clients, and many devices: what one device's clients wait for is nobody
 * else's business.
 */
#include <sched.h>
#include <sys/resource.h>

#include "netlink.h"

/* More than works of a queue that may run at once. */
#define CROWD	300

/* Until a handler of the module runs for @pid. */
static void wait_for_handler(pid_t pid)
{
	char path[64], stack[4096];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stack", (int)pid);
	do {
		sched_yield();
		fd = open(path, O_RDONLY);
		assert_true(fd >= 0);
		length = read(fd, stack, sizeof(stack) - 1);
		assert_true(length >= 0);
		stack[length] = '\0';
		close(fd);
	} while (!strstr(stack, "test_message"));
}

static void meet(const char *name)
{
	const struct kucomms_message message = { .type = TEST_MEET };
	struct netlink *netlink = n_open(name, NULL);
	unsigned int sequence = n_message(netlink, 0, &message, "");

	n_flush(netlink);
	assert_int_equal(n_answer(netlink, sequence)->type, TEST_MEET);
	n_close(netlink);
}

/*
 * The handler of one device waits until one of another is there, too; meanwhile
 * many of its clients close their sockets, but keep the device open: so each
 * channel's end waits for the handler, in the background. Other devices' clients
 * get their answers, which come from there.
 */
static void check_crowd(void)
{
	const struct kucomms_message slow = { .type = TEST_SLOW, .user = 50 };
	const struct n_options small = { .to_kernel_size = 4096,
					 .to_user_size = 4096 };
	const struct rlimit limit = { 2 * CROWD + 64, 2 * CROWD + 64 };
	static struct netlink *crowd[CROWD];
	unsigned int i, sequence;
	int devices[CROWD], go[2];
	struct netlink *other;
	pid_t child;
	char byte;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(t_remove("kucomms_test"), 0);
	assert_int_equal(t_create("kucomms_test channels=400"), 0);
	/* Before there is anything that it could keep open. */
	assert_int_equal(pipe(go), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		assert_int_equal(read(go[0], &byte, 1), 1);
		meet("test");
		exit(0);
	}
	other = n_open("threaded", NULL);
	for (i = 0; i < CROWD; i++) {
		crowd[i] = n_socket(0);
		devices[i] = n_device("test");
		assert_int_equal(n_attach_fd(crowd[i], devices[i], &small), 0);
	}
	assert_int_equal(write(go[1], "", 1), 1);
	wait_for_handler(child);
	for (i = 0; i < CROWD; i++)
		n_close(crowd[i]);
	sequence = n_message(other, 0, &slow, "");
	n_flush(other);
	assert_int_equal(n_answer(other, sequence)->type, TEST_SLOW);
	meet("threaded");
	assert_int_equal(t_wait(child), 0);
	n_close(other);
	for (i = 0; i < CROWD; i++)
		close(devices[i]);
}

int main(void)
{
	t_device("kucomms_test");
	t_device("kucomms_threaded");
	check_crowd();
	assert_int_equal(t_remove("kucomms_test"), 0);
	assert_int_equal(t_remove("kucomms_threaded"), 0);
	return 0;
}
