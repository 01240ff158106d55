// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The route manager's handlers: one source, for a kernel module and for a
 * process.
 *
 * In the kernel they run on several CPUs at a time, one for each channel
 * (KUCOMMS_OPS_PARALLEL). Changes are made, counted and notified under one
 * mutex, so all subscribers see them in the same order. Lookups and lists take
 * no lock. But those of a subscriber take the mutex: then its answers are in
 * step with its notifications, and the subscriber may apply these to a list as
 * they come.
 */
#include "manager.h"
#include "filter.h"
#include "request.h"
#include "table.h"
#include "walk.h"

/* Routes that a flush removes before other clients may change routes. */
#define FLUSH_STEP	8

/* Entries of a list that are published at a time. */
#define LIST_STEP	32

/*
 * The manager's data of a channel; the priv of the channel. The members from
 * @walking on are about the present request, which is delivered again if there
 * was no room; only the message handler uses them. The manager's lock protects
 * the other members, but handlers of the channel may read @subscribed without
 * it.
 * @lost:     the client has missed notifications, and is still to be told so
 * @walking:  the walk of this request has begun
 * @carried_out: only ROUTE_DONE is left to be sent
 * @result:   0 or a negated errno, for ROUTE_DONE
 * @why:      the text for an errno
 * @count:    routes that ROUTE_LIST or ROUTE_FLUSH has counted
 */
struct session {
	struct route_manager *manager;
	struct kucomms_channel *channel;
	struct session *next;
	struct route_filter filter;
	bool subscribed;
	bool lost;

	bool walking;
	bool carried_out;
	int result;
	const char *why;
	__u64 count;
	__u64 id;
	struct route_walk walk;
};

/*
 * @lock:        for changes of the tables, and for the members that follow
 * @subscribers: sessions that are subscribed
 * @changes:     number of the last change
 */
struct route_manager {
	struct mutex lock;
	struct route_tables *tables;
	struct session *subscribers;
	__u64 changes;
};

/* ---- notifications: the lock is held */

static void tell_lost(struct session *session, __u64 last)
{
	const struct kucomms_message lost = {
		.type = ROUTE_LOST,
		.id = last,
	};

	session->lost = route_send(session->channel, &lost, NULL, 0) != 0;
}

/* A subscriber without room misses the change; no other one waits for it. */
static void tell(struct session *session, const struct kucomms_message *change,
		 const struct route *route)
{
	/* The subscriber is told of the gap before any later change. */
	if (session->lost)
		tell_lost(session, change->id - 1);
	if (!session->lost)
		session->lost = route_send(session->channel, change, route,
					   0) != 0;
}

static void changed(struct route_manager *manager, __u64 what,
		    const struct route *route)
{
	const struct kucomms_message change = {
		.length = sizeof(*route),
		.type = ROUTE_CHANGE,
		.id = ++manager->changes,
		.user = what,
	};
	struct session *session;

	for (session = manager->subscribers; session; session = session->next) {
		if (route_filter_passes(&session->filter, route))
			tell(session, &change, route);
	}
}

static void unsubscribe(struct session *session)
{
	struct session **link = &session->manager->subscribers;

	if (!session->subscribed)
		return;
	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	session->subscribed = false;
	session->lost = false;
}

/* Changes that the previous filter covered remain lost. */
static void subscribe(struct session *session,
		      const struct route_filter *filter)
{
	session->filter = *filter;
	if (session->subscribed)
		return;
	session->next = session->manager->subscribers;
	session->manager->subscribers = session;
	session->subscribed = true;
}

/* ---- changes: the lock is held */

static int create(struct route_manager *manager, const struct route *route,
		  bool replace)
{
	bool replaced;
	int err = route_tables_add(manager->tables, route, replace, &replaced);

	if (!err)
		changed(manager, replaced ? ROUTE_CHANGED : ROUTE_ADDED, route);
	return err;
}

static int update(struct route_manager *manager, struct route route,
		  bool any_metric)
{
	int err = route_tables_update(manager->tables, &route, any_metric);

	if (!err)
		changed(manager, ROUTE_CHANGED, &route);
	return err;
}

static int delete(struct route_manager *manager, struct route route,
		  bool any_metric)
{
	int err = route_tables_remove(manager->tables, &route, any_metric);

	if (!err)
		changed(manager, ROUTE_REMOVED, &route);
	return err;
}

