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
#include "end.h"
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

static struct kucomms_endpoint *endpoint_of(const struct kucomms_end *end)
{
	return end->member.endpoint;
}

/* Under the endpoint's lock. */
static void member_insert(struct kucomms_endpoint *endpoint,
			  struct kucomms_end *end)
{
	end->polled = false;
	end->receive_how = 0;
	end->member.endpoint = endpoint;
	TAILQ_INSERT_TAIL(&endpoint->members, end, member.all);
	endpoint->count++;
}

/* The endpoint's own thread's, which goes on with it. */
void kucomms_member_join(struct kucomms_endpoint *endpoint,
			 struct kucomms_end *end)
{
	pthread_mutex_lock(&endpoint->lock);
	member_insert(endpoint, end);
	pthread_mutex_unlock(&endpoint->lock);
}

/* Under the endpoint's lock. */
void kucomms_member_queue(struct kucomms_end *end)
{
	struct kucomms_endpoint *endpoint = endpoint_of(end);

	if (end->member.queued)
		return;
	end->member.queued = true;
	TAILQ_INSERT_TAIL(&endpoint->commands, end, member.queue);
	kucomms_store_release(&endpoint->commanded, true);
}

/* Any thread's: from the unlocking on @end is the endpoint's, to free if it likes. */
void kucomms_member_add(struct kucomms_endpoint *endpoint,
			struct kucomms_end *end)
{
	pthread_mutex_lock(&endpoint->lock);
	member_insert(endpoint, end);
	kucomms_member_queue(end);
	pthread_mutex_unlock(&endpoint->lock);
	kucomms_endpoint_wake(endpoint);
}

KUCOMMS_API void kucomms_channel_shutdown(struct kucomms_channel *channel)
{
	struct kucomms_end *end = end_of(channel);

	if (end_is_inherited(end))
		return;
	/* Of an endpoint: its thread may be about to let go of it. */
	pthread_mutex_lock(&end->member.lock);
	/*
	 * The descriptor of a device does not tell the endpoint's thread; and
	 * the endpoint's lock, for a command, comes before this one.
	 */
	if (end->own && end->member.endpoint && !end->transport->how) {
		kucomms_store(&end->member.shut, true);
		kucomms_store_release(&endpoint_of(end)->shut, true);
		kucomms_endpoint_wake(endpoint_of(end));
	}
	end->transport->hangup(end, KUCOMMS_STATE_HANGUP);
	pthread_mutex_unlock(&end->member.lock);
}

/* Those whom somebody has hung up on. */
void kucomms_member_look(struct kucomms_endpoint *endpoint)
{
	struct kucomms_end *end;

	pthread_mutex_lock(&endpoint->lock);
	TAILQ_FOREACH(end, &endpoint->members, member.all)
		if (kucomms_load(&end->member.shut) && end->member.connected)
			kucomms_member_activate(end);
	pthread_mutex_unlock(&endpoint->lock);
}

void kucomms_member_activate(struct kucomms_end *end)
{
	struct kucomms_member *member = &end->member;

	member->idle = 0;
	if (member->awake)
		return;
	member->awake = true;
	TAILQ_INSERT_TAIL(&endpoint_of(end)->active, end, member.active);
}

static void deactivate(struct kucomms_end *end)
{
	if (!end->member.awake)
		return;
	end->member.awake = false;
	TAILQ_REMOVE(&endpoint_of(end)->active, end, member.active);
}

static void set_refused(struct kucomms_end *end, bool refused)
{
	if (end->member.refused == refused)
		return;
	end->member.refused = refused;
	endpoint_of(end)->refused += refused ? 1 : -1;
}

/* There may be room now for what a handler did not want to do before. */
void kucomms_member_retry(struct kucomms_endpoint *endpoint)
{
	struct kucomms_end *end;

	if (!endpoint->refused)
		return;
	pthread_mutex_lock(&endpoint->lock);
	TAILQ_FOREACH(end, &endpoint->members, member.all)
		if (end->member.refused)
			kucomms_member_activate(end);
	pthread_mutex_unlock(&endpoint->lock);
}

/* The doorbell: for data, for room, or for the last time. */
static void member_handle(struct kucomms_source *source)
{
	struct kucomms_end *end = (struct kucomms_end *)
		((char *)source - offsetof(struct kucomms_end, member.source));

	if (end->transport->quiet)
		end->transport->quiet(end);
	if (kucomms_end_take_lost(end))
		kucomms_count(&endpoint_of(end)->stats.lost);
	pthread_mutex_lock(&end->member.lock);
	if (end->member.waiters)
		kucomms_event_tell(&end->member.room);
	pthread_mutex_unlock(&end->member.lock);
	kucomms_member_activate(end);
}

