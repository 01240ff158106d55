// SPDX-License-Identifier: MIT
/*
 * The two messages with which a channel between processes begins.
 */
#define _GNU_SOURCE	/* struct ucred */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "barrier.h"
#include "handshake.h"
#include "types.h"

/* Room for exactly one descriptor, and by its length for no second one. */
union ancillary {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

int kc_handshake_send(int fd, const struct kc_hello *hello, int memory)
{
	struct iovec iov = { (void *)hello, sizeof(*hello) };
	union ancillary ancillary = {
		.header = {
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (memory >= 0) {
		memcpy(CMSG_DATA(&ancillary.header), &memory, sizeof(memory));
		msg.msg_control = &ancillary;
		msg.msg_controllen = sizeof(ancillary.space);
	}
	/* The socket is empty, so there is room for the whole message. */
	if (sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

static int ancillary_memory(struct msghdr *msg)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(msg);
	int memory;

	if (!header || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&memory, CMSG_DATA(header), sizeof(memory));
	return memory;
}

/*
 * Receives a hello. Returns 0, -EAGAIN (not here yet), -ESHUTDOWN (the other
 * side is gone), -EPROTO (no hello) or -EPROTONOSUPPORT (of another version).
 * In each case *@memory is a descriptor to be closed, or -1.
 */
int kc_handshake_receive(int fd, struct kc_hello *hello, int *memory)
{
	struct iovec iov = { hello, sizeof(*hello) };
	union ancillary ancillary;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t length = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*memory = -1;
	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -ESHUTDOWN;
	if (!length)
		return -ESHUTDOWN;
	*memory = ancillary_memory(&msg);
	if (length != sizeof(*hello) || hello->magic != KC_HELLO_MAGIC)
		return -EPROTO;
	return hello->version == KC_HELLO_VERSION ? 0 : -EPROTONOSUPPORT;
}

/*
 * What this side can do. A side that does not spin sleeps often, so it does not
 * offer to execute the other side's barriers before it does.
 */
__u32 kc_handshake_flags(const struct kc_conn *conn)
{
	if (!kc_barrier_join())
		return 0;
	return KC_HELLO_LIGHT | (conn->spin_ns ? KC_HELLO_HEAVY : 0);
}

/* Decides which side executes barriers. Both sides decide the same. */
void kc_handshake_agree(struct kc_conn *conn, __u32 theirs)
{
	const __u32 mine = kc_handshake_flags(conn);

	conn->channel.out.light = (mine & KC_HELLO_LIGHT) &&
				 (theirs & KC_HELLO_HEAVY);
	conn->heavy = (mine & KC_HELLO_HEAVY) &&
		     (theirs & KC_HELLO_LIGHT);
}

/* The other side's credentials, as they were when the two were connected. */
int kc_handshake_credentials(struct kc_conn *conn)
{
	struct ucred cred;
	socklen_t length = sizeof(cred);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &length))
		return -errno;
	conn->peer.pid = cred.pid;
	conn->peer.uid = cred.uid;
	conn->peer.gid = cred.gid;
	return 0;
}
