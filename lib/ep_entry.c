// SPDX-License-Identifier: MIT
/*
 * The channels of an endpoint, and what its thread does for each of them.
 *
 * A channel is awake, and the thread looks at it in every turn, or it is asleep:
 * then need_data is set, and the doorbell wakes it. A channel that has had no
 * messages for a while falls asleep.
 *
 * The endpoint has a reference to the channel until kc_ep_entry_drop(), and the
 * application may have others (kucomms_channel_get()). After the drop there is
 * nothing behind the channel any more: under its lock its ring is left without
 * room, and with the reason that the other side is gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "call.h"
#include "clock.h"
#include "conn.h"
#include "ep_entry.h"
#include "event.h"
#include "futex.h"
#include "open.h"
#include "receive.h"
#include "send.h"

/* Messages between two looks at the clock. */
#define LOOKS		8

/* How long a listener may take to answer a channel that connects anew. */
#define ANSWER_NS	NSEC_PER_SEC

static struct kucomms_endpoint *endpoint_of(const struct kc_conn *conn)
{
	return conn->entry.endpoint;
}

static struct kc_conn *conn_of_source(struct kc_event_source *source)
{
	return (struct kc_conn *)((char *)source -
				  offsetof(struct kc_conn, entry.source));
}

/* Under the endpoint's lock. */
static void entry_insert(struct kucomms_endpoint *endpoint,
			 struct kc_conn *conn)
{
	conn->polled = false;
	conn->receive_flags = 0;
	conn->entry.endpoint = endpoint;
	TAILQ_INSERT_TAIL(&endpoint->conns, conn, entry.node);
	endpoint->conn_count++;
}

/* Adds a channel in the endpoint's thread, which goes on with it. */
void kc_ep_entry_join(struct kucomms_endpoint *endpoint,
		      struct kc_conn *conn)
{
	pthread_mutex_lock(&endpoint->lock);
	entry_insert(endpoint, conn);
	pthread_mutex_unlock(&endpoint->lock);
}

/* Under the endpoint's lock. */
void kc_ep_entry_queue(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	if (conn->entry.queued)
		return;
	conn->entry.queued = true;
	TAILQ_INSERT_TAIL(&endpoint->commands, conn, entry.command_node);
	kucomms_store_release(&endpoint->commanded, true);
}

/*
 * Adds a channel in any thread. When the lock is released the channel is the
 * endpoint's, which may free it.
 */
void kc_ep_entry_add(struct kucomms_endpoint *endpoint,
		     struct kc_conn *conn)
{
	pthread_mutex_lock(&endpoint->lock);
	entry_insert(endpoint, conn);
	kc_ep_entry_queue(conn);
	pthread_mutex_unlock(&endpoint->lock);
	kc_event_wake(endpoint);
}

KUCOMMS_API void kucomms_channel_shutdown(struct kucomms_channel *channel)
{
	struct kc_conn *conn = conn_of(channel);

	if (conn_is_inherited(conn))
		return;
	/* The thread of an endpoint may be about to drop the channel. */
	pthread_mutex_lock(&conn->lock);
	/*
	 * The descriptor of a device does not wake the endpoint's thread; and a
	 * command would need the endpoint's lock, which comes before this one.
	 */
	if (conn->own && conn->entry.endpoint && !conn->transport->user_space) {
		kucomms_store(&conn->entry.hangup, true);
		kucomms_store_release(&endpoint_of(conn)->hangup, true);
		kc_event_wake(endpoint_of(conn));
	}
	conn->transport->hangup(conn, KUCOMMS_STATE_HANGUP);
	pthread_mutex_unlock(&conn->lock);
}

void kc_ep_entry_activate(struct kc_conn *conn)
{
	struct kc_ep_entry *entry = &conn->entry;

	entry->idle_since = 0;
	if (entry->awake)
		return;
	entry->awake = true;
	TAILQ_INSERT_TAIL(&endpoint_of(conn)->active, conn, entry.active_node);
}

static void deactivate(struct kc_conn *conn)
{
	if (!conn->entry.awake)
		return;
	conn->entry.awake = false;
	TAILQ_REMOVE(&endpoint_of(conn)->active, conn, entry.active_node);
}

static void set_refused(struct kc_conn *conn, bool refused)
{
	if (conn->entry.refused == refused)
		return;
	conn->entry.refused = refused;
	endpoint_of(conn)->refused += refused ? 1 : -1;
}

/*
 * Looks again at channels whose handler has refused a message, which it may
 * accept now, and at those that a thread of this process has shut down.
 */