/* A message that another process could change is handled in a private copy. */
static int make_buffer(struct kucomms_endpoint *endpoint,
		       const struct kucomms_end *end)
{
	void *buffer, *old = endpoint->buffer;

	if (!end->transport->copies ||
	    (endpoint->ops.flags & KUCOMMS_OPS_SHARED_RECEIVE) ||
	    endpoint->capacity >= end->channel.in.size)
		return 0;
	buffer = malloc(end->channel.in.size);
	if (!buffer)
		return -ENOMEM;
	/*
	 * In this order: at any fork() the child has a buffer that it can free.
	 */
	kucomms_store(&endpoint->buffer, buffer);
	free(old);
	endpoint->capacity = end->channel.in.size;
	return 0;
}

/* If this fails the member has to be dropped. */
int kucomms_member_connect(struct kucomms_end *end)
{
	struct kucomms_endpoint *endpoint = endpoint_of(end);
	int err = make_buffer(endpoint, end);

	if (!err && endpoint->ops.connect)
		err = endpoint->ops.connect(&end->channel, endpoint->priv);
	kucomms_member_publish(endpoint);
	if (!err)
		kucomms_store(&end->member.connected, true);
	return err;
}

/* There may be messages already. */
void kucomms_member_serve(struct kucomms_end *end)
{
	int err;

	end->member.source.handle = member_handle;
	err = kucomms_endpoint_watch(endpoint_of(end), end->fd, EPOLLET |
				     EPOLLIN | EPOLLRDHUP |
				     (end->transport->quiet ? 0 : EPOLLOUT),
				     &end->member.source);
	if (err)
		kucomms_member_drop(end, err);
	else
		kucomms_member_activate(end);
}

static void try_again_at(struct kucomms_end *end, __s64 due)
{
	struct kucomms_endpoint *endpoint = endpoint_of(end);

	end->member.due = due;
	if (due < endpoint->again_due)
		endpoint->again_due = due;
}

static void try_again_later(struct kucomms_end *end)
{
	struct kucomms_endpoint *endpoint = endpoint_of(end);

	try_again_at(end, endpoint->now +
		     endpoint->options.reconnect_ms * NSEC_PER_MSEC);
}

/* Added by another thread, or by a handler. */
void kucomms_member_arrive(struct kucomms_end *end)
{
	int err;

	/* It has arrived already: see loop_reopen(). */
	if (end->member.connected)
		return;
	if (end->member.again && !end->own) {
		kucomms_member_reopen(end);
		return;
	}
	err = kucomms_member_connect(end);
	if (err)
		kucomms_member_drop(end, err);
	else
		kucomms_member_serve(end);
}

static void forget_fresh(struct kucomms_end *end)
{
	struct kucomms_end *fresh = end->member.fresh;

	if (!fresh)
		return;
	end->member.fresh = NULL;
	kucomms_endpoint_unwatch(endpoint_of(end), fresh->fd);
	kucomms_end_free(fresh);
}

static void fresh_finish(struct kucomms_end *end);

/* Who listens has answered. */
static void fresh_handle(struct kucomms_source *source)
{
	struct kucomms_end *fresh = (struct kucomms_end *)
		((char *)source - offsetof(struct kucomms_end, member.source));

	fresh_finish(fresh->channel.priv);
}

static int fresh_begin(struct kucomms_end *end)
{
	struct kucomms_end *fresh = kucomms_end_alike(end);

	if (!fresh)
		return -ENOMEM;
	fresh->channel.priv = end;
	fresh->member.source.handle = fresh_handle;
	end->member.fresh = fresh;
	return kucomms_end_begin(fresh, 0);
}

static void fresh_finish(struct kucomms_end *end)
{
	struct kucomms_end *fresh = end->member.fresh;
	int err = kucomms_end_finish(fresh);

	if (err > 0)
		return;
	if (err) {
		forget_fresh(end);
		try_again_later(end);
		return;
	}
	end->member.fresh = NULL;
	kucomms_endpoint_unwatch(endpoint_of(end), fresh->fd);
	pthread_mutex_lock(&end->member.lock);
	kucomms_store(&end->member.shut, false);
	kucomms_end_replace(end, fresh);
	pthread_mutex_unlock(&end->member.lock);
	err = kucomms_member_connect(end);
	if (err)
		kucomms_member_drop(end, err);
	else
		kucomms_member_serve(end);
}