static int change(struct session *session,
		  const struct kucomms_message *request, const void *data)
{
	struct route_manager *manager = session->manager;
	const struct route *route = data;

	switch (request->type) {
	case ROUTE_CREATE:
		return create(manager, route,
			      request->user & ROUTE_FLAG_REPLACE);
	case ROUTE_UPDATE:
		return update(manager, *route,
			      request->user & ROUTE_FLAG_ANY_METRIC);
	case ROUTE_DELETE:
		return delete(manager, *route,
			      request->user & ROUTE_FLAG_ANY_METRIC);
	case ROUTE_SUBSCRIBE:
		subscribe(session, data);
		return 0;
	default:
		unsubscribe(session);
		return 0;
	}
}

struct flush {
	struct route routes[FLUSH_STEP];
	unsigned int count;
};

static int collect(const struct route *route, void *context)
{
	struct flush *flush = context;

	if (flush->count == FLUSH_STEP)
		return -EINPROGRESS;
	flush->routes[flush->count++] = *route;
	return 0;
}

/* Returns -EINPROGRESS if there is more to do. */
static int flush_some(struct session *session)
{
	struct route_manager *manager = session->manager;
	struct flush flush = { .count = 0 };
	unsigned int i;
	int err;

	rcu_read_lock();
	err = route_walk(manager->tables, &session->walk, collect, &flush);
	rcu_read_unlock();
	for (i = 0; i < flush.count; i++)
		delete(manager, flush.routes[i], false);
	session->count += flush.count;
	return err;
}

static void flush(struct session *session, const struct route_filter *filter)
{
	int err;

	route_walk_begin(&session->walk, filter);
	session->count = 0;
	do {
		mutex_lock(&session->manager->lock);
		err = flush_some(session);
		mutex_unlock(&session->manager->lock);
		cond_resched();
	} while (err);
}

/* ---- queries: they return an error of the channel, not for the client */

static void read_begin(const struct session *session)
{
	if (session->subscribed)
		mutex_lock(&session->manager->lock);
	rcu_read_lock();
}

static void read_end(const struct session *session)
{
	rcu_read_unlock();
	if (session->subscribed)
		mutex_unlock(&session->manager->lock);
}

static int send_entry(struct session *session, const struct route *route,
		      unsigned int flags)
{
	const struct kucomms_message entry = {
		.length = sizeof(*route),
		.type = ROUTE_ENTRY,
		.id = session->id,
	};

	return route_send(session->channel, &entry, route, flags);
}

static int read(struct session *session, const struct kucomms_message *request,
		struct route route)
{
	const struct route_tables *tables = session->manager->tables;
	bool any_metric = request->user & ROUTE_FLAG_ANY_METRIC;
	int err = 0;

	read_begin(session);
	if (request->type == ROUTE_LOOKUP)
		session->result = route_tables_lookup(tables, &route);
	else
		session->result = route_tables_read(tables, &route, any_metric);
	if (!session->result)
		err = send_entry(session, &route, KUCOMMS_SEND_MORE);
	read_end(session);
	return err;
}

static int list_one(const struct route *route, void *context)
{
	struct session *session = context;
	bool more = (session->count + 1) % LIST_STEP;
	int err = send_entry(session, route, more ? KUCOMMS_SEND_MORE : 0);

	if (!err)
		session->count++;
	return err;
}

static int list(struct session *session, const struct route_filter *filter)
{
	int err;

	if (!session->walking) {
		route_walk_begin(&session->walk, filter);
		session->count = 0;
		session->walking = true;
	}
	do {
		read_begin(session);
		err = route_walk(session->manager->tables, &session->walk,
				 list_one, session);
		read_end(session);
		cond_resched();
	} while (err == -EINPROGRESS);
	return err;
}

static int status(struct session *session)
{
	struct route_manager *manager = session->manager;
	struct route_counts counts;
	const struct kucomms_message answer = {
		.length = sizeof(counts),
		.type = ROUTE_COUNTS,
		.id = session->id,
	};
	int err;

	mutex_lock(&manager->lock);
	route_tables_count(manager->tables, &counts);
	counts.changes = manager->changes;
	err = route_send(session->channel, &answer, &counts, KUCOMMS_SEND_MORE);
	mutex_unlock(&manager->lock);
	return err;
}

