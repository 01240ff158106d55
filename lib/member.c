// SPDX-License-Identifier: MIT
/*
 * Members: the channels of an endpoint, and what its thread does for each.
 *
 * A member is awake, and looked at in every turn, or asleep: then need_data is
 * set, and the doorbell brings it back. One without messages for a while falls
 * asleep.
 *
 * Who may have a pointer to a member: the endpoint, until kucomms_member_drop();
 * whoever has a reference. After the drop there is nothing behind it any more,
 * which is arranged under its lock: there is no room in its ring, and the reason
 * is that it is gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "call.h"
#include "clock.h"
#include "conn.h"
#include "event.h"
#include "futex.h"
#include "member.h"
#include "open.h"
#include "receive.h"
#include "send.h"

/* So many messages between two looks at the clock. */
#define LOOKS		8

/* So long who listens may take to answer one who comes back. */
#define ANSWER_NS	NSEC_PER_SEC

static struct kucomms_endpoint *endpoint_of(const struct kc_conn *conn)
{
	return conn->member.endpoint;
}

/* Under the endpoint's lock. */
static void member_insert(struct kucomms_endpoint *endpoint,
			  struct kc_conn *conn)
{
	conn->polled = false;
	conn->receive_how = 0;
	conn->member.endpoint = endpoint;
	TAILQ_INSERT_TAIL(&endpoint->members, conn, member.all);
	endpoint->count++;
}

/* The endpoint's own thread's, which goes on with it. */
void kucomms_member_join(struct kucomms_endpoint *endpoint,
			 struct kc_conn *conn)
{
	pthread_mutex_lock(&endpoint->lock);
	member_insert(endpoint, conn);
	pthread_mutex_unlock(&endpoint->lock);
}

/* Under the endpoint's lock. */
void kucomms_member_queue(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	if (conn->member.queued)
		return;
	conn->member.queued = true;
	TAILQ_INSERT_TAIL(&endpoint->commands, conn, member.queue);
	kucomms_store_release(&endpoint->commanded, true);
}

/* Any thread's: from the unlocking on @conn is the endpoint's, to free if it likes. */
void kucomms_member_add(struct kucomms_endpoint *endpoint,
			struct kc_conn *conn)
{
	pthread_mutex_lock(&endpoint->lock);
	member_insert(endpoint, conn);
	kucomms_member_queue(conn);
	pthread_mutex_unlock(&endpoint->lock);
	kucomms_endpoint_wake(endpoint);
}

KUCOMMS_API void kucomms_channel_shutdown(struct kucomms_channel *channel)
{
	struct kc_conn *conn = conn_of(channel);

	if (conn_is_inherited(conn))
		return;
	/* Of an endpoint: its thread may be about to let go of it. */
	pthread_mutex_lock(&conn->member.lock);
	/*
	 * The descriptor of a device does not tell the endpoint's thread; and
	 * the endpoint's lock, for a command, comes before this one.
	 */
	if (conn->own && conn->member.endpoint && !conn->transport->how) {
		kucomms_store(&conn->member.shut, true);
		kucomms_store_release(&endpoint_of(conn)->shut, true);
		kucomms_endpoint_wake(endpoint_of(conn));
	}
	conn->transport->hangup(conn, KUCOMMS_STATE_HANGUP);
	pthread_mutex_unlock(&conn->member.lock);
}

/* Those whom somebody has hung up on. */
void kucomms_member_look(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn;

	pthread_mutex_lock(&endpoint->lock);
	TAILQ_FOREACH(conn, &endpoint->members, member.all)
		if (kucomms_load(&conn->member.shut) && conn->member.connected)
			kucomms_member_activate(conn);
	pthread_mutex_unlock(&endpoint->lock);
}

void kucomms_member_activate(struct kc_conn *conn)
{
	struct kucomms_member *member = &conn->member;

	member->idle = 0;
	if (member->awake)
		return;
	member->awake = true;
	TAILQ_INSERT_TAIL(&endpoint_of(conn)->active, conn, member.active);
}

static void deactivate(struct kc_conn *conn)
{
	if (!conn->member.awake)
		return;
	conn->member.awake = false;
	TAILQ_REMOVE(&endpoint_of(conn)->active, conn, member.active);
}

static void set_refused(struct kc_conn *conn, bool refused)
{
	if (conn->member.refused == refused)
		return;
	conn->member.refused = refused;
	endpoint_of(conn)->refused += refused ? 1 : -1;
}

/* There may be room now for what a handler did not want to do before. */
void kucomms_member_retry(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn;

	if (!endpoint->refused)
		return;
	pthread_mutex_lock(&endpoint->lock);
	TAILQ_FOREACH(conn, &endpoint->members, member.all)
		if (conn->member.refused)
			kucomms_member_activate(conn);
	pthread_mutex_unlock(&endpoint->lock);
}

