// SPDX-License-Identifier: MIT
/*
 * Opening a channel, whatever its transport, and once more.
 */
#define _GNU_SOURCE	/* dup3() */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "name.h"
#include "open.h"
#include "receive.h"

#define OPEN_FLAGS	(KUCOMMS_OPEN_NUMBER | KUCOMMS_OPEN_NO_SPIN)

/* Time for a listener to answer if the caller does not say, in milliseconds. */
#define ANSWER_MS	1000

/* First and longest pause between two attempts to open, in nanoseconds. */
#define PAUSE_NS	NSEC_PER_MSEC
#define PAUSE_MAX_NS	(100 * NSEC_PER_MSEC)

static int conn_set_options(struct kc_conn *conn,
			    const struct kucomms_options *options)
{
	struct kucomms_options *own = &conn->options;
	int err = kc_options_read(own, sizeof(*own), options,
				  offsetof(struct kucomms_options, flags));

	if (err)
		return err;
	if ((own->flags & ~OPEN_FLAGS) || own->spin_us > KC_SPIN_US_MAX)
		return -EINVAL;
	return 0;
}

/* Makes a channel for @name, without opening it. */
int kc_conn_create(struct kc_conn **conn, const char *name,
		   const struct kucomms_options *options)
{
	const struct kc_transport *transport = kc_name_transport(name);
	struct kc_conn *fresh = kc_conn_alloc(transport);
	int err = 0;

	if (!fresh)
		return -ENOMEM;
	if (strlen(name) < sizeof(fresh->name))
		strcpy(fresh->name, name);
	else
		err = -ENAMETOOLONG;
	if (!err)
		err = kc_name_path(fresh->path, sizeof(fresh->path), name);
	if (!err)
		err = conn_set_options(fresh, options);
	if (err) {
		kc_conn_free(fresh);
		return err;
	}
	fresh->spin_ns = kc_spin_ns(
		fresh->options.flags & KUCOMMS_OPEN_NO_SPIN,
		fresh->options.spin_us);
	*conn = fresh;
	return 0;
}

/* Makes another channel for the name of @conn, to be opened in place of it. */
struct kc_conn *kc_conn_clone(const struct kc_conn *conn)
{
	struct kc_conn *fresh = kc_conn_alloc(conn->transport);

	if (!fresh)
		return NULL;
	memcpy(fresh->name, conn->name, sizeof(fresh->name));
	fresh->options = conn->options;
	fresh->spin_ns = conn->spin_ns;
	return fresh;
}

int kc_conn_finish(struct kc_conn *conn)
{
	return conn->transport->finish ? conn->transport->finish(conn) : 0;
}

/* Waits, until @deadline, for the answer of a listener. */
static int wait_for_answer(struct kc_conn *conn, __s64 deadline)
{
	struct pollfd answer = { .fd = conn->fd, .events = POLLIN };
	int err;

	for (;;) {
		err = kc_conn_finish(conn);
		if (err != KC_UNANSWERED)
			return err;
		err = poll(&answer, 1, kc_left_ms(deadline));
		if (err <= 0)
			return err ? -errno : -ETIMEDOUT;
	}
}

/* Begins to connect; another process may have the name by now. */
int kc_conn_begin(struct kc_conn *conn, __s64 deadline)
{
	int err = kc_name_path(conn->path, sizeof(conn->path), conn->name);

	return err ? err : conn->transport->begin(conn, deadline);
}

/*
 * Tells whether to wait until the cause of @err is gone. @place: wait also for
 * another client to give its channel back. @appeared: the device is new, and
 * udev may not have set its owner and mode yet.
 */
static bool may_come(int err, bool place, bool appeared)
{
	switch (err) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
	case -ENOTCONN:
		return true;
	case -EUSERS:
	case -EADDRINUSE:
		return place;
	case -EACCES:
		return appeared;
	default:
		return false;
	}
}

/*
 * Sleeps for *@ns nanoseconds, but not beyond the deadline, and prolongs *@ns
 * for the next time. Returns -ETIMEDOUT if the deadline has passed.
 */
