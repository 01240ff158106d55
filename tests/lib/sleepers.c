// SPDX-License-Identifier: MIT
/*
 * Sides that sleep for long: beyond the tenth of a second after which a receiver
 * no longer waits for the bell but for the socket, and beyond the second after
 * which a sender looks whether anybody is left; in calls, in poll, and one in each.
 */
#include "long.h"

#define TURNS	20
#define MIXED	100000ul

static struct kucomms_channel *open_to(pid_t *pid,
				       void (*run)(struct kucomms_channel *channel))
{
	const struct kucomms_options options = {
		.size = sizeof(options), .send_size = 4096,
		.receive_size = 4096, .timeout_ms = -1,
	};
	struct kucomms_listener *listener;
	struct kucomms_channel *channel;

	assert_int_equal(kucomms_listen(process_name, NULL, &listener), 0);
	*pid = fork_quietly();
	if (!*pid) {
		assert_int_equal(open_patiently(process_name, &options,
						&channel), 0);
		run(channel);
		kucomms_channel_close(channel);
		_exit(0);
	}
	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	kucomms_listener_close(listener);
	return channel;
}

static void send_number(struct kucomms_channel *channel, __u64 id)
{
	const struct kucomms_message message = { .id = id };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
}

static void receive_number(struct kucomms_channel *channel, __u64 id)
{
	struct kucomms_message message;
	const void *data;

	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	assert_int_equal(message.id, id);
	kucomms_release(channel);
}

/* As poll() users do it. */
static int wait_in_poll(struct kucomms_channel *channel)
{
	struct pollfd poll_fd = {
		.fd = kucomms_channel_poll_start(channel), .events = POLLIN,
	};

	return poll(&poll_fd, 1, -1);
}

static void receive_number_by_poll(struct kucomms_channel *channel, __u64 id)
{
	struct kucomms_message message;
	const void *data;
	int err;

	while ((err = kucomms_receive(channel, &message, &data, 0)) == -EAGAIN)
		assert_int_equal(wait_in_poll(channel), 1);
	assert_int_equal(err, 0);
	assert_int_equal(message.id, id);
	kucomms_release(channel);
}

/* Around the moment when the receiver changes from one way to the other. */
static long turn_us(int turn)
{
	return 1000 * (90 + turn % 5 * 5 + (turn % 7 ? 0 : 100));
}

static void answer_slow(struct kucomms_channel *channel)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		receive_number(channel, (__u64)i);
		pause_us(turn_us(i));
		send_number(channel, (__u64)i);
	}
}

static void answer_slowly_by_poll(struct kucomms_channel *channel)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		receive_number_by_poll(channel, (__u64)i);
		pause_us(turn_us(i));
		send_number(channel, (__u64)i);
	}
}

static void ask_slow(void (*answer)(struct kucomms_channel *channel),
		     void (*receive)(struct kucomms_channel *channel, __u64 id))
{
	pid_t pid;
	struct kucomms_channel *channel = open_to(&pid, answer);
	int i;

	for (i = 0; i < TURNS; i++) {
		pause_us(turn_us(i + 1));
		send_number(channel, (__u64)i);
		receive(channel, (__u64)i);
	}
	kucomms_channel_close(channel);
	end_process(pid);
}

static void a_long_sleep_ends_with_the_message(void **state)
{
	(void)state;
	ask_slow(answer_slow, receive_number);
	ask_slow(answer_slowly_by_poll, receive_number);
	ask_slow(answer_slow, receive_number_by_poll);
}

static void be_silent(struct kucomms_channel *channel)
{
	receive_number(channel, 1);
}

