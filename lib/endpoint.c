// SPDX-License-Identifier: MIT
/*
 * Endpoints: made, run, stopped, and what channels they have. What the thread
 * does is in loop.c, what it does for one channel in ep_entry.c.
 */
#define _GNU_SOURCE	/* pthread_setname_np() */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "acceptor.h"
#include "conn.h"
#include "ep_entry.h"
#include "event.h"
#include "fd.h"
#include "loop.h"
#include "open.h"
#include "send.h"

#define WORK_US		10000
#define TIMER_US	1000000
#define RECONNECT_MS	200

/* endpoint->owner: a thread that has not got there yet */
#define STARTING	1

static int set_options(struct kucomms_endpoint *endpoint,
		       const struct kucomms_endpoint_options *options)
{
	struct kucomms_endpoint_options *own = &endpoint->options;
	int err = kc_options_read(own, sizeof(*own), options,
				  sizeof(*own));

	if (err)
		return err;
	if ((own->flags & ~KUCOMMS_ENDPOINT_NO_SPIN) ||
	    own->spin_us > KC_SPIN_US_MAX)
		return -EINVAL;
	if (!own->work_us)
		own->work_us = WORK_US;
	if (!own->timer_us)
		own->timer_us = TIMER_US;
	if (!own->reconnect_ms)
		own->reconnect_ms = RECONNECT_MS;
	strncpy(endpoint->name, own->name ? own->name : "kucomms",
		sizeof(endpoint->name) - 1);
	own->name = endpoint->name;
	endpoint->spin_ns = kc_spin_ns(
		own->flags & KUCOMMS_ENDPOINT_NO_SPIN, own->spin_us);
	return 0;
}

/*
 * The eventfd and the timerfd only wake the thread. They are edge-triggered, so
 * they need not be read; the eventfd's count cannot overflow in anybody's
 * lifetime.
 */
static int open_descriptors(struct kucomms_endpoint *endpoint)
{
	int err;

	endpoint->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (endpoint->epoll < 0)
		return -errno;
	endpoint->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (endpoint->wake < 0)
		return -errno;
	endpoint->timer = timerfd_create(CLOCK_MONOTONIC,
					 TFD_CLOEXEC | TFD_NONBLOCK);
	if (endpoint->timer < 0)
		return -errno;
	err = kc_event_watch(endpoint, endpoint->wake,
			     EPOLLIN | EPOLLET, NULL);
	return err ? err : kc_event_watch(endpoint, endpoint->timer,
					  EPOLLIN | EPOLLET, NULL);
}

static bool is_inherited(const struct kucomms_endpoint *endpoint)
{
	return kc_is_inherited(endpoint->creator);
}

/*
 * Frees an endpoint except for its locks, which in a child may be held for
 * ever: by a thread of the parent that the child does not have.
 */
static void endpoint_abandon(struct kucomms_endpoint *endpoint)
{
	kc_fd_close(&endpoint->timer);
	kc_fd_close(&endpoint->wake);
	kc_fd_close(&endpoint->epoll);
	free(endpoint->calls);
	free(endpoint->buffer);
	free(endpoint);
}

static void endpoint_free(struct kucomms_endpoint *endpoint)
{
	pthread_cond_destroy(&endpoint->call_done);
	pthread_mutex_destroy(&endpoint->calls_lock);
	pthread_cond_destroy(&endpoint->stopped);
	pthread_mutex_destroy(&endpoint->lock);
	endpoint_abandon(endpoint);
}

KUCOMMS_API int
kucomms_endpoint_create(const struct kucomms_ops *ops, void *priv,
			const struct kucomms_endpoint_options *options,
			struct kucomms_endpoint **endpoint)
{
	struct kucomms_endpoint *fresh;
	int err;

	if (ops->flags & ~KUCOMMS_OPS_SHARED_RECEIVE)
		return -EINVAL;
	fresh = calloc(1, sizeof(*fresh));
	if (!fresh || kc_creator(&fresh->creator)) {
		free(fresh);
		return -ENOMEM;
	}
	fresh->ops = *ops;
	fresh->priv = priv;
	fresh->epoll = -1;
	fresh->wake = -1;
	fresh->timer = -1;
	pthread_mutex_init(&fresh->lock, NULL);
	pthread_cond_init(&fresh->stopped, NULL);
	pthread_mutex_init(&fresh->calls_lock, NULL);
	pthread_cond_init(&fresh->call_done, NULL);
	TAILQ_INIT(&fresh->conns);
	TAILQ_INIT(&fresh->commands);
	TAILQ_INIT(&fresh->acceptors);
	kc_loop_init(fresh);
	err = set_options(fresh, options);
	if (!err)
		err = open_descriptors(fresh);
	if (err) {
		endpoint_free(fresh);
		return err;
	}
	/* The first turn schedules the handlers. */
	kc_event_wake(fresh);
	*endpoint = fresh;
	return 0;
}

/*
 * Joins a thread that has been told to stop and has left; the lock is held,
 * which the thread does not take any more.
 */
