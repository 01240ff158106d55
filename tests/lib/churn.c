// SPDX-License-Identifier: MIT
/*
 * Channels that come and go: thousands in one endpoint, added and removed by
 * handlers and by other threads, hung up and sent to at the same time, whose
 * processes are killed. Nothing of them is left.
 */
#include "long.h"

#include <sys/resource.h>

#define CHANNELS	2000ul
#define CONNECTS	3000ul
#define ROUNDS		3000ul
#define THREADS		4

/* Of both transports, by turns. */
static const char *name_of(unsigned long i)
{
	return names[i % 2];
}

static const struct kucomms_options small_rings = {
	.size = sizeof(small_rings),
	.send_size = 4096,
	.receive_size = 4096,
};

static const struct kucomms_ops echo_ops = { .message = echo_message };

static struct kucomms_endpoint *serve_both(const struct kucomms_ops *ops,
					   void *priv)
{
	struct kucomms_endpoint *endpoint = serve(ops, priv, names[0]);

	assert_int_equal(kucomms_endpoint_listen(endpoint, names[1], NULL), 0);
	return endpoint;
}

static void exchange(struct kucomms_channel *channel, __u64 id)
{
	const struct kucomms_message request = {
		.length = sizeof(id), .id = id,
	};
	struct kucomms_message answer;
	const void *data;

	assert_int_equal(kucomms_exchange(channel, &request, &id, &answer,
					  &data, -1), 0);
	assert_int_equal(answer.id, id);
	assert_int_equal(memcmp(data, &id, sizeof(id)), 0);
	kucomms_release(channel);
}

static void thousands_of_channels_come_and_go(void **state)
{
	const unsigned long count = shortened(CHANNELS);
	struct kucomms_channel **channels = calloc(count, sizeof(*channels));
	struct kucomms_endpoint *endpoint = serve_both(&echo_ops, NULL);
	__u64 random = seed();
	unsigned long i, at;

	(void)state;
	for (i = 0; i < count; i++)
		assert_int_equal(kucomms_open(name_of(i), &small_rings,
					      &channels[i]), 0);
	wait_for_channels(endpoint, count);
	for (i = 0; i < 10 * count; i++) {
		at = random_below(&random, (__u32)count);
		exchange(channels[at], i);
		if (random_below(&random, 4))
			continue;
		kucomms_channel_close(channels[at]);
		assert_int_equal(kucomms_open(name_of(at), &small_rings,
					      &channels[at]), 0);
	}
	for (i = 0; i < count; i++)
		kucomms_channel_close(channels[i]);
	wait_for_channels(endpoint, 0);
	kucomms_endpoint_destroy(endpoint);
	free(channels);
	assert_int_equal(count_mapped(), 0);
}

/* Connects, says something or nothing, and waits to be killed. */
static pid_t victim(unsigned long i)
{
	pid_t pid = fork_quietly();
	struct kucomms_channel *channel;

	if (pid)
		return pid;
	assert_int_equal(open_patiently(process_name, &small_rings, &channel),
			 0);
	for (;;)
		exchange(channel, i++);
}

static void clients_that_are_killed_leave_nothing(void **state)
{
	struct kucomms_endpoint *endpoint = serve_both(&echo_ops, NULL);
	unsigned long i, count = shortened(CONNECTS);
	const int open = count_open();
	struct kucomms_channel *channel;

	(void)state;
	for (i = 0; i < count; i++) {
		assert_int_equal(kucomms_open(name_of(i), &small_rings,
					      &channel), 0);
		if (i % 3)
			exchange(channel, i);
		kucomms_channel_close(channel);
		if (!(i % 10))
			kill_process(victim(i));
	}
	wait_for_channels(endpoint, 0);
	assert_int_equal(count_open(), open);
	assert_int_equal(count_mapped(), 0);
	kucomms_endpoint_destroy(endpoint);
}

/* A handler that removes its channel, or refuses it, or adds another. */
struct whims {
	struct kucomms_endpoint *endpoint;
	__u64 random;
	unsigned long connects;
	unsigned long disconnects;
};

static int whimsical_connect(struct kucomms_channel *channel, void *priv)
{
	struct whims *whims = priv;

	if (!random_below(&whims->random, 10))
		kucomms_endpoint_remove(whims->endpoint, channel);
	if (!random_below(&whims->random, 10))
		return -EPERM;
	whims->connects++;
	return 0;
}