/* The doorbell: for data, for room, or for the last time. */
static void member_handle(struct kucomms_source *source)
{
	struct kc_conn *conn = (struct kc_conn *)
		((char *)source - offsetof(struct kc_conn, member.source));

	if (conn->transport->quiet)
		conn->transport->quiet(conn);
	if (kc_conn_take_lost(conn))
		kucomms_count(&endpoint_of(conn)->stats.lost);
	pthread_mutex_lock(&conn->member.lock);
	if (conn->member.waiters)
		kucomms_event_tell(&conn->member.room);
	pthread_mutex_unlock(&conn->member.lock);
	kucomms_member_activate(conn);
}

/* A message that another process could change is handled in a private copy. */
static int make_buffer(struct kucomms_endpoint *endpoint,
		       const struct kc_conn *conn)
{
	void *buffer, *old = endpoint->buffer;

	if (!conn->transport->copies ||
	    (endpoint->ops.flags & KUCOMMS_OPS_SHARED_RECEIVE) ||
	    endpoint->capacity >= conn->channel.in.size)
		return 0;
	buffer = malloc(conn->channel.in.size);
	if (!buffer)
		return -ENOMEM;
	/*
	 * In this order: at any fork() the child has a buffer that it can free.
	 */
	kucomms_store(&endpoint->buffer, buffer);
	free(old);
	endpoint->capacity = conn->channel.in.size;
	return 0;
}

/* If this fails the member has to be dropped. */
int kucomms_member_connect(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);
	int err = make_buffer(endpoint, conn);

	if (!err && endpoint->ops.connect)
		err = endpoint->ops.connect(&conn->channel, endpoint->priv);
	kucomms_member_publish(endpoint);
	if (!err)
		kucomms_store(&conn->member.connected, true);
	return err;
}

/* There may be messages already. */
void kucomms_member_serve(struct kc_conn *conn)
{
	int err;

	conn->member.source.handle = member_handle;
	err = kucomms_endpoint_watch(endpoint_of(conn), conn->fd, EPOLLET |
				     EPOLLIN | EPOLLRDHUP |
				     (conn->transport->quiet ? 0 : EPOLLOUT),
				     &conn->member.source);
	if (err)
		kucomms_member_drop(conn, err);
	else
		kucomms_member_activate(conn);
}

static void try_again_at(struct kc_conn *conn, __s64 due)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	conn->member.due = due;
	if (due < endpoint->again_due)
		endpoint->again_due = due;
}

static void try_again_later(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	try_again_at(conn, endpoint->now +
		     endpoint->options.reconnect_ms * NSEC_PER_MSEC);
}

/* Added by another thread, or by a handler. */
void kucomms_member_arrive(struct kc_conn *conn)
{
	int err;

	/* It has arrived already: see loop_reopen(). */
	if (conn->member.connected)
		return;
	if (conn->member.again && !conn->own) {
		kucomms_member_reopen(conn);
		return;
	}
	err = kucomms_member_connect(conn);
	if (err)
		kucomms_member_drop(conn, err);
	else
		kucomms_member_serve(conn);
}

static void forget_fresh(struct kc_conn *conn)
{
	struct kc_conn *fresh = conn->member.fresh;

	if (!fresh)
		return;
	conn->member.fresh = NULL;
	kucomms_endpoint_unwatch(endpoint_of(conn), fresh->fd);
	kc_conn_free(fresh);
}

static void fresh_finish(struct kc_conn *conn);

/* Who listens has answered. */
static void fresh_handle(struct kucomms_source *source)
{
	struct kc_conn *fresh = (struct kc_conn *)
		((char *)source - offsetof(struct kc_conn, member.source));

	fresh_finish(fresh->channel.priv);
}

static int fresh_begin(struct kc_conn *conn)
{
	struct kc_conn *fresh = kc_conn_clone(conn);

	if (!fresh)
		return -ENOMEM;
	fresh->channel.priv = conn;
	fresh->member.source.handle = fresh_handle;
	conn->member.fresh = fresh;
	return kc_conn_begin(fresh, 0);
}

static void fresh_finish(struct kc_conn *conn)
{
	struct kc_conn *fresh = conn->member.fresh;
	int err = kc_conn_finish(fresh);

	if (err > 0)
		return;
	if (err) {
		forget_fresh(conn);
		try_again_later(conn);
		return;
	}
	conn->member.fresh = NULL;
	kucomms_endpoint_unwatch(endpoint_of(conn), fresh->fd);
	pthread_mutex_lock(&conn->member.lock);
	kucomms_store(&conn->member.shut, false);
	kc_conn_replace(conn, fresh);
	pthread_mutex_unlock(&conn->member.lock);
	err = kucomms_member_connect(conn);
	if (err)
		kucomms_member_drop(conn, err);
	else
		kucomms_member_serve(conn);
}

