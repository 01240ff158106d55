// SPDX-License-Identifier: MIT
/*
 * The system calls of a channel in use: ringing the kernel's doorbell, and
 * sleeping.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <time.h>

#include "channel.h"

#define NSEC_PER_SEC	1000000000LL
#define NSEC_PER_MSEC	1000000LL

int kucomms_channel_error(const struct kucomms_channel *channel)
{
	switch (kucomms_load_acquire(&channel->kernel->state)) {
	case KUCOMMS_STATE_OPEN:
		return 0;
	case KUCOMMS_STATE_HANGUP:
		return -ESHUTDOWN;
	default:
		return -EPROTO;
	}
}

/* One call does a bounded share of the work; go on until all is done. */
int kucomms_channel_doorbell(struct kucomms_channel *channel, __u64 *count)
{
	int ret;

	do {
		(*count)++;
		ret = ioctl(channel->fd, KUCOMMS_IOC_DOORBELL, 0);
	} while (ret > 0);
	return ret ? -errno : 0;
}

/* When to give up: nanoseconds of CLOCK_MONOTONIC, negative for never. */
__s64 kucomms_deadline(int timeout_ms)
{
	struct timespec now;

	if (timeout_ms < 0)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec +
	       timeout_ms * NSEC_PER_MSEC;
}

/* Sleeps until one of @events has come true. */
int kucomms_channel_wait(struct kucomms_channel *channel, __u32 events,
			 __s64 deadline, __u64 *count)
{
	const struct kucomms_wait wait = {
		.size = sizeof(wait),
		.events = events,
		.deadline = deadline,
	};

	(*count)++;
	return ioctl(channel->fd, KUCOMMS_IOC_WAIT, &wait) < 0 ? -errno : 0;
}
