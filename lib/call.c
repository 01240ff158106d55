// SPDX-License-Identifier: MIT
/*
 * Calls: messages that expect an answer, found by the id that both carry.
 *
 * Those in flight are in a table by id, and those with a deadline in a list, the
 * first one first: most calls wait equally long, so a new one goes to its end.
 * Whoever takes a call out of the table, under the lock, is the one to end it.
 */
#define _GNU_SOURCE	/* getrandom() */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "call.h"
#include "clock.h"
#include "conn.h"
#include "event.h"
#include "futex.h"
#include "send.h"

#define FIRST_SIZE	64u

/* call->state */
enum { IDLE, IN_FLIGHT, DONE };

/* call->next */
enum { BY_ID, BY_DEADLINE };

static struct kucomms_call **bucket(struct kucomms_endpoint *endpoint, __u64 id)
{
	return &endpoint->calls[id & (endpoint->calls_size - 1)];
}

static void table_insert(struct kucomms_endpoint *endpoint,
			 struct kucomms_call *call)
{
	struct kucomms_call **head = bucket(endpoint, call->id);

	call->next[BY_ID] = *head;
	*head = call;
}

/* Doubles the table when it is full; without memory chains get longer. */
static int table_grow(struct kucomms_endpoint *endpoint)
{
	const __u32 size = endpoint->calls_size;
	struct kucomms_call **old = endpoint->calls, *call, *next;
	struct kucomms_call **calls;
	__u32 i;

	if (endpoint->calls_count < size)
		return 0;
	calls = calloc(size ? size * 2 : FIRST_SIZE, sizeof(struct kucomms_call *));
	if (!calls)
		return size ? 0 : -ENOMEM;
	endpoint->calls = calls;
	kucomms_store(&endpoint->calls_size, size ? size * 2 : FIRST_SIZE);
	for (i = 0; i < size; i++) {
		for (call = old[i]; call; call = next) {
			next = call->next[BY_ID];
			table_insert(endpoint, call);
		}
	}
	free(old);
	return 0;
}

static void table_remove(struct kucomms_endpoint *endpoint,
			 struct kucomms_call *call)
{
	struct kucomms_call **link = bucket(endpoint, call->id);

	while (*link != call)
		link = &(*link)->next[BY_ID];
	*link = call->next[BY_ID];
}

static void deadline_insert(struct kucomms_endpoint *endpoint,
			    struct kucomms_call *call)
{
	struct kucomms_call *before = endpoint->last_call;

	while (before && before->deadline > call->deadline)
		before = before->previous;
	call->previous = before;
	call->next[BY_DEADLINE] = before ? before->next[BY_DEADLINE] :
					   endpoint->first_call;
	if (before)
		before->next[BY_DEADLINE] = call;
	else
		endpoint->first_call = call;
	if (call->next[BY_DEADLINE])
		call->next[BY_DEADLINE]->previous = call;
	else
		endpoint->last_call = call;
}

static void deadline_remove(struct kucomms_endpoint *endpoint,
			    struct kucomms_call *call)
{
	if (call->previous)
		call->previous->next[BY_DEADLINE] = call->next[BY_DEADLINE];
	else
		endpoint->first_call = call->next[BY_DEADLINE];
	if (call->next[BY_DEADLINE])
		call->next[BY_DEADLINE]->previous = call->previous;
	else
		endpoint->last_call = call->previous;
}

/* Both with the lock held. */
static int call_insert(struct kucomms_endpoint *endpoint,
		       struct kucomms_call *call)
{
	int err = table_grow(endpoint);

	if (err)
		return err;
	table_insert(endpoint, call);
	endpoint->calls_count++;
	if (call->deadline != KC_NEVER)
		deadline_insert(endpoint, call);
	kucomms_store(&call->state, IN_FLIGHT);
	return 0;
}

static void call_remove(struct kucomms_endpoint *endpoint,
			struct kucomms_call *call)
{
	table_remove(endpoint, call);
	endpoint->calls_count--;
	if (call->deadline != KC_NEVER)
		deadline_remove(endpoint, call);
}

/*
 * Ends a call; the lock is released meanwhile. When done returns the memory may
 * be another call, or none: only its address is used afterwards.
 */
static void call_finish(struct kucomms_endpoint *endpoint,
			struct kucomms_call *call, int err,
			const struct kucomms_message *answer, const void *data)
{
	call_remove(endpoint, call);
	endpoint->running = call;
	pthread_mutex_unlock(&endpoint->calls_lock);
	kucomms_store_release(&call->state, DONE);
	call->done(call, err, answer, data);
	pthread_mutex_lock(&endpoint->calls_lock);
	endpoint->running = NULL;
	pthread_cond_broadcast(&endpoint->call_done);
}

