// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process may not ask for, straight at the system calls: each with its
 * exact error, and the device as good as new afterwards.
 */
#include <poll.h>

#include "test.h"

#define DEVICE "/dev/kucomms_test"

static long page;

static struct kucomms_attach attach_default(void)
{
	return (struct kucomms_attach){ .size = sizeof(struct kucomms_attach) };
}

static int attach(int fd, struct kucomms_attach *attach)
{
	return (int)t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, attach));
}

static void check_unattached(void)
{
	struct kucomms_wait wait = { .size = sizeof(wait),
				     .events = KUCOMMS_EVENT_DATA };
	int fd = t_device_fd("kucomms_test", 0);
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_DOORBELL, 0)), -ENOTCONN);
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -ENOTCONN);
	assert_int_equal(t_sys(mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED,
				    fd, 0)), -ENOTCONN);
	assert_int_equal(poll(&polled, 1, 0), 1);
	assert_int_equal(polled.revents, POLLERR);
	close(fd);
}

static void check_unknown(int fd)
{
	assert_int_equal(t_sys(ioctl(fd, 0, 0)), -ENOTTY);
	assert_int_equal(t_sys(ioctl(fd, _IO(KUCOMMS_IOC_MAGIC, 99), 0)),
			 -ENOTTY);
	assert_int_equal(t_sys(ioctl(fd, _IO(0x42, 2), 0)), -ENOTTY);
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_DOORBELL, 1)), -EINVAL);
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_DOORBELL, ~0ul)), -EINVAL);
}

static void check_attach_fields(void)
{
	static const __u32 sizes[] = {
		1, 31, 4095, 4097, 12288, 2048, 1u << 25, 1u << 31, ~0u,
	};
	struct kucomms_attach a;
	int fd = t_device_fd("kucomms_test", 0);
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		a = attach_default();
		a.to_kernel_size = sizes[i];
		assert_int_equal(attach(fd, &a), -EINVAL);
		a = attach_default();
		a.to_user_size = sizes[i];
		assert_int_equal(attach(fd, &a), -EINVAL);
	}
	a = attach_default();
	a.flags = 1u << 1;
	assert_int_equal(attach(fd, &a), -EINVAL);
	a = attach_default();
	a.flags = KUCOMMS_ATTACH_NUMBER;
	a.channel = 64;
	assert_int_equal(attach(fd, &a), -EINVAL);
	for (i = 0; i < 3; i++) {
		a = attach_default();
		a.reserved[i] = 1;
		assert_int_equal(attach(fd, &a), -EINVAL);
	}
	a = attach_default();
	a.size = 0;
	assert_int_equal(attach(fd, &a), -EINVAL);
	a.size = sizeof(a) - 1;
	assert_int_equal(attach(fd, &a), -EINVAL);
	a.size = ~0u;
	assert_int_equal(attach(fd, &a), -E2BIG);
	assert_int_equal(attach(fd, NULL), -EFAULT);
	assert_int_equal(t_attribute("kucomms_test", "channels"), 0);
	close(fd);
}

/*
 * The numbers of the first version: programs that were compiled then send them for
 * ever.
 */
static void check_first_version(void)
{
	struct kucomms_attach a = attach_default();
	struct kucomms_wait wait = { .events = KUCOMMS_EVENT_ROOM };
	int fd = t_device_fd("kucomms_test", 0);

	a.size = 95;
	assert_int_equal(attach(fd, &a), -EINVAL);
	a.size = 96;
	assert_int_equal(attach(fd, &a), 0);
	wait.size = 15;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	wait.size = 16;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)),
			 KUCOMMS_EVENT_ROOM);
	close(fd);
}

/* A newer caller's longer structure is fine as long as its tail says nothing. */
static void check_attach_grown(void)
{
	struct {
		struct kucomms_attach attach;
		__u64 newer[2];
	} grown = { .attach = attach_default() };
	int fd = t_device_fd("kucomms_test", 0);

	grown.attach.size = sizeof(grown);
	grown.newer[1] = 1;
	assert_int_equal(attach(fd, &grown.attach), -E2BIG);
	grown.newer[1] = 0;
	assert_int_equal(attach(fd, &grown.attach), 0);
	assert_int_equal(grown.attach.size, sizeof(struct kucomms_attach));
	assert_int_equal(grown.attach.version, KUCOMMS_ABI_VERSION);
	assert_int_equal(grown.attach.to_kernel_size, 128 * 1024);
	assert_int_equal(attach(fd, &grown.attach), -EBUSY);
	close(fd);
}

