// SPDX-License-Identifier: MIT
/*
 * Events: what an endpoint's thread sleeps on, and who that thread is.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "event.h"

/* @source: NULL: the thread is to wake up, no more. */
int kc_event_watch(struct kucomms_endpoint *endpoint, int fd,
		   __u32 events, struct kc_event_source *source)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(endpoint->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Before it is closed: a child may have a copy, and epoll would keep it. */
void kc_event_unwatch(const struct kucomms_endpoint *endpoint, int fd)
{
	if (fd >= 0)
		epoll_ctl(endpoint->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Its thread, if it sleeps, or whoever polls its descriptor, has something to do. */
void kc_event_wake(const struct kucomms_endpoint *endpoint)
{
	eventfd_write(endpoint->wake, 1);
}

bool kc_event_is_own_thread(const struct kucomms_endpoint *endpoint)
{
	return kucomms_load(&endpoint->owner) == KUCOMMS_THIS_THREAD();
}
