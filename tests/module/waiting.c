// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timeouts, signals, poll and epoll, waiting for room, and a handler that asks
 * for its message again. In every mode of dispatch.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#include "raw.h"

static int receive(struct kucomms_channel *channel, int timeout,
		   struct kucomms_message *message)
{
	const void *data;
	int err = kucomms_receive(channel, message, &data, timeout);

	if (!err)
		kucomms_release(channel);
	return err;
}

static void check_timeouts(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	uint64_t start = t_now_ns();

	assert_int_equal(receive(channel, 0, &message), -EAGAIN);
	assert_int_equal(receive(channel, 50, &message), -ETIMEDOUT);
	assert_true(t_now_ns() - start >= 50000000);
}

static void check_sizes(struct kucomms_channel *channel)
{
	struct kucomms_message message = {
		.length = kucomms_channel_length_max(channel) + 1,
	};
	char small[4], data[8] = "1234567";

	assert_int_equal(kucomms_send(channel, &message, data, 0, 0),
			 -EMSGSIZE);
	message.length = ~0u;
	assert_int_equal(kucomms_send(channel, &message, data, 0, -1),
			 -EMSGSIZE);
	message.length = sizeof(data);
	assert_int_equal(kucomms_send(channel, &message, data, 2, 0), -EINVAL);

	assert_int_equal(kucomms_send(channel, &message, data, 0, 0), 0);
	assert_int_equal(kucomms_receive_copy(channel, &message, small,
					      sizeof(small), -1), -EMSGSIZE);
	assert_int_equal(message.length, sizeof(data));
	assert_int_equal(kucomms_receive_copy(channel, &message, data,
					      sizeof(data), -1), 0);
	assert_true(!strcmp(data, "1234567"));
}

/* Zero-copy both ways: several reserved, one discarded, published at once. */
static void check_in_place(struct kucomms_channel *channel)
{
	struct kucomms_message *records[3], message;
	const void *data[2];
	int i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(kucomms_reserve(channel, 8, &records[i], 0),
				 0);
		assert_int_equal(records[i]->length, 8);
		records[i]->type = TEST_ECHO;
		records[i]->id = (__u64)i;
		memcpy(records[i] + 1, "in place", 8);
	}
	assert_int_equal(kucomms_commit(channel, records[0], KUCOMMS_SEND_MORE),
			 0);
	assert_int_equal(kucomms_discard(channel, records[1]), 0);
	assert_int_equal(receive(channel, 0, &message), -EAGAIN);
	assert_int_equal(kucomms_commit(channel, records[2], 0), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(kucomms_receive(channel, &message, &data[i],
						 -1), 0);
		assert_int_equal(message.id, 2 * i);
	}
	assert_true(!memcmp(data[0], "in place", 8));
	assert_true(!memcmp(data[1], "in place", 8));
	kucomms_release(channel);
}

/* Two that are not released yet are no news to one who waits for the third. */
static void check_unreleased(struct kucomms_channel *channel)
{
	struct kucomms_message message = { .type = TEST_ECHO };
	unsigned long long waits;
	const void *data;
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0),
				 0);
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
	}
	waits = t_stats(channel).waits;
	assert_int_equal(kucomms_receive(channel, &message, &data, 50),
			 -ETIMEDOUT);
	assert_int_equal(t_stats(channel).waits, waits + 1);
	kucomms_release(channel);
}

/* A handler that runs ends a wait, with SA_RESTART or without. */
static void check_signals(struct kucomms_channel *channel)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 20000000,
					 .it_interval.tv_nsec = 20000000 };
	struct sigaction action = { .sa_handler = t_ignore };
	struct kucomms_message message;
	timer_t timer;

	assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
	assert_int_equal(receive(channel, -1, &message), -EINTR);

	action.sa_flags = SA_RESTART;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(receive(channel, -1, &message), -EINTR);
	timer_delete(timer);
	assert_int_equal(t_echo(channel, "after signals"), 0);
}

