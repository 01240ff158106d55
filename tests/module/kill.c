// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill -9 in mid-stream, ten times in a row, then normal service; and the
 * other ways in which a process can end, or share, what it has open.
 */
#include <dirent.h>

#include "test.h"

/* Sends and receives for ever; tells when it is in full swing. */
static void stream(int ready)
{
	struct kucomms_channel *channel = t_open("test", 65536, 65536);
	char data[3000] = "";
	uint64_t i;

	for (i = 0;; i++) {
		struct kucomms_message message = {
			.length = (__u32)(i * 37 % sizeof(data)),
			.type = TEST_ECHO, .id = i,
		};
		const void *answer;

		assert_int_equal(kucomms_send(channel, &message, data, 0, 0),
				 0);
		assert_int_equal(kucomms_receive(channel, &message, &answer, 0),
				 0);
		kucomms_release(channel);
		if (i == 100)
			assert_int_equal(write(ready, "x", 1), 1);
	}
}

static void kill_in_stream(void)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0)
		stream(fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &(char){ 0 }, 1), 1);
	close(fds[0]);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(t_wait(pid), -SIGKILL);
}

/*
 * The child's copy of the descriptor keeps the file open, but no mapping: the library
 * says so.
 */
static void check_fork(void)
{
	struct kucomms_channel *channel = t_open("test", 4096, 4096);
	pid_t pid = fork();

	if (pid == 0)
		exit(0);
	assert_int_equal(t_wait(pid), 0);
	assert_int_equal(t_echo(channel, "parent of a child"), 0);

	pid = fork();
	if (pid == 0) {
		assert_int_equal(t_echo(channel, "child"), -ESTALE);
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
	assert_int_equal(t_echo(channel, "parent of a child that tried"), 0);
	kucomms_channel_close(channel);
}

/* The descriptor is closed by exec; a mapping alone keeps the channel. */
static void check_mapping_outlives_descriptor(void)
{
	struct kucomms_attach attach = { .size = sizeof(attach) };
	int fd = t_device_fd("kucomms_test", 0);
	char *address;

	assert_true(fd >= 0);
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, &attach)), 0);
	address = mmap(NULL, 2 * (size_t)attach.to_kernel_size,
		       PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       (off_t)attach.to_kernel_offset);
	assert_true(address != MAP_FAILED);
	close(fd);
	assert_int_equal(t_attribute("kucomms_test", "opens"), 1);
	assert_int_equal(t_remove("kucomms_test"), -EBUSY);
	/* The same page, twice in a row. */
	address[5] = 'x';
	assert_int_equal(address[attach.to_kernel_size + 5], 'x');
	munmap(address, 2 * (size_t)attach.to_kernel_size);
	assert_int_equal(t_attribute("kucomms_test", "opens"), 0);
}

int main(void)
{
	struct kucomms_channel *channel;
	int i;

	t_device("kucomms_test");
	for (i = 0; i < 10; i++) {
		kill_in_stream();
		assert_int_equal(t_attribute("kucomms_test", "opens"), 0);
		assert_int_equal(t_attribute("kucomms_test", "channels"), 0);
	}
	channel = t_open("test", 0, 0);
	assert_int_equal(kucomms_channel_number(channel), 0);
	assert_int_equal(t_echo(channel, "normal service"), 0);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	check_fork();
	check_mapping_outlives_descriptor();
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