/* Never too early, and what comes afterwards is not lost. */
static void timeouts_are_not_early_and_lose_nothing(void **state)
{
	static const int timeouts[] = { 1, 10, 99, 100, 101, 110, 250 };
	struct kucomms_message message;
	struct kucomms_channel *channel;
	const void *data;
	unsigned int i;
	__s64 begin;
	pid_t pid;

	(void)state;
	channel = open_to(&pid, be_silent);
	for (i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		begin = now_ns();
		assert_int_equal(kucomms_receive(channel, &message, &data,
						 timeouts[i]), -ETIMEDOUT);
		assert_true(now_ns() - begin >= timeouts[i] * 1000000ll);
	}
	send_number(channel, 1);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1),
			 -ESHUTDOWN);
	kucomms_channel_close(channel);
	end_process(pid);
}

static bool *tried;

/*
 * The ring is full until the sender has tried for a while, and then for longer
 * than it waits before it looks around.
 */
static void wake_up_late(struct kucomms_channel *channel)
{
	__u64 i;

	while (!__atomic_load_n(tried, __ATOMIC_ACQUIRE))
		sched_yield();
	pause_us(1200000);
	for (i = 0; i < 1000; i++)
		receive_number(channel, i);
}

static void who_waits_for_room_is_woken(void **state)
{
	const struct kucomms_message message = { .id = 0 };
	struct kucomms_channel *channel;
	__u64 sent = 0, i;
	__s64 begin;
	pid_t pid;

	(void)state;
	tried = share(sizeof(*tried));
	channel = open_to(&pid, wake_up_late);
	while (!kucomms_send(channel, &(struct kucomms_message){ .id = sent },
			     NULL, 0, 0))
		sent++;
	begin = now_ns();
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 100),
			 -ETIMEDOUT);
	assert_true(now_ns() - begin >= 100000000ll);
	__atomic_store_n(tried, true, __ATOMIC_RELEASE);
	for (i = sent; i < 1000; i++)
		send_number(channel, i);
	kucomms_channel_close(channel);
	end_process(pid);
	munmap(tried, sizeof(*tried));
}

/* Each side sends all it can, and takes what comes, without ever waiting alone. */
static void send_and_receive_by_poll(struct kucomms_channel *channel)
{
	const __u64 count = shortened(MIXED);
	struct kucomms_message message;
	__u64 sent = 0, received = 0;
	const void *data;
	int sending, receiving;

	while (sent < count || received < count) {
		message = (struct kucomms_message){ .id = sent };
		sending = sent < count ?
			  kucomms_send(channel, &message, NULL, 0, 0) : -EAGAIN;
		sent += !sending;
		receiving = kucomms_receive(channel, &message, &data, 0);
		if (!receiving) {
			assert_int_equal(message.id, received++);
			kucomms_release(channel);
		}
		assert_true(!sending || sending == -EAGAIN);
		assert_true(!receiving || receiving == -EAGAIN);
		if (sending && receiving && (sent < count || received < count))
			assert_int_equal(wait_in_poll(channel), 1);
	}
	/* The other side says when it has got all. */
	receive_number_by_poll(channel, count);
}

static void *send_all(void *channel)
{
	const __u64 count = shortened(MIXED);
	__u64 i;

	for (i = 0; i < count; i++)
		send_number(channel, i);
	return NULL;
}

static void polling_and_waiting_threads_miss_nothing(void **state)
{
	const __u64 count = shortened(MIXED);
	struct kucomms_channel *channel;
	pthread_t sender;
	pid_t pid;
	__u64 i;

	(void)state;
	channel = open_to(&pid, send_and_receive_by_poll);
	sender = run_thread(send_all, channel);
	for (i = 0; i < count; i++)
		receive_number(channel, i);
	pthread_join(sender, NULL);
	send_number(channel, count);
	end_process(pid);
	kucomms_channel_close(channel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_sleep_ends_with_the_message),
		cmocka_unit_test(timeouts_are_not_early_and_lose_nothing),
		cmocka_unit_test(who_waits_for_room_is_woken),
		cmocka_unit_test(polling_and_waiting_threads_miss_nothing),
	};

	return run_program("lib-sleepers", tests);
}
