// SPDX-License-Identifier: MIT
/*
 * Messages that a kernel module sends back.
 *
 * Nothing here waits for room while answers are on their way: with both rings
 * full each side would wait for the other. The side that finds no room receives.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "echo.h"

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t on_their_way(const struct echo *echo)
{
	return echo->message.id - echo->received;
}

/* The data are compared once: it would cost more than all else to do it always. */
static bool is_echo(struct echo *echo, const struct kucomms_message *answer,
		    const void *data)
{
	const struct kucomms_message *sent = &echo->message;

	if (answer->length != sent->length || answer->type != sent->type ||
	    answer->id != echo->received || answer->user != sent->user)
		return false;
	if (echo->answered)
		return true;
	return !answer->length || !memcmp(data, echo->data, answer->length);
}

static int send_one(struct echo *echo, unsigned int flags, int timeout_ms)
{
	const int err = kucomms_send(echo->channel, &echo->message, echo->data,
				     flags, timeout_ms);

	if (!err)
		echo->message.id++;
	return err;
}

/* Sends what there is room for; -EAGAIN: that was not all. */
static int send_batch(struct echo *echo, uint32_t count)
{
	int err, flush_err;

	do {
		err = send_one(echo, count > 1 ? KUCOMMS_SEND_MORE : 0,
			       on_their_way(echo) ? 0 : ANSWER_MS);
	} while (!err && --count);
	if (err != -EAGAIN)
		return err;
	flush_err = kucomms_flush(echo->channel);
	return flush_err ? flush_err : err;
}

/* Receives an answer, without giving back its room yet. */
static int receive_one(struct echo *echo, int timeout_ms)
{
	struct kucomms_message answer;
	const void *data;
	int err;

	err = kucomms_receive(echo->channel, &answer, &data, timeout_ms);
	if (err)
		return err;
	if (!is_echo(echo, &answer, data))
		return -EBADMSG;
	echo->answered = true;
	echo->received++;
	return 0;
}

/* Receives the answers that are there or, if it is to wait, at least one. */
static int receive_some(struct echo *echo, bool wait)
{
	int timeout_ms = 0;
	int err = 0;

	if (wait)
		timeout_ms = echo->answered ? ANSWER_MS : FIRST_ANSWER_MS;
	while (!err && on_their_way(echo)) {
		err = receive_one(echo, timeout_ms);
		timeout_ms = 0;
	}
	kucomms_release(echo->channel);
	return err == -EAGAIN ? 0 : err;
}

int echo_round_trips(struct echo *echo, uint64_t until,
		     struct histogram *times)
{
	uint64_t start = now_ns(), end;
	int err;

	do {
		err = send_one(echo, 0, ANSWER_MS);
		if (!err)
			err = receive_some(echo, true);
		end = now_ns();
		if (!err)
			histogram_add(times, end - start);
		start = end;
	} while (!err && end < until);
	return err;
}

int echo_stream(struct echo *echo, uint64_t until, uint32_t batch,
		uint32_t window)
{
	bool last = false;
	bool wait;
	int err;

	do {
		wait = last || on_their_way(echo) + batch > window;
		if (!wait) {
			err = send_batch(echo, batch);
			wait = err == -EAGAIN;
			if (err && !wait)
				return err;
		}
		last = now_ns() >= until;
		err = receive_some(echo, wait);
	} while (!err && (!last || on_their_way(echo)));
	return err;
}
