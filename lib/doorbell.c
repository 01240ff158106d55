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

int kucomms_client_error(const struct kucomms_client *client)
{
	switch (kucomms_load_acquire(&client->kernel->state)) {
	case KUCOMMS_STATE_OPEN:
		return 0;
	case KUCOMMS_STATE_HANGUP:
		return -ESHUTDOWN;
	default:
		return -EPROTO;
	}
}

/* One call does a bounded share of the work; go on until all is done. */
int kucomms_client_doorbell(struct kucomms_client *client, __u64 *count)
{
	int ret;

	do {
		(*count)++;
		ret = ioctl(client->fd, KUCOMMS_IOC_DOORBELL, 0);
	} while (ret > 0);
	return ret ? -errno : 0;
}

/* Nanoseconds of CLOCK_MONOTONIC. */
__s64 kucomms_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* When to give up: 0: at once, negative: never. */
__s64 kucomms_deadline(int timeout_ms)
{
	return timeout_ms <= 0 ? timeout_ms :
				 kucomms_now() + timeout_ms * NSEC_PER_MSEC;
}

/* Sleeps until one of @events has come true. */
int kucomms_client_wait(struct kucomms_client *client, __u32 events,
			__s64 deadline, __u64 *count)
{
	const struct kucomms_wait wait = {
		.size = sizeof(wait),
		.events = events,
		.deadline = deadline,
	};

	(*count)++;
	return ioctl(client->fd, KUCOMMS_IOC_WAIT, &wait) < 0 ? -errno : 0;
}
