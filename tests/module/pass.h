/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passing an open channel to another process, over a unix socket.
 */
#ifndef KUCOMMS_TEST_PASS_H
#define KUCOMMS_TEST_PASS_H

#include <sys/socket.h>

#include "raw.h"

static inline void pass(int socket, const struct raw *raw)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec vector = { .iov_base = (void *)&raw->attach,
				.iov_len = sizeof(raw->attach) };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &raw->fd, sizeof(int));
	assert_int_equal(sendmsg(socket, &header, 0), sizeof(raw->attach));
}

static inline struct raw take(int socket)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct raw raw = { .fd = -1 };
	struct iovec vector = { .iov_base = &raw.attach,
				.iov_len = sizeof(raw.attach) };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };

	assert_int_equal(recvmsg(socket, &header, MSG_CMSG_CLOEXEC),
			 sizeof(raw.attach));
	memcpy(&raw.fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(int));
	return raw;
}

#endif
