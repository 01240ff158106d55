// SPDX-License-Identifier: MIT
/*
 * Acceptors: the listeners of an endpoint, which gets a channel for each connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "acceptor.h"
#include "ep_entry.h"
#include "event.h"
#include "listener.h"

/* Connections accepted before the channels have their turn. */
#define ACCEPT_BATCH	16

/**
 * struct kc_acceptor - a listener of an endpoint
 * @source:   first: there may be a connection to accept
 * @endpoint: that has the channels
 * @listener: the listener
 * @stuck:    accepting fails just now
 * @node:     in endpoint->acceptors
 */
struct kc_acceptor {
	struct kc_event_source source;
	struct kucomms_endpoint *endpoint;
	struct kucomms_listener *listener;
	bool stuck;
	TAILQ_ENTRY(kc_acceptor) node;
};

/*
 * The connect handler decides. What it sends is there when the other side is told
 * that it is connected.
 */
static void acceptor_admit(struct kc_acceptor *acceptor, struct kc_conn *conn)
{
	int err;

	kc_ep_entry_join(acceptor->endpoint, conn);
	err = kc_ep_entry_connect(conn);
	if (err) {
		kc_listener_answer(conn, err);
		kc_ep_entry_drop(conn, err);
		return;
	}
	err = kc_listener_answer(conn, 0);
	if (err)
		kc_ep_entry_drop(conn, -ESHUTDOWN);
	else
		kc_ep_entry_serve(conn);
}

/*
 * Makes the listener edge-triggered while accepting fails, for example without
 * descriptors, so that the thread does not try in a busy loop: then pending
 * connections are accepted when the next one arrives.
 */
static void acceptor_set_trigger(const struct kc_acceptor *acceptor,
				 __u32 trigger)
{
	struct epoll_event event = {
		.events = EPOLLIN | trigger,
		.data.ptr = (void *)&acceptor->source,
	};

	epoll_ctl(acceptor->endpoint->epoll, EPOLL_CTL_MOD,
		  kucomms_listener_fd(acceptor->listener), &event);
}

/* Accepts a batch of connections; then the channels have their turn. */
static void acceptor_handle(struct kc_event_source *source)
{
	struct kc_acceptor *acceptor = (struct kc_acceptor *)source;
	struct kc_conn *conn;
	int left = ACCEPT_BATCH, err = 0;

	while (left-- && !(err = kc_listener_accept(acceptor->listener, &conn)))
		acceptor_admit(acceptor, conn);
	if (acceptor->stuck == (err && err != -EAGAIN))
		return;
	acceptor->stuck = !acceptor->stuck;
	acceptor_set_trigger(acceptor, acceptor->stuck ? EPOLLET : 0);
}

/*
 * Closes an acceptor. In a child, listeners of the parent's endpoint have no
 * descriptor that would have to be unwatched.
 */
static void acceptor_close(struct kc_acceptor *acceptor)
{
	kc_event_unwatch(acceptor->endpoint,
			 kucomms_listener_fd(acceptor->listener));
	kucomms_listener_close(acceptor->listener);
	free(acceptor);
}

int kc_acceptor_open(struct kucomms_endpoint *endpoint, const char *name,
		     const struct kucomms_listen_options *options)
{
	struct kc_acceptor *acceptor = calloc(1, sizeof(*acceptor));
	int err;

	if (!acceptor)
		return -ENOMEM;
	acceptor->source.handle = acceptor_handle;
	acceptor->endpoint = endpoint;
	err = kucomms_listen(name, options, &acceptor->listener);
	if (err) {
		free(acceptor);
		return err;
	}
	pthread_mutex_lock(&endpoint->lock);
	TAILQ_INSERT_TAIL(&endpoint->acceptors, acceptor, node);
	err = kc_event_watch(endpoint,
			     kucomms_listener_fd(acceptor->listener),
			     EPOLLIN, &acceptor->source);
	if (err) {
		TAILQ_REMOVE(&endpoint->acceptors, acceptor, node);
		acceptor_close(acceptor);
	}
	pthread_mutex_unlock(&endpoint->lock);
	return err;
}

void kc_acceptor_close_all(struct kucomms_endpoint *endpoint)
{
	struct kc_acceptor *acceptor;

	while ((acceptor = TAILQ_FIRST(&endpoint->acceptors))) {
		TAILQ_REMOVE(&endpoint->acceptors, acceptor, node);
		acceptor_close(acceptor);
	}
}
