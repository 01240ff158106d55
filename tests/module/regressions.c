// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reviews found, each as it was shown.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#include "raw.h"

#define PICKY "/sys/module/kucomms_test/parameters/picky"

static char buffer[200000];

/*
 * Publishing the longest message takes one word once it lies there, so a turn
 * that counted messages only could be made to copy gigabytes.
 */
static void a_turn_is_bounded_in_bytes(void)
{
	struct raw raw = raw_open("kucomms_test", 16 << 20);
	unsigned long long before;
	__u32 at;

	for (at = 0; at < raw.out.size; at += 32) {
		struct kucomms_message *record = (void *)(raw.out.data + at);

		record->length = KUCOMMS_LENGTH_MAX(raw.out.size);
		record->type = TEST_SINK;
		record->control = KUCOMMS_CONTROL_MESSAGE;
	}
	before = t_attribute("kucomms_test", "messages_to_kernel");
	assert_int_equal(raw_ring(&raw), 1);
	assert_int_equal(t_attribute("kucomms_test",
				     "messages_to_kernel") - before, 1);
	raw_close(&raw);
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

/*
 * Both rings are full of echoes; the client releases less than an eighth and
 * then sends: the kernel waits for just that room.
 */
static void a_sender_gives_back_before_it_sleeps(void)
{
	struct kucomms_channel *channel = t_open("test", 65536, 65536);
	struct kucomms_message message = { .type = TEST_ECHO };
	const void *data;
	int i;

	while (!kucomms_send(channel, &message, NULL, 0, 0))
		;
	for (i = 0; i < 200; i++) {
		assert_int_equal(kucomms_receive(channel, &message, &data, 0),
				 0);
		kucomms_release(channel);
	}
	assert_int_equal(kucomms_send(channel, &message, NULL, 0,
				      t_patience_ms()), 0);
	kucomms_channel_close(channel);
}

/*
 * An interrupt found the ring full; that is no reason to take a handler's own
 * -EAGAIN for want of room, and to stop listening.
 */
static void full_for_others_is_not_full_for_the_handler(void)
{
	struct kucomms_channel *channel = t_open("test", 65536, 4096);
	struct kucomms_message message = { .type = TEST_FULL };
	unsigned long long doorbells;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	message = (struct kucomms_message){ .type = TEST_BURST, .id = 10 };
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	while (t_attribute("kucomms_test", "to_user_full") < 11)
		;
	message = (struct kucomms_message){ .type = TEST_LATER };
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	doorbells = t_stats(channel).doorbells;
	message = (struct kucomms_message){ .type = TEST_SINK };
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	assert_int_equal(t_stats(channel).doorbells, doorbells + 1);
	kucomms_channel_close(channel);
}

/* Given to epoll first, attached later. */
static void epoll_before_attach(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = raw_open_file("kucomms_test");
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

/* As t_wait(), but no longer than it may take: kills what hangs. */
static int wait_or_kill(pid_t pid)
{
	uint64_t end = t_now_ns() + t_patience_ms() * 1000000ull;
	int status;

	while (!waitpid(pid, &status, WNOHANG))
		if (t_now_ns() > end)
			kill(pid, SIGKILL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The answer needs the room of the one before, which has been released. */
static void a_caller_gives_back_before_it_sleeps(void)
{
	struct kucomms_channel *channel = t_open("threaded", 8192, 4096);
	struct kucomms_message answer, request = { .length = 300,
						   .type = TEST_SLOW };
	const void *data;

	/* The library learns that answers come late. */
	assert_int_equal(kucomms_exchange(channel, &request, buffer, &answer,
					  &data, t_patience_ms()), 0);
	kucomms_release(channel);
	/* Else nobody would have to ring, and the call would not sleep so. */
	while (!(kucomms_load(&channel->out.peer->need_data) & KUCOMMS_NEED))
		;
	request.length = 4000;
	assert_int_equal(kucomms_exchange(channel, &request, buffer, &answer,
					  &data, t_patience_ms()), 0);
	assert_int_equal(answer.length, 4000);
	kucomms_release(channel);
	kucomms_channel_close(channel);
}

/* Who polls need not ask for one message more than there is. */
static void a_poller_gives_back_what_it_took(void)
{
	struct kucomms_channel *channel = t_open("threaded", 8192, 4096);
	struct pollfd polled = { .fd = kucomms_channel_poll_start(channel),
				 .events = POLLIN };
	static const __u32 lengths[] = { 300, 4000 };
	struct kucomms_message message;
	int i;

	for (i = 0; i < 2; i++) {
		message = (struct kucomms_message){ .length = lengths[i],
						    .type = TEST_ECHO };
		assert_int_equal(kucomms_send(channel, &message, buffer, 0, -1),
				 0);
		assert_int_equal(poll(&polled, 1, t_patience_ms()), 1);
		assert_int_equal(kucomms_receive_copy(channel, &message, buffer,
						      sizeof(buffer), 0), 0);
		assert_int_equal(message.length, lengths[i]);
	}
	kucomms_channel_close(channel);
}

static void put(int fd, __u64 type, __u64 id, __u64 user, __u32 length)
{
	struct kucomms_message *message = (void *)buffer;

	*message = (struct kucomms_message){ .length = length, .type = type,
					     .id = id, .user = user };
	assert_int_equal(t_sys(write(fd, buffer, sizeof(*message) + length)),
			 sizeof(*message) + length);
}

static long get(int fd)
{
	return t_sys(read(fd, buffer, sizeof(buffer)));
}

/* Read until there is no more: the next message is an event again. */
static void edges_are_seen_by_readers(void)
{
	int fd = raw_open_file("kucomms_threaded"), i;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(get(fd), -EAGAIN);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	for (i = 0; i < 3; i++) {
		put(fd, TEST_ECHO, 0, 0, 0);
		assert_int_equal(epoll_wait(epoll, &event, 1, t_patience_ms()),
				 1);
		assert_int_equal(get(fd), sizeof(struct kucomms_message));
		assert_int_equal(get(fd), -EAGAIN);
	}
	close(epoll);
	close(fd);
}

/* The second of two records is to be skipped. */
static void a_skipped_record_is_nothing_to_read(void)
{
	int fd = raw_open_file("kucomms_test");
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	put(fd, TEST_PLACE, 2, 10, 0);
	assert_int_equal(get(fd), 42);
	assert_int_equal(get(fd), -EAGAIN);
	assert_int_equal(poll(&polled, 1, 0), 0);
	close(fd);
}

/* And its room is room: for an answer that the reader sleeps for, too. */
static void the_room_of_skipped_records_comes_back(int flags)
{
	int fd = raw_open_file("kucomms_test");
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	long got;

	put(fd, TEST_PLACE, 2, 40000, 0);
	assert_int_equal(get(fd), 40032);
	put(fd, TEST_ECHO, 0, 0, 100000);
	assert_int_equal(fcntl(fd, F_SETFL, flags), 0);
	alarm(t_patience_ms() / 1000);
	got = get(fd);
	if (got == -EAGAIN) {
		assert_int_equal(poll(&polled, 1, t_patience_ms() / 2), 1);
		got = get(fd);
	}
	alarm(0);
	assert_int_equal(got, 100032);
	close(fd);
}

/* The module's own error is no reason to look for another module. */
static void a_refusal_is_final(void)
{
	struct kucomms_attach attach = { .size = sizeof(attach),
					 .deadline = -1 };
	pid_t pid;

	t_device("kucomms_picky");
	assert_int_equal(t_write(PICKY, "107", 3), 0);	/* ENOTCONN */
	pid = fork();
	if (pid == 0) {
		assert_int_equal(t_sys(ioctl(raw_open_file("kucomms_picky"),
					     KUCOMMS_IOC_ATTACH, &attach)),
				 -ENOTCONN);
		exit(0);
	}
	assert_int_equal(wait_or_kill(pid), 0);
	assert_int_equal(t_write(PICKY, "122", 3), 0);	/* EDQUOT */
	assert_int_equal(t_remove("kucomms_picky"), 0);
}

int main(void)
{
	t_device("kucomms_test");
	a_turn_is_bounded_in_bytes();
	wait_rings_until_all_is_handled();
	a_sender_gives_back_before_it_sleeps();
	epoll_before_attach();
	one_message_for_each_poll();
	a_skipped_record_is_nothing_to_read();
	the_room_of_skipped_records_comes_back(0);
	the_room_of_skipped_records_comes_back(O_NONBLOCK);
	t_device("kucomms_threaded");
	a_caller_gives_back_before_it_sleeps();
	a_poller_gives_back_what_it_took();
	edges_are_seen_by_readers();
	assert_int_equal(t_remove("kucomms_threaded"), 0);
	a_refusal_is_final();
	t_device("kucomms_test");
	full_for_others_is_not_full_for_the_handler();
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
