// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's two halves of a channel, over a transport of its own: who
 * rings, what is given back, what the control page says.
 */
#include "../ring/rings.h"
#include "../../lib/conn.h"

static int rung;

static int fake_error(struct kc_conn *conn)
{
	(void)conn;
	return 0;
}

static int fake_ring(struct kc_conn *conn, __u32 need, __u64 *count)
{
	(void)conn;
	(void)need;
	(void)count;
	rung++;
	return 0;
}

static int fake_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
		     __u64 *count)
{
	(void)conn;
	(void)event;
	(void)deadline;
	(void)count;
	return -ETIMEDOUT;
}

static const struct kc_transport fake = {
	.error = fake_error,
	.ring = fake_ring,
	.wait = fake_wait,
};

static void a_discard_that_uncovers_a_message_rings(void **state)
{
	struct kc_conn conn = { .transport = &fake };
	struct kucomms_message *first, *second;
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	conn.channel.out = ring.producer;
	assert_int_equal(kucomms_reserve(&conn.channel, 8, &first, 0), 0);
	assert_int_equal(kucomms_reserve(&conn.channel, 8, &second, 0), 0);
	kucomms_consumer_arm(&ring.consumer);
	assert_int_equal(kucomms_commit(&conn.channel, second, 0), 0);
	/* The consumer wakes, finds nothing, sleeps again: still armed. */
	ring_expect_empty(&ring);
	rung = 0;
	assert_int_equal(kucomms_discard(&conn.channel, first), 0);
	assert_int_equal(ring_receive(&ring), -ENOMSG);
	assert_int_equal(ring_receive(&ring), 1);
	assert_int_equal(rung, 1);
}

static void the_room_of_skipped_records_is_given_back_when_idle(void **state)
{
	struct kc_conn conn = { .transport = &fake };
	struct kucomms_message *record, message;
	const void *data;
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	conn.channel.in = ring.consumer;
	record = ring_reserve(&ring, 4000);
	kucomms_producer_commit(&ring.producer, record, KUCOMMS_CONTROL_DISCARDED, false);
	assert_int_equal(kucomms_receive(&conn.channel, &message, &data, 0), -EAGAIN);
	assert_int_equal(kucomms_receive(&conn.channel, &message, &data, 1), -ETIMEDOUT);
	assert_int_equal(ring_send(&ring, 1, 4000), 0);
}

static void a_refused_record_is_not_passed(void **state)
{
	struct kucomms_message *record;
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	record = ring_reserve(&ring, 8);
	kucomms_producer_commit(&ring.producer, record, 2, false);
	assert_int_equal(ring_receive(&ring), -EPROTO);
	assert_int_equal(ring.consumer.position, 0);
	assert_int_equal(ring_receive(&ring), -EPROTO);
}

static void a_wish_for_room_does_not_outlive_its_fulfilment(void **state)
{
	struct kc_conn conn = { .transport = &fake };
	struct kucomms_message *record;
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	conn.channel.out = ring.producer;
	conn.polled = true;
	assert_int_equal(kucomms_reserve(&conn.channel, 3000, &record, 0), 0);
	assert_int_equal(kucomms_commit(&conn.channel, record, 0), 0);
	assert_int_equal(kucomms_reserve(&conn.channel, 3000, &record, 0), -EAGAIN);
	assert_int_not_equal(ring.producer.own->need_room, 0);
	assert_int_equal(ring_receive(&ring), 1);
	kucomms_consumer_release(&ring.consumer);
	kucomms_consumer_tell(&ring.consumer);
	assert_int_equal(kucomms_reserve(&conn.channel, 3000, &record, 0), 0);
	assert_int_equal(ring.producer.own->need_room, 0);
}

static void one_who_polls_is_seen_to_have_read(void **state)
{
	struct kc_conn conn = { .transport = &fake, .polled = true };
	struct kucomms_message message;
	const void *data;
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	conn.channel.in = ring.consumer;
	assert_int_equal(ring_send(&ring, 1, 8), 0);
	kucomms_channel_poll_start(&conn.channel);
	assert_int_equal(kucomms_receive(&conn.channel, &message, &data, 0), 0);
	assert_int_equal(ring.consumer.own->need_data, 64);
	assert_int_equal(kucomms_receive(&conn.channel, &message, &data, 0), -EAGAIN);
	assert_int_equal(ring.consumer.own->need_data, 64 | KUCOMMS_NEED);
}