static long map(int fd, size_t length, int protection, int flags, __u64 offset)
{
	void *address = mmap(NULL, length, protection, flags, fd,
			     (off_t)offset);

	if (address == MAP_FAILED)
		return -errno;
	assert_int_equal(munmap(address, length), 0);
	return 0;
}

static void check_regions(int fd, const struct kucomms_attach *a)
{
	const struct {
		__u64 offset;
		size_t length;
		bool writable;
	} regions[] = {
		{ a->user_control_offset, (size_t)page, true },
		{ a->kernel_control_offset, (size_t)page, false },
		{ a->to_kernel_offset, 2 * (size_t)a->to_kernel_size, true },
		{ a->to_user_offset, 2 * (size_t)a->to_user_size, false },
	};
	const int rw = PROT_READ | PROT_WRITE;
	size_t i;

	for (i = 0; i < 4; i++) {
		__u64 offset = regions[i].offset;
		size_t length = regions[i].length;
		void *address;

		assert_int_equal(map(fd, length, PROT_READ, MAP_SHARED, offset),
				 0);
		assert_int_equal(map(fd, length, rw, MAP_SHARED, offset),
				 regions[i].writable ? 0 : -EPERM);
		assert_int_equal(map(fd, length, PROT_READ, MAP_PRIVATE,
				     offset), -EINVAL);
		assert_int_equal(map(fd, length, PROT_READ | PROT_EXEC,
				     MAP_SHARED, offset), -EPERM);
		assert_int_equal(map(fd, length + (size_t)page, PROT_READ,
				     MAP_SHARED, offset), -EINVAL);
		if (length > (size_t)page)
			assert_int_equal(map(fd, length / 2, PROT_READ,
					     MAP_SHARED, offset), -EINVAL);
		assert_int_equal(map(fd, length, PROT_READ, MAP_SHARED,
				     offset + (__u64)page), -EINVAL);

		/* Nor can it be had by and by. */
		address = mmap(NULL, length, PROT_READ, MAP_SHARED, fd,
			       (off_t)offset);
		assert_true(address != MAP_FAILED);
		assert_int_equal(t_sys(mprotect(address, length, rw)),
				 regions[i].writable ? 0 : -EACCES);
		assert_int_equal(t_sys(mprotect(address, length,
						PROT_READ | PROT_EXEC)),
				 -EACCES);
		assert_true(mremap(address, length, 2 * length,
				   MREMAP_MAYMOVE) == MAP_FAILED);
		munmap(address, length);
	}
	assert_int_equal(map(fd, (size_t)page, PROT_READ, MAP_SHARED,
			     7ull << 32), -EINVAL);
	assert_int_equal(map(fd, (size_t)page, PROT_READ, MAP_SHARED,
			     1ull << 60), -EINVAL);
}

/* A read-only descriptor cannot be used to write to a ring. */
static void check_read_only(void)
{
	struct kucomms_attach a = attach_default();
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(attach(fd, &a), 0);
	assert_int_equal(map(fd, 2 * (size_t)a.to_kernel_size,
			     PROT_READ | PROT_WRITE, MAP_SHARED,
			     a.to_kernel_offset), -EACCES);
	close(fd);
}

static void check_wait(int fd)
{
	struct kucomms_wait wait = { .size = sizeof(wait) };

	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	wait.events = KUCOMMS_EVENT_RING;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	wait.events = KUCOMMS_EVENT_DATA | 8;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	wait.events = KUCOMMS_EVENT_DATA;
	wait.size = 8;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, NULL)), -EFAULT);
	wait.size = sizeof(wait);
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -ETIMEDOUT);
	wait.events = KUCOMMS_EVENT_ROOM;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)),
			 KUCOMMS_EVENT_ROOM);
}

