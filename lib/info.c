// SPDX-License-Identifier: MIT
/*
 * What a channel and the library can tell about themselves.
 */
#include <errno.h>

#include "channel.h"

KUCOMMS_API const char *kucomms_version(void)
{
	return KUCOMMS_VERSION;
}

KUCOMMS_API unsigned int
kucomms_channel_number(const struct kucomms_channel *channel)
{
	return client_of(channel)->number;
}

KUCOMMS_API int kucomms_get_stats(const struct kucomms_channel *channel,
				  struct kucomms_stats *stats)
{
	const struct kucomms_client *client = client_of(channel);

	if (stats->size < sizeof(*stats))
		return -EINVAL;
	stats->sent = channel->sent;
	stats->received = channel->received;
	stats->doorbells = client->send_doorbells + client->receive_doorbells;
	stats->waits = client->send_waits + client->receive_waits;
	return 0;
}
