// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whom the module's connect handler sees: the credentials of the process that
 * opened the device, when it did, and the process that attached.
 */
#include <grp.h>

#include "pass.h"

#define DEVICE "kucomms_test"
#define USER 1000
#define GROUP 500

static struct test_who who(struct raw *raw)
{
	struct kucomms_message message;
	struct test_who who;
	const void *data;

	raw_map_all(raw);
	raw_send(raw, TEST_WHO, 0);
	assert_int_equal(raw_ring(raw), 0);
	assert_int_equal(kucomms_consumer_receive(&raw->in, &message, &data),
			 1);
	assert_int_equal(message.length, sizeof(who));
	memcpy(&who, data, sizeof(who));
	return who;
}

static void expect(struct raw *raw, unsigned int uid, unsigned int gid,
		   int pid)
{
	struct test_who seen = who(raw);

	assert_int_equal(seen.uid, uid);
	assert_int_equal(seen.gid, gid);
	assert_int_equal(seen.pid, pid);
	raw_close(raw);
}

static void become_user(void)
{
	assert_int_equal(setgroups(0, NULL), 0);
	assert_int_equal(setgid(GROUP), 0);
	assert_int_equal(setuid(USER), 0);
}

static void check_self(void)
{
	struct raw raw;
	pid_t pid;

	assert_int_equal(raw_attach(&raw, t_device_fd(DEVICE, 0), 4096), 0);
	expect(&raw, 0, 0, getpid());
	pid = fork();
	if (pid == 0) {
		become_user();
		assert_int_equal(raw_attach(&raw, t_device_fd(DEVICE, 0), 4096),
				 0);
		expect(&raw, USER, GROUP, getpid());
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
}

/* Opened as root, attached as somebody else: it is still root's right. */
static void check_dropped(void)
{
	struct raw raw;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = t_device_fd(DEVICE, 0);

		become_user();
		assert_int_equal(raw_attach(&raw, fd, 4096), 0);
		expect(&raw, 0, 0, getpid());
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
}

/* Opened by a user, passed to root, who attaches; and the other way round. */
static void check_passed(void)
{
	struct raw raw;
	int sockets[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pid = fork();
	if (pid == 0) {
		become_user();
		raw = (struct raw){ .fd = t_device_fd(DEVICE, 0) };
		pass(sockets[1], &raw);
		raw = take(sockets[1]);
		assert_int_equal(raw_attach(&raw, raw.fd, 4096), 0);
		expect(&raw, 0, 0, getpid());
		exit(0);
	}
	raw = take(sockets[0]);
	assert_int_equal(raw_attach(&raw, raw.fd, 4096), 0);
	expect(&raw, USER, GROUP, getpid());

	raw = (struct raw){ .fd = t_device_fd(DEVICE, 0) };
	pass(sockets[0], &raw);
	assert_int_equal(t_wait(pid), 0);
	close(raw.fd);
	close(sockets[0]);
	close(sockets[1]);
}

/* Attached by one who has ended since; the answer is the same. */
static void check_ended(void)
{
	struct raw raw;
	int sockets[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pid = fork();
	if (pid == 0) {
		become_user();
		assert_int_equal(raw_attach(&raw, t_device_fd(DEVICE, 0), 4096),
				 0);
		pass(sockets[1], &raw);
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
	raw = take(sockets[0]);
	expect(&raw, USER, GROUP, pid);
	close(sockets[0]);
	close(sockets[1]);
}

int main(void)
{
	t_device(DEVICE);
	assert_int_equal(chmod("/dev/" DEVICE, 0666), 0);
	check_self();
	check_dropped();
	check_passed();
	check_ended();
	assert_int_equal(t_attribute(DEVICE, "opens"), 0);
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
