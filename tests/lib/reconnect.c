// SPDX-License-Identifier: MIT
/*
 * Channels that an endpoint opens again when they have ended.
 */
#include "endpoints.h"

#define PAGE	4096u

static const struct kucomms_options small = {
	.size = sizeof(small), .send_size = PAGE, .receive_size = PAGE,
	.timeout_ms = -1,
};

/* The other side comes, is killed, and comes again. */
static void the_other_side_comes_back_again_and_again(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint, *server;
	struct kucomms_channel *channel;
	struct seen seen, served;
	int i, err;

	(void)state;
	endpoint = create(&count_ops, &seen);
	assert_int_equal(kucomms_endpoint_connect(endpoint, process_name, NULL,
						  KUCOMMS_CONNECT_RETRY, &channel), 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1),
			 -ESHUTDOWN);
	for (i = 0; i < 5; i++) {
		server = serve(&echo_ops, &served, process_name);
		sem_wait(&seen.connected);
		/* It is in the handler: a moment later it can be sent to. */
		do {
			err = kucomms_send(channel, &message, NULL, 0, -1);
		} while (err == -ESHUTDOWN);
		assert_int_equal(err, 0);
		sem_wait(&seen.received);
		kucomms_endpoint_destroy(server);
		sem_wait(&seen.disconnected);
	}
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(endpoint);
	assert_int_equal(seen.connects, 5);
	assert_int_equal(seen.disconnects, 5);
}

/*
 * A channel that came back, and was removed by its own connect handler, was
 * asked for the next one when it had been freed.
 */
static void who_comes_back_may_be_removed_at_once(void **state)
{
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *peer;
	struct seen seen;

	(void)state;
	endpoint = create(&count_ops, &seen);
	seen.removes_at = 2;
	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:test",
						  &small, KUCOMMS_CONNECT_RETRY,
						  NULL), 0);
	settle(endpoint);
	assert_int_equal(kucomms_accept(listener, &peer, 0), 0);
	kucomms_channel_close(peer);
	while (seen.connects < 2)
		kucomms_endpoint_dispatch(endpoint, -1);
	settle(endpoint);
	assert_int_equal(seen.connects, 2);
	assert_int_equal(seen.disconnects, 1);
	kucomms_endpoint_destroy(endpoint);
	kucomms_listener_close(listener);
}

#define COMERS	200

static bool connect_one(struct kucomms_endpoint *endpoint, void *priv)
{
	static int count;

	(void)priv;
	if (count == COMERS)
		return false;
	count++;
	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:test",
						  &small, KUCOMMS_CONNECT_RETRY,
						  NULL), 0);
	return true;
}

/*
 * A channel that a handler added just before the endpoint looked at the channels
 * to reconnect arrived twice.
 */
static void who_is_added_by_a_handler_arrives_once(void **state)
{
	const struct kucomms_ops ops = {
		.work = connect_one, .connect = count_connect,
		.disconnect = count_disconnect,
	};
	const struct kucomms_endpoint_options options = {
		.size = sizeof(options), .work_us = 1, .reconnect_ms = 1,
	};
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_endpoint *endpoint;
	struct seen seen = { .connects = 0 };

	(void)state;
	assert_int_equal(kucomms_endpoint_create(&ops, &seen, &options,
						 &endpoint), 0);
	/* This one wants to come back all the time. */
	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:nobody",
						  &small, KUCOMMS_CONNECT_RETRY,
						  NULL), 0);
	while (seen.connects < COMERS)
		kucomms_endpoint_dispatch(endpoint, -1);
	assert_int_equal(kucomms_endpoint_dispatch(endpoint, -1), 0);
	assert_int_equal(seen.connects, COMERS);
	assert_int_equal(seen.disconnects, 0);
	kucomms_endpoint_destroy(endpoint);
	kucomms_listener_close(listener);
}

/* Before there was another side the longest message was one of 4 GiB. */
static void without_another_side_no_message_is_short_enough(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;

	(void)state;
	endpoint = create(&count_ops, &seen);
	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:nobody",
						  NULL, KUCOMMS_CONNECT_RETRY,
						  &channel), 0);
	assert_int_equal(kucomms_channel_length_max(channel), 0);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(endpoint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_other_side_comes_back_again_and_again),
		cmocka_unit_test(who_comes_back_may_be_removed_at_once),
		cmocka_unit_test(who_is_added_by_a_handler_arrives_once),
		cmocka_unit_test(without_another_side_no_message_is_short_enough),
	};

	return run_program("lib-reconnect", tests);
}
