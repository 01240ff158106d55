// SPDX-License-Identifier: MIT
/*
 * What a channel and the library can tell about themselves.
 */
#include <errno.h>
#include <kucomms/handler.h>

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
