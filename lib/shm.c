// SPDX-License-Identifier: MIT
/*
 * What the transports through shared memory, "process:" and "local:", have in
 * common: how to ring for the other side, and to sleep until it rings.
 *
 * There are two ways to sleep. A thread that waits in a call of the library
 * sleeps on a futex, the other side's bell, a word that the other side
 * increments when it rings: that costs least. A program that waits in poll(),
 * as endpoints do, sleeps on the socket, to which the other side then sends a
 * byte. need_data and need_room say which. The socket also tells when the other
 * side has ended, which a futex does not: so a thread that waits long for a
 * message changes over to the socket, and a thread that waits long for room
 * looks once a second.
 *
 * The other side cannot make this side block: the socket is this side's own,
 * and each call on it says that it does not wait.
 */
#define _GNU_SOURCE	/* ppoll() */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "fd.h"
#include "futex.h"
#include "memory.h"
#include "shm.h"

/* Wait for a message after which the cost of a wake-up does not matter. */
#define FUTEX_NS	(100 * NSEC_PER_MSEC)

/* Time between two looks whether the other side is alive. */
#define LOOK_NS		(100 * NSEC_PER_MSEC)
#define ROOM_LOOK_NS	NSEC_PER_SEC

/* Reads at most: the socket holds some hundred bytes, one per read. */
#define DRAIN_MAX	1024

void kc_shm_init(struct kc_conn *conn, __u32 mine, __u32 theirs)
{
	const struct kc_region *out = &conn->regions[KC_MINE];
	const struct kc_region *in = &conn->regions[KC_THEIRS];
	const struct kucomms_control *remote = in->address;

	conn->own = out->address;
	kucomms_producer_init(&conn->channel.out, kc_memory_data(out),
			      mine, conn->own, remote);
	kucomms_consumer_init(&conn->channel.in, kc_memory_data(in),
			      theirs, conn->own, remote);
}

/*
 * Notes that the other side is gone. A side that refuses a message says so in
 * its state before it goes, and the reason is what this side reports.
 */
static void shm_lost(struct kc_conn *conn)
{
	if (!kucomms_load(&conn->gone))
		kucomms_store(&conn->gone,
			      kc_conn_state_error(conn) == -EPROTO ?
			      -EPROTO : -ESHUTDOWN);
}

/*
 * Reads the bytes that the other side has sent through the socket, which have
 * no meaning: all of them, since descriptors sent with them may keep the other
 * side's socket open; but not more than fit into a socket, since the other side
 * could go on for ever.
 */
void kc_shm_drain(struct kc_conn *conn)
{
	char bytes[4096];
	ssize_t length;
	int left = DRAIN_MAX;

	do {
		length = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	} while (length > 0 && --left);
	if (!length || (length < 0 && errno != EAGAIN && errno != EINTR))
		shm_lost(conn);
}

/* Looks for the end of the stream, however many bytes lie before it. */
static void shm_check(struct kc_conn *conn)
{
	struct pollfd poll_fd = { .fd = conn->fd, .events = POLLRDHUP };

	if (poll(&poll_fd, 1, 0) > 0)
		shm_lost(conn);
}

/* Does so from time to time, where there is nothing to do. */
static void shm_check_sometimes(struct kc_conn *conn)
{
	__s64 now = kc_clock(CLOCK_MONOTONIC_COARSE);

	if (now - kucomms_load(&conn->looked) < LOOK_NS)
		return;
	kucomms_store(&conn->looked, now);
	shm_check(conn);
}

int kc_shm_error(struct kc_conn *conn)
{
	int err = kucomms_load(&conn->gone);

	if (!err)
		err = kc_conn_state_error(conn);
	if (err)
		return err;
	shm_check_sometimes(conn);
	return kucomms_load(&conn->gone);
}

/*
 * Rings the bell. The other side has read the bell before it armed, and sleeps
 * only if the bell has not changed.
 */
static void shm_ring_bell(struct kc_conn *conn)
{
	/* Pairs with the load in kc_conn_arm() and send_arm(). */
	__atomic_fetch_add(&conn->own->bell, 1, __ATOMIC_RELEASE);
	/* No thread sleeps: not yet, or not any more. */
	if (!kc_futex_wake(&conn->own->bell))
		shm_check_sometimes(conn);
}

