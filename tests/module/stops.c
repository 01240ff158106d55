// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that is stopped or frozen while it waits, and then goes on, does not notice:
 * ioctl(), read() and write() end as if nothing had happened, and so do `kucommsctl
 * recv` and `kucommsctl send -r`.
 */
#include <poll.h>
#include <sys/mount.h>

#include "test.h"

#define DEVICE	"kucomms_test"
#define WAIT_MS	100
#define WRITES	600		/* more than both rings have room for */
#define GROUP	"/tmp/kucomms-group"

/* A message as write() takes it. */
struct packet {
	struct kucomms_message message;
	char data[1000];
};

static void stop(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(kill(pid, SIGCONT), 0);
}

/* The control group of the processes that freeze() freezes, if the kernel has any. */
static bool make_group(void)
{
	assert_int_equal(mkdir(GROUP, 0700), 0);
	if (!mount("none", GROUP, "cgroup2", 0, NULL) &&
	    !mkdir(GROUP "/frozen", 0700) &&
	    !access(GROUP "/frozen/cgroup.freeze", F_OK))
		return true;
	printf("this kernel freezes no control group\n");
	return false;
}

static void remove_group(void)
{
	rmdir(GROUP "/frozen");
	umount(GROUP);
	assert_int_equal(rmdir(GROUP), 0);
}

static bool is_frozen(void)
{
	FILE *file = fopen(GROUP "/frozen/cgroup.events", "r");
	char line[64];
	bool frozen = false;

	assert_true(file);
	while (fgets(line, sizeof(line), file))
		frozen |= !strcmp(line, "frozen 1\n");
	fclose(file);
	return frozen;
}

static void freeze(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	assert_int_equal(t_write(GROUP "/frozen/cgroup.procs", text,
				 strlen(text)), 0);
	assert_int_equal(t_write(GROUP "/frozen/cgroup.freeze", "1", 1), 0);
	while (!is_frozen())
		;
	assert_int_equal(t_write(GROUP "/frozen/cgroup.freeze", "0", 1), 0);
}

/* How processes are interrupted: stop() or freeze(). */
static void (*interrupt)(pid_t pid);

static char state_of(pid_t pid)
{
	char path[64], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	assert_true(file);
	assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	fclose(file);
	assert_true(state != 'T');
	return state;
}

/* Interrupts a process three times when it sleeps; it must not end by that. */
static void interrupt_often(pid_t pid)
{
	char state;
	int i;

	for (i = 0; i < 3; i++) {
		while ((state = state_of(pid)) != 'S')
			assert_true(state != 'Z');
		interrupt(pid);
	}
}

static int wait_to_receive(const char *name)
{
	struct kucomms_channel *channel;
	struct kucomms_message message;
	const void *data;
	int err = kucomms_open(name, NULL, &channel);

	return err ?: kucomms_receive(channel, &message, &data, WAIT_MS);
}

static int wait_to_open(const char *name)
{
	const struct kucomms_options options = { .size = sizeof(options),
						 .timeout_ms = WAIT_MS };
	struct kucomms_channel *channel;

	return kucomms_open(name, &options, &channel);
}

/* A process that is stopped whenever it sleeps waits until its time is up. */
static void check_deadline(int (*wait)(const char *name), const char *name,
			   int expected)
{
	const uint64_t start = t_now_ns();
	pid_t pid = fork(), ended = 0;
	int status, stops = 0;

	assert_true(pid >= 0);
	if (!pid)
		_exit(-wait(name));
	while (!ended) {
		if (state_of(pid) == 'S') {
			kill(pid, SIGSTOP);
			assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
			ended = WIFSTOPPED(status) ? 0 : pid;
			stops += !ended;
			kill(pid, SIGCONT);
		} else {
			ended = waitpid(pid, &status, WNOHANG);
			assert_true(ended >= 0);
		}
	}
	assert_int_equal(-WEXITSTATUS(status), expected);
	assert_true(t_now_ns() - start >= WAIT_MS * 1000000ull);
	printf("%s: stopped %d times\n", name, stops);
}

static void check_deadlines(void)
{
	t_device("kucomms_unserved");
	check_deadline(wait_to_receive, "test", -ETIMEDOUT);
	check_deadline(wait_to_receive, "netlink:test", -ETIMEDOUT);
	check_deadline(wait_to_open, "unserved", -ENOTCONN);
	check_deadline(wait_to_open, "netlink:unserved", -ENOTCONN);
	assert_int_equal(t_remove("kucomms_unserved"), 0);
}

