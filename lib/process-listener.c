// SPDX-License-Identifier: MIT
/*
 * The transport to another process, as the one that listens.
 *
 * A connection is pending until the other side has said what it wants. The
 * listener does not wait for that: it has places for KC_PENDING_MAX connections,
 * and the oldest one is closed if there are more.
 */
#define _GNU_SOURCE	/* accept4() */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conn.h"
#include "fd.h"
#include "handshake.h"
#include "listener.h"
#include "memory.h"
#include "numbers.h"
#include "shm.h"

/* Data of the events of the listening socket; of others: their place. */
#define SOCKET	KC_PENDING_MAX

/* Events handled before the caller has its turn. */
#define ACCEPT_BATCH	16

#define HELLO_FLAGS	(KC_HELLO_NUMBER | KC_HELLO_LIGHT | \
			 KC_HELLO_HEAVY)

static int listener_watch(const struct kucomms_listener *listener, int fd,
			  __u32 which)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = which };

	return epoll_ctl(listener->fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Tells whether a process listens at a socket, or has left it behind. */
static bool is_taken(const struct sockaddr_un *address)
{
	struct stat st;
	bool alive;
	int fd;

	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return true;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true;
	alive = !connect(fd, (const struct sockaddr *)address,
			 sizeof(*address)) || errno != ECONNREFUSED;
	close(fd);
	return alive;
}

/* Removes a dead socket; one that has replaced it meanwhile is put back. */
static int remove_dead(const char *path, const char *aside)
{
	struct stat dead, moved;

	if (lstat(path, &dead))
		return errno == ENOENT ? 0 : -errno;
	if (rename(path, aside))
		return errno == ENOENT ? 0 : -errno;
	if (!lstat(aside, &moved) &&
	    (moved.st_ino != dead.st_ino || moved.st_dev != dead.st_dev) &&
	    link(aside, path))
		return -errno;
	return unlink(aside) ? -errno : 0;
}

/* Gives the socket its name, since it listens already. */
static int publish(const struct sockaddr_un *fresh,
		   const struct sockaddr_un *address)
{
	char aside[sizeof(address->sun_path) + 2];
	int err;

	snprintf(aside, sizeof(aside), "%s~", fresh->sun_path);
	while (link(fresh->sun_path, address->sun_path)) {
		if (errno != EEXIST)
			return -errno;
		if (is_taken(address))
			return -EADDRINUSE;
		err = remove_dead(address->sun_path, aside);
		if (err)
			return err;
	}
	return 0;
}

static int listener_bind(struct kucomms_listener *listener)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sockaddr_un fresh = { .sun_family = AF_UNIX };
	int length, err = 0;

	memcpy(address.sun_path, listener->path, sizeof(address.sun_path));
	length = snprintf(fresh.sun_path, sizeof(fresh.sun_path), "%s.%d.%d",
			  listener->path, (int)getpid(), listener->socket);
	if (length < 0 || (size_t)length >= sizeof(fresh.sun_path))
		return -ENAMETOOLONG;
	if (bind(listener->socket, (struct sockaddr *)&fresh, sizeof(fresh)))
		return -errno;
	if (chmod(fresh.sun_path, listener->options.mode) ||
	    listen(listener->socket, SOMAXCONN))
		err = -errno;
	if (!err)
		err = publish(&fresh, &address);
	unlink(fresh.sun_path);
	return err;
}

int kc_process_listen(struct kucomms_listener *listener)
{
	int err;

	listener->fd = epoll_create1(EPOLL_CLOEXEC);
	if (listener->fd < 0)
		return -errno;
	listener->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
				  SOCK_NONBLOCK, 0);
	if (listener->socket < 0)
		return -errno;
	err = listener_bind(listener);
	if (err) {
		/* The path belongs to another listener. */
		listener->path[0] = '\0';
		return err;
	}
	return listener_watch(listener, listener->socket, SOCKET);
}