/* A socket that is full has been rung often enough. */
static void shm_ring_socket(struct kc_conn *conn)
{
	if (send(conn->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno != EAGAIN && errno != EINTR)
		shm_lost(conn);
}

int kc_shm_ring(struct kc_conn *conn, __u32 need, __u64 *count)
{
	(*count)++;
	if (need & KUCOMMS_NEED_FUTEX)
		shm_ring_bell(conn);
	else
		shm_ring_socket(conn);
	/*
	 * A side that hangs up sets its state, and its end of the socket may
	 * still be open. Otherwise it may have taken the message and gone then.
	 */
	if (kucomms_load(&conn->gone) || (need & KUCOMMS_NEED_ALWAYS))
		return kc_shm_error(conn);
	return 0;
}

/* Sleeps until the other side rings; -EAGAIN: for @limit ns. */
static int wait_bell(struct kc_conn *conn, __u32 bell, __s64 limit,
		     __s64 deadline)
{
	const __s64 now = kc_now(), stop = now + limit;
	const bool last = deadline >= 0 && deadline <= stop;
	int err;

	/* A bell that rings all the time must not prolong the wait. */
	if (deadline >= 0 && deadline <= now)
		return -ETIMEDOUT;
	err = kc_futex_wait(&conn->channel.in.remote->bell, bell,
			    last ? deadline : stop);
	return err == -ETIMEDOUT && !last ? -EAGAIN : err;
}

static int wait_socket(struct kc_conn *conn, __s64 deadline)
{
	struct pollfd poll = { .fd = conn->fd, .events = POLLIN };
	struct timespec left;
	int ret;

	if (deadline >= 0) {
		__s64 ns = deadline - kc_now();

		if (ns <= 0)
			return -ETIMEDOUT;
		left = kc_timespec(ns);
	}
	ret = ppoll(&poll, 1, deadline >= 0 ? &left : NULL, NULL);
	if (ret < 0)
		return -errno;
	if (!ret)
		return -ETIMEDOUT;
	kc_shm_drain(conn);
	return 0;
}

/* A process that has ended does not ring, so this looks for it. */
static int wait_room(struct kc_conn *conn, __s64 deadline)
{
	int err = wait_bell(conn, conn->send_bell, ROOM_LOOK_NS, deadline);

	if (err != -EAGAIN)
		return err;
	shm_check(conn);
	return 0;
}

static int wait_data(struct kc_conn *conn, __s64 deadline)
{
	int err;

	if (!conn->receive_flags)
		return wait_socket(conn, deadline);
	err = wait_bell(conn, conn->receive_bell, FUTEX_NS, deadline);
	if (err != -EAGAIN)
		return err;
	/* The next wait is on the socket. */
	conn->receive_flags = 0;
	return 0;
}

int kc_shm_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
		__u64 *count)
{
	(*count)++;
	if (event & KUCOMMS_EVENT_ROOM)
		return wait_room(conn, deadline);
	return wait_data(conn, deadline);
}

/*
 * Hangs up. Threads that sleep, on both sides, wake up and find the reason.
 * need_data asks a sender for the doorbell that would send without a system
 * call, so it finds the reason, too.
 */
void kc_shm_hangup(struct kc_conn *conn, __u32 state)
{
	if (!conn->own || kucomms_load(&conn->gone))
		return;
	kucomms_store(&conn->gone,
		      state == KUCOMMS_STATE_BROKEN ? -EPROTO : -ESHUTDOWN);
	/* Pairs with kc_conn_disarm(): one sees what the other has written. */
	kucomms_full_barrier();
	kucomms_store(&conn->own->need_data,
		      KUCOMMS_NEED | KUCOMMS_NEED_ALWAYS);
	/* Pairs with kc_conn_state_error(): all that was published is seen. */
	kucomms_store_release(&conn->own->state, state);
	__atomic_fetch_add(&conn->own->bell, 1, __ATOMIC_RELEASE);
	kc_futex_wake(&conn->own->bell);
	kc_futex_wake(&conn->channel.in.remote->bell);
	shutdown(conn->fd, SHUT_RDWR);
}

void kc_shm_close(struct kc_conn *conn)
{
	if (conn->own)
		kc_shm_hangup(conn, KUCOMMS_STATE_HANGUP);
	kc_conn_unmap(conn);
	conn->own = NULL;
	kc_fd_close(&conn->memory);
	kc_fd_close(&conn->fd);
}