static long put(int fd, __u64 id)
{
	const struct packet packet = { .message = {
		.type = TEST_ECHO, .id = id, .length = sizeof(packet.data),
	} };

	return t_sys(write(fd, &packet, sizeof(packet)));
}

static void take(int fd, __u64 id)
{
	struct packet packet;

	assert_int_equal(t_sys(read(fd, &packet, sizeof(packet))),
			 sizeof(packet));
	assert_int_equal(packet.message.id, id);
}

static int open_device(void)
{
	int fd = open("/dev/" DEVICE, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* Closes a descriptor from which all has been read. */
static void close_empty(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&polled, 1, 0), 0);
	close(fd);
}

static void check_read(void)
{
	int fd = open_device(), i;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		for (i = 0; i < 2; i++)
			take(fd, (__u64)i);
		exit(0);
	}
	for (i = 0; i < 2; i++) {
		interrupt_often(pid);
		assert_int_equal(put(fd, (__u64)i), sizeof(struct packet));
	}
	assert_int_equal(t_wait(pid), 0);
	close_empty(fd);
}

/* The writer sleeps for room until this process reads. */
static void check_write(void)
{
	int fd = open_device(), i;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		for (i = 0; i < WRITES; i++)
			assert_int_equal(put(fd, (__u64)i),
					 sizeof(struct packet));
		exit(0);
	}
	interrupt_often(pid);
	for (i = 0; i < WRITES; i++)
		take(fd, (__u64)i);
	assert_int_equal(t_wait(pid), 0);
	close_empty(fd);
}

/* Runs kucommsctl; @output: what it prints can be read there. */
static pid_t run_tool(char *const *arguments, int *output)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		execvp(*arguments, arguments);
		_exit(127);
	}
	close(ends[1]);
	*output = ends[0];
	return pid;
}

/* Has @count messages sent to all clients, and sees them come. */
static void broadcast(struct kucomms_channel *channel, __u64 count)
{
	struct kucomms_message message = { .type = TEST_BROADCAST, .id = count,
					   .user = 1 };
	char data;
	__u64 i;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	for (i = 0; i <= count; i++)
		assert_int_equal(kucomms_receive_copy(channel, &message, &data,
						      sizeof(data), -1), 0);
	/* The answer comes last: this process and the tool have got each. */
	assert_int_equal(message.user, 2 * count);
}

/* @messages: how many the tool waits for; each is one byte. */
static void check_tool(char *const *arguments, int messages)
{
	struct kucomms_channel *channel = t_open("test", 0, 0);
	char output[64];
	int fd, length = 0, got;
	pid_t pid = run_tool(arguments, &fd);

	while (t_attribute(DEVICE, "channels") < 2)
		assert_true(state_of(pid) != 'Z');
	interrupt_often(pid);
	broadcast(channel, 1);
	if (messages > 1) {
		interrupt_often(pid);
		broadcast(channel, (__u64)messages - 1);
	}
	while ((got = (int)read(fd, output + length,
				sizeof(output) - (size_t)length)) > 0)
		length += got;
	assert_int_equal(length, messages);
	close(fd);
	assert_int_equal(t_wait(pid), 0);
	kucomms_channel_close(channel);
}

static void check_all(const char *mode, const char *how)
{
	/* Type 1 is TEST_SINK: the tool takes a broadcast for the answer. */
	static char *const recv[] = { "kucommsctl", "recv", "-c", "3", "test",
				      NULL };
	static char *const send[] = { "kucommsctl", "send", "-r", "--type", "1",
				      "test", "x", NULL };

	printf("%s, %s\n", mode, how);
	assert_int_equal(t_adjust(DEVICE, "dispatch", mode), 0);
	check_read();
	check_write();
	check_tool(recv, 3);
	check_tool(send, 1);
}

int main(void)
{
	bool can_freeze = make_group();
	int i;

	t_device(DEVICE);
	check_deadlines();
	for (i = 0; i < T_MODES; i++) {
		interrupt = stop;
		check_all(t_modes[i], "stopped");
		interrupt = freeze;
		if (can_freeze)
			check_all(t_modes[i], "frozen");
	}
	t_remove_closed(DEVICE);
	remove_group();
	return 0;
}