/* Looks for the other side; nobody waits for its answer. */
void kucomms_member_reopen(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	if (endpoint->now < conn->member.due) {
		try_again_at(conn, conn->member.due);
		return;
	}
	/* It has had its time. */
	forget_fresh(conn);
	if (fresh_begin(conn)) {
		forget_fresh(conn);
		try_again_later(conn);
		return;
	}
	try_again_at(conn, endpoint->now + ANSWER_NS);
	kucomms_endpoint_watch(endpoint, conn->member.fresh->fd,
			       EPOLLIN | EPOLLET,
			       &conn->member.fresh->member.source);
	fresh_finish(conn);
}

/* From here on whoever sends finds no room, and then the reason. */
static void let_go(struct kc_conn *conn, int why)
{
	kucomms_endpoint_unwatch(endpoint_of(conn), conn->fd);
	pthread_mutex_lock(&conn->member.lock);
	if (conn->own)
		conn->transport->hangup(conn, why == -EPROTO ?
					KUCOMMS_STATE_BROKEN :
					KUCOMMS_STATE_HANGUP);
	conn->channel.out.end = conn->channel.out.position;
	conn->channel.out.held_control = KUCOMMS_CONTROL_EMPTY;
	conn->room_armed = false;
	conn->transport->close(conn);
	conn->own = NULL;
	kucomms_event_tell(&conn->member.room);
	pthread_mutex_unlock(&conn->member.lock);
}

static void member_leave(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	forget_fresh(conn);
	pthread_mutex_lock(&endpoint->lock);
	TAILQ_REMOVE(&endpoint->members, conn, member.all);
	endpoint->count--;
	if (conn->member.queued)
		TAILQ_REMOVE(&endpoint->commands, conn, member.queue);
	conn->member.queued = false;
	pthread_mutex_unlock(&endpoint->lock);
	kucomms_channel_put(&conn->channel);
}

/*
 * The other side has gone (@why: -ESHUTDOWN), has broken the rules or said
 * something that the handler did not like (-EPROTO), or is not wanted any more.
 */
void kucomms_member_drop(struct kc_conn *conn, int why)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);
	const bool connected = conn->member.connected;

	kucomms_member_publish(endpoint);
	kucomms_store(&conn->member.connected, false);
	deactivate(conn);
	set_refused(conn, false);
	let_go(conn, why);
	kucomms_call_end_all(conn, why == -EPROTO ? why : -ESHUTDOWN);
	if (connected && endpoint->ops.disconnect)
		endpoint->ops.disconnect(&conn->channel, endpoint->priv);
	kucomms_member_publish(endpoint);
	if (conn->member.again && !kucomms_load(&conn->member.leaving))
		try_again_later(conn);
	else
		member_leave(conn);
}

/* Returns what the handler says. */
static int member_deliver(struct kc_conn *conn,
			  const struct kucomms_message *message,
			  const void *data)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	if (conn->transport->copies && message->length &&
	    !(endpoint->ops.flags & KUCOMMS_OPS_SHARED_RECEIVE)) {
		memcpy(endpoint->buffer, data, message->length);
		data = endpoint->buffer;
	}
	if (kucomms_call_covers(&conn->member, message->id)) {
		kucomms_call_answer(conn, message, data);
		return 0;
	}
	return endpoint->ops.message ?
	       endpoint->ops.message(&conn->channel, message, data,
				     endpoint->priv) : 0;
}

/* One message: 1: handled, 0: there is none, or none that is wanted now, or why not. */
static int member_step(struct kc_conn *conn, bool *told)
{
	struct kucomms_consumer *in = &conn->channel.in;
	struct kucomms_message message;
	const void *data;
	int ret = kucomms_consumer_receive(in, &message, &data);

	if (ret != 1)
		return ret == -ENOMSG ? 1 : ret;
	ret = member_deliver(conn, &message, data);
	if (ret == -EAGAIN) {
		kucomms_consumer_unreceive(in, message.length);
		set_refused(conn, true);
		return 0;
	}
	*told |= kucomms_consumer_release(in);
	kucomms_count(&endpoint_of(conn)->stats.messages);
	conn->channel.received++;
	return ret ? -EPROTO : 1;
}

/* Falls asleep, unless there is something after all. */
static void member_rest(struct kc_conn *conn)
{
	struct kucomms_channel *channel = &conn->channel;
	int err;

	conn->receive_how = conn->member.refused ? conn->transport->always : 0;
	kc_conn_arm(conn);
	err = conn->transport->error(conn);
	if (!conn->member.refused && kucomms_consumer_ready(&channel->in))
		return;
	if (err)
		kucomms_member_drop(conn, err);
	else
		deactivate(conn);
}

