// SPDX-License-Identifier: MIT
/*
 * The transport to another part of this process: memory and socket as between
 * processes, but the side that connects makes both, so neither has to wait.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "handshake.h"
#include "listener.h"
#include "memory.h"
#include "numbers.h"
#include "shm.h"

/* Protects the list of listeners, and each listener's list of waiting channels. */
static void lock(void)
{
	pthread_mutex_lock(&kc_self->local_lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&kc_self->local_lock);
}

static struct kucomms_listener *find(const char *name)
{
	struct kucomms_listener *listener;

	for (listener = kc_self->local; listener;
	     listener = listener->next)
		if (!strcmp(listener->path, name))
			return listener;
	return NULL;
}

int kc_local_listen(struct kucomms_listener *listener)
{
	int err = 0;

	listener->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (listener->fd < 0)
		return -errno;
	lock();
	if (find(listener->path)) {
		err = -EADDRINUSE;
		listener->path[0] = '\0';
	} else {
		listener->next = kc_self->local;
		kc_self->local = listener;
	}
	unlock();
	return err;
}

int kc_local_accept(struct kucomms_listener *listener,
		    struct kc_conn **conn)
{
	eventfd_t count;

	lock();
	*conn = TAILQ_FIRST(&listener->waiting);
	if (*conn)
		TAILQ_REMOVE(&listener->waiting, *conn, entry.node);
	else
		eventfd_read(listener->fd, &count);
	unlock();
	return *conn ? 0 : -EAGAIN;
}

void kc_local_unlisten(struct kucomms_listener *listener)
{
	struct kucomms_listener **link;
	struct kc_conn *conn;

	lock();
	for (link = &kc_self->local; *link; link = &(*link)->next) {
		if (*link == listener) {
			*link = listener->next;
			break;
		}
	}
	unlock();
	while ((conn = TAILQ_FIRST(&listener->waiting))) {
		TAILQ_REMOVE(&listener->waiting, conn, entry.node);
		kc_conn_free(conn);
	}
}

/* Makes the memory that one side writes and the other side reads. */
static int share_memory(struct kc_conn *writer, struct kc_conn *reader,
			__u32 size)
{
	int memory = kc_memory_create(size, &writer->regions[KC_MINE]);
	int err;

	if (memory < 0)
		return memory;
	err = kc_memory_adopt(memory, size, &reader->regions[KC_THEIRS]);
	close(memory);
	return err;
}

static void set_peer(struct kc_conn *conn)
{
	conn->peer.pid = getpid();
	conn->peer.uid = geteuid();
	conn->peer.gid = getegid();
}

static int join(struct kc_conn *conn, struct kc_conn *other, __u32 out,
		__u32 in)
{
	int sockets[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       sockets))
		return -errno;
	conn->fd = sockets[0];
	other->fd = sockets[1];
	err = share_memory(conn, other, out);
	if (!err)
		err = share_memory(other, conn, in);
	if (err)
		return err;
	kc_shm_init(conn, out, in);
	kc_shm_init(other, in, out);
	kc_handshake_agree(conn, kc_handshake_flags(other));
	kc_handshake_agree(other, kc_handshake_flags(conn));
	set_peer(conn);
	set_peer(other);
	return 0;
}

static int size_or(__u32 *size, __u32 wanted,
		   const struct kucomms_listen_options *options)
{
	*size = wanted ? wanted : options->ring_size;
	return kc_memory_size_valid(*size, options->ring_size_max) ?
	       0 : -EINVAL;
}

/* With the lock held, so that @listener stays. */
static int local_setup(struct kc_conn *conn, struct kc_conn *other,
		       struct kucomms_listener *listener)
{
	const struct kucomms_options *options = &conn->options;
	__u32 out, in;
	int err;

	other->number = options->number;
	err = kc_numbers_take(listener->numbers,
			      options->flags & KUCOMMS_OPEN_NUMBER,
			      &other->number);
	if (err)
		return err;
	other->numbers = listener->numbers;
	conn->number = other->number;
	err = size_or(&out, options->send_size, &listener->options);
	if (!err)
		err = size_or(&in, options->receive_size, &listener->options);
	return err ? err : join(conn, other, out, in);
}

static int local_connect(struct kc_conn *conn, struct kc_conn *other)
{
	struct kucomms_listener *listener = find(conn->path);
	int err;

	if (!listener)
		return -ENOENT;
	err = local_setup(conn, other, listener);
	if (err)
		return err;
	TAILQ_INSERT_TAIL(&listener->waiting, other, entry.node);
	eventfd_write(listener->fd, 1);
	return 0;
}

static int local_begin(struct kc_conn *conn, __s64 deadline)
{
	struct kc_conn *other =
		kc_conn_alloc(&kc_local_transport);
	int err;

	(void)deadline;
	if (!other)
		return -ENOMEM;
	other->spin_ns = kc_spin_ns(false, 0);
	lock();
	err = local_connect(conn, other);
	unlock();
	if (err)
		kc_conn_free(other);
	return err;
}

const struct kc_transport kc_local_transport = {
	.begin = local_begin,
	.close = kc_shm_close,
	.error = kc_shm_error,
	.ring = kc_shm_ring,
	.wait = kc_shm_wait,
	.ack_event = kc_shm_drain,
	.hangup = kc_shm_hangup,
	.user_space = true,
	.wait_flags = KUCOMMS_NEED_FUTEX,
};
