// SPDX-License-Identifier: MIT
/* What an endpoint's thread sleeps on, and which thread that is. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "event.h"

/* Adds a descriptor. @source: NULL: the thread only wakes up. */
int kc_event_watch(struct kucomms_endpoint *endpoint, int fd,
		   __u32 events, struct kc_event_source *source)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(endpoint->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Before a descriptor is closed: a copy in a child would stay watched. */
void kc_event_unwatch(const struct kucomms_endpoint *endpoint, int fd)
{
	if (fd >= 0)
		epoll_ctl(endpoint->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Wakes the endpoint's thread, or the thread that polls its descriptor. */
void kc_event_wake(const struct kucomms_endpoint *endpoint)
{
	eventfd_write(endpoint->wake, 1);
}

bool kc_event_is_own_thread(const struct kucomms_endpoint *endpoint)
{
	return kucomms_load(&endpoint->owner) == KUCOMMS_THIS_THREAD();
}