static int whimsical_message(struct kucomms_channel *channel,
			     const struct kucomms_message *message,
			     const void *data, void *priv)
{
	struct whims *whims = priv;

	if (!random_below(&whims->random, 10))
		kucomms_endpoint_remove(whims->endpoint, channel);
	if (!random_below(&whims->random, 20))
		kucomms_endpoint_connect(whims->endpoint, "local:peer",
					 &small_rings, 0, NULL);
	/* Other threads send, too; if there is no room it is lost. */
	kucomms_send(channel, message, data, 0, 0);
	return random_below(&whims->random, 100) ? 0 : -EIO;
}

static void whimsical_disconnect(struct kucomms_channel *channel, void *priv)
{
	struct whims *whims = priv;

	(void)channel;
	whims->disconnects++;
}

/* From another thread, whatever the handlers do. */
static void *add_and_remove(void *arg)
{
	struct whims *whims = arg;
	const struct kucomms_message message = { .length = 4 };
	__u64 random = mixed((__u64)pthread_self());
	unsigned long left = shortened(ROUNDS);
	struct kucomms_channel *channel;
	unsigned int i;

	for (; left; left--) {
		const unsigned int flags = random_below(&random, 2) ?
					   KUCOMMS_CONNECT_RETRY : 0;

		if (kucomms_endpoint_connect(whims->endpoint, "local:peer",
					     &small_rings, flags, &channel))
			continue;
		for (i = random_below(&random, 20); i; i--)
			kucomms_send(channel, &message, "many", 0, 0);
		if (random_below(&random, 2))
			kucomms_channel_shutdown(channel);
		kucomms_endpoint_remove(whims->endpoint, channel);
		kucomms_channel_put(channel);
	}
	return NULL;
}

/* As a client: what comes back, if anything, does not matter here. */
static void *open_and_close(void *arg)
{
	const struct kucomms_message message = { .length = 4 };
	unsigned long left = shortened(ROUNDS);
	struct kucomms_channel *channel;
	struct kucomms_message answer;
	const void *data;

	(void)arg;
	for (; left; left--) {
		if (kucomms_open(name_of(left), &small_rings, &channel))
			continue;
		while (!kucomms_exchange(channel, &message, "many", &answer,
					 &data, -1))
			kucomms_release(channel);
		kucomms_channel_close(channel);
	}
	return NULL;
}