static struct kucomms_call *call_find(struct kucomms_endpoint *endpoint,
				      const struct kc_conn *conn, __u64 id)
{
	struct kucomms_call *call;

	if (!endpoint->calls_size)
		return NULL;
	for (call = *bucket(endpoint, id); call; call = call->next[BY_ID])
		if (call->id == id && call->channel == &conn->channel)
			return call;
	return NULL;
}

void kc_call_answer(struct kc_conn *conn,
		    const struct kucomms_message *answer,
		    const void *data)
{
	struct kucomms_endpoint *endpoint = conn->entry.endpoint;
	struct kucomms_call *call;

	pthread_mutex_lock(&endpoint->calls_lock);
	call = call_find(endpoint, conn, answer->id);
	if (call) {
		kc_count(&endpoint->stats.calls);
		call_finish(endpoint, call, 0, answer, data);
	} else {
		kc_count(&endpoint->stats.late);
	}
	pthread_mutex_unlock(&endpoint->calls_lock);
}

static struct kucomms_call *call_of(const struct kc_conn *conn,
				    struct kucomms_call *call)
{
	while (call && call->channel != &conn->channel)
		call = call->next[BY_ID];
	return call;
}

/*
 * Ends all calls of a channel that is gone, on which no more can be started.
 * While the lock is released the table may grow, so a call may be met twice,
 * but none is missed: a call in the lower half stays there, or goes to a bucket
 * that is still to be visited.
 */
void kc_call_end_all(struct kc_conn *conn, int why)
{
	struct kucomms_endpoint *endpoint = conn->entry.endpoint;
	struct kucomms_call *call;
	__u32 i;

	if (!kucomms_load(&conn->calls))
		return;
	pthread_mutex_lock(&endpoint->calls_lock);
	for (i = 0; i < endpoint->calls_size; i++)
		while ((call = call_of(conn, endpoint->calls[i])))
			call_finish(endpoint, call, why, NULL, NULL);
	pthread_mutex_unlock(&endpoint->calls_lock);
}

void kc_call_expire(struct kucomms_endpoint *endpoint)
{
	struct kucomms_call *call;

	pthread_mutex_lock(&endpoint->calls_lock);
	while ((call = endpoint->first_call) && call->deadline <= endpoint->now)
		call_finish(endpoint, call, -ETIMEDOUT, NULL, NULL);
	pthread_mutex_unlock(&endpoint->calls_lock);
}

/* Returns when the first call times out. */
__s64 kc_call_due(struct kucomms_endpoint *endpoint)
{
	__s64 due = KC_NEVER;

	if (!kucomms_load(&endpoint->calls_size))
		return due;
	pthread_mutex_lock(&endpoint->calls_lock);
	if (endpoint->first_call)
		due = endpoint->first_call->deadline;
	pthread_mutex_unlock(&endpoint->calls_lock);
	return due;
}

/* Gives the call an id of a range that no one else is likely to use. */
static void give_id(struct kc_conn *conn, struct kucomms_call *call)
{
	if (!conn->calls &&
	    getrandom(&conn->call_base, sizeof(conn->call_base), 0) < 0)
		conn->call_base = (__u64)kc_now() << 20;
	call->id = conn->call_base + conn->calls;
	kucomms_store_release(&conn->calls, conn->calls + 1);
}

/*
 * Registers a call before its message is sent, so that the answer finds it; the
 * channel's lock is held.
 */
static int call_begin(struct kc_conn *conn, struct kucomms_call *call,
		      __s64 deadline, bool *first)
{
	struct kucomms_endpoint *endpoint = conn->entry.endpoint;
	int err;

	call->channel = &conn->channel;
	call->endpoint = endpoint;
	call->deadline = deadline < 0 ? KC_NEVER : deadline;
	give_id(conn, call);
	pthread_mutex_lock(&endpoint->calls_lock);
	err = call_insert(endpoint, call);
	*first = endpoint->first_call == call;
	pthread_mutex_unlock(&endpoint->calls_lock);
	return err;
}

/* Pairs with kc_loop_arm_timer(): one sees what the other has written. */
static void wake_if_earlier(struct kucomms_endpoint *endpoint, __s64 deadline)
{
	if (!kc_event_is_own_thread(endpoint) &&
	    deadline < __atomic_load_n(&endpoint->armed, __ATOMIC_SEQ_CST))
		kc_event_wake(endpoint);
}

/* Sends the request of a call; the channel's lock is held. */
static int call_send(struct kc_conn *conn, struct kucomms_call *call,
		     const struct kucomms_message *request, const void *data,
		     struct kucomms_message *record, __s64 deadline)
{
	struct kucomms_message message = *request;
	bool first;
	int err = call_begin(conn, call, deadline, &first);

