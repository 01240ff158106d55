// SPDX-License-Identifier: MIT
/*
 * Listeners: what others, in this process or another, connect to.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "fd.h"
#include "listener.h"
#include "memory.h"
#include "name.h"
#include "numbers.h"

static int listener_set_options(struct kucomms_listener *listener,
				const struct kucomms_listen_options *options)
{
	struct kucomms_listen_options *own = &listener->options;
	int err = kc_options_read(own, sizeof(*own), options,
				  sizeof(*own));

	if (err)
		return err;
	if (!own->ring_size_max)
		own->ring_size_max = KC_MEMORY_SIZE_MAX;
	if (!own->ring_size)
		own->ring_size = own->ring_size_max < KC_MEMORY_SIZE ?
				 own->ring_size_max : KC_MEMORY_SIZE;
	if (!own->mode)
		own->mode = 0600;
	if ((own->mode & ~0777u) ||
	    !kc_memory_size_valid(own->ring_size_max,
				  KUCOMMS_RING_SIZE_MAX) ||
	    !kc_memory_size_valid(own->ring_size, own->ring_size_max) ||
	    own->ring_size > KC_MEMORY_SIZE_MAX)
		return -EINVAL;
	return 0;
}

static int listener_open(struct kucomms_listener *listener, const char *name)
{
	const struct kc_transport *transport = kc_name_transport(name);
	int err;

	if (transport == &kc_device_transport)
		return -EINVAL;
	err = kc_name_listen_path(listener->path, sizeof(listener->path),
				  name);
	if (err)
		return err;
	listener->numbers = kc_numbers_create(listener->options.channels_max);
	if (!listener->numbers)
		return -ENOMEM;
	return transport == &kc_process_transport ?
	       kc_process_listen(listener) : kc_local_listen(listener);
}

KUCOMMS_API int kucomms_listen(const char *name,
			       const struct kucomms_listen_options *options,
			       struct kucomms_listener **listener)
{
	struct kucomms_listener *fresh = calloc(1, sizeof(*fresh));
	int err;

	if (!fresh || kc_creator(&fresh->creator)) {
		free(fresh);
		return -ENOMEM;
	}
	fresh->fd = -1;
	fresh->socket = -1;
	memset(fresh->pending, -1, sizeof(fresh->pending));
	TAILQ_INIT(&fresh->waiting);
	err = listener_set_options(fresh, options);
	if (!err)
		err = listener_open(fresh, name);
	if (err) {
		kucomms_listener_close(fresh);
		return err;
	}
	*listener = fresh;
	return 0;
}

/* Gets the next channel, to be answered; -EAGAIN: there is none now. */
int kc_listener_accept(struct kucomms_listener *listener,
		       struct kc_conn **conn)
{
	return listener->socket >= 0 ? kc_process_accept(listener, conn) :
				       kc_local_accept(listener, conn);
}

/*
 * Tells the other side that its channel is accepted, or with @status why not:
 * then the channel is to be freed.
 */
int kc_listener_answer(struct kc_conn *conn, int status)
{
	if (conn->transport == &kc_process_transport)
		return kc_process_answer(conn, status);
	if (status)
		kc_conn_break(conn);
	return 0;
}

static int accept_now(struct kucomms_listener *listener,
		      struct kucomms_channel **channel)
{
	struct kc_conn *conn;
	int err;

	do {
		err = kc_listener_accept(listener, &conn);
		if (err)
			return err;
		err = kc_listener_answer(conn, 0);
		/* The other side is gone again. */
		if (err)
			kc_conn_free(conn);
	} while (err);
	*channel = &conn->channel;
	return 0;
}

KUCOMMS_API int kucomms_accept(struct kucomms_listener *listener,
			       struct kucomms_channel **channel, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = listener->fd, .events = POLLIN };
	const __s64 deadline = kc_deadline(timeout_ms);
	int err;

	if (kc_is_inherited(listener->creator))
		return -ESTALE;
	for (;;) {
		err = accept_now(listener, channel);
		if (err != -EAGAIN || !timeout_ms)
			return err;
		/* Pending connections that come and go do not prolong this. */
		if (!kc_left_ms(deadline))
			return -ETIMEDOUT;
		err = poll(&poll_fd, 1, kc_left_ms(deadline));
		if (err <= 0)
			return err ? -errno : -ETIMEDOUT;
	}
}

KUCOMMS_API int kucomms_listener_fd(const struct kucomms_listener *listener)
{
	return kc_is_inherited(listener->creator) ? -ESTALE : listener->fd;
}

/*
 * Frees a child's copy of a listener. Does not touch the name, nor what the
 * epoll descriptor watches: both are the parent's.
 */
static void listener_abandon(struct kucomms_listener *listener)
{
	struct kc_conn *conn;
	int i;

	for (i = 0; i < KC_PENDING_MAX; i++)
		kc_fd_close(&listener->pending[i]);
	kc_fd_close(&listener->socket);
	while ((conn = TAILQ_FIRST(&listener->waiting))) {
		TAILQ_REMOVE(&listener->waiting, conn, entry.node);
		kc_conn_free(conn);
	}
}

KUCOMMS_API void kucomms_listener_close(struct kucomms_listener *listener)
{
	if (!listener)
		return;
	if (kc_is_inherited(listener->creator))
		listener_abandon(listener);
	else if (listener->socket >= 0)
		kc_process_unlisten(listener);
	else
		kc_local_unlisten(listener);
	kc_fd_close(&listener->fd);
	kc_numbers_put(listener->numbers);
	free(listener);
}
