// SPDX-License-Identifier: MIT
/*
 * How a channel ends: by one side, or by its death, while others send, wait, or take
 * what is left in the ring.
 */
#include <sys/syscall.h>

#include "endpoints.h"

#define PAGE	4096u
#define RECORDS	(PAGE / sizeof(struct kucomms_message))

static const struct kucomms_options small = {
	.size = sizeof(small), .send_size = PAGE, .receive_size = PAGE,
	.timeout_ms = -1,
};

/* A thread sleeps in a call, another one hangs up. */
static void *hang_up(void *channel)
{
	kucomms_channel_shutdown(channel);
	return NULL;
}

static void shutdown_ends_both_sides(void **state)
{
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_channel *here, *there;
	struct kucomms_message message;
	const void *received;
	pthread_t thread;

	(void)state;
	assert_int_equal(kucomms_open("local:test", NULL, &here), 0);
	assert_int_equal(kucomms_accept(listener, &there, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, hang_up, here), 0);
	assert_int_equal(kucomms_receive(here, &message, &received, -1),
			 -ESHUTDOWN);
	assert_int_equal(kucomms_receive(there, &message, &received, -1),
			 -ESHUTDOWN);
	message.length = 0;
	assert_int_equal(kucomms_send(there, &message, NULL, 0, -1), -ESHUTDOWN);
	pthread_join(thread, NULL);
	kucomms_channel_close(here);
	kucomms_channel_close(there);
	kucomms_listener_close(listener);
}

/* What the library calls, so that somebody else can be quick meanwhile. */
static _Thread_local struct kucomms_channel *to_be_closed;
static _Thread_local const int *to_be_seen;
static bool overtaken;

int shutdown(int fd, int how)
{
	struct kucomms_channel *channel = to_be_closed;

	to_be_closed = NULL;
	if (channel) {
		kucomms_channel_close(channel);
		overtaken = yield_to(to_be_seen);
	}
	return (int)syscall(SYS_shutdown, fd, how);
}

/*
 * The endpoint's thread let go of a channel, memory and descriptor, in which
 * somebody else was just hanging up.
 */
static void shutdown_is_not_overtaken_by_the_end(void **state)
{
	struct meeting meeting;

	(void)state;
	meet(&meeting);
	assert_int_equal(kucomms_endpoint_start(meeting.endpoint), 0);
	to_be_closed = meeting.peer;
	to_be_seen = &meeting.seen.disconnects;
	kucomms_channel_shutdown(meeting.channel);
	assert_null(to_be_closed);
	meeting.peer = NULL;
	assert_false(overtaken);
	sem_wait(&meeting.seen.disconnected);
	part(&meeting);
}

struct sender {
	struct kucomms_channel *channel;
	int err;
};

static void *fill(void *arg)
{
	const struct kucomms_message message = { .length = 1000 };
	struct sender *sender = arg;
	static const char data[1000];

	do {
		sender->err = kucomms_send(sender->channel, &message, data, 0,
					    -1);
	} while (!sender->err);
	return NULL;
}

/* A thread that wants room, until another one hangs up. */
static void hang_up_on_sender(struct kucomms_channel *channel)
{
	struct sender sender = { .channel = channel };
	pthread_t thread;

	pthread_create(&thread, NULL, fill, &sender);
	while (!kucomms_load(&channel->out.own->need_room))
		sched_yield();
	kucomms_channel_shutdown(channel);
	pthread_join(thread, NULL);
	assert_int_equal(sender.err, -ESHUTDOWN);
}

/* A thread that sleeps for room is told when another hangs up. */
static void shutdown_wakes_a_sender(void **state)
{
	struct kucomms_channel *here, *there;

	(void)state;
	open_pair(&here, &there);
	hang_up_on_sender(here);
	kucomms_channel_close(here);
	kucomms_channel_close(there);
}

/* The same if an endpoint has the channel, and hears of it as well. */
static void shutdown_wakes_a_sender_of_an_endpoint(void **state)
{
	struct meeting meeting;

	(void)state;
	meet(&meeting);
	assert_int_equal(kucomms_endpoint_start(meeting.endpoint), 0);
	hang_up_on_sender(meeting.channel);
	sem_wait(&meeting.seen.disconnected);
	part(&meeting);
}

/* A ring full of messages, as no producer would write them all at a time. */
static void fill_ring_and_die(void)
{
	struct kucomms_channel *channel;
	struct kucomms_message *record;
	unsigned int i;

	if (open_patiently(process_name, &small, &channel))
		_exit(1);
	for (i = RECORDS; i--;) {
		record = (struct kucomms_message *)channel->out.data + i;
		record->length = 0;
		kucomms_store_release(&record->control,
				      KUCOMMS_CONTROL_MESSAGE);
	}
	_exit(0);
}

/*
 * Nobody was there any more to take the messages out of the ring, so it was
 * read round and round.
 */
static void the_ring_of_the_dead_ends(void **state)
{
	struct kucomms_listener *listener = listen_at(process_name);
	struct kucomms_channel *channel;
	struct kucomms_message message;
	unsigned int received = 0;
	const void *data;
	int status, err;
	pid_t pid = fork_quietly();

	(void)state;
	if (!pid)
		fill_ring_and_die();
	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	while (!(err = kucomms_receive(channel, &message, &data, -1)) &&
	       received <= 2 * RECORDS) {
		kucomms_release(channel);
		received++;
	}
	/* No honest producer fills the last record. */
	assert_int_equal(err, -EPROTO);
	assert_in_range(received, RECORDS, 2 * RECORDS);
	kucomms_channel_close(channel);
	kucomms_listener_close(listener);
}

/* The same for an endpoint, which had no time for anybody else any more. */
static void an_endpoint_lets_the_dead_go(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct seen seen;
	pid_t pid = fork_quietly();

	(void)state;
	if (!pid)
		fill_ring_and_die();
	endpoint = create(&count_ops, &seen);
	assert_int_equal(kucomms_endpoint_listen(endpoint, process_name, NULL),
			 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	sem_wait(&seen.disconnected);
	waitpid(pid, NULL, 0);
	kucomms_endpoint_destroy(endpoint);
	assert_true(seen.messages >= (int)RECORDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shutdown_ends_both_sides),
		cmocka_unit_test(shutdown_is_not_overtaken_by_the_end),
		cmocka_unit_test(shutdown_wakes_a_sender),
		cmocka_unit_test(shutdown_wakes_a_sender_of_an_endpoint),
		cmocka_unit_test(the_ring_of_the_dead_ends),
		cmocka_unit_test(an_endpoint_lets_the_dead_go),
	};

	return run_program("lib-shutdown", tests);
}