	if (err) {
		kucomms_discard(&conn->channel, record);
		return err;
	}
	message.id = call->id;
	kc_record_fill(record, &message, data);
	/* If this fails the channel is gone, and its thread ends the call. */
	kucomms_commit(&conn->channel, record, 0);
	if (first)
		wake_if_earlier(conn->entry.endpoint, deadline);
	return 0;
}

/*
 * Starts a call. Waits for room until @room; @deadline is for the answer.
 * @waits: the caller waits for the answer, so the caller must not be the thread
 * that receives it.
 */
static int call_start(struct kc_conn *conn, struct kucomms_call *call,
		      const struct kucomms_message *request, const void *data,
		      __s64 room, __s64 deadline, bool waits)
{
	struct kucomms_endpoint *endpoint = conn->entry.endpoint;
	struct kucomms_message *record;
	int err;

	if (conn_is_inherited(conn))
		return -ESTALE;
	if (!endpoint || !call->done)
		return -EINVAL;
	pthread_mutex_lock(&conn->lock);
	err = kc_conn_reserve_locked(conn, request->length, &record, room);
	/* As long as there is room the endpoint exists, too. */
	if (!err && waits && kc_event_is_own_thread(endpoint)) {
		kucomms_discard(&conn->channel, record);
		err = -EDEADLK;
	}
	if (!err)
		err = call_send(conn, call, request, data, record, deadline);
	pthread_mutex_unlock(&conn->lock);
	return err;
}

KUCOMMS_API int kucomms_call_start(struct kucomms_channel *channel,
				   struct kucomms_call *call,
				   const struct kucomms_message *request,
				   const void *data, int timeout_ms)
{
	__s64 deadline = kc_deadline(timeout_ms);

	return call_start(conn_of(channel), call, request, data, 0,
			  timeout_ms ? deadline : kc_now(), false);
}

KUCOMMS_API int kucomms_call_cancel(struct kucomms_call *call)
{
	struct kucomms_endpoint *endpoint;
	int err = -ENOENT;

	if (kucomms_load(&call->state) == IDLE)
		return err;
	endpoint = call->endpoint;
	if (kc_is_inherited(endpoint->creator))
		return -ESTALE;
	pthread_mutex_lock(&endpoint->calls_lock);
	/* The done function may start the call again. */
	while (endpoint->running == call && !kc_event_is_own_thread(endpoint))
		pthread_cond_wait(&endpoint->call_done, &endpoint->calls_lock);
	if (kucomms_load(&call->state) == IN_FLIGHT) {
		call_remove(endpoint, call);
		kucomms_store(&call->state, IDLE);
		err = 0;
	}
	pthread_mutex_unlock(&endpoint->calls_lock);
	return err;
}

/* What kucomms_call_wait() waits for. */
struct waiter {
	struct kucomms_call call;
	__u32 done;
	int err;
	struct kucomms_message *answer;
	void *buffer;
	size_t capacity;
};

static void waiter_done(struct kucomms_call *call, int err,
			const struct kucomms_message *answer, const void *data)
{
	struct waiter *waiter = call->priv;
	size_t length;

	if (!err) {
		length = answer->length < waiter->capacity ? answer->length :
							     waiter->capacity;
		*waiter->answer = *answer;
		if (length)
			memcpy(waiter->buffer, data, length);
		if (length < answer->length)
			err = -ENOBUFS;
	}
	waiter->err = err;
	/* Pairs with waiter_wait(). The waiter may be gone when it is woken. */
	kucomms_store_release(&waiter->done, 1);
	kc_futex_wake(&waiter->done);
}

/* Waits for the call to end; after a signal handler ends it here. */
static int waiter_wait(struct waiter *waiter)
{
	int err = 0;

	while (!err && !kucomms_load_acquire(&waiter->done))
		err = kc_futex_wait(&waiter->done, 0, -1);
	if (err && !kucomms_call_cancel(&waiter->call))
		return err;
	return waiter->err;
}

KUCOMMS_API int kucomms_call_wait(struct kucomms_channel *channel,
				  const struct kucomms_message *request,
				  const void *data,
				  struct kucomms_message *answer, void *buffer,
				  size_t capacity, int timeout_ms)
{
	const __s64 deadline = kc_deadline(timeout_ms);
	struct waiter waiter = {
		.call = { .done = waiter_done, .priv = &waiter },
		.answer = answer,
		.buffer = buffer,
		.capacity = capacity,
	};
	struct kc_conn *conn = conn_of(channel);
	int err;

	err = call_start(conn, &waiter.call, request, data, deadline,
			 timeout_ms ? deadline : kc_now(), true);
	return err ? err : waiter_wait(&waiter);
}
