// SPDX-License-Identifier: GPL-2.0-only
/*
 * What processes do with descriptors and mappings: fork, exec, dup, close
 * twice, pass on, move, split, protect. In loops, in several processes at the
 * same time; each leaves the channels of the others alone, and nothing behind.
 */
#include "memory.h"
#include "pass.h"

#define DEVICE "kucomms_test"
#define WORKERS 4
#define ROUNDS 100

/* The child has the descriptor, but no mapping, and its close is its own. */
static void check_fork(void)
{
	struct kucomms_channel *channel = t_open("test", 4096, 4096);
	struct kucomms_message *record;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(kucomms_reserve(channel, 0, &record, 0), 0);
	assert_int_equal(write(fds[1], record, sizeof(*record)),
			 sizeof(*record));
	pid = fork();
	if (pid == 0) {
		assert_int_equal(t_sys(write(fds[1], record, sizeof(*record))),
				 -EFAULT);
		kucomms_channel_close(channel);
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
	assert_int_equal(kucomms_discard(channel, record), 0);
	assert_int_equal(t_echo(channel, "the child has closed it"), 0);
	kucomms_channel_close(channel);
	close(fds[0]);
	close(fds[1]);
}

/* All else that a child tries fails, whatever waits in the parent's rings. */
static void check_fork_inherited(const char *name)
{
	struct kucomms_message message = { .type = TEST_ECHO, .id = 1 };
	struct kucomms_channel *channel;
	const void *data;
	pid_t pid;

	assert_int_equal(kucomms_open(name, NULL, &channel), 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	pid = fork();
	if (pid == 0) {
		assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1),
				 -ESTALE);
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 -ESTALE);
		kucomms_release(channel);
		assert_int_equal(kucomms_channel_poll_start(channel), -ESTALE);
		assert_int_equal(kucomms_channel_reattach(channel, 0), -ESTALE);
		kucomms_channel_close(channel);
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	assert_int_equal(message.id, 1);
	kucomms_release(channel);
	assert_int_equal(t_echo(channel, "the child has tried"), 0);
	kucomms_channel_close(channel);
}

/* The parent goes first; the channel goes with the last who has the file. */
static void check_fork_parent_goes(void)
{
	struct raw raw = raw_open(DEVICE, 4096);
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		assert_int_equal(read(fds[0], &(char){ 0 }, 1), 0);
		raw_echo(&raw, 3);
		raw_close(&raw);
		exit(0);
	}
	raw_close(&raw);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(t_wait(pid), 0);
}

/* The program after exec, told which descriptor there was. */
static int after_exec(int fd)
{
	char line[512];
	FILE *maps;

	assert_int_equal(t_sys(fcntl(fd, F_GETFD)), -EBADF);
	maps = fopen("/proc/self/maps", "r");
	assert_true(maps);
	while (fgets(line, sizeof(line), maps))
		assert_true(!strstr(line, "kucomms_"));
	fclose(maps);
	return 0;
}

static void check_exec(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct kucomms_channel *channel = t_open("test", 4096, 4096);
		char fd[16];

		assert_int_equal(t_echo(channel, "before exec"), 0);
		snprintf(fd, sizeof(fd), "%d",
			 kucomms_channel_poll_start(channel));
		assert_int_equal(execl("/proc/self/exe", "lifecycles", fd,
				       NULL), 0);
	}
	assert_int_equal(t_wait(pid), 0);
}

static void check_dup(void)
{
	struct raw raw = raw_open(DEVICE, 4096), again;
	int first = raw.fd;

	raw.fd = dup(first);
	assert_true(raw.fd >= 0);
	assert_int_equal(raw_attach(&again, raw.fd, 4096), -EBUSY);
	raw_echo(&raw, 1);
	assert_int_equal(close(first), 0);
	assert_int_equal(t_sys(close(first)), -EBADF);
	raw_echo(&raw, 2);
	raw_unmap(&raw);
	raw_map_all(&raw);
	assert_int_equal(close(raw.fd), 0);
	assert_int_equal(t_sys(close(raw.fd)), -EBADF);
	assert_int_equal(raw_ring(&raw), -EBADF);
	/* A mapping outlives all descriptors. */
	assert_int_equal(raw.kernel->state, KUCOMMS_STATE_OPEN);
	raw_unmap(&raw);
}

