// SPDX-License-Identifier: MIT
/*
 * Doors: the listeners of an endpoint. Who connects becomes a entry.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "door.h"
#include "event.h"
#include "listener.h"
#include "ep_entry.h"

/* Connections accepted before the channels have their turn. */
#define AT_A_TIME	16

/**
 * struct kucomms_door - a listener of an endpoint
 * @source:   first: tells of somebody who is there
 * @endpoint: whose it is
 * @listener: the listener
 * @stuck:    nobody can be let in just now
 * @all:      in endpoint->doors
 */
struct kucomms_door {
	struct kucomms_source source;
	struct kucomms_endpoint *endpoint;
	struct kucomms_listener *listener;
	bool stuck;
	TAILQ_ENTRY(kucomms_door) all;
};

/* The connect handler decides; what it has sent is there when the other side is let in. */
static void door_admit(struct kucomms_door *door, struct kc_conn *conn)
{
	int err;

	kc_ep_entry_join(door->endpoint, conn);
	err = kc_ep_entry_connect(conn);
	if (err) {
		kucomms_listener_answer(conn, err);
		kc_ep_entry_drop(conn, err);
		return;
	}
	err = kucomms_listener_answer(conn, 0);
	if (err)
		kc_ep_entry_drop(conn, -ESHUTDOWN);
	else
		kc_ep_entry_serve(conn);
}

/*
 * If there are no more descriptors, say, looking again at once would be of no
 * use: then those who wait are let in when the next one comes.
 */
static void door_set_trigger(const struct kucomms_door *door, __u32 trigger)
{
	struct epoll_event event = {
		.events = EPOLLIN | trigger,
		.data.ptr = (void *)&door->source,
	};

	epoll_ctl(door->endpoint->epoll, EPOLL_CTL_MOD,
		  kucomms_listener_fd(door->listener), &event);
}

/* However many there are, the others have their turn, too. */
static void door_handle(struct kucomms_source *source)
{
	struct kucomms_door *door = (struct kucomms_door *)source;
	struct kc_conn *conn;
	int left = AT_A_TIME, err = 0;

	while (left-- && !(err = kucomms_listener_take(door->listener, &conn)))
		door_admit(door, conn);
	if (door->stuck == (err && err != -EAGAIN))
		return;
	door->stuck = !door->stuck;
	door_set_trigger(door, door->stuck ? EPOLLET : 0);
}

/*
 * Closes a door. In a child, listeners of the parent's endpoint have no
 * descriptor that would have to be unwatched.
 */
static void door_close(struct kucomms_door *door)
{
	kucomms_endpoint_unwatch(door->endpoint,
				 kucomms_listener_fd(door->listener));
	kucomms_listener_close(door->listener);
	free(door);
}

int kucomms_door_open(struct kucomms_endpoint *endpoint, const char *name,
		      const struct kucomms_listen_options *options)
{
	struct kucomms_door *door = calloc(1, sizeof(*door));
	int err;

	if (!door)
		return -ENOMEM;
	door->source.handle = door_handle;
	door->endpoint = endpoint;
	err = kucomms_listen(name, options, &door->listener);
	if (err) {
		free(door);
		return err;
	}
	pthread_mutex_lock(&endpoint->lock);
	TAILQ_INSERT_TAIL(&endpoint->doors, door, all);
	err = kucomms_endpoint_watch(endpoint,
				     kucomms_listener_fd(door->listener),
				     EPOLLIN, &door->source);
	if (err) {
		TAILQ_REMOVE(&endpoint->doors, door, all);
		door_close(door);
	}
	pthread_mutex_unlock(&endpoint->lock);
	return err;
}

void kucomms_door_close_all(struct kucomms_endpoint *endpoint)
{
	struct kucomms_door *door;

	while ((door = TAILQ_FIRST(&endpoint->doors))) {
		TAILQ_REMOVE(&endpoint->doors, door, all);
		door_close(door);
	}
}