/* Looks for the other side; nobody waits for its answer. */
void kucomms_member_reopen(struct kucomms_end *end)
{
	struct kucomms_endpoint *endpoint = endpoint_of(end);

	if (endpoint->now < end->member.due) {
		try_again_at(end, end->member.due);
		return;
	}
	/* It has had its time. */
	forget_fresh(end);
	if (fresh_begin(end)) {
		forget_fresh(end);
		try_again_later(end);
		return;
	}
	try_again_at(end, endpoint->now + ANSWER_NS);
	kucomms_endpoint_watch(endpoint, end->member.fresh->fd,
			       EPOLLIN | EPOLLET,
			       &end->member.fresh->member.source);
	fresh_finish(end);
}

/* From here on whoever sends finds no room, and then the reason. */
static void let_go(struct kucomms_end *end, int why)
{
	kucomms_endpoint_unwatch(endpoint_of(end), end->fd);
	pthread_mutex_lock(&end->member.lock);
	if (end->own)
		end->transport->hangup(end, why == -EPROTO ?
				       KUCOMMS_STATE_BROKEN :
				       KUCOMMS_STATE_HANGUP);
	end->channel.out.end = end->channel.out.position;
	end->channel.out.held_control = KUCOMMS_CONTROL_EMPTY;
	end->room_armed = false;
	end->transport->close(end);
	end->own = NULL;
	kucomms_event_tell(&end->member.room);
	pthread_mutex_unlock(&end->member.lock);
}

static void member_leave(struct kucomms_end *end)
{
	struct kucomms_endpoint *endpoint = endpoint_of(end);

	forget_fresh(end);
	pthread_mutex_lock(&endpoint->lock);
	TAILQ_REMOVE(&endpoint->members, end, member.all);
	endpoint->count--;
	if (end->member.queued)
		TAILQ_REMOVE(&endpoint->commands, end, member.queue);
	end->member.queued = false;
	pthread_mutex_unlock(&endpoint->lock);
	kucomms_channel_put(&end->channel);
}

/*
 * The other side has gone (@why: -ESHUTDOWN), has broken the rules or said
 * something that the handler did not like (-EPROTO), or is not wanted any more.
 */
void kucomms_member_drop(struct kucomms_end *end, int why)
{
	struct kucomms_endpoint *endpoint = endpoint_of(end);
	const bool connected = end->member.connected;

	kucomms_member_publish(endpoint);
	kucomms_store(&end->member.connected, false);
	deactivate(end);
	set_refused(end, false);
	let_go(end, why);
	kucomms_call_end_all(end, why == -EPROTO ? why : -ESHUTDOWN);
	if (connected && endpoint->ops.disconnect)
		endpoint->ops.disconnect(&end->channel, endpoint->priv);
	kucomms_member_publish(endpoint);
	if (end->member.again && !kucomms_load(&end->member.leaving))
		try_again_later(end);
	else
		member_leave(end);
}

/* Returns what the handler says. */
static int member_deliver(struct kucomms_end *end,
			  const struct kucomms_message *message,
			  const void *data)
{
	struct kucomms_endpoint *endpoint = endpoint_of(end);

	if (end->transport->copies && message->length &&
	    !(endpoint->ops.flags & KUCOMMS_OPS_SHARED_RECEIVE)) {
		memcpy(endpoint->buffer, data, message->length);
		data = endpoint->buffer;
	}
	if (kucomms_call_covers(&end->member, message->id)) {
		kucomms_call_answer(end, message, data);
		return 0;
	}
	return endpoint->ops.message ?
	       endpoint->ops.message(&end->channel, message, data,
				     endpoint->priv) : 0;
}

/* One message: 1: handled, 0: there is none, or none that is wanted now, or why not. */
static int member_step(struct kucomms_end *end, bool *told)
{
	struct kucomms_consumer *in = &end->channel.in;
	struct kucomms_message message;
	const void *data;
	int ret = kucomms_consumer_receive(in, &message, &data);

	if (ret != 1)
		return ret == -ENOMSG ? 1 : ret;
	ret = member_deliver(end, &message, data);
	if (ret == -EAGAIN) {
		kucomms_consumer_unreceive(in, message.length);
		set_refused(end, true);
		return 0;
	}
	*told |= kucomms_consumer_release(in);
	kucomms_count(&endpoint_of(end)->stats.messages);
	end->channel.received++;
	return ret ? -EPROTO : 1;
}

