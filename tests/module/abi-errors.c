// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process may not ask for, straight at the system calls: each with its
 * exact error, and the device as good as new afterwards.
 */
#include <poll.h>

#include "test.h"

#define DEVICE "/dev/kucomms_test"

static long page;

static int open_device(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	t_assert(fd >= 0);
	return fd;
}

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
	int fd = open_device();
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_DOORBELL, 0)), -ENOTCONN);
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -ENOTCONN);
	t_equal(t_sys(mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, fd, 0)),
		-ENOTCONN);
	t_equal(poll(&polled, 1, 0), 1);
	t_equal(polled.revents, POLLERR);
	close(fd);
}

static void check_unknown(int fd)
{
	t_equal(t_sys(ioctl(fd, 0, 0)), -ENOTTY);
	t_equal(t_sys(ioctl(fd, _IO(KUCOMMS_IOC_MAGIC, 99), 0)), -ENOTTY);
	t_equal(t_sys(ioctl(fd, _IO(0x42, 2), 0)), -ENOTTY);
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_DOORBELL, 1)), -EINVAL);
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_DOORBELL, ~0ul)), -EINVAL);
}

static void check_attach_fields(void)
{
	static const __u32 sizes[] = {
		1, 31, 4095, 4097, 12288, 2048, 1u << 25, 1u << 31, ~0u,
	};
	struct kucomms_attach a;
	int fd = open_device();
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		a = attach_default();
		a.to_kernel_size = sizes[i];
		t_equal(attach(fd, &a), -EINVAL);
		a = attach_default();
		a.to_user_size = sizes[i];
		t_equal(attach(fd, &a), -EINVAL);
	}
	a = attach_default();
	a.flags = 1u << 1;
	t_equal(attach(fd, &a), -EINVAL);
	a = attach_default();
	a.flags = KUCOMMS_ATTACH_NUMBER;
	a.channel = 64;
	t_equal(attach(fd, &a), -EINVAL);
	for (i = 0; i < 3; i++) {
		a = attach_default();
		a.reserved[i] = 1;
		t_equal(attach(fd, &a), -EINVAL);
	}
	a = attach_default();
	a.size = 0;
	t_equal(attach(fd, &a), -EINVAL);
	a.size = sizeof(a) - 1;
	t_equal(attach(fd, &a), -EINVAL);
	a.size = ~0u;
	t_equal(attach(fd, &a), -E2BIG);
	t_equal(attach(fd, NULL), -EFAULT);
	t_equal(t_attribute("kucomms_test", "channels"), 0);
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
	int fd = open_device();

	a.size = 95;
	t_equal(attach(fd, &a), -EINVAL);
	a.size = 96;
	t_equal(attach(fd, &a), 0);
	wait.size = 15;
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	wait.size = 16;
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), KUCOMMS_EVENT_ROOM);
	close(fd);
}

/* A newer caller's longer structure is fine as long as its tail says nothing. */
static void check_attach_grown(void)
{
	struct {
		struct kucomms_attach attach;
		__u64 newer[2];
	} grown = { .attach = attach_default() };
	int fd = open_device();

	grown.attach.size = sizeof(grown);
	grown.newer[1] = 1;
	t_equal(attach(fd, &grown.attach), -E2BIG);
	grown.newer[1] = 0;
	t_equal(attach(fd, &grown.attach), 0);
	t_equal(grown.attach.size, sizeof(struct kucomms_attach));
	t_equal(grown.attach.version, KUCOMMS_ABI_VERSION);
	t_equal(grown.attach.to_kernel_size, 128 * 1024);
	t_equal(attach(fd, &grown.attach), -EBUSY);
	close(fd);
}