/* ---- answers */

static const char *explain(int err)
{
	switch (err) {
	case -EEXIST:
		return "there is a route with this prefix and metric";
	case -ENOSPC:
		return "there are as many routes, or of this prefix, as there may be";
	case -ENOENT:
		return "there is no such route";
	case -ENETUNREACH:
		return "there is no route to this address";
	default:
		return "there is no memory";
	}
}

/*
 * Executes the request, and sends all answers but the last. Returns 0, or an
 * error of the channel: after -EAGAIN it is called again when there is room.
 */
static int carry_out(struct session *session,
		     const struct kucomms_message *request, const void *data)
{
	switch (request->type) {
	case ROUTE_READ:
	case ROUTE_LOOKUP:
		return read(session, request, *(const struct route *)data);
	case ROUTE_LIST:
		return list(session, data);
	case ROUTE_STATUS:
		return status(session);
	case ROUTE_FLUSH:
		flush(session, data);
		return 0;
	default:
		mutex_lock(&session->manager->lock);
		session->result = change(session, request, data);
		mutex_unlock(&session->manager->lock);
		return 0;
	}
}

static int send_done(struct session *session, __u64 type)
{
	struct kucomms_message done = {
		.type = ROUTE_DONE,
		.id = session->id,
		.user = (__u64)-session->result,
	};
	const void *data = NULL;

	if (session->result) {
		data = session->why;
		done.length = (__u32)strlen(session->why);
	} else if (type == ROUTE_LIST || type == ROUTE_FLUSH) {
		data = &session->count;
		done.length = sizeof(session->count);
	}
	return route_send(session->channel, &done, data, 0);
}

/*
 * A request must not be executed twice, but is delivered again if there was no
 * room for an answer: so the session remembers how far it has come.
 */
static int route_message(struct kucomms_channel *channel,
			 const struct kucomms_message *request,
			 const void *data, void *priv)
{
	struct session *session = kucomms_channel_priv(channel);
	int err = 0;

	(void)priv;
	if (!session->carried_out) {
		session->id = request->id;
		session->result = route_request_check(request, data,
						      &session->why);
		if (!session->result) {
			err = carry_out(session, request, data);
			if (session->result)
				session->why = explain(session->result);
		}
		if (err)
			return err;
		session->walking = false;
		session->carried_out = true;
	}
	err = send_done(session, request->type);
	if (!err)
		session->carried_out = false;
	return err;
}

/* ---- channels */

static int route_connect(struct kucomms_channel *channel, void *priv)
{
	struct session *session = kucomms_zalloc(sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->manager = priv;
	session->channel = channel;
	kucomms_channel_set_priv(channel, session);
	return 0;
}

static void route_disconnect(struct kucomms_channel *channel, void *priv)
{
	struct session *session = kucomms_channel_priv(channel);
	struct route_manager *manager = priv;

	mutex_lock(&manager->lock);
	unsubscribe(session);
	mutex_unlock(&manager->lock);
	kucomms_free(session);
}

/* Tells subscribers that have missed changes, unless a change has done so. */
static void route_timer(struct kucomms_endpoint *endpoint, void *priv)
{
	struct route_manager *manager = priv;
	struct session *session;

	(void)endpoint;
	mutex_lock(&manager->lock);
	for (session = manager->subscribers; session; session = session->next) {
		if (session->lost)
			tell_lost(session, manager->changes);
	}
	mutex_unlock(&manager->lock);
}

const struct kucomms_ops route_ops = {
	.message = route_message,
	.timer = route_timer,
	.connect = route_connect,
	.disconnect = route_disconnect,
};

/* ---- the manager */

struct route_manager *route_manager_create(unsigned long limit)
{
	struct route_manager *manager = kucomms_zalloc(sizeof(*manager));

	if (!manager)
		return NULL;
	mutex_init(&manager->lock);
	manager->tables = route_tables_create(limit);
	if (manager->tables)
		return manager;
	route_manager_destroy(manager);
	return NULL;
}

void route_manager_destroy(struct route_manager *manager)
{
	if (!manager)
		return;
	route_tables_destroy(manager->tables);
	mutex_destroy(&manager->lock);
	kucomms_free(manager);
}
