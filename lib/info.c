// SPDX-License-Identifier: MIT
/*
 * What a channel and the library can tell about themselves.
 */
#include <errno.h>
#include <kucomms/handler.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"

KUCOMMS_API const char *kucomms_version(void)
{
	return KUCOMMS_VERSION;
}

KUCOMMS_API __u64 kucomms_time_ns(void)
{
	return (__u64)kc_now();
}

KUCOMMS_API const char *kucomms_strerror(int err)
{
	switch (abs(err)) {
	case EAGAIN:
		return "nothing to receive, or no room, now";
	case EDEADLK:
		return "a handler must not wait";
	case EMSGSIZE:
		return "the message is too long for the ring or the buffer";
	case ENOBUFS:
		return "the answer is longer than the buffer, or broadcasts were missed";
	case ENODEV:
		return "the device has been removed";
	case ENOTCONN:
		return "no kernel module serves the device";
	case ENOTTY:
		return "it is not a kucomms device";
	case ENXIO:
		return "the device node belongs to a device that was removed";
	case EPROTO:
		return "the channel is broken: a side refused a message or broke the rules";
	case EPROTONOSUPPORT:
		return "the versions of the two sides do not fit together, or the kernel module has no netlink";
	case ESHUTDOWN:
		return "the other side has gone";
	case ESRCH:
		return "no channel got the message";
	case ESTALE:
		return "it belongs to the parent process: open after fork()";
	case ETIMEDOUT:
		return "the time is up";
	case EUSERS:
		return "the other side has all the channels it may have";
	default:
		return strerror(abs(err));
	}
}

KUCOMMS_API unsigned int
kucomms_channel_number(const struct kucomms_channel *channel)
{
	return conn_of(channel)->number;
}

KUCOMMS_API int kucomms_channel_get_stats(const struct kucomms_channel *channel,
					  struct kucomms_channel_stats *stats)
{
	const struct kc_conn *conn = conn_of(channel);

	if (conn_is_inherited(conn))
		return -ESTALE;
	if (stats->size < sizeof(*stats))
		return -EINVAL;
	stats->sent = channel->sent;
	stats->received = channel->received;
	stats->doorbells = conn->send_doorbells + conn->receive_doorbells;
	stats->waits = conn->send_waits + conn->receive_waits;
	return 0;
}

KUCOMMS_API int kucomms_channel_get_peer(const struct kucomms_channel *channel,
					 struct kucomms_peer *peer)
{
	const struct kc_conn *conn = conn_of(channel);

	if (conn_is_inherited(conn))
		return -ESTALE;
	if (!conn->transport->user_space)
		return -EOPNOTSUPP;
	*peer = conn->peer;
	return 0;
}
