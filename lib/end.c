// SPDX-License-Identifier: MIT
/*
 * Opening a channel, whatever its transport, and once more; closing it.
 */
#define _GNU_SOURCE	/* dup3(), CPU_COUNT() */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bridge.h"
#include "clock.h"
#include "end.h"
#include "member.h"
#include "name.h"
#include "numbers.h"

#define OPEN_FLAGS	(KUCOMMS_OPEN_NUMBER | KUCOMMS_OPEN_NO_SPIN)

/* About what it costs to be put to sleep and woken. */
#define SPIN_US		20

/* So long somebody who listens may take to answer. */
#define ANSWER_MS	1000

/* First and longest pause between two tries to open, in ns. */
#define PAUSE_NS	NSEC_PER_MSEC
#define PAUSE_MAX_NS	(100 * NSEC_PER_MSEC)

/*
 * Programs may know fewer options than the library, at least the first @least
 * bytes, or more if they are 0.
 */
int kucomms_options_read(void *own, size_t own_size, const void *options,
			 size_t least)
{
	size_t size, i;

	if (!options)
		return 0;
	memcpy(&size, options, sizeof(size));
	if (size < least)
		return -EINVAL;
	for (i = own_size; i < size; i++)
		if (((const char *)options)[i])
			return -E2BIG;
	memcpy(own, options, size < own_size ? size : own_size);
	return 0;
}

static int end_set_options(struct kucomms_end *end,
			   const struct kucomms_options *options)
{
	struct kucomms_options *own = &end->options;
	int err = kucomms_options_read(own, sizeof(*own), options,
				       offsetof(struct kucomms_options, flags));

	if (err)
		return err;
	if ((own->flags & ~OPEN_FLAGS) || own->spin_us > KUCOMMS_SPIN_US_MAX)
		return -EINVAL;
	return 0;
}

/* Looking is of no use to those who keep the only CPU from everybody else. */
__u32 kucomms_spin_ns(bool sleep_at_once, __u32 spin_us)
{
	cpu_set_t cpus;

	if (sleep_at_once)
		return 0;
	if (spin_us)
		return spin_us * NSEC_PER_USEC;
	if (!sched_getaffinity(0, sizeof(cpus), &cpus) &&
	    CPU_COUNT(&cpus) == 1)
		return 0;
	return SPIN_US * NSEC_PER_USEC;
}

struct kucomms_end *kucomms_end_alloc(const struct kucomms_transport *transport)
{
	struct kucomms_end *end;
	__u32 mark;

	if (kucomms_mark(&mark))
		return NULL;
	end = kucomms_alloc_wiped(sizeof(*end), sizeof(end->wiped));
	if (!end)
		return NULL;
	end->mark = mark;
	end->channel.awake = true;
	end->transport = transport;
	end->fd = -1;
	end->memory = -1;
	end->receive_how = transport->how;
	end->member.refs = 1;
	pthread_mutex_init(&end->member.lock, NULL);
	return end;
}

void kucomms_end_unmap(struct kucomms_end *end)
{
	struct kucomms_region *region;

	for (region = end->regions; region < end->regions + KUCOMMS_REGIONS;
	     region++) {
		if (region->address)
			munmap(region->address, region->length);
		region->address = NULL;
	}
}

/*
 * Closes a child's copies of the descriptors. Does not unmap the rings: the
 * child has not inherited them, and may have mapped something of its own in
 * their place.
 */
void kucomms_end_abandon(struct kucomms_end *end)
{
	kucomms_bridge_abandon(end->bridge);
	end->bridge = NULL;
	end->own = NULL;
	if (end->memory >= 0)
		close(end->memory);
	end->memory = -1;
	if (end->fd >= 0)
		close(end->fd);
	end->fd = -1;
}

/*
 * Frees an end. In a child this touches no lock: a thread of the parent may
 * have held it.
 */