static void pending_close(struct kucomms_listener *listener, __u32 place)
{
	const int fd = listener->pending[place];

	if (fd < 0)
		return;
	listener->pending[place] = -1;
	/* A child may have a copy, and epoll would keep it. */
	epoll_ctl(listener->fd, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

static int pending_add(struct kucomms_listener *listener)
{
	int fd = accept4(listener->socket, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	__u32 place = listener->next_place;
	int err;

	if (fd < 0)
		return errno == ECONNABORTED ? 0 : -errno;
	pending_close(listener, place);
	err = listener_watch(listener, fd, place);
	if (err) {
		close(fd);
		return err;
	}
	listener->pending[place] = fd;
	listener->next_place = (place + 1) % KC_PENDING_MAX;
	return 0;
}

static int hello_check(const struct kucomms_listener *listener,
		       const struct kc_hello *hello, int memory)
{
	const __u32 most = listener->options.ring_size_max;

	if (memory < 0 || (hello->flags & ~HELLO_FLAGS) || hello->status ||
	    hello->reserved)
		return -EPROTO;
	if (!kc_memory_size_valid(hello->size, most) ||
	    (hello->wanted && !kc_memory_size_valid(hello->wanted, most)))
		return -EINVAL;
	return 0;
}

/* Gives the channel its rings and number, within the limits. */
static int conn_setup(struct kc_conn *conn,
		      struct kucomms_listener *listener,
		      const struct kc_hello *hello, int memory)
{
	__u32 size = hello->wanted ? hello->wanted : listener->options.ring_size;
	int err;

	conn->number = hello->number;
	err = kc_numbers_take(listener->numbers,
			      hello->flags & KC_HELLO_NUMBER,
			      &conn->number);
	if (err)
		return err;
	conn->numbers = listener->numbers;
	err = kc_memory_adopt(memory, hello->size,
			      &conn->regions[KC_THEIRS]);
	if (err)
		return err;
	conn->memory =
		kc_memory_create(size, &conn->regions[KC_MINE]);
	if (conn->memory < 0)
		return conn->memory;
	conn->options.send_size = size;
	kc_shm_init(conn, size, hello->size);
	kc_handshake_agree(conn, hello->flags);
	return kc_handshake_credentials(conn);
}

/*
 * Handles the hello of a pending connection, which is not pending any more
 * then. Returns 0, or -EAGAIN if no channel comes of it.
 */
static int pending_hear(struct kucomms_listener *listener, __u32 place,
			struct kc_conn **conn)
{
	struct kc_conn *fresh;
	struct kc_hello hello;
	int fd = listener->pending[place];
	int memory, err;

	err = kc_handshake_receive(fd, &hello, &memory);
	if (err == -EAGAIN)
		return err;
	listener->pending[place] = -1;
	epoll_ctl(listener->fd, EPOLL_CTL_DEL, fd, NULL);
	fresh = kc_conn_alloc(&kc_process_transport);
	if (!fresh) {
		close(fd);
		err = -ENOMEM;
		goto out;
	}
	fresh->fd = fd;
	fresh->spin_ns = kc_spin_ns(false, 0);
	if (!err)
		err = hello_check(listener, &hello, memory);
	if (!err)
		err = conn_setup(fresh, listener, &hello, memory);
	if (err) {
		kc_process_answer(fresh, err);
		kc_conn_free(fresh);
		err = -EAGAIN;
	} else {
		*conn = fresh;
	}
out:
	kc_fd_close(&memory);
	return err;
}

int kc_process_accept(struct kucomms_listener *listener,
		      struct kc_conn **conn)
{
	struct epoll_event event;
	int ready = 0, left = ACCEPT_BATCH, err;

	while (left-- &&
	       (ready = epoll_wait(listener->fd, &event, 1, 0)) > 0) {
		if (event.data.u32 == SOCKET) {
			err = pending_add(listener);
		} else {
			err = pending_hear(listener, event.data.u32, conn);
			if (!err)
				return 0;
		}
		if (err && err != -EAGAIN)
			return err;
	}
	return ready < 0 ? -errno : -EAGAIN;
}

/* @status: 0 or a negative errno. */
int kc_process_answer(struct kc_conn *conn, int status)
{
	const struct kc_hello hello = {
		.magic = KC_HELLO_MAGIC,
		.version = KC_HELLO_VERSION,
		.size = conn->options.send_size,
		.flags = kc_handshake_flags(conn),
		.number = conn->number,
		.status = status,
	};
	int err = kc_handshake_send(conn->fd, &hello, status ? -1 : conn->memory);

	kc_fd_close(&conn->memory);
	return err;
}

void kc_process_unlisten(struct kucomms_listener *listener)
{
	__u32 place;

	for (place = 0; place < KC_PENDING_MAX; place++)
		pending_close(listener, place);
	/* Removes the name first, so that no client finds a dead socket. */
	if (listener->path[0])
		unlink(listener->path);
	close(listener->socket);
}
