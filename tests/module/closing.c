// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread of the kernel closes a device while a handler takes its time: it does not
 * wait for that, and what is closed behind it is closed.
 */
#include "raw.h"

#define DEVICE "kucomms_test"

/* The kernel's turn: @fd is closed here, and the last reference is there. */
static void close_elsewhere(int fd)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", fd);
	t_parameter("close", text);
	close(fd);
}

/* A client whose handler is at the gate; it has nothing to do with @inherited. */
static pid_t start_slow(int inherited)
{
	pid_t pid = fork();
	struct raw raw;

	if (pid == 0) {
		close(inherited);
		raw = raw_open(DEVICE, 4096);
		raw_send(&raw, TEST_GATE, 0);
		assert_int_equal(raw_ring(&raw), 0);
		exit(0);
	}
	while (t_attribute(DEVICE, "doorbells") == 0)
		;
	return pid;
}

int main(void)
{
	struct raw raw;
	int ends[2], i;
	pid_t pid;
	char byte;

	t_device(DEVICE);
	raw = raw_open(DEVICE, 4096);
	raw_unmap(&raw);
	t_parameter("gate", "0");
	pid = start_slow(raw.fd);
	close_elsewhere(raw.fd);
	/* Whatever the order in which the kernel closes what has come together. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(pipe(ends), 0);
		close_elsewhere(ends[1]);
		assert_int_equal(read(ends[0], &byte, 1), 0);
		close(ends[0]);
	}
	assert_int_equal(t_attribute(DEVICE, "opens"), 2);
	t_parameter("gate", "1");
	assert_int_equal(t_wait(pid), 0);
	/* And it has its end, too. */
	while (t_attribute(DEVICE, "opens"))
		;
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
