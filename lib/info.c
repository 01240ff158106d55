// SPDX-License-Identifier: MIT
/*
 * What a channel and the library can tell about themselves.
 */
#include <errno.h>
#include <kucomms/handler.h>

#include "clock.h"
#include "end.h"

KUCOMMS_API const char *kucomms_version(void)
{
	return KUCOMMS_VERSION;
}

KUCOMMS_API __u64 kucomms_time_ns(void)
{
	return (__u64)kucomms_now();
}

KUCOMMS_API unsigned int
kucomms_channel_number(const struct kucomms_channel *channel)
{
	return end_of(channel)->number;
}

KUCOMMS_API int kucomms_channel_get_stats(const struct kucomms_channel *channel,
					  struct kucomms_channel_stats *stats)
{
	const struct kucomms_end *end = end_of(channel);

	if (end_is_inherited(end))
		return -ESTALE;
	if (stats->size < sizeof(*stats))
		return -EINVAL;
	stats->sent = channel->sent;
	stats->received = channel->received;
	stats->doorbells = end->send_doorbells + end->receive_doorbells;
	stats->waits = end->send_waits + end->receive_waits;
	return 0;
}

KUCOMMS_API int kucomms_channel_get_peer(const struct kucomms_channel *channel,
					 struct kucomms_peer *peer)
{
	const struct kucomms_end *end = end_of(channel);

	if (end_is_inherited(end))
		return -ESTALE;
	if (!end->transport->how)
		return -EOPNOTSUPP;
	*peer = end->peer;
	return 0;
}