static void endpoint_reap(struct kucomms_endpoint *endpoint)
{
	if (!endpoint->started || endpoint->owner || !endpoint->stop)
		return;
	pthread_join(endpoint->thread, NULL);
	endpoint->started = false;
	kucomms_store(&endpoint->stop, false);
}

static int endpoint_enter(struct kucomms_endpoint *endpoint)
{
	int err = 0;

	if (is_inherited(endpoint))
		return -ESTALE;
	pthread_mutex_lock(&endpoint->lock);
	endpoint_reap(endpoint);
	if (endpoint->owner)
		err = -EBUSY;
	else
		kucomms_store(&endpoint->owner, KUCOMMS_THIS_THREAD());
	pthread_mutex_unlock(&endpoint->lock);
	return err;
}

/* Leaves the endpoint. Whoever stopped it still has to join a thread. */
static void endpoint_leave(struct kucomms_endpoint *endpoint)
{
	pthread_mutex_lock(&endpoint->lock);
	kucomms_store(&endpoint->owner, 0);
	if (!endpoint->started)
		kucomms_store(&endpoint->stop, false);
	pthread_cond_broadcast(&endpoint->stopped);
	pthread_mutex_unlock(&endpoint->lock);
}

static int endpoint_loop(struct kucomms_endpoint *endpoint, bool interrupted)
{
	int ret;

	while (!kucomms_load(&endpoint->stop)) {
		ret = kc_loop_turn(endpoint, -1, true);
		if (ret == -EINTR && interrupted)
			return ret;
	}
	return 0;
}

KUCOMMS_API int kucomms_endpoint_run(struct kucomms_endpoint *endpoint)
{
	int err = endpoint_enter(endpoint);

	if (err)
		return err;
	err = endpoint_loop(endpoint, true);
	endpoint_leave(endpoint);
	return err;
}

/* EINTR is ignored: all signals are blocked, only a debugger causes it. */
static void *endpoint_thread(void *arg)
{
	struct kucomms_endpoint *endpoint = arg;

	pthread_setname_np(pthread_self(), endpoint->name);
	pthread_mutex_lock(&endpoint->lock);
	kucomms_store(&endpoint->owner, KUCOMMS_THIS_THREAD());
	pthread_mutex_unlock(&endpoint->lock);
	endpoint_loop(endpoint, false);
	endpoint_leave(endpoint);
	return NULL;
}

static int start_thread(struct kucomms_endpoint *endpoint)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&endpoint->thread, NULL, endpoint_thread,
			      endpoint);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

KUCOMMS_API int kucomms_endpoint_start(struct kucomms_endpoint *endpoint)
{
	int err;

	if (is_inherited(endpoint))
		return -ESTALE;
	pthread_mutex_lock(&endpoint->lock);
	endpoint_reap(endpoint);
	if (endpoint->started || endpoint->owner) {
		err = -EBUSY;
	} else {
		/* No other thread can enter before the new one does. */
		kucomms_store(&endpoint->owner, STARTING);
		endpoint->started = true;
		err = start_thread(endpoint);
		if (err) {
			endpoint->started = false;
			kucomms_store(&endpoint->owner, 0);
		}
	}
	pthread_mutex_unlock(&endpoint->lock);
	return err;
}

KUCOMMS_API void kucomms_endpoint_stop(struct kucomms_endpoint *endpoint)
{
	if (is_inherited(endpoint))
		return;
	pthread_mutex_lock(&endpoint->lock);
	if (endpoint->owner) {
		kucomms_store(&endpoint->stop, true);
		kc_event_wake(endpoint);
		while (endpoint->owner &&
		       endpoint->owner != KUCOMMS_THIS_THREAD())
			pthread_cond_wait(&endpoint->stopped, &endpoint->lock);
	}
	endpoint_reap(endpoint);
	pthread_mutex_unlock(&endpoint->lock);
}

/*
 * Destroys a child's copy of an endpoint. There is no thread to wait for, and
 * no handler is called. The lists can be read although a thread of the parent
 * may have been changing them during fork(): an entry's pointer to the next
 * entry is set before any pointer to the entry.
 */
static void destroy_inherited(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn, *next;

	kc_acceptor_close_all(endpoint);
	for (conn = TAILQ_FIRST(&endpoint->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, entry.node);
		if (conn->entry.pending)
			kc_conn_free(conn->entry.pending);
		kc_conn_abandon(conn);
		kucomms_channel_put(&conn->channel);
	}
	endpoint_abandon(endpoint);
}

KUCOMMS_API void kucomms_endpoint_destroy(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn;

	if (!endpoint)
		return;
	if (is_inherited(endpoint)) {
		destroy_inherited(endpoint);
		return;
	}
	kucomms_endpoint_stop(endpoint);
	endpoint_enter(endpoint);
	kc_acceptor_close_all(endpoint);
	while ((conn = TAILQ_FIRST(&endpoint->conns))) {
		kucomms_store(&conn->entry.leaving, true);
		kc_ep_entry_drop(conn, -ESHUTDOWN);
	}
	endpoint_free(endpoint);
}

KUCOMMS_API int kucomms_endpoint_fd(const struct kucomms_endpoint *endpoint)
{
	return is_inherited(endpoint) ? -ESTALE : endpoint->epoll;
}