/* Nothing to do: for long enough? */
static void member_idle(struct kc_conn *conn, bool spin)
{
	const struct kucomms_endpoint *endpoint = endpoint_of(conn);
	struct kucomms_member *member = &conn->member;

	if (!member->idle)
		member->idle = endpoint->now;
	if (!spin || member->refused ||
	    endpoint->now - member->idle >= endpoint->spin_ns)
		member_rest(conn);
}

/* Handlers are slower than they were, or it is time to stop. */
static bool round_is_over(const struct kucomms_endpoint *endpoint,
			  unsigned int left)
{
	if (kucomms_unlikely(kucomms_load(&endpoint->stop)))
		return true;
	return left % LOOKS == 0 &&
	       kucomms_now() - endpoint->now > KUCOMMS_ROUND_NS;
}

/*
 * Tells whether there is room again for a sender that found none, and if so
 * takes back the request for it.
 */
static bool member_finds_room(struct kc_conn *conn)
{
	bool found;

	pthread_mutex_lock(&conn->member.lock);
	found = conn->room_armed && kucomms_producer_has_room(
		&conn->channel.out, kucomms_load(&conn->own->need_room));
	if (found)
		kc_conn_forget_room(conn);
	pthread_mutex_unlock(&conn->member.lock);
	return found;
}

/* As many messages as make a round; then what has been sent is published. */
void kucomms_member_round(struct kc_conn *conn, bool spin)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);
	unsigned int left = endpoint->budget;
	bool told = false;
	int ret = 1;

	set_refused(conn, false);
	kc_conn_disarm(conn);
	while (left && ret == 1) {
		ret = member_step(conn, &told);
		left -= ret == 1;
		if (round_is_over(endpoint, left))
			break;
	}
	/* While a message is refused the room is for that message's answer. */
	if (endpoint->ops.room && ret >= 0 && !conn->member.refused &&
	    member_finds_room(conn))
		endpoint->ops.room(&conn->channel, endpoint->priv);
	kucomms_member_publish(endpoint);
	if (ret < 0) {
		kucomms_member_drop(conn, ret);
		return;
	}
	/*
	 * With more to read, the other side is told once per eighth of the
	 * ring.
	 */
	if (ret != 1 || told)
		kc_conn_tell(conn, told);
	if (left != endpoint->budget) {
		kucomms_count(&endpoint->stats.rounds);
		conn->member.idle = 0;
	}
	if (!ret)
		member_idle(conn, spin);
}

/* What handlers have sent since the last time: one doorbell each at most. */
void kucomms_member_publish(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn;

	while ((conn = endpoint->replies)) {
		endpoint->replies = conn->member.next_reply;
		conn->member.replies = false;
		kucomms_producer_flush(&conn->channel.out);
		/* If there is nobody any more its own round will find out. */
		if (kc_conn_ring(conn))
			kucomms_member_activate(conn);
	}
}

KUCOMMS_API int kucomms_reply(struct kucomms_channel *channel,
			      const struct kucomms_message *message,
			      const void *data, unsigned int flags)
{
	struct kc_conn *conn = conn_of(channel);
	struct kucomms_endpoint *endpoint = endpoint_of(conn);
	struct kucomms_message *record;
	int err;

	if (kucomms_unlikely(flags & ~KUCOMMS_SEND_MORE))
		return -EINVAL;
	err = kucomms_reserve(channel, message->length, &record, 0);
	if (kucomms_unlikely(err))
		return err;
	kucomms_record_fill(record, message, data);
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				true);
	channel->sent++;
	if (!conn->member.replies) {
		conn->member.replies = true;
		conn->member.next_reply = endpoint->replies;
		endpoint->replies = conn;
	}
	return 0;
}

KUCOMMS_API struct kucomms_endpoint *
kucomms_channel_endpoint(const struct kucomms_channel *channel)
{
	return endpoint_of(conn_of(channel));
}

KUCOMMS_API struct kucomms_channel *
kucomms_channel_get(struct kucomms_channel *channel)
{
	__atomic_fetch_add(&conn_of(channel)->member.refs, 1, __ATOMIC_RELAXED);
	return channel;
}

KUCOMMS_API void kucomms_channel_put(struct kucomms_channel *channel)
{
	/* Whoever had a reference is done with the channel before it is freed. */
	if (channel && __atomic_fetch_sub(&conn_of(channel)->member.refs, 1,
					  __ATOMIC_ACQ_REL) == 1)
		kc_conn_free(conn_of(channel));
}