static int poll_now(struct kucomms_channel *channel, int timeout)
{
	struct pollfd polled = { .fd = kucomms_channel_poll_start(channel),
				 .events = POLLIN | POLLOUT };
	int ready = poll(&polled, 1, timeout);

	assert_true(ready >= 0);
	return polled.revents;
}

static void burst(struct kucomms_channel *channel, __u64 count)
{
	struct kucomms_message message = { .type = TEST_BURST, .id = count };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
}

static void check_poll(void)
{
	struct kucomms_channel *channel = t_open("test", 4096, 4096);
	struct pollfd polled = { .fd = kucomms_channel_poll_start(channel),
				 .events = POLLIN };
	struct kucomms_message message;

	assert_int_equal(poll_now(channel, 0), POLLOUT);
	burst(channel, 1);
	assert_int_equal(poll(&polled, 1, -1), 1);
	assert_int_equal(polled.revents, POLLIN);
	assert_int_equal(receive(channel, 0, &message), 0);
	assert_int_equal(receive(channel, 0, &message), -EAGAIN);
	assert_int_equal(poll_now(channel, 0), POLLOUT);
	kucomms_channel_close(channel);
}

/* Edge-triggered: one notification for each time that it ran dry. */
static void check_epoll(void)
{
	struct kucomms_channel *channel = t_open("test", 4096, 65536);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct kucomms_message message;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t expected = 0;
	int err;

	assert_true(epoll >= 0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD,
				   kucomms_channel_poll_start(channel), &event),
			 0);
	burst(channel, 500);
	while (expected < 500) {
		assert_int_equal(epoll_wait(epoll, &event, 1, -1), 1);
		while (!(err = receive(channel, 0, &message))) {
			assert_int_equal(message.id, expected);
			/* The test is void if it was no hard interrupt. */
			assert_int_equal(message.user, 1);
			expected++;
		}
		assert_int_equal(err, -EAGAIN);
	}
	close(epoll);
	kucomms_channel_close(channel);
}

static void *drain(void *arg)
{
	struct kucomms_channel *channel = arg;
	struct kucomms_message message;
	uint64_t expected = 0;

	while (expected < 2000) {
		assert_int_equal(receive(channel, -1, &message), 0);
		if (message.type != TEST_STREAM)
			continue;
		assert_int_equal(message.id, expected);
		expected++;
	}
	return NULL;
}

/*
 * The handler finds no room for its 2000 answers, is stalled and resumed as
 * room is made, and the sender sleeps until then.
 */
static void check_stall(void)
{
	struct kucomms_channel *channel = t_open("test", 4096, 4096);
	struct kucomms_message message = { .type = TEST_STREAM, .id = 2000,
					   .user = 100 };
	struct kucomms_message sink = { .type = TEST_SINK, .length = 1000 };
	unsigned long long full = t_attribute("kucomms_test", "to_user_full");
	char data[1000] = "";
	pthread_t thread;
	int i;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	/* The handler has found no room. */
	while (t_attribute("kucomms_test", "to_user_full") == full)
		;
	for (i = 0; !kucomms_send(channel, &sink, data, 0, 0); i++)
		;
	assert_true(i >= 2);
	assert_int_equal(kucomms_send(channel, &sink, data, 0, 0), -EAGAIN);
	assert_int_equal(kucomms_send(channel, &sink, data, 0, 20), -ETIMEDOUT);
	assert_int_equal(poll_now(channel, 0), POLLIN | POLLOUT);
	assert_int_equal(kucomms_send(channel, &sink, data, 0, 0), -EAGAIN);
	assert_int_equal(poll_now(channel, 0), POLLIN);
	assert_int_equal(pthread_create(&thread, NULL, drain, channel), 0);
	assert_int_equal(kucomms_send(channel, &sink, data, 0, -1), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(t_echo(channel, "after a stall"), 0);
	kucomms_channel_close(channel);
}

/*
 * -EAGAIN for its own reasons: the handler is asked again when somebody rings.
 * The message is still the first one, and all come once.
 */
static void check_again(struct kucomms_channel *channel)
{
	struct kucomms_message message = { .type = TEST_LATER, .id = 5 };
	__u64 sent = 5, received;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	assert_int_equal(receive(channel, 0, &message), -EAGAIN);
	do {
		message = (struct kucomms_message){ .type = TEST_ECHO,
						    .id = ++sent };
		assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0),
				 0);
	} while (receive(channel, 10, &message) == -ETIMEDOUT);
	for (received = 5; received < sent; received++) {
		assert_int_equal(message.id, received);
		assert_int_equal(receive(channel, -1, &message), 0);
	}
	assert_int_equal(message.id, sent);
}