static void check_library(void)
{
	const struct kucomms_options odd = { .size = sizeof(odd),
					     .receive_size = 5000 };
	const struct kucomms_options old = { .size = 4 };
	struct kucomms_channel *channel = NULL;

	assert_int_equal(kucomms_open("", NULL, &channel), -EINVAL);
	assert_int_equal(kucomms_open("../null", NULL, &channel), -EINVAL);
	assert_int_equal(kucomms_open("Test", NULL, &channel), -EINVAL);
	assert_int_equal(kucomms_open("nowhere", NULL, &channel), -ENOENT);
	assert_int_equal(kucomms_open("test", &odd, &channel), -EINVAL);
	assert_int_equal(kucomms_open("test", &old, &channel), -EINVAL);
	assert_int_equal(kucomms_open("nobody", NULL, &channel), -ENOTCONN);
	assert_int_equal(kucomms_open("picky", NULL, &channel), -EDQUOT);
	assert_true(!channel);
	kucomms_channel_close(NULL);
}

/* In the kernel: flags of other functions, and waits that nobody would end. */
static void check_kernel_sends(void)
{
	const struct kucomms_message ask = { .type = TEST_REFUSED_SENDS };
	struct kucomms_channel *channel = t_open("test", 0, 0);
	struct kucomms_message answer;

	assert_int_equal(kucomms_send(channel, &ask, NULL, 0, -1), 0);
	assert_int_equal(kucomms_receive_copy(channel, &answer, NULL, 0, -1),
			 0);
	assert_int_equal(answer.user, 0);
	kucomms_channel_close(channel);
}

/* 64 channels by default; the 65th has to wait until one has gone. */
static void check_limit(void)
{
	struct kucomms_attach a;
	int fds[65], i;

	for (i = 0; i < 65; i++) {
		fds[i] = t_device_fd("kucomms_test", 0);
		a = attach_default();
		a.to_kernel_size = 4096;
		a.to_user_size = 4096;
		assert_int_equal(attach(fds[i], &a), i < 64 ? 0 : -EUSERS);
		if (i < 64)
			assert_int_equal(a.channel, i);
	}
	close(fds[10]);
	a = attach_default();
	assert_int_equal(attach(fds[64], &a), 0);
	assert_int_equal(a.channel, 10);
	for (i = 0; i < 65; i++)
		if (i != 10)
			close(fds[i]);
}

/* As t_wait(), but no longer than it may take: kills what hangs. */
static int wait_or_kill(pid_t pid)
{
	uint64_t end = t_now_ns() + t_patience_ms() * 1000000ull;
	int status;

	while (!waitpid(pid, &status, WNOHANG))
		if (t_now_ns() > end)
			kill(pid, SIGKILL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The module's own error is no reason to look for another module. */
static void a_refusal_is_final(void)
{
	struct kucomms_attach attach = { .size = sizeof(attach),
					 .deadline = -1 };
	int fd = t_device_fd("kucomms_picky", 0);
	pid_t pid;

	t_parameter("picky", "107");	/* ENOTCONN */
	pid = fork();
	if (pid == 0) {
		assert_int_equal(t_sys(ioctl(fd,
					     KUCOMMS_IOC_ATTACH, &attach)),
				 -ENOTCONN);
		exit(0);
	}
	assert_int_equal(wait_or_kill(pid), 0);
	t_parameter("picky", "122");	/* EDQUOT */
	close(fd);
}

int main(void)
{
	struct kucomms_attach a = attach_default();
	struct kucomms_channel *channel;
	int fd;

	page = sysconf(_SC_PAGESIZE);
	t_device("kucomms_test");
	t_device("kucomms_nobody");
	t_device("kucomms_picky");

	check_kernel_sends();
	check_unattached();
	check_attach_fields();
	check_attach_grown();
	check_first_version();
	fd = t_device_fd("kucomms_test", 0);
	check_unknown(fd);
	assert_int_equal(attach(fd, &a), 0);
	check_unknown(fd);
	check_wait(fd);
	check_regions(fd, &a);
	close(fd);
	check_read_only();
	check_library();
	check_limit();
	a_refusal_is_final();

	channel = t_open("test", 0, 0);
	assert_int_equal(t_echo(channel, "as good as new"), 0);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	assert_int_equal(t_attribute("kucomms_test", "opens"), 0);
	assert_int_equal(t_attribute("kucomms_test", "channels"), 0);
	assert_int_equal(t_remove("kucomms_nobody"), 0);
	assert_int_equal(t_remove("kucomms_picky"), 0);
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
