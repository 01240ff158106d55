// SPDX-License-Identifier: MIT
/*
 * Clients that the connect handler refuses, and messages that the message handler
 * does: for good, or because it finds no room for the answer.
 */
#include "endpoints.h"

static void who_is_refused_hears_why(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct kucomms_message message;
	const void *data;
	struct seen seen;

	(void)state;
	endpoint = create(&echo_ops, &seen);
	seen.refuse = -EPERM;
	assert_int_equal(kucomms_endpoint_listen(endpoint, process_name, NULL), 0);
	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:test", NULL), 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	assert_int_equal(kucomms_open(process_name, NULL, &channel), -EPERM);
	/* A local connect does not wait for the handler. */
	assert_int_equal(kucomms_open("local:test", NULL, &channel), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1), -EPROTO);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
	assert_int_equal(seen.connects, 0);
	assert_int_equal(seen.disconnects, 0);
}

static int refuse_message(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, void *priv)
{
	(void)channel;
	(void)message;
	(void)data;
	(void)priv;
	return -EIO;
}

static void a_message_refused_for_good_ends_the_channel(void **state)
{
	const struct kucomms_ops ops = {
		.message = refuse_message, .disconnect = count_disconnect,
	};
	struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	const void *data;
	struct seen seen;
	unsigned int i;
	int err;

	(void)state;
	for (i = 0; i < 2; i++) {
		endpoint = serve(&ops, &seen, names[i]);
		assert_int_equal(kucomms_open(names[i], NULL, &channel), 0);
		/* Send may hear of it already. */
		err = kucomms_send(channel, &message, NULL, 0, -1);
		assert_true(!err || err == -EPROTO);
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 -EPROTO);
		sem_wait(&seen.disconnected);
		kucomms_channel_close(channel);
		kucomms_endpoint_destroy(endpoint);
	}
}

/* Those who ask, one whose ring gets full, and a third one. */
enum { ASKING, FULL, THIRD, CHANNELS };

struct hub {
	struct kucomms_channel *channels[CHANNELS];
	struct kucomms_channel *peers[CHANNELS];
	int connected;
	int passed;
	int refused;
	bool reserves;
};

static int hub_connect(struct kucomms_channel *channel, void *priv)
{
	struct hub *hub = priv;

	hub->channels[hub->connected++] = channel;
	return 0;
}

static int pass_on(struct hub *hub)
{
	static const char data[60000];
	const struct kucomms_message message = { .length = sizeof(data) };
	struct kucomms_message *record;
	int err;

	if (!hub->reserves)
		return kucomms_reply(hub->channels[FULL], &message, data, 0);
	err = kucomms_reserve(hub->channels[FULL], message.length, &record, 0);
	return err ? err : kucomms_commit(hub->channels[FULL], record, 0);
}

static int hub_message(struct kucomms_channel *channel,
		       const struct kucomms_message *message,
		       const void *data, void *priv)
{
	static const char little[20000];
	const struct kucomms_message fits = { .length = sizeof(little) };
	struct hub *hub = priv;
	int err;

	(void)message;
	(void)data;
	if (channel == hub->channels[THIRD]) {
		empty(hub->peers[FULL]);
		return kucomms_reply(hub->channels[FULL], &fits, little, 0);
	}
	err = pass_on(hub);
	hub->passed += !err;
	hub->refused += err == -EAGAIN;
	return err;
}

static struct kucomms_endpoint *hub_open(struct hub *hub)
{
	const struct kucomms_ops ops = {
		.message = hub_message, .connect = hub_connect,
	};
	struct kucomms_endpoint *endpoint;
	int i;

	assert_int_equal(kucomms_endpoint_create(&ops, hub, NULL, &endpoint),
			 0);
	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:test", NULL),
			 0);
	for (i = 0; i < CHANNELS; i++)
		assert_int_equal(kucomms_open("local:test", NULL,
					      &hub->peers[i]), 0);
	settle(endpoint);
	assert_int_equal(hub->connected, CHANNELS);
	return endpoint;
}

/* Four messages, of which not all find room at once. */
static void hub_ask(struct hub *hub, struct kucomms_endpoint *endpoint)
{
	const struct kucomms_message message = { .length = 0 };
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(kucomms_send(hub->peers[ASKING], &message,
					      NULL, 0, 0), 0);
	settle(endpoint);
	assert_true(hub->refused > 0);
	assert_true(hub->passed < 4);
}

static void hub_finish(struct hub *hub, struct kucomms_endpoint *endpoint)
{
	int i;

	for (i = 0; i < 10; i++) {
		empty(hub->peers[FULL]);
		settle(endpoint);
	}
	assert_int_equal(hub->passed, 4);
	for (i = 0; i < CHANNELS; i++)
		kucomms_channel_close(hub->peers[i]);
	kucomms_endpoint_destroy(endpoint);
}

/*
 * Somebody else found room in the same ring meanwhile, and so nobody asked for
 * it any more.
 */
static void a_refused_message_survives_the_success_of_another(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct hub hub = { .connected = 0 };
	struct kucomms_endpoint *endpoint = hub_open(&hub);

	(void)state;
	hub_ask(&hub, endpoint);
	assert_int_equal(kucomms_send(hub.peers[THIRD], &message, NULL, 0, 0),
			 0);
	settle(endpoint);
	hub_finish(&hub, endpoint);
}

/*
 * Only who had sent was told of room, not who had reserved: its message was
 * never delivered again.
 */
static void a_handler_that_reserves_in_vain_is_called_again(void **state)
{
	struct hub hub = { .reserves = true };
	struct kucomms_endpoint *endpoint = hub_open(&hub);

	(void)state;
	hub_ask(&hub, endpoint);
	hub_finish(&hub, endpoint);
}

static int refuse_unless_willing(struct kucomms_channel *channel,
				 const struct kucomms_message *message,
				 const void *data, void *willing)
{
	(void)channel;
	(void)message;
	(void)data;
	return *(bool *)willing ? 0 : -EAGAIN;
}

/*
 * An endpoint that refuses a message sleeps with the message in the ring, and the
 * next message rings for it. Once, each look at the refused message led to
 * another look, so that the event loop of another library never slept.
 */
static void a_refused_message_comes_with_the_next(void **state)
{
	const struct kucomms_ops ops = { .message = refuse_unless_willing };
	struct kucomms_endpoint_stats stats = { .size = sizeof(stats) };
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	bool willing = false;

	(void)state;
	assert_int_equal(kucomms_endpoint_create(&ops, &willing, NULL,
						 &endpoint), 0);
	channel = open_to(endpoint);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	settle_by_poll(endpoint);
	willing = true;
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	settle_by_poll(endpoint);
	assert_int_equal(kucomms_endpoint_get_stats(endpoint, &stats), 0);
	assert_int_equal(stats.messages, 2);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_refused_hears_why),
		cmocka_unit_test(a_message_refused_for_good_ends_the_channel),
		cmocka_unit_test(a_refused_message_survives_the_success_of_another),
		cmocka_unit_test(a_handler_that_reserves_in_vain_is_called_again),
		cmocka_unit_test(a_refused_message_comes_with_the_next),
	};

	return run_program("lib-refusal", tests);
}