void kucomms_end_free(struct kucomms_end *end)
{
	if (end_is_inherited(end)) {
		kucomms_end_abandon(end);
		kucomms_numbers_put(end->numbers);
	} else {
		end->transport->close(end);
		kucomms_numbers_give(end->numbers, end->number);
		pthread_mutex_destroy(&end->member.lock);
	}
	munmap(end, sizeof(*end));
}

/* An end for who is called @name, with nobody on the other side yet. */
int kucomms_end_prepare(struct kucomms_end **end, const char *name,
			const struct kucomms_options *options)
{
	const struct kucomms_transport *transport = kucomms_name_transport(name);
	struct kucomms_end *fresh = kucomms_end_alloc(transport);
	int err = 0;

	if (!fresh)
		return -ENOMEM;
	if (strlen(name) < sizeof(fresh->name))
		strcpy(fresh->name, name);
	else
		err = -ENAMETOOLONG;
	if (!err)
		err = kucomms_name_path(fresh->path, sizeof(fresh->path), name);
	if (!err)
		err = end_set_options(fresh, options);
	if (err) {
		kucomms_end_free(fresh);
		return err;
	}
	fresh->spin_ns = kucomms_spin_ns(
		fresh->options.flags & KUCOMMS_OPEN_NO_SPIN,
		fresh->options.spin_us);
	*end = fresh;
	return 0;
}

/* One for the same name, to be opened in place of @end. */
struct kucomms_end *kucomms_end_alike(const struct kucomms_end *end)
{
	struct kucomms_end *fresh = kucomms_end_alloc(end->transport);

	if (!fresh)
		return NULL;
	memcpy(fresh->name, end->name, sizeof(fresh->name));
	fresh->options = end->options;
	fresh->spin_ns = end->spin_ns;
	return fresh;
}

/* Who has been connected to owes an answer. */
static int end_finish(struct kucomms_end *end)
{
	struct pollfd answer = { .fd = end->fd, .events = POLLIN };
	int err;

	for (;;) {
		err = end->transport->finish(end);
		if (err <= 0)
			return err;
		err = poll(&answer, 1, ANSWER_MS);
		if (err <= 0)
			return err ? -errno : -ETIMEDOUT;
	}
}

/* Of those with the same name another may be there now than the last time. */
int kucomms_end_begin(struct kucomms_end *end, __s64 deadline)
{
	int err = kucomms_name_path(end->path, sizeof(end->path), end->name);

	return err ? err : end->transport->begin(end, deadline);
}

/*
 * Tells whether to wait for what the error @err says is missing. @place: also
 * for a channel that another client has to give back first. @appeared: the
 * device is new, so udev may not have set its owner and mode yet.
 */
static bool may_come(int err, bool place, bool appeared)
{
	switch (err) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
	case -ENOTCONN:
		return true;
	case -EUSERS:
	case -EADDRINUSE:
		return place;
	case -EACCES:
		return appeared;
	default:
		return false;
	}
}

/*
 * Sleeps for *@ns ns, but not beyond the deadline, and makes *@ns longer for
 * the next time. Returns -ETIMEDOUT if the deadline has passed.
 */
static int pause_until(__s64 deadline, __s64 *ns)
{
	const __s64 left = deadline - kucomms_now();
	const struct timespec pause = kucomms_timespec(
		deadline > 0 && left < *ns ? left : *ns);

	if (deadline >= 0 && left <= 0)
		return -ETIMEDOUT;
	*ns = *ns < PAUSE_MAX_NS / 2 ? *ns * 2 : PAUSE_MAX_NS;
	return nanosleep(&pause, NULL) ? -errno : 0;
}

/*
 * Opens the channel, and waits for whatever is missing. The kernel itself waits
 * for a missing module; for all else this tries again and again. -EAGAIN says
 * that a process that listens has as many connections waiting as it can have:
 * it gets one second to accept some, as for any answer.
 */