static long map(int fd, size_t length, int protection, int flags, __u64 offset)
{
	void *address = mmap(NULL, length, protection, flags, fd,
			     (off_t)offset);

	if (address == MAP_FAILED)
		return -errno;
	t_equal(munmap(address, length), 0);
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

		t_equal(map(fd, length, PROT_READ, MAP_SHARED, offset), 0);
		t_equal(map(fd, length, rw, MAP_SHARED, offset),
			regions[i].writable ? 0 : -EPERM);
		t_equal(map(fd, length, PROT_READ, MAP_PRIVATE, offset),
			-EINVAL);
		t_equal(map(fd, length, PROT_READ | PROT_EXEC, MAP_SHARED,
			    offset), -EPERM);
		t_equal(map(fd, length + (size_t)page, PROT_READ, MAP_SHARED,
			    offset), -EINVAL);
		if (length > (size_t)page)
			t_equal(map(fd, length / 2, PROT_READ, MAP_SHARED,
				    offset), -EINVAL);
		t_equal(map(fd, length, PROT_READ, MAP_SHARED,
			    offset + (__u64)page), -EINVAL);

		/* Nor can it be had by and by. */
		address = mmap(NULL, length, PROT_READ, MAP_SHARED, fd,
			       (off_t)offset);
		t_assert(address != MAP_FAILED);
		t_equal(t_sys(mprotect(address, length, rw)),
			regions[i].writable ? 0 : -EACCES);
		t_equal(t_sys(mprotect(address, length, PROT_READ | PROT_EXEC)),
			-EACCES);
		t_assert(mremap(address, length, 2 * length, MREMAP_MAYMOVE) ==
			 MAP_FAILED);
		munmap(address, length);
	}
	t_equal(map(fd, (size_t)page, PROT_READ, MAP_SHARED, 7ull << 32),
		-EINVAL);
	t_equal(map(fd, (size_t)page, PROT_READ, MAP_SHARED, 1ull << 60),
		-EINVAL);
}

/* A read-only descriptor cannot be used to write to a ring. */
static void check_read_only(void)
{
	struct kucomms_attach a = attach_default();
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC);

	t_assert(fd >= 0);
	t_equal(attach(fd, &a), 0);
	t_equal(map(fd, 2 * (size_t)a.to_kernel_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED, a.to_kernel_offset), -EACCES);
	close(fd);
}

static void check_wait(int fd)
{
	struct kucomms_wait wait = { .size = sizeof(wait) };

	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	wait.events = KUCOMMS_EVENT_RING;
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	wait.events = KUCOMMS_EVENT_DATA | 8;
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	wait.events = KUCOMMS_EVENT_DATA;
	wait.size = 8;
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -EINVAL);
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, NULL)), -EFAULT);
	wait.size = sizeof(wait);
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), -ETIMEDOUT);
	wait.events = KUCOMMS_EVENT_ROOM;
	t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_WAIT, &wait)), KUCOMMS_EVENT_ROOM);
}

static void check_library(void)
{
	const struct kucomms_options odd = { .size = sizeof(odd),
					     .to_user_size = 5000 };
	const struct kucomms_options old = { .size = 4 };
	struct kucomms_channel *channel = NULL;

	t_equal(kucomms_open("", NULL, &channel), -EINVAL);
	t_equal(kucomms_open("../null", NULL, &channel), -EINVAL);
	t_equal(kucomms_open("Test", NULL, &channel), -EINVAL);
	t_equal(kucomms_open("nowhere", NULL, &channel), -ENOENT);
	t_equal(kucomms_open("test", &odd, &channel), -EINVAL);
	t_equal(kucomms_open("test", &old, &channel), -EINVAL);
	t_equal(kucomms_open("nobody", NULL, &channel), -ENOTCONN);
	t_equal(kucomms_open("picky", NULL, &channel), -EDQUOT);
	t_assert(!channel);
	kucomms_channel_close(NULL);
}

/* 64 channels by default; the 65th has to wait until one has gone. */
static void check_limit(void)
{
	struct kucomms_attach a;
	int fds[65], i;

	for (i = 0; i < 65; i++) {
		fds[i] = open_device();
		a = attach_default();
		a.to_kernel_size = 4096;
		a.to_user_size = 4096;
		t_equal(attach(fds[i], &a), i < 64 ? 0 : -EUSERS);
		if (i < 64)
			t_equal(a.channel, i);
	}
	close(fds[10]);
	a = attach_default();
	t_equal(attach(fds[64], &a), 0);
	t_equal(a.channel, 10);
	for (i = 0; i < 65; i++)
		if (i != 10)
			close(fds[i]);
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

	check_unattached();
	check_attach_fields();
	check_attach_grown();
	check_first_version();
	fd = open_device();
	check_unknown(fd);
	t_equal(attach(fd, &a), 0);
	check_unknown(fd);
	check_wait(fd);
	check_regions(fd, &a);
	close(fd);
	check_read_only();
	check_library();
	check_limit();

	channel = t_open("test", 0, 0);
	t_equal(t_echo(channel, "as good as new"), 0);
	t_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	t_equal(t_attribute("kucomms_test", "opens"), 0);
	t_equal(t_attribute("kucomms_test", "channels"), 0);
	t_equal(t_remove("kucomms_nobody"), 0);
	t_equal(t_remove("kucomms_picky"), 0);
	t_equal(t_remove("kucomms_test"), 0);
	return 0;
}