KUCOMMS_API int kucomms_endpoint_dispatch(struct kucomms_endpoint *endpoint,
					  int timeout_ms)
{
	int ret = endpoint_enter(endpoint);

	if (ret)
		return ret;
	ret = kc_loop_turn(endpoint, timeout_ms, false);
	/* No descriptor tells of what is left to be done. */
	if (!TAILQ_EMPTY(&endpoint->active) || endpoint->more)
		kc_event_wake(endpoint);
	kc_loop_arm_timer(endpoint);
	endpoint_leave(endpoint);
	if (ret)
		return ret < 0 ? ret : 0;
	return timeout_ms ? -ETIMEDOUT : -EAGAIN;
}

KUCOMMS_API int kucomms_endpoint_add(struct kucomms_endpoint *endpoint,
				     struct kucomms_channel *channel)
{
	struct kc_conn *conn = conn_of(channel);

	if (is_inherited(endpoint) || conn_is_inherited(conn))
		return -ESTALE;
	if (conn->entry.endpoint)
		return -EBUSY;
	kc_ep_entry_add(endpoint, conn);
	return 0;
}

KUCOMMS_API int
kucomms_endpoint_connect(struct kucomms_endpoint *endpoint, const char *name,
			 const struct kucomms_options *options,
			 unsigned int flags, struct kucomms_channel **channel)
{
	struct kc_conn *conn;
	int err;

	if (is_inherited(endpoint))
		return -ESTALE;
	if (flags & ~KUCOMMS_CONNECT_RETRY)
		return -EINVAL;
	err = kc_conn_create(&conn, name, options);
	if (err)
		return err;
	/* With CONNECT_RETRY even the first attempt is not waited for. */
	if (flags & KUCOMMS_CONNECT_RETRY) {
		conn->entry.reconnect = true;
		conn->gone = -ESHUTDOWN;
	} else {
		err = kc_conn_open(conn, conn->options.timeout_ms, true);
	}
	if (err) {
		kc_conn_free(conn);
		return err;
	}
	if (channel)
		*channel = kucomms_channel_get(&conn->channel);
	kc_ep_entry_add(endpoint, conn);
	return 0;
}

KUCOMMS_API int kucomms_endpoint_listen(struct kucomms_endpoint *endpoint,
					const char *name,
					const struct kucomms_listen_options *options)
{
	return is_inherited(endpoint) ? -ESTALE :
	       kc_acceptor_open(endpoint, name, options);
}

static bool has_conn(const struct kucomms_endpoint *endpoint,
		      const struct kc_conn *conn)
{
	const struct kc_conn *each;

	TAILQ_FOREACH(each, &endpoint->conns, entry.node)
		if (each == conn)
			return true;
	return false;
}

KUCOMMS_API int kucomms_endpoint_remove(struct kucomms_endpoint *endpoint,
					struct kucomms_channel *channel)
{
	struct kc_conn *conn = conn_of(channel);
	bool found;

	if (is_inherited(endpoint))
		return -ESTALE;
	pthread_mutex_lock(&endpoint->lock);
	found = has_conn(endpoint, conn);
	if (found) {
		kucomms_store(&conn->entry.leaving, true);
		kc_ep_entry_queue(conn);
	}
	pthread_mutex_unlock(&endpoint->lock);
	if (!found)
		return -ENOENT;
	kc_event_wake(endpoint);
	return 0;
}

KUCOMMS_API int
kucomms_endpoint_get_stats(struct kucomms_endpoint *endpoint,
			   struct kucomms_endpoint_stats *stats)
{
	const struct kucomms_endpoint_stats *own = &endpoint->stats;

	if (is_inherited(endpoint))
		return -ESTALE;
	if (stats->size < sizeof(*stats))
		return -EINVAL;
	pthread_mutex_lock(&endpoint->lock);
	stats->channels = endpoint->conn_count;
	pthread_mutex_unlock(&endpoint->lock);
	stats->messages = kucomms_load(&own->messages);
	stats->rounds = kucomms_load(&own->rounds);
	stats->sleeps = kucomms_load(&own->sleeps);
	stats->calls = kucomms_load(&own->calls);
	stats->late = kucomms_load(&own->late);
	stats->lost = kucomms_load(&own->lost);
	return 0;
}

KUCOMMS_API int kucomms_broadcast(struct kucomms_endpoint *endpoint,
				  const struct kucomms_message *message,
				  const void *data, unsigned int flags)
{
	struct kc_conn *conn;
	int reached = 0;

	if (is_inherited(endpoint))
		return -ESTALE;
	if (flags & ~KUCOMMS_SEND_MORE)
		return -EINVAL;
	pthread_mutex_lock(&endpoint->lock);
	TAILQ_FOREACH(conn, &endpoint->conns, entry.node)
		if (kucomms_load(&conn->entry.connected) &&
		    !kc_conn_send_shared(conn, message, data, flags, 0))
			reached++;
	pthread_mutex_unlock(&endpoint->lock);
	return reached ? reached : -ESRCH;
}
