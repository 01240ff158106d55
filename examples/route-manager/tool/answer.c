// SPDX-License-Identifier: MIT
/*
 * Answers of the manager, which may be any process: every answer is checked.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "answer.h"

/* Most answers whose room is not yet given back. */
#define KEPT_MAX	256

static bool route_valid(const struct route *route)
{
	return route->family == AF_INET ? route->length <= 32 :
	       route->family == AF_INET6 && route->length <= 128;
}

static int take_done(struct answer *answer,
		     const struct kucomms_message *message, const void *data)
{
	if (message->user > INT_MAX || message->length > INT_MAX)
		return -EBADMSG;
	answer->error = (int)message->user;
	answer->count = 0;
	if (answer->error) {
		answer->reason = data;
		answer->length = (int)message->length;
	} else if (message->length == sizeof(answer->count)) {
		memcpy(&answer->count, data, sizeof(answer->count));
	} else if (message->length) {
		return -EBADMSG;
	}
	return 0;
}

static int take(struct answer *answer, const struct kucomms_message *message,
		const void *data)
{
	answer->type = message->type;
	answer->id = message->id;
	answer->user = message->user;
	switch (message->type) {
	case ROUTE_DONE:
		return take_done(answer, message, data);
	case ROUTE_ENTRY:
	case ROUTE_CHANGE:
		if (message->length != sizeof(answer->route))
			return -EBADMSG;
		memcpy(&answer->route, data, sizeof(answer->route));
		return route_valid(&answer->route) ? 0 : -EBADMSG;
	case ROUTE_COUNTS:
		if (message->length != sizeof(answer->counts))
			return -EBADMSG;
		memcpy(&answer->counts, data, sizeof(answer->counts));
		return 0;
	case ROUTE_LOST:
		return message->length ? -EBADMSG : 0;
	default:
		return -EBADMSG;
	}
}

static void give_back(struct answer *answer, struct kucomms_channel *channel)
{
	if (answer->kept)
		kucomms_release(channel);
	answer->kept = 0;
}

/*
 * A manager that waits for room is woken when there is room for many answers,
 * not for one; but always before this thread waits for an answer.
 */
int answer_receive(struct answer *answer, struct kucomms_channel *channel,
		   int timeout_ms)
{
	struct kucomms_message message;
	const void *data;
	int err;

	if (answer->kept == KEPT_MAX)
		give_back(answer, channel);
	err = kucomms_receive(channel, &message, &data, 0);
	if (err == -EAGAIN) {
		give_back(answer, channel);
		if (timeout_ms)
			err = kucomms_receive(channel, &message, &data,
					      timeout_ms);
	}
	if (err)
		return err;
	answer->kept++;
	return take(answer, &message, data);
}