/* The opener attaches, passes the file on, and ends. */
static void check_passed(void)
{
	struct raw raw;
	int sockets[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pid = fork();
	if (pid == 0) {
		raw = raw_open(DEVICE, 4096);
		pass(sockets[1], &raw);
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
	raw = take(sockets[0]);
	raw_map_all(&raw);
	raw_echo(&raw, 4);
	close(raw.fd);
	assert_int_equal(raw.kernel->state, KUCOMMS_STATE_OPEN);
	raw_unmap(&raw);

	/* Passed, and never taken. */
	assert_int_equal(raw_attach(&raw, t_device_fd(DEVICE, 0), 4096), 0);
	pass(sockets[1], &raw);
	close(raw.fd);
	close(sockets[0]);
	close(sockets[1]);
}

/* A region can move, but not grow, and nobody makes it writable. */
static void check_mremap(void)
{
	const size_t length = 2 * 8192;
	struct raw raw = raw_open(DEVICE, 8192);
	void *place = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	assert_true(place != MAP_FAILED);
	assert_true(mremap(raw.out.data, length, length + 4096,
			   MREMAP_MAYMOVE) == MAP_FAILED);
	assert_true(mremap(raw.in.data, 0, length,
			   MREMAP_MAYMOVE) == MAP_FAILED);
	raw_echo(&raw, 5);
	assert_true(mremap(raw.in.data, length, length,
			   MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
	raw.in.data = place;
	assert_int_equal(t_sys(mprotect(place, length, PROT_READ | PROT_WRITE)),
			 -EACCES);
	assert_int_equal(t_sys(mprotect(place, length, PROT_READ | PROT_EXEC)),
			 -EACCES);
	raw_echo(&raw, 6);
	assert_int_equal(mprotect(raw.out.data, length, PROT_NONE), 0);
	assert_int_equal(mprotect(raw.out.data, length, PROT_READ | PROT_WRITE),
			 0);
	raw_echo(&raw, 7);
	raw_close(&raw);
}

/* Page after page goes, from the middle; what is left is still the ring. */
static void check_munmap(void)
{
	struct raw raw = raw_open(DEVICE, 8192);
	unsigned char *out = raw.out.data, *in = raw.in.data;
	unsigned char *copy;

	raw_echo(&raw, 8);
	assert_int_equal(munmap(out + 4096, 2 * 4096), 0);
	assert_int_equal(munmap(in + 2 * 4096, 4096), 0);
	raw_echo(&raw, 9);
	assert_true(mremap(in, 2 * 4096, 4096, 0) == in);
	raw_echo(&raw, 10);
	/* Mapped once more: the same pages. */
	copy = raw_map(&raw, raw.attach.to_kernel_offset, 4 * 4096, PROT_READ);
	assert_true(!memcmp(copy, out, 4096));
	assert_true(!memcmp(copy + 8192, out, 4096));
	close(raw.fd);
	munmap(copy, 4 * 4096);
	raw_unmap(&raw);
}

static void worker(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		check_fork();
		check_fork_parent_goes();
		check_exec();
		check_dup();
		check_passed();
		check_mremap();
		check_munmap();
	}
	exit(0);
}

static void round_trip(void)
{
	pid_t pids[WORKERS];
	int i;

	for (i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			worker();
	}
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(t_wait(pids[i]), 0);
	assert_int_equal(t_attribute(DEVICE, "opens"), 0);
	assert_int_equal(t_attribute(DEVICE, "channels"), 0);
}

int main(int argc, char **argv)
{
	struct kucomms_channel *channel;
	struct memory before;

	if (argc > 1)
		return after_exec(atoi(argv[1]));
	t_device(DEVICE);
	check_fork_inherited("test");
	check_fork_inherited("netlink:test");
	round_trip();
	before = memory_settled();
	round_trip();
	memory_compare(&before);
	channel = t_open("test", 0, 0);
	assert_int_equal(kucomms_channel_number(channel), 0);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