static int pause_until(__s64 deadline, __s64 *ns)
{
	const __s64 left = deadline - kc_now();
	const struct timespec pause = kc_timespec(
		deadline > 0 && left < *ns ? left : *ns);

	if (deadline >= 0 && left <= 0)
		return -ETIMEDOUT;
	*ns = *ns < PAUSE_MAX_NS / 2 ? *ns * 2 : PAUSE_MAX_NS;
	return nanosleep(&pause, NULL) ? -errno : 0;
}

/*
 * Opens the channel, and until the deadline waits for whatever is missing.
 * KUCOMMS_IOC_ATTACH waits in the kernel for a module; for everything else this
 * tries again and again. -EAGAIN says that the backlog of a listener is full. A
 * caller that does not want to wait cannot do without the answer of a listener:
 * so the listener has a second then, to accept connections and to answer.
 */
int kc_conn_open(struct kc_conn *conn, int timeout_ms, bool place)
{
	const __s64 deadline = kc_deadline(timeout_ms);
	const __s64 patience = deadline ? deadline :
					  kc_deadline(ANSWER_MS);
	bool backlog_full, appeared = false;
	__s64 pause = PAUSE_NS;
	int err, over;

	for (;;) {
		err = kc_conn_begin(conn, deadline);
		backlog_full = err == -EAGAIN && conn->transport->user_space;
		if (!err)
			err = wait_for_answer(conn, patience);
		if (!backlog_full && !may_come(err, place, appeared))
			return err;
		appeared |= err == -ENOENT;
		conn->transport->close(conn);
		over = pause_until(backlog_full ? patience : deadline, &pause);
		if (over)
			return over == -ETIMEDOUT && !backlog_full ? err : over;
	}
}

KUCOMMS_API int kucomms_open(const char *name,
			     const struct kucomms_options *options,
			     struct kucomms_channel **channel)
{
	struct kc_conn *conn;
	int err = kc_conn_create(&conn, name, options);

	if (err)
		return err;
	err = kc_conn_open(conn, conn->options.timeout_ms, true);
	if (err) {
		kc_conn_free(conn);
		return err;
	}
	*channel = &conn->channel;
	return 0;
}

/*
 * Moves what @fresh has opened to @conn, and frees @fresh. The descriptor of
 * @conn keeps its number, if it has one.
 */
void kc_conn_replace(struct kc_conn *conn, struct kc_conn *fresh)
{
	struct kc_nlring *nlring;

	if (conn->own)
		conn->transport->hangup(conn, KUCOMMS_STATE_HANGUP);
	kc_conn_unmap(conn);
	if (conn->fd < 0 || dup3(fresh->fd, conn->fd, O_CLOEXEC) < 0) {
		if (conn->fd >= 0)
			close(conn->fd);
		conn->fd = fresh->fd;
		fresh->fd = -1;
	}
	conn->channel.out = fresh->channel.out;
	conn->channel.in = fresh->channel.in;
	conn->channel.awake = true;
	conn->armed = 0;
	memcpy(conn->regions, fresh->regions, sizeof(conn->regions));
	memset(fresh->regions, 0, sizeof(fresh->regions));
	nlring = conn->nlring;
	conn->nlring = fresh->nlring;
	fresh->nlring = nlring;
	conn->own = fresh->own;
	conn->heavy = fresh->heavy;
	fresh->own = NULL;
	conn->number = fresh->number;
	conn->peer = fresh->peer;
	conn->room_armed = false;
	conn->rung = 0;
	conn->closing = false;
	kucomms_store(&conn->lost, false);
	kucomms_store(&conn->gone, 0);
	kc_conn_free(fresh);
}

KUCOMMS_API int kucomms_channel_reattach(struct kucomms_channel *channel,
					 int timeout_ms)
{
	struct kc_conn *conn = conn_of(channel), *fresh;
	int err;

	if (conn_is_inherited(conn))
		return -ESTALE;
	if (conn->numbers)
		return -EINVAL;
	fresh = kc_conn_clone(conn);
	if (!fresh)
		return -ENOMEM;
	/* A free channel is not waited for: @conn may occupy the last one. */
	err = kc_conn_open(fresh, timeout_ms, false);
	if (err) {
		kc_conn_free(fresh);
		return err;
	}
	kc_conn_replace(conn, fresh);
	if (conn->polled)
		kc_conn_arm(conn);
	return 0;
}