void kc_ep_entry_retry(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn;

	pthread_mutex_lock(&endpoint->lock);
	TAILQ_FOREACH(conn, &endpoint->conns, entry.node)
		if (conn->entry.refused || (conn->entry.connected &&
					    kucomms_load(&conn->entry.hangup)))
			kc_ep_entry_activate(conn);
	pthread_mutex_unlock(&endpoint->lock);
}

/* Handles the doorbell: for messages, for room, or for the last time. */
static void entry_handle(struct kc_event_source *source)
{
	struct kc_conn *conn = conn_of_source(source);

	if (conn->transport->ack_event)
		conn->transport->ack_event(conn);
	if (kc_conn_take_lost(conn))
		kc_count(&endpoint_of(conn)->stats.lost);
	pthread_mutex_lock(&conn->lock);
	if (conn->waiters)
		kc_cond_broadcast(&conn->room_cond);
	pthread_mutex_unlock(&conn->lock);
	kc_ep_entry_activate(conn);
}

/*
 * Makes the buffer for private copies: a message that another process could
 * change is handled as a copy.
 */
static int make_buffer(struct kucomms_endpoint *endpoint,
		       const struct kc_conn *conn)
{
	void *buffer, *old = endpoint->buffer;

	if (!conn->transport->untrusted ||
	    (endpoint->ops.flags & KUCOMMS_OPS_SHARED_RECEIVE) ||
	    endpoint->capacity >= conn->channel.in.size)
		return 0;
	buffer = malloc(conn->channel.in.size);
	if (!buffer)
		return -ENOMEM;
	/* In this order a child has a buffer that it can free. */
	kucomms_store(&endpoint->buffer, buffer);
	free(old);
	endpoint->capacity = conn->channel.in.size;
	return 0;
}

/* Calls the connect handler. If this fails the channel is to be dropped. */
int kc_ep_entry_connect(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);
	int err = make_buffer(endpoint, conn);

	if (!err && endpoint->ops.connect)
		err = endpoint->ops.connect(&conn->channel, endpoint->priv);
	kc_ep_entry_publish(endpoint);
	if (!err)
		kucomms_store(&conn->entry.connected, true);
	return err;
}

/* Begins to watch the doorbell. There may be messages already. */
void kc_ep_entry_serve(struct kc_conn *conn)
{
	int err;

	conn->entry.source.handle = entry_handle;
	err = kc_event_watch(endpoint_of(conn), conn->fd, EPOLLET |
			     EPOLLIN | EPOLLRDHUP |
			     (conn->transport->ack_event ? 0 : EPOLLOUT),
			     &conn->entry.source);
	if (err)
		kc_ep_entry_drop(conn, err);
	else
		kc_ep_entry_activate(conn);
}

static void connect_and_serve(struct kc_conn *conn)
{
	int err = kc_ep_entry_connect(conn);

	if (err)
		kc_ep_entry_drop(conn, err);
	else
		kc_ep_entry_serve(conn);
}

static void reconnect_at(struct kc_conn *conn, __s64 due)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	conn->entry.reconnect_due = due;
	if (due < endpoint->reconnect_due)
		endpoint->reconnect_due = due;
}

static void reconnect_later(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	reconnect_at(conn, endpoint->now +
		     endpoint->options.reconnect_ms * NSEC_PER_MSEC);
}

/* Takes in a channel that another thread, or a handler, has added. */
void kc_ep_entry_arrive(struct kc_conn *conn)
{
	/* loop_reconnect() has taken it in already. */
	if (conn->entry.connected)
		return;
	if (conn->entry.reconnect && !conn->own)
		kc_ep_entry_reconnect(conn);
	else
		connect_and_serve(conn);
}

static void pending_forget(struct kc_conn *conn)
{
	struct kc_conn *pending = conn->entry.pending;

	if (!pending)
		return;
	conn->entry.pending = NULL;
	kc_event_unwatch(endpoint_of(conn), pending->fd);
	kc_conn_free(pending);
}

static void pending_finish(struct kc_conn *conn);

/* Handles the answer of the listener. */
static void pending_handle(struct kc_event_source *source)
{
	pending_finish(conn_of_source(source)->channel.priv);
}

static int pending_begin(struct kc_conn *conn)
{
	struct kc_conn *pending = kc_conn_clone(conn);

	if (!pending)
		return -ENOMEM;
	pending->channel.priv = conn;
	pending->entry.source.handle = pending_handle;
	conn->entry.pending = pending;
	return kc_conn_begin(pending, 0);
}