static void check_mode(const char *mode)
{
	struct kucomms_channel *channel;

	printf("%s:\n", mode);
	t_device("kucomms_test");
	assert_int_equal(t_adjust("kucomms_test", "dispatch", mode), 0);
	channel = t_open("test", 0, 0);
	check_timeouts(channel);
	check_sizes(channel);
	check_in_place(channel);
	check_unreleased(channel);
	check_signals(channel);
	check_again(channel);
	kucomms_channel_close(channel);
	check_poll();
	check_epoll();
	check_stall();
	assert_int_equal(t_remove("kucomms_test"), 0);
}

/* One doorbell handles 256 messages at most; the answer is to the 300th. */
static void wait_rings_until_all_is_handled(void)
{
	struct raw raw = raw_open("kucomms_test", 65536);
	struct kucomms_wait wait = {
		.size = sizeof(wait),
		.events = KUCOMMS_EVENT_RING | KUCOMMS_EVENT_DATA,
		.deadline = (__s64)t_now_ns() +
			    t_patience_ms() * 1000000ll,
	};
	struct kucomms_message *record;
	int i;

	for (i = 0; i < 300; i++) {
		assert_int_equal(kucomms_producer_reserve(&raw.out, 0, &record),
				 0);
		record->type = i == 299 ? TEST_ECHO : TEST_SINK;
		kucomms_producer_commit(&raw.out, record,
					KUCOMMS_CONTROL_MESSAGE, i < 299);
	}
	raw.user->need_data = KUCOMMS_NEED;
	assert_int_equal(t_sys(ioctl(raw.fd, KUCOMMS_IOC_WAIT, &wait)),
			 KUCOMMS_EVENT_DATA);
	raw_close(&raw);
}

/* Given to epoll first, attached later. */
static void epoll_before_attach(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = t_device_fd("kucomms_test", 0);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct raw raw;

	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(epoll_wait(epoll, &event, 1, 0), 1);
	assert_int_equal(event.events, EPOLLERR);
	assert_int_equal(raw_attach(&raw, fd, 0), 0);
	raw_map_all(&raw);
	assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
	raw_send(&raw, TEST_ECHO, 0);
	assert_int_equal(raw_ring(&raw), 0);
	assert_int_equal(epoll_wait(epoll, &event, 1, t_patience_ms()), 1);
	assert_int_equal(event.events, EPOLLIN);
	close(epoll);
	raw_close(&raw);
}

/* Level-triggered, one message for each POLLIN: each is announced, once. */
static void one_message_for_each_poll(void)
{
	/* Room for all: interrupts do not wait for a slow reader. */
	struct kucomms_channel *channel = t_open("test", 0, 4 << 20);
	struct kucomms_message message = { .type = TEST_BURST, .id = 3000,
					   .user = 500 };
	struct pollfd polled = { .fd = kucomms_channel_poll_start(channel),
				 .events = POLLIN };
	char small[512];
	uint64_t expected;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	for (expected = 0; expected < 3000; expected++) {
		assert_int_equal(poll(&polled, 1, t_patience_ms()), 1);
		assert_int_equal(polled.revents, POLLIN);
		assert_int_equal(kucomms_receive_copy(channel, &message, small,
						      sizeof(small), 0), 0);
		assert_int_equal(message.id, expected);
	}
	assert_int_equal(poll(&polled, 1, 0), 0);
	kucomms_channel_close(channel);
}

int main(void)
{
	int i;

	for (i = 0; i < T_MODES; i++)
		check_mode(t_modes[i]);
	t_device("kucomms_test");
	wait_rings_until_all_is_handled();
	epoll_before_attach();
	one_message_for_each_poll();
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
