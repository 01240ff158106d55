/* SPDX-License-Identifier: MIT */
/*
 * The other side of a channel between processes without the library: it keeps
 * to the protocol (lib/handshake.h, lib/memory.c) as far as it is told to.
 */
#ifndef KUCOMMS_TESTS_HOSTILE_H
#define KUCOMMS_TESTS_HOSTILE_H

#include "long.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../lib/handshake.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif

#define RAW_RING	4096u
#define RAW_SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

static inline size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static inline struct sockaddr_un raw_address(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, socket_path());
	return address;
}

/* -1: not let in just now. */
static inline int raw_connect(void)
{
	const struct sockaddr_un address = raw_address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (!connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

static inline int raw_memory(size_t size, unsigned int flags, int seals)
{
	int fd = memfd_create("raw", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static inline struct kc_hello raw_hello(void)
{
	return (struct kc_hello){
		.magic = KC_HELLO_MAGIC,
		.version = KC_HELLO_VERSION,
		.size = RAW_RING,
	};
}

/* May fail: the other side need not listen any more, or the socket be full. */
static inline bool raw_say(int fd, const void *what, size_t length,
			   const int *fds, unsigned int count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} ancillary = {
		.header = {
			.cmsg_len = CMSG_LEN(count * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct iovec iov = { (void *)what, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count) {
		memcpy(CMSG_DATA(&ancillary.header), fds, count * sizeof(int));
		msg.msg_control = &ancillary;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

/* Whether there was a hello; *@memory: what came with it, or -1. */
static inline bool raw_hear(int fd, struct kc_hello *hello, int *memory)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} ancillary;
	struct iovec iov = { hello, sizeof(*hello) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary),
	};
	ssize_t length = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);

	*memory = -1;
	if (length > 0 && CMSG_FIRSTHDR(&msg))
		memcpy(memory, CMSG_DATA(&ancillary.header), sizeof(*memory));
	return length == (ssize_t)sizeof(*hello);
}

/* A channel whose handshake went well. */
struct raw_channel {
	int fd;
	int theirs_fd;
	unsigned char *mine;
	const unsigned char *theirs;
	size_t mine_size;
	size_t theirs_size;
};

static inline struct kucomms_control *raw_control(const struct raw_channel *raw)
{
	return (struct kucomms_control *)raw->mine;
}

static inline void raw_close(struct raw_channel *raw)
{
	if (raw->mine)
		munmap(raw->mine, raw->mine_size);
	if (raw->theirs)
		munmap((void *)raw->theirs, raw->theirs_size);
	if (raw->theirs_fd >= 0)
		close(raw->theirs_fd);
	if (raw->fd >= 0)
		close(raw->fd);
}

/* This side's memory, mapped while that is still allowed, and sealed. */
static inline int raw_make_mine(struct raw_channel *raw)
{
	int fd = memfd_create("raw", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	raw->mine_size = page() + RAW_RING;
	assert_int_equal(ftruncate(fd, (off_t)raw->mine_size), 0);
	raw->mine = mmap(NULL, raw->mine_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);
	assert_true(raw->mine != MAP_FAILED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, RAW_SEALS), 0);
	return fd;
}

/* Whether it was let in; if not, there is nothing to close. */
static inline bool raw_open(struct raw_channel *raw)
{
	struct kc_hello hello = raw_hello();
	int mine;

	*raw = (struct raw_channel){ .fd = raw_connect(), .theirs_fd = -1 };
	if (raw->fd < 0)
		return false;
	mine = raw_make_mine(raw);
	if (!raw_say(raw->fd, &hello, sizeof(hello), &mine, 1) ||
	    !raw_hear(raw->fd, &hello, &raw->theirs_fd) || hello.status) {
		close(mine);
		raw_close(raw);
		return false;
	}
	close(mine);
	raw->theirs_size = page() + hello.size;
	raw->theirs = mmap(NULL, raw->theirs_size, PROT_READ, MAP_SHARED,
			   raw->theirs_fd, 0);
	assert_true(raw->theirs != MAP_FAILED);
	return true;
}

#endif