static void pending_finish(struct kc_conn *conn)
{
	struct kc_conn *pending = conn->entry.pending;
	int err = kc_conn_finish(pending);

	if (err == KC_UNANSWERED)
		return;
	if (err) {
		pending_forget(conn);
		reconnect_later(conn);
		return;
	}
	conn->entry.pending = NULL;
	kc_event_unwatch(endpoint_of(conn), pending->fd);
	pthread_mutex_lock(&conn->lock);
	kucomms_store(&conn->entry.hangup, false);
	kc_conn_replace(conn, pending);
	pthread_mutex_unlock(&conn->lock);
	connect_and_serve(conn);
}

/* Tries to connect anew, without waiting for the answer. */
void kc_ep_entry_reconnect(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	if (endpoint->now < conn->entry.reconnect_due) {
		reconnect_at(conn, conn->entry.reconnect_due);
		return;
	}
	/* The last attempt has had its time. */
	pending_forget(conn);
	if (pending_begin(conn)) {
		pending_forget(conn);
		reconnect_later(conn);
		return;
	}
	reconnect_at(conn, endpoint->now + ANSWER_NS);
	kc_event_watch(endpoint, conn->entry.pending->fd,
		       EPOLLIN | EPOLLET,
		       &conn->entry.pending->entry.source);
	pending_finish(conn);
}

/* Closes the channel: a sender finds no room, and then the reason @why. */
static void entry_close(struct kc_conn *conn, int why)
{
	kc_event_unwatch(endpoint_of(conn), conn->fd);
	pthread_mutex_lock(&conn->lock);
	if (conn->own)
		conn->transport->hangup(conn, why == -EPROTO ?
					KUCOMMS_STATE_BROKEN :
					KUCOMMS_STATE_HANGUP);
	conn->channel.out.end = conn->channel.out.position;
	conn->channel.out.held_control = KUCOMMS_CONTROL_EMPTY;
	conn->room_armed = false;
	conn->transport->close(conn);
	conn->own = NULL;
	kc_cond_broadcast(&conn->room_cond);
	pthread_mutex_unlock(&conn->lock);
}

static void entry_leave(struct kc_conn *conn)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	pending_forget(conn);
	pthread_mutex_lock(&endpoint->lock);
	TAILQ_REMOVE(&endpoint->conns, conn, entry.node);
	endpoint->conn_count--;
	if (conn->entry.queued)
		TAILQ_REMOVE(&endpoint->commands, conn, entry.command_node);
	conn->entry.queued = false;
	pthread_mutex_unlock(&endpoint->lock);
	kucomms_channel_put(&conn->channel);
}

/*
 * Removes a channel, or begins to connect it anew. @why: -ESHUTDOWN: the other
 * side is gone, or the application has removed the channel; -EPROTO: the other
 * side has broken the rules, or the handler has refused its message for good.
 */
void kc_ep_entry_drop(struct kc_conn *conn, int why)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);
	const bool connected = conn->entry.connected;

	kc_ep_entry_publish(endpoint);
	kucomms_store(&conn->entry.connected, false);
	deactivate(conn);
	set_refused(conn, false);
	entry_close(conn, why);
	kc_call_end_all(conn, why == -EPROTO ? why : -ESHUTDOWN);
	if (connected && endpoint->ops.disconnect)
		endpoint->ops.disconnect(&conn->channel, endpoint->priv);
	kc_ep_entry_publish(endpoint);
	if (conn->entry.reconnect && !kucomms_load(&conn->entry.leaving))
		reconnect_later(conn);
	else
		entry_leave(conn);
}

/* Calls the handler, and returns its result. */
static int entry_deliver(struct kc_conn *conn,
			 const struct kucomms_message *message,
			 const void *data)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);

	if (conn->transport->untrusted && message->length &&
	    !(endpoint->ops.flags & KUCOMMS_OPS_SHARED_RECEIVE)) {
		memcpy(endpoint->buffer, data, message->length);
		data = endpoint->buffer;
	}
	if (kc_call_covers(conn, message->id)) {
		kc_call_answer(conn, message, data);
		return 0;
	}
	return endpoint->ops.message ?
	       endpoint->ops.message(&conn->channel, message, data,
				     endpoint->priv) : 0;
}

/*
 * Handles one message. Returns 0, -EAGAIN if there is none or the handler
 * refuses it for now, or another error, for which the channel is to be dropped.
 */
static int entry_step(struct kc_conn *conn, bool *told)
{
	struct kucomms_consumer *in = &conn->channel.in;
	struct kucomms_message message;
	const void *data;
	int err = kucomms_consumer_receive(in, &message, &data);

	if (err == -ENOMSG)
		return 0;
	if (err != 1)
		return err ? err : -EAGAIN;
	err = entry_deliver(conn, &message, data);
	if (err == -EAGAIN) {
		kucomms_consumer_unreceive(in, message.length);
		set_refused(conn, true);
		return err;
	}
	*told |= kucomms_consumer_release(in);
	kc_count(&endpoint_of(conn)->stats.messages);
	conn->channel.received++;
	return err ? -EPROTO : 0;
}

