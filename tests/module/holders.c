// SPDX-License-Identifier: GPL-2.0-only
/*
 * `kucommsctl remove` on a device in use names the process that has it, by
 * whatever way: a descriptor, netlink, a file that only io_uring or a socket
 * still holds. What cannot be seen is said to be so.
 */
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "pass.h"

#define DEVICE "kucomms_mymodule"

/* What each holder does, before it waits to be killed. */

static void hold_descriptor(void)
{
	t_device_fd(DEVICE, 0);
}

static void hold_by_netlink(void)
{
	struct kucomms_channel *channel;

	assert_int_equal(kucomms_open("netlink:mymodule", NULL, &channel), 0);
}

static void hold_in_flight(void)
{
	struct raw raw;
	int sockets[2];

	assert_int_equal(raw_attach(&raw, t_device_fd(DEVICE, 0), 4096), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pass(sockets[0], &raw);
	close(raw.fd);
}

static void hold_by_io_uring(void)
{
	struct io_uring_params parameters = { 0 };
	struct raw raw;
	int ring = syscall(SYS_io_uring_setup, 1, &parameters);

	if (ring < 0)
		exit(77);
	assert_int_equal(raw_attach(&raw, t_device_fd(DEVICE, 0), 4096), 0);
	assert_int_equal(t_sys(syscall(SYS_io_uring_register, ring,
				       IORING_REGISTER_FILES, &raw.fd, 1)), 0);
	close(raw.fd);
}

/* Returns when it holds the device: its pid, or 0 if it cannot do that here. */
static pid_t start(void (*hold)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hold();
		assert_int_equal(write(ready[1], "", 1), 1);
		pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		assert_int_equal(t_wait(pid), 77);
		pid = 0;
	}
	close(ready[0]);
	return pid;
}

static void expect_busy(const char *text)
{
	char output[2048] = "";
	FILE *command = popen("kucommsctl remove mymodule 2>&1", "r");

	assert_true(command);
	fread(output, 1, sizeof(output) - 1, command);
	assert_int_equal(WEXITSTATUS(pclose(command)), 6);
	if (strstr(output, text))
		return;
	printf("'%s' is not in: %s\n", text, output);
	exit(1);
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void check(void (*hold)(void), const char *way)
{
	const pid_t pid = start(hold);
	char text[128];

	if (!pid) {
		printf("not here%s\n", way);
		return;
	}
	snprintf(text, sizeof(text), "it is open in process %d \"holders\"%s",
		 pid, way);
	expect_busy(text);
	stop(pid);
}

/* From another PID namespace, with its own /proc, the holder is not seen. */
static void check_elsewhere(void)
{
	const pid_t holder = start(hold_by_netlink);
	pid_t pid = fork();

	if (!pid) {
		assert_int_equal(unshare(CLONE_NEWPID | CLONE_NEWNS), 0);
		assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE,
				       NULL), 0);
		pid = fork();
		if (pid)
			exit(t_wait(pid));
		assert_int_equal(mount("proc", "/proc", "proc", 0, NULL), 0);
		expect_busy("it is open in process none that can be seen from "
			    "here");
		expect_busy("; 1 of its channels is of processes that are in "
			    "another PID namespace or have ended\n");
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
	stop(holder);
}

int main(void)
{
	t_device(DEVICE);
	check(hold_descriptor, "\n");
	check(hold_by_netlink, " (by netlink)\n");
	check(hold_in_flight, " (by a file that /proc does not show: "
	      "registered with io_uring, or passed on)\n");
	check(hold_by_io_uring, " (by a file that /proc does not show: "
	      "registered with io_uring, or passed on)\n");
	check_elsewhere();
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
