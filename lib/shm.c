// SPDX-License-Identifier: MIT
/*
 * The other side is in user space: how to ring for it, and to sleep until it
 * rings.
 *
 * There are two ways to sleep. Who waits in a call here sleeps on the other
 * side's bell, a word that it counts up when it rings, as a futex: that costs
 * least. Who waits in poll, as endpoints do, sleeps on the socket, to which the
 * other side then sends a byte. need_data and need_room say which. The socket
 * also tells when the other side has ended, which a futex does not: so who
 * waits long for a message changes over to the socket, and who waits long for
 * room looks once a second.
 *
 * Nothing here can be made to block by the other side: the socket is this
 * side's own, and each call on it says that it does not wait.
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

/* After so long a wait for a message the wake-up's cost does not matter. */
#define FUTEX_NS	(100 * NSEC_PER_MSEC)

/* How often to look whether the other side still lives, when nothing tells. */
#define LOOK_NS		(100 * NSEC_PER_MSEC)
#define ROOM_LOOK_NS	NSEC_PER_SEC

/* A socket takes some hundreds, each of which may have to be read by itself. */
#define DRAIN_MAX	1024

void kc_shm_init(struct kc_conn *conn, __u32 mine, __u32 theirs)
{
	const struct kc_region *out = &conn->regions[KC_MINE];
	const struct kc_region *in = &conn->regions[KC_THEIRS];
	const struct kucomms_control *peer = kc_memory_control(in);

	conn->own = kc_memory_control(out);
	kucomms_producer_init(&conn->channel.out, kc_memory_data(out),
			      mine, conn->own, peer);
	kucomms_consumer_init(&conn->channel.in, kc_memory_data(in),
			      theirs, conn->own, peer);
}

/*
 * There is nobody any more. A side that refuses says so before it goes, and who
 * notices that it has gone is to hear why.
 */
static void shm_lost(struct kc_conn *conn)
{
	__u32 state;

	if (kucomms_load(&conn->gone))
		return;
	state = kucomms_load_acquire(&conn->channel.in.peer->state);
	kucomms_store(&conn->gone, state == KUCOMMS_STATE_OPEN ||
				  state == KUCOMMS_STATE_HANGUP ? -ESHUTDOWN :
								  -EPROTO);
}

/*
 * Takes what the other side has sent through the socket: bytes without meaning.
 * All of it, since what was sent with descriptors may keep the socket open; but
 * not more than fits into a socket, for the other side could go on for ever.
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

/* Is there an end of the socket, however much lies before it? */
static void shm_check(struct kc_conn *conn)
{
	struct pollfd poll_fd = { .fd = conn->fd, .events = POLLRDHUP };

	if (poll(&poll_fd, 1, 0) > 0)
		shm_lost(conn);
}

/* Called where there is nothing to do, maybe all the time: looks now and then. */
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
	if (kucomms_load(&conn->gone))
		return kucomms_load(&conn->gone);
	switch (kucomms_load_acquire(&conn->channel.in.peer->state)) {
	case KUCOMMS_STATE_OPEN:
		shm_check_sometimes(conn);
		return kucomms_load(&conn->gone);
	case KUCOMMS_STATE_HANGUP:
		return -ESHUTDOWN;
	default:
		return -EPROTO;
	}
}

/* The sleeper has read the bell before it armed, and sleeps only if it is as it was. */
static void shm_ring_bell(struct kc_conn *conn)
{
	/* Pairs with the load in kc_conn_arm() and send_arm(). */
	__atomic_fetch_add(&conn->own->bell, 1, __ATOMIC_RELEASE);
	/* Nobody: not yet, or not any more, or there is nobody left. */
	if (!kc_futex_wake(&conn->own->bell))
		shm_check_sometimes(conn);
}

/* If the socket is full it has been rung often enough. */
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
	 * Who hangs up says so, and may not have told so through the socket yet.
	 * Else it may have taken the message, and gone then.
	 */
	if (kucomms_load(&conn->gone) || (need & KUCOMMS_NEED_ALWAYS))
		return kc_shm_error(conn);
	return 0;
}

/*
 * Sleeps until the other side rings, for @limit ns at most: -EAGAIN if that was
 * the reason to wake up.
 */
static int wait_bell(struct kc_conn *conn, __u32 bell, __s64 limit,
		     __s64 deadline)
{
	const __s64 now = kc_now(), stop = now + limit;
	const bool last = deadline >= 0 && deadline <= stop;
	int err;

	/* A bell that rings all the time is no reason to go on for ever. */
	if (deadline >= 0 && deadline <= now)
		return -ETIMEDOUT;
	err = kc_futex_wait(&conn->channel.in.peer->bell, bell,
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

/* Who has ended in the meantime does not ring. */
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
	/* It is to be armed for the socket. */
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
 * Whoever sleeps, here or there, wakes up and finds the reason. Who would send
 * without a system call is asked for the doorbell, and so learns of it, too.
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
	/* Pairs with kc_shm_error(): all that was published is seen first. */
	kucomms_store_release(&conn->own->state, state);
	__atomic_fetch_add(&conn->own->bell, 1, __ATOMIC_RELEASE);
	kc_futex_wake(&conn->own->bell);
	kc_futex_wake(&conn->channel.in.peer->bell);
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