int kucomms_end_open(struct kucomms_end *end, int timeout_ms, bool place)
{
	const __s64 deadline = kucomms_deadline(timeout_ms);
	const __s64 patience = kucomms_now() + ANSWER_MS * NSEC_PER_MSEC;
	bool crowd, appeared = false;
	__s64 pause = PAUSE_NS;
	int err, over;

	for (;;) {
		err = kucomms_end_begin(end, deadline);
		crowd = err == -EAGAIN && end->transport->how;
		if (!err)
			err = end_finish(end);
		if (!crowd && !may_come(err, place, appeared))
			return err;
		appeared |= err == -ENOENT;
		end->transport->close(end);
		over = pause_until(crowd && deadline >= 0 &&
				   deadline < patience ? patience : deadline,
				   &pause);
		if (over)
			return over == -ETIMEDOUT && !crowd ? err : over;
	}
}

KUCOMMS_API int kucomms_open(const char *name,
			     const struct kucomms_options *options,
			     struct kucomms_channel **channel)
{
	struct kucomms_end *end;
	int err = kucomms_end_prepare(&end, name, options);

	if (err)
		return err;
	err = kucomms_end_open(end, end->options.timeout_ms, true);
	if (err) {
		kucomms_end_free(end);
		return err;
	}
	*channel = &end->channel;
	return 0;
}

/*
 * @end goes on with what @fresh has got; @fresh is freed. The descriptor keeps
 * its number, if it has one.
 */
void kucomms_end_replace(struct kucomms_end *end, struct kucomms_end *fresh)
{
	struct kucomms_bridge *bridge;

	if (end->own)
		end->transport->hangup(end, KUCOMMS_STATE_HANGUP);
	kucomms_end_unmap(end);
	if (end->fd < 0 || dup3(fresh->fd, end->fd, O_CLOEXEC) < 0) {
		if (end->fd >= 0)
			close(end->fd);
		end->fd = fresh->fd;
		fresh->fd = -1;
	}
	end->channel.out = fresh->channel.out;
	end->channel.in = fresh->channel.in;
	end->channel.awake = true;
	end->armed = 0;
	memcpy(end->regions, fresh->regions, sizeof(end->regions));
	memset(fresh->regions, 0, sizeof(fresh->regions));
	bridge = end->bridge;
	end->bridge = fresh->bridge;
	fresh->bridge = bridge;
	end->own = fresh->own;
	end->heavy = fresh->heavy;
	fresh->own = NULL;
	end->number = fresh->number;
	end->peer = fresh->peer;
	end->room_armed = false;
	end->rung = 0;
	end->closing = false;
	kucomms_store(&end->gone, 0);
	kucomms_end_free(fresh);
}

KUCOMMS_API int kucomms_reattach(struct kucomms_channel *channel,
				 int timeout_ms)
{
	struct kucomms_end *end = end_of(channel), *fresh;
	int err;

	if (end_is_inherited(end))
		return -ESTALE;
	if (end->numbers)
		return -EINVAL;
	fresh = kucomms_end_alike(end);
	if (!fresh)
		return -ENOMEM;
	/* Not for a free channel: @end itself may have the last one. */
	err = kucomms_end_open(fresh, timeout_ms, false);
	if (err) {
		kucomms_end_free(fresh);
		return err;
	}
	kucomms_end_replace(end, fresh);
	if (end->polled)
		kucomms_end_arm(end);
	return 0;
}

/* The other side has broken the rules, or its message has been refused. */
void kucomms_end_break(struct kucomms_end *end)
{
	end->transport->hangup(end, KUCOMMS_STATE_BROKEN);
}

KUCOMMS_API void kucomms_shutdown(struct kucomms_channel *channel)
{
	struct kucomms_end *end = end_of(channel);

	if (end_is_inherited(end))
		return;
	/* Of an endpoint: its thread may be about to let go of it. */
	pthread_mutex_lock(&end->member.lock);
	if (end->own && end->member.endpoint && !end->transport->how)
		kucomms_member_shut(end);
	end->transport->hangup(end, KUCOMMS_STATE_HANGUP);
	pthread_mutex_unlock(&end->member.lock);
}

KUCOMMS_API void kucomms_close(struct kucomms_channel *channel)
{
	if (channel)
		kucomms_end_free(end_of(channel));
}
