// SPDX-License-Identifier: MIT
/*
 * Opening a channel, whatever its transport, and once more.
 */
#define _GNU_SOURCE	/* dup3() */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "end.h"
#include "name.h"
#include "open.h"
#include "receive.h"

#define OPEN_FLAGS	(KUCOMMS_OPEN_NUMBER | KUCOMMS_OPEN_NO_SPIN)

/* So long somebody who listens may take to answer. */
#define ANSWER_MS	1000

/* First and longest pause between two tries to open, in ns. */
#define PAUSE_NS	NSEC_PER_MSEC
#define PAUSE_MAX_NS	(100 * NSEC_PER_MSEC)

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

int kucomms_end_finish(struct kucomms_end *end)
{
	return end->transport->finish ? end->transport->finish(end) : 0;
}

/* Waits for the answer of the side that has been connected to. */
static int wait_for_answer(struct kucomms_end *end)
{
	struct pollfd answer = { .fd = end->fd, .events = POLLIN };
	int err;

	for (;;) {
		err = kucomms_end_finish(end);
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
			err = wait_for_answer(end);
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
	kucomms_store(&end->lost, false);
	kucomms_store(&end->gone, 0);
	kucomms_end_free(fresh);
}

KUCOMMS_API int kucomms_channel_reattach(struct kucomms_channel *channel,
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