static void threads_add_and_remove_at_the_same_time(void **state)
{
	const struct kucomms_ops ops = {
		.message = whimsical_message, .connect = whimsical_connect,
		.disconnect = whimsical_disconnect,
	};
	const struct kucomms_endpoint_options often = {
		.size = sizeof(often), .reconnect_ms = 1,
	};
	struct whims whims = { .random = seed() };
	struct kucomms_endpoint *peer = serve(&echo_ops, NULL, "local:peer");
	pthread_t threads[THREADS];
	int i;

	(void)state;
	assert_int_equal(kucomms_endpoint_create(&ops, &whims, &often,
						 &whims.endpoint), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(kucomms_endpoint_listen(whims.endpoint,
							 names[i], NULL), 0);
	assert_int_equal(kucomms_endpoint_start(whims.endpoint), 0);
	for (i = 0; i < THREADS; i++)
		threads[i] = run_thread(i % 2 ? add_and_remove : open_and_close,
					&whims);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	kucomms_endpoint_destroy(whims.endpoint);
	wait_for_channels(peer, 0);
	kucomms_endpoint_destroy(peer);
	assert_int_equal(whims.connects, whims.disconnects);
	assert_int_equal(count_mapped(), 0);
}

/* The first tries are refused; with the last the channel is not wanted any more. */
static int give_up(struct kucomms_channel *channel, void *priv)
{
	int *tries = priv;

	if (!--*tries)
		kucomms_endpoint_remove(kucomms_channel_endpoint(channel),
					channel);
	return -EPERM;
}

static void a_channel_may_be_given_up_while_it_is_refused(void **state)
{
	const struct kucomms_ops ops = { .connect = give_up };
	const struct kucomms_endpoint_options often = {
		.size = sizeof(often), .reconnect_ms = 1,
	};
	struct kucomms_endpoint *peer = serve_both(&echo_ops, NULL);
	struct kucomms_endpoint *endpoint;
	int tries, i;

	(void)state;
	assert_int_equal(kucomms_endpoint_create(&ops, &tries, &often,
						 &endpoint), 0);
	for (i = 0; i < 20; i++) {
		tries = 1 + i % 5;
		assert_int_equal(kucomms_endpoint_connect(endpoint,
							  name_of(i / 5),
							  &small_rings,
							  KUCOMMS_CONNECT_RETRY,
							  NULL), 0);
		while (tries)
			kucomms_endpoint_dispatch(endpoint, -1);
	}
	wait_for_channels(endpoint, 0);
	kucomms_endpoint_destroy(endpoint);
	kucomms_endpoint_destroy(peer);
	assert_int_equal(count_mapped(), 0);
}

static void *send_until_the_end(void *channel)
{
	const struct kucomms_message message = { .length = 4 };
	int err;

	do {
		err = kucomms_send(channel, &message, "many", 0, -1);
	} while (!err);
	assert_int_equal(err, -ESHUTDOWN);
	return NULL;
}

static void *receive_until_the_end(void *channel)
{
	struct kucomms_message message;
	const void *data;
	int err;

	while (!(err = kucomms_receive(channel, &message, &data, -1)))
		kucomms_release(channel);
	assert_int_equal(err, -ESHUTDOWN);
	return NULL;
}

/* One thread sends, one receives, and this one hangs up, some time. */
static void shutdown_meets_messages_under_way(void **state)
{
	struct kucomms_endpoint *endpoint = serve_both(&echo_ops, NULL);
	unsigned long i, count = shortened(ROUNDS);
	struct kucomms_channel *channel;
	pthread_t threads[2];
	__u64 random = seed();

	(void)state;
	for (i = 0; i < count; i++) {
		assert_int_equal(kucomms_open(name_of(i), &small_rings,
					      &channel), 0);
		threads[0] = run_thread(send_until_the_end, channel);
		threads[1] = run_thread(receive_until_the_end, channel);
		pause_us(random_below(&random, 500));
		kucomms_channel_shutdown(channel);
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		kucomms_channel_close(channel);
	}
	wait_for_channels(endpoint, 0);
	kucomms_endpoint_destroy(endpoint);
	assert_int_equal(count_mapped(), 0);
}

static void *hang_up(void *channel)
{
	kucomms_channel_shutdown(channel);
	return NULL;
}

/* The endpoint that has the channel is just letting go of it. */
static void shutdown_meets_the_endpoint_of_its_channel(void **state)
{
	struct kucomms_endpoint *endpoint = serve_both(&echo_ops, NULL);
	unsigned long i, count = shortened(ROUNDS);
	struct kucomms_endpoint *client;
	struct kucomms_channel *channel;
	pthread_t threads[2];

	(void)state;
	assert_int_equal(kucomms_endpoint_create(
				 &(struct kucomms_ops){ .message = NULL }, NULL,
				 NULL, &client),
			 0);
	assert_int_equal(kucomms_endpoint_start(client), 0);
	for (i = 0; i < count; i++) {
		assert_int_equal(kucomms_endpoint_connect(client, name_of(i),
							  &small_rings, 0,
							  &channel), 0);
		threads[0] = run_thread(send_until_the_end, channel);
		threads[1] = run_thread(hang_up, channel);
		kucomms_endpoint_remove(client, channel);
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		kucomms_channel_put(channel);
	}
	kucomms_endpoint_destroy(client);
	wait_for_channels(endpoint, 0);
	kucomms_endpoint_destroy(endpoint);
	assert_int_equal(count_mapped(), 0);
}

/* Both ends of each channel are here: two descriptors, and some to spare. */
static void raise_limit(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(limit.rlim_cur > 2 * shortened(CHANNELS) + 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousands_of_channels_come_and_go),
		cmocka_unit_test(clients_that_are_killed_leave_nothing),
		cmocka_unit_test(threads_add_and_remove_at_the_same_time),
		cmocka_unit_test(a_channel_may_be_given_up_while_it_is_refused),
		cmocka_unit_test(shutdown_meets_messages_under_way),
		cmocka_unit_test(shutdown_meets_the_endpoint_of_its_channel),
	};
	int open, failed;

	begin_program();
	raise_limit();
	open = count_open();
	failed = cmocka_run_group_tests_name("lib-churn", tests, NULL, NULL);
	assert_int_equal(count_open(), open);
	return end_program(failed);
}
