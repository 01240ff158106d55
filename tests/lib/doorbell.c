// SPDX-License-Identifier: MIT
/*
 * Doorbells between processes: who sleeps is rung for, once, and nobody else is.
 */
#include "../../lib/conn.h"
#include "../../lib/shm.h"
#include "endpoints.h"

/*
 * The wish for room stayed when it had come true, and each message that was
 * received afterwards rang for it.
 */
static void room_is_rung_for_only_while_it_is_wanted(void **state)
{
	struct kucomms_message message = { .length = 1000 };
	static const char data[1000];
	struct meeting meeting;
	__u64 before;
	int i;

	(void)state;
	meet(&meeting);
	while (!kucomms_send(meeting.channel, &message, data, 0, 0))
		;
	assert_true(empty(meeting.peer) > 0);
	before = doorbells(meeting.peer);
	assert_true(before > 0);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(kucomms_send(meeting.channel, &message, data,
					      0, 0), 0);
		assert_int_equal(empty(meeting.peer), 1);
	}
	assert_int_equal(doorbells(meeting.peer), before);
	part(&meeting);
}

/*
 * Each message rang for a side that slept, until that side had found the time
 * to wake up.
 */
static void who_sleeps_is_rung_for_once(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_channel *here, *there;
	int i, round;

	(void)state;
	open_pair(&here, &there);
	kucomms_channel_poll_start(there);
	for (round = 1; round <= 3; round++) {
		for (i = 0; i < 1000; i++)
			assert_int_equal(kucomms_send(here, &message, NULL, 0,
						      0), 0);
		assert_int_equal(doorbells(here), round);
		assert_int_equal(empty(there), 1000);
	}
	kucomms_channel_close(here);
	kucomms_channel_close(there);
}

/*
 * A message that was taken before its sender looked who sleeps: the other side
 * was rung for what was still to come, and then was not when it came.
 */
static void who_is_rung_for_nothing_is_rung_for_again(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_channel *here, *there;
	struct kucomms_message *record;
	struct pollfd readable = { .events = POLLIN };
	__u32 need;

	(void)state;
	open_pair(&here, &there);
	readable.fd = kucomms_channel_poll_start(there);
	assert_int_equal(kucomms_reserve(here, 0, &record, 0), 0);
	kucomms_producer_commit(&here->out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
	assert_int_equal(empty(there), 1);
	need = kucomms_producer_must_ring(&here->out);
	assert_true(need);
	assert_int_equal(kucomms_commit_slow(here, need), 0);
	assert_int_equal(empty(there), 0);
	assert_int_equal(poll(&readable, 1, 0), 0);
	assert_int_equal(kucomms_send(here, &message, NULL, 0, 0), 0);
	assert_int_equal(poll(&readable, 1, 0), 1);
	assert_int_equal(empty(there), 1);
	kucomms_channel_close(here);
	kucomms_channel_close(there);
}

/*
 * A bell that had been rung since it was read last was a reason not to look at
 * the clock: one that is rung all the time made a wait endless.
 */
static void a_bell_that_rings_all_the_time_ends_no_wait_late(void **state)
{
	struct kucomms_channel *here, *there;
	const __s64 long_ago = 1;
	struct kc_conn *conn;
	__u64 waits = 0;

	(void)state;
	open_pair(&here, &there);
	conn = conn_of(here);
	conn->receive_flags = KUCOMMS_NEED_FUTEX;
	conn->receive_bell = here->in.remote->bell - 1;
	assert_int_equal(kc_shm_wait(conn, KUCOMMS_EVENT_DATA, long_ago,
				     &waits), -ETIMEDOUT);
	conn->send_bell = here->in.remote->bell - 1;
	assert_int_equal(kc_shm_wait(conn, KUCOMMS_EVENT_ROOM, long_ago,
				     &waits), -ETIMEDOUT);
	kucomms_channel_close(here);
	kucomms_channel_close(there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_is_rung_for_only_while_it_is_wanted),
		cmocka_unit_test(who_sleeps_is_rung_for_once),
		cmocka_unit_test(who_is_rung_for_nothing_is_rung_for_again),
		cmocka_unit_test(a_bell_that_rings_all_the_time_ends_no_wait_late),
	};

	return run_program("lib-doorbell", tests);
}