/* Falls asleep, unless there is something after all. */
static void member_rest(struct kucomms_end *end)
{
	struct kucomms_channel *channel = &end->channel;
	int err;

	end->receive_how = end->member.refused ? end->transport->always : 0;
	kucomms_end_arm(end);
	err = end->transport->error(end);
	if (!end->member.refused && kucomms_consumer_ready(&channel->in))
		return;
	if (err)
		kucomms_member_drop(end, err);
	else
		deactivate(end);
}

/* Nothing to do: for long enough? */
static void member_idle(struct kucomms_end *end, bool spin)
{
	const struct kucomms_endpoint *endpoint = endpoint_of(end);
	struct kucomms_member *member = &end->member;

	if (!member->idle)
		member->idle = endpoint->now;
	if (!spin || member->refused ||
	    endpoint->now - member->idle >= endpoint->spin_ns)
		member_rest(end);
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
static bool member_finds_room(struct kucomms_end *end)
{
	bool found;

	pthread_mutex_lock(&end->member.lock);
	found = end->room_armed && kucomms_producer_has_room(
		&end->channel.out, kucomms_load(&end->own->need_room));
	if (found)
		kucomms_end_forget_room(end);
	pthread_mutex_unlock(&end->member.lock);
	return found;
}

/* As many messages as make a round; then what has been sent is published. */
void kucomms_member_round(struct kucomms_end *end, bool spin)
{
	struct kucomms_endpoint *endpoint = endpoint_of(end);
	unsigned int left = endpoint->budget;
	bool told = false;
	int ret = 1;

	set_refused(end, false);
	kucomms_end_disarm(end);
	while (left && ret == 1) {
		ret = member_step(end, &told);
		left -= ret == 1;
		if (round_is_over(endpoint, left))
			break;
	}
	/* While a message is refused the room is for that message's answer. */
	if (endpoint->ops.room && ret >= 0 && !end->member.refused &&
	    member_finds_room(end))
		endpoint->ops.room(&end->channel, endpoint->priv);
	kucomms_member_publish(endpoint);
	if (ret < 0) {
		kucomms_member_drop(end, ret);
		return;
	}
	/*
	 * With more to read, the other side is told once per eighth of the
	 * ring.
	 */
	if (ret != 1 || told)
		kucomms_end_tell(end, told);
	if (left != endpoint->budget) {
		kucomms_count(&endpoint->stats.rounds);
		end->member.idle = 0;
	}
	if (!ret)
		member_idle(end, spin);
}

/* What handlers have sent since the last time: one doorbell each at most. */
void kucomms_member_publish(struct kucomms_endpoint *endpoint)
{
	struct kucomms_end *end;

	while ((end = endpoint->replies)) {
		endpoint->replies = end->member.next_reply;
		end->member.replies = false;
		kucomms_producer_flush(&end->channel.out);
		/* If there is nobody any more its own round will find out. */
		if (kucomms_end_ring(end))
			kucomms_member_activate(end);
	}
}

KUCOMMS_API int kucomms_reply(struct kucomms_channel *channel,
			      const struct kucomms_message *message,
			      const void *data, unsigned int flags)
{
	struct kucomms_end *end = end_of(channel);
	struct kucomms_endpoint *endpoint = endpoint_of(end);
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
	if (!end->member.replies) {
		end->member.replies = true;
		end->member.next_reply = endpoint->replies;
		endpoint->replies = end;
	}
	return 0;
}

KUCOMMS_API struct kucomms_endpoint *
kucomms_channel_endpoint(const struct kucomms_channel *channel)
{
	return endpoint_of(end_of(channel));
}

KUCOMMS_API struct kucomms_channel *
kucomms_channel_get(struct kucomms_channel *channel)
{
	__atomic_fetch_add(&end_of(channel)->member.refs, 1, __ATOMIC_RELAXED);
	return channel;
}

KUCOMMS_API void kucomms_channel_put(struct kucomms_channel *channel)
{
	/* Whoever had a reference is done with the channel before it is freed. */
	if (channel && __atomic_fetch_sub(&end_of(channel)->member.refs, 1,
					  __ATOMIC_ACQ_REL) == 1)
		kucomms_end_free(end_of(channel));
}
