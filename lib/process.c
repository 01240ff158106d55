// SPDX-License-Identifier: MIT
/*
 * The transport to another process, as the one that connects. The one that
 * listens is in process-listener.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "handshake.h"
#include "memory.h"
#include "shm.h"

/* The kernel's own limit. */
#define ERRNO_MAX	4095

static int process_connect(struct kc_conn *conn)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, conn->path, sizeof(address.sun_path));
	if (!connect(conn->fd, (struct sockaddr *)&address, sizeof(address)))
		return kc_handshake_credentials(conn);
	/*
	 * ECONNREFUSED: the socket was left behind. EAGAIN: the backlog is
	 * full.
	 */
	return errno == ECONNREFUSED ? -ENOENT : -errno;
}

static int send_hello(struct kc_conn *conn)
{
	const struct kucomms_options *options = &conn->options;
	const bool numbered = options->flags & KUCOMMS_OPEN_NUMBER;
	const struct kc_hello hello = {
		.magic = KC_HELLO_MAGIC,
		.version = KC_HELLO_VERSION,
		.size = options->send_size,
		.wanted = options->receive_size,
		.flags = (numbered ? KC_HELLO_NUMBER : 0) |
			 kc_handshake_flags(conn),
		.number = options->number,
	};
	int memory, err;

	if (!kc_memory_size_valid(hello.size, KUCOMMS_RING_SIZE_MAX))
		return -EINVAL;
	memory = kc_memory_create(hello.size,
				  &conn->regions[KC_MINE]);
	if (memory < 0)
		return memory;
	err = kc_handshake_send(conn->fd, &hello, memory);
	close(memory);
	return err;
}

static int process_begin(struct kc_conn *conn, __s64 deadline)
{
	int err;

	(void)deadline;
	if (!conn->options.send_size)
		conn->options.send_size = KC_MEMORY_SIZE;
	conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (conn->fd < 0)
		return -errno;
	err = process_connect(conn);
	return err ? err : send_hello(conn);
}

/* Handles the answer of the listener. */
static int process_answered(struct kc_conn *conn,
			    const struct kc_hello *hello, int memory)
{
	const __u32 wanted = conn->options.receive_size;
	int err;

	if (hello->status)
		return hello->status < 0 && hello->status >= -ERRNO_MAX ?
		       hello->status : -EPROTO;
	if (memory < 0 || (wanted && hello->size != wanted) ||
	    !kc_memory_size_valid(hello->size, wanted ? wanted :
				  KC_MEMORY_SIZE_MAX))
		return -EPROTO;
	err = kc_memory_adopt(memory, hello->size,
			      &conn->regions[KC_THEIRS]);
	if (err)
		return err;
	conn->number = hello->number;
	kc_shm_init(conn, conn->options.send_size, hello->size);
	kc_handshake_agree(conn, hello->flags);
	return 0;
}

static int process_finish(struct kc_conn *conn)
{
	struct kc_hello hello;
	int memory, err;

	err = kc_handshake_receive(conn->fd, &hello, &memory);
	/* A status of -EAGAIN in the answer is an answer. */
	if (err == -EAGAIN)
		return KC_UNANSWERED;
	if (!err)
		err = process_answered(conn, &hello, memory);
	kc_fd_close(&memory);
	return err;
}

const struct kc_transport kc_process_transport = {
	.begin = process_begin,
	.finish = process_finish,
	.close = kc_shm_close,
	.error = kc_shm_error,
	.ring = kc_shm_ring,
	.wait = kc_shm_wait,
	.ack_event = kc_shm_drain,
	.hangup = kc_shm_hangup,
	.user_space = true,
	.wait_flags = KUCOMMS_NEED_FUTEX,
	.untrusted = true,
};