/* The flags of all functions. */
static const unsigned int all_flags[] = {
	KUCOMMS_ATTACH_NUMBER, KUCOMMS_SEND_MORE, KUCOMMS_OPS_SHARED_RECEIVE,
	KUCOMMS_CONNECT_RETRY, KUCOMMS_OPEN_NUMBER, KUCOMMS_OPEN_NO_SPIN,
	KUCOMMS_ENDPOINT_NO_SPIN, 1u << 31,
};

#define FOR_FOREIGN_FLAGS(flag, own)					\
	for (const unsigned int *at = all_flags;			\
	     at < all_flags + sizeof(all_flags) / sizeof(*all_flags); at++) \
		for (unsigned int flag = *at & ~(own); flag; flag = 0)

static void sending_refuses_foreign_flags(void **state)
{
	struct kc_conn conn = { .transport = &fake };
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_message *record;
	struct ring ring;

	(void)state;
	ring_open(&ring, 4096);
	conn.channel.out = ring.producer;
	assert_int_equal(kucomms_reserve(&conn.channel, 8, &record, 0), 0);
	FOR_FOREIGN_FLAGS(flag, KUCOMMS_SEND_MORE) {
		assert_int_equal(kucomms_send(&conn.channel, &message, NULL,
					      flag, 0), -EINVAL);
		assert_int_equal(kucomms_reply(&conn.channel, &message, NULL,
					       flag), -EINVAL);
		assert_int_equal(kucomms_commit(&conn.channel, record, flag),
				 -EINVAL);
	}
	assert_int_equal(kucomms_commit(&conn.channel, record,
					KUCOMMS_SEND_MORE), 0);
}

static void opening_refuses_foreign_flags(void **state)
{
	struct kucomms_options options = { .size = sizeof(options) };
	struct kucomms_channel *channel;

	(void)state;
	FOR_FOREIGN_FLAGS(flag, KUCOMMS_OPEN_NUMBER | KUCOMMS_OPEN_NO_SPIN) {
		options.flags = flag;
		assert_int_equal(kucomms_open("local:nobody", &options,
					      &channel), -EINVAL);
	}
}

static void an_endpoint_refuses_foreign_flags(void **state)
{
	struct kucomms_endpoint_options options = { .size = sizeof(options) };
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_ops ops = { .flags = 0 };

	(void)state;
	FOR_FOREIGN_FLAGS(flag, KUCOMMS_OPS_SHARED_RECEIVE) {
		ops.flags = flag;
		assert_int_equal(kucomms_endpoint_create(&ops, NULL, NULL,
							 &endpoint), -EINVAL);
	}
	ops.flags = 0;
	FOR_FOREIGN_FLAGS(flag, KUCOMMS_ENDPOINT_NO_SPIN) {
		options.flags = flag;
		assert_int_equal(kucomms_endpoint_create(&ops, NULL, &options,
							 &endpoint), -EINVAL);
	}
	assert_int_equal(kucomms_endpoint_create(&ops, NULL, NULL, &endpoint),
			 0);
	FOR_FOREIGN_FLAGS(flag, KUCOMMS_CONNECT_RETRY)
		assert_int_equal(kucomms_endpoint_connect(endpoint,
							  "local:nobody", NULL,
							  flag, NULL), -EINVAL);
	FOR_FOREIGN_FLAGS(flag, KUCOMMS_SEND_MORE)
		assert_int_equal(kucomms_broadcast(endpoint, &message, NULL,
						   flag), -EINVAL);
	kucomms_endpoint_destroy(endpoint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_discard_that_uncovers_a_message_rings),
		cmocka_unit_test(the_room_of_skipped_records_is_given_back_when_idle),
		cmocka_unit_test(a_refused_record_is_not_passed),
		cmocka_unit_test(a_wish_for_room_does_not_outlive_its_fulfilment),
		cmocka_unit_test(one_who_polls_is_seen_to_have_read),
		cmocka_unit_test(sending_refuses_foreign_flags),
		cmocka_unit_test(opening_refuses_foreign_flags),
		cmocka_unit_test(an_endpoint_refuses_foreign_flags),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