/* Lets the channel fall asleep, unless there is a message after all. */
static void entry_rest(struct kc_conn *conn)
{
	struct kucomms_channel *channel = &conn->channel;
	int err;

	conn->receive_flags = conn->entry.refused && conn->transport->user_space ?
			      KUCOMMS_NEED_ALWAYS : 0;
	kc_conn_arm(conn);
	err = conn->transport->error(conn);
	if (!conn->entry.refused && kucomms_consumer_ready(&channel->in))
		return;
	if (err)
		kc_ep_entry_drop(conn, err);
	else
		deactivate(conn);
}

/* Lets the channel fall asleep if it has been idle for long enough. */
static void entry_idle(struct kc_conn *conn, bool spin)
{
	const struct kucomms_endpoint *endpoint = endpoint_of(conn);
	struct kc_ep_entry *entry = &conn->entry;

	if (!entry->idle_since)
		entry->idle_since = endpoint->now;
	if (!spin || entry->refused ||
	    endpoint->now - entry->idle_since >= endpoint->spin_ns)
		entry_rest(conn);
}

/* Ends a round when handlers are slower than before, or on stopping. */
static bool round_is_over(const struct kucomms_endpoint *endpoint,
			  unsigned int left)
{
	if (kucomms_unlikely(kucomms_load(&endpoint->stop)))
		return true;
	return left % LOOKS == 0 &&
	       kc_now() - endpoint->now > KC_ROUND_NS;
}

/*
 * Tells whether there is room again for a sender that found none, and if so
 * withdraws the request for it.
 */
static bool entry_finds_room(struct kc_conn *conn)
{
	bool found;

	pthread_mutex_lock(&conn->lock);
	found = conn->room_armed && kucomms_producer_has_room(
		&conn->channel.out, kucomms_load(&conn->own->need_room));
	if (found)
		kc_conn_disarm_room(conn);
	pthread_mutex_unlock(&conn->lock);
	return found;
}

/* Handles a round of messages, and publishes what handlers have sent. */
void kc_ep_entry_round(struct kc_conn *conn, bool spin)
{
	struct kucomms_endpoint *endpoint = endpoint_of(conn);
	unsigned int left = endpoint->budget;
	bool told = false;
	int err = 0;

	set_refused(conn, false);
	kc_conn_disarm(conn);
	while (left && !err) {
		err = entry_step(conn, &told);
		left -= !err;
		if (round_is_over(endpoint, left))
			break;
	}
	/* While a message is refused the room is for its answer. */
	if (endpoint->ops.room && (!err || err == -EAGAIN) &&
	    !conn->entry.refused && entry_finds_room(conn))
		endpoint->ops.room(&conn->channel, endpoint->priv);
	kc_ep_entry_publish(endpoint);
	if (err && err != -EAGAIN) {
		kc_ep_entry_drop(conn, err);
		return;
	}
	/* Before the last message, once per eighth of the ring. */
	if (err || told)
		kc_conn_publish_room(conn, told);
	if (left != endpoint->budget) {
		kc_count(&endpoint->stats.rounds);
		conn->entry.idle_since = 0;
	}
	if (err)
		entry_idle(conn, spin);
}

/* Publishes what handlers have sent, with one doorbell per channel. */
void kc_ep_entry_publish(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn;

	while ((conn = endpoint->replies)) {
		endpoint->replies = conn->entry.next_reply;
		conn->entry.replies = false;
		kucomms_producer_flush(&conn->channel.out);
		/* If the other side is gone the next round finds out. */
		if (kc_conn_ring(conn))
			kc_ep_entry_activate(conn);
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
	kc_record_fill(record, message, data);
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				true);
	channel->sent++;
	if (!conn->entry.replies) {
		conn->entry.replies = true;
		conn->entry.next_reply = endpoint->replies;
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
	__atomic_fetch_add(&conn_of(channel)->refs, 1, __ATOMIC_RELAXED);
	return channel;
}

KUCOMMS_API void kucomms_channel_put(struct kucomms_channel *channel)
{
	/* Threads that had a reference are done with the channel. */
	if (channel && __atomic_fetch_sub(&conn_of(channel)->refs, 1,
					  __ATOMIC_ACQ_REL) == 1)
		kc_conn_free(conn_of(channel));
}
