// SPDX-License-Identifier: MIT
/*
 * What kucommsctl bench does with a channel, on a library that is not there:
 * never more messages on their way than it was told, no waiting for room while
 * answers wait to be received, nothing left behind, wrong answers noticed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <kucomms/kucomms.h>

#define QUEUE	64
#define LENGTH	24

/*
 * A module that echoes what has been published: the room for @room messages is
 * free again when their answers have been released. A lazy one answers only
 * those who wait, a mute one nobody.
 */
static struct fake {
	struct kucomms_message queue[QUEUE];
	const void *data;
	uint64_t sent, published, received, released;
	unsigned int room;
	unsigned int most;
	uint64_t spoilt;
	bool lazy;
	bool mute;
} fake;

static int fake_send(struct kucomms_channel *channel,
		     const struct kucomms_message *message, const void *bytes,
		     unsigned int flags, int timeout_ms)
{
	(void)channel;
	if (fake.sent - fake.released == fake.room) {
		/* A side that waits now waits for ever: no side receives. */
		assert_int_equal(timeout_ms, 0);
		return -EAGAIN;
	}
	fake.queue[fake.sent++ % QUEUE] = *message;
	fake.data = bytes;
	if (!(flags & KUCOMMS_SEND_MORE))
		fake.published = fake.sent;
	if (fake.sent - fake.received > fake.most)
		fake.most = fake.sent - fake.received;
	return 0;
}

static int fake_flush(struct kucomms_channel *channel)
{
	(void)channel;
	fake.published = fake.sent;
	return 0;
}

static int fake_receive(struct kucomms_channel *channel,
			struct kucomms_message *message, const void **bytes,
			int timeout_ms)
{
	(void)channel;
	if (fake.mute || (fake.lazy && !timeout_ms) ||
	    fake.received == fake.published) {
		/* Nobody waits for what has not been published. */
		assert_int_equal(fake.published, fake.sent);
		return timeout_ms ? -ETIMEDOUT : -EAGAIN;
	}
	*message = fake.queue[fake.received++ % QUEUE];
	if (fake.received == fake.spoilt)
		message->user++;
	*bytes = fake.data;
	return 0;
}

static void fake_release(struct kucomms_channel *channel)
{
	(void)channel;
	fake.released = fake.received;
}

/* What is tested, with these in the place of the library. */
#define kucomms_send		fake_send
#define kucomms_flush		fake_flush
#define kucomms_receive		fake_receive
#define kucomms_release		fake_release
#include "../../tools/echo.c"
#include "../../tools/histogram.c"

static struct echo echo;
static char data[LENGTH] = "some that is recognised";
static char other_data[LENGTH] = "some that is different";

static int set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(&echo, 0, sizeof(echo));
	fake.room = QUEUE;
	echo.data = data;
	echo.message.length = LENGTH;
	return 0;
}

static uint64_t soon(void)
{
	return now_ns() + 1000000;
}

static void round_trips_go_one_at_a_time(void **state)
{
	static struct histogram times;

	(void)state;
	assert_int_equal(echo_round_trips(&echo, soon(), &times), 0);
	assert_true(fake.received > 0);
	assert_int_equal(times.count, fake.received);
	assert_int_equal(fake.sent, fake.released);
	assert_int_equal(fake.most, 1);
}

static void no_more_than_the_window_is_on_its_way(void **state)
{
	(void)state;
	fake.lazy = true;
	assert_int_equal(echo_stream(&echo, soon(), 7, 20), 0);
	assert_int_equal(fake.sent, fake.released);
	assert_int_equal(fake.sent % 7, 0);
	assert_in_range(fake.most, 14, 20);
}

/* Less room than expected, down to a single message. */
static void full_rings_do_not_stop_it(void **state)
{
	(void)state;
	for (fake.room = 1; fake.room < 20; fake.room++) {
		assert_int_equal(echo_stream(&echo, soon(), 20, 20), 0);
		assert_int_equal(fake.sent, fake.released);
	}
}

/* The time is up before it has begun: a batch, a message all the same. */
static void without_time_one_batch_goes(void **state)
{
	static struct histogram times;

	(void)state;
	assert_int_equal(echo_stream(&echo, 0, 5, 20), 0);
	assert_int_equal(fake.released, 5);
	assert_int_equal(echo_round_trips(&echo, 0, &times), 0);
	assert_int_equal(fake.released, 6);
}

static void no_answer_is_noticed(void **state)
{
	(void)state;
	fake.mute = true;
	assert_int_equal(echo_stream(&echo, soon(), 5, 20), -ETIMEDOUT);
	assert_int_equal(echo.received, 0);
}

static void another_header_is_noticed(void **state)
{
	(void)state;
	fake.spoilt = 3;
	assert_int_equal(echo_stream(&echo, soon(), 5, 20), -EBADMSG);
	assert_int_equal(echo.received, 2);
}

static void other_data_are_noticed(void **state)
{
	(void)state;
	assert_int_equal(echo_stream(&echo, 0, 5, 20), 0);
	echo.answered = false;
	assert_int_equal(send_one(&echo, 0, 0), 0);
	fake.data = other_data;
	assert_int_equal(receive_some(&echo, true), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(round_trips_go_one_at_a_time, set_up),
		cmocka_unit_test_setup(no_more_than_the_window_is_on_its_way, set_up),
		cmocka_unit_test_setup(full_rings_do_not_stop_it, set_up),
		cmocka_unit_test_setup(without_time_one_batch_goes, set_up),
		cmocka_unit_test_setup(no_answer_is_noticed, set_up),
		cmocka_unit_test_setup(another_header_is_noticed, set_up),
		cmocka_unit_test_setup(other_data_are_noticed, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
