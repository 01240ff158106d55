// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that owns its threads: they accept clients, receive, send and wait,
 * for messages and for room, and can be ended in whatever they wait for.
 */
#include <pthread.h>

#include "raw.h"

#define DEVICE "kucomms_proxy"
#define MANY 20000

static struct kucomms_message take(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	static char data[65536];

	assert_int_equal(kucomms_receive_copy(channel, &message, data,
					      sizeof(data), -1), 0);
	return message;
}

/* One call, one answer; and "your turn", which says nothing else. */
static void check_ping_pong(void)
{
	struct kucomms_channel *channel = t_open(DEVICE, 4096, 4096);
	struct kucomms_message message;
	int i;

	for (i = 0; i < 1000; i++)
		assert_int_equal(t_echo(channel, "ping and pong"), 0);
	for (i = 0; i < 1000; i++) {
		t_ask(channel, TEST_PASS, 1, 2);
		message = take(channel);
		assert_int_equal(message.length, 0);
		assert_int_equal(message.type, 0);
		assert_int_equal(message.id, 0);
		assert_int_equal(message.user, 0);
	}
	kucomms_channel_close(channel);
}

static void check_receive_timeouts(void)
{
	struct kucomms_channel *channel = t_open(DEVICE, 4096, 4096);

	t_ask(channel, TEST_RECEIVE, 0, 0);
	assert_int_equal(take(channel).user, EAGAIN);
	t_ask(channel, TEST_RECEIVE, 20, 0);
	assert_int_equal(take(channel).user, ETIMEDOUT);
	t_ask(channel, TEST_RECEIVE, 3600000, 0);
	t_ask(channel, TEST_SINK, 0, 0);
	assert_int_equal(take(channel).user, 0);
	kucomms_channel_close(channel);
}

/* Nothing is read before the module has given up. */
static void check_send_timeout(__u64 timeout, __u64 err)
{
	struct kucomms_channel *channel = t_open(DEVICE, 4096, 4096);
	struct kucomms_channel *other = t_open(DEVICE, 4096, 4096);
	struct kucomms_message message;
	__u64 before = t_report(other).timer, count;

	t_ask(channel, TEST_SEND, timeout, 0);
	while (t_report(other).timer == before)
		;
	for (count = 0;; count++) {
		message = take(channel);
		if (message.type != TEST_SINK)
			break;
		assert_int_equal(message.id, count);
	}
	assert_int_equal(message.type, TEST_SEND);
	assert_int_equal(message.user, err);
	assert_int_equal(message.id, count);
	assert_true(count > 100);
	kucomms_channel_close(channel);
	kucomms_channel_close(other);
}

/* Both rings small, both sides wait for room and for data by turns. */
static void *sender(void *arg)
{
	struct kucomms_message message = { .type = TEST_ECHO, .length = 200 };
	const char data[200] = "";

	for (message.id = 0; message.id < MANY; message.id++)
		assert_int_equal(kucomms_send(arg, &message, data, 0, -1), 0);
	return NULL;
}

static void check_full_rings(void)
{
	struct kucomms_channel *channel = t_open(DEVICE, 4096, 4096);
	pthread_t thread;
	__u64 i;

	assert_int_equal(pthread_create(&thread, NULL, sender, channel), 0);
	for (i = 0; i < MANY; i++)
		assert_int_equal(take(channel).id, i);
	assert_int_equal(pthread_join(thread, NULL), 0);
	kucomms_channel_close(channel);
}

/*
 * One thread that sends until both rings are full, and only then reads: there is room
 * for all that the module has given back, and the module, which waits for room
 * itself, has said so. It gets the first ones all at once, so that it has not found
 * its ring empty before.
 */
static void check_two_full_rings(void)
{
	const unsigned int to_kernel = (8192 - 32) / 32, to_user = (4096 - 32) / 32;
	struct kucomms_channel *channel = t_open(DEVICE, 8192, 4096);
	struct kucomms_message message = { .type = TEST_ECHO };
	unsigned int i, flags;

	for (i = 0; i < to_kernel + to_user; i++) {
		message.id = i;
		flags = i < to_kernel ? KUCOMMS_SEND_MORE : 0;
		assert_int_equal(kucomms_send(channel, &message, NULL, flags,
					      -1), 0);
	}
	for (i = 0; i < to_kernel + to_user; i++)
		assert_int_equal(take(channel).id, i);
	kucomms_channel_close(channel);
}

/* Reserved and written in the ring, which is much too small for all of it. */
static void check_stream(void)
{
	struct kucomms_channel *channel = t_open(DEVICE, 4096, 8192);
	struct kucomms_message message;
	const unsigned char *data;
	__u64 i;

	t_ask(channel, TEST_STREAM, MANY, 700);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(kucomms_receive(channel, &message,
						 (const void **)&data, -1), 0);
		assert_int_equal(message.id, i);
		assert_int_equal(message.length, 700);
		assert_int_equal(data[0], (unsigned char)i);
		assert_int_equal(data[699], (unsigned char)i);
		kucomms_release(channel);
	}
	assert_int_equal(t_echo(channel, "after the stream"), 0);
	kucomms_channel_close(channel);
}

/* The module hangs up on one of its clients; the other one does not notice. */
static void check_shutdown(void)
{
	struct kucomms_channel *one = t_open(DEVICE, 0, 0);
	struct kucomms_channel *other = t_open(DEVICE, 0, 0);
	struct kucomms_message message = { 0 };

	t_ask(one, TEST_ECHO, 5, 0);
	t_ask(one, TEST_HANG_UP, 0, 0);
	/* What was sent before can be read. */
	assert_int_equal(take(one).id, 5);
	assert_int_equal(kucomms_receive_copy(one, &message, NULL, 0, -1),
			 -ESHUTDOWN);
	assert_int_equal(kucomms_send(one, &message, NULL, 0, -1), -ESHUTDOWN);
	assert_int_equal(t_echo(other, "still there"), 0);
	kucomms_channel_close(one);
	kucomms_channel_close(other);
}

/* Killed while the module waits for it: for a message, and for room. */
static void check_kill(__u64 type, __u64 id)
{
	int fds[2], i;

	assert_int_equal(pipe(fds), 0);
	for (i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct kucomms_channel *channel = t_open(DEVICE, 4096,
								 4096);

			assert_int_equal(t_echo(channel, "victim"), 0);
			t_ask(channel, type, id, 0);
			assert_int_equal(write(fds[1], "x", 1), 1);
			for (;;)
				pause();
		}
		assert_int_equal(read(fds[0], &(char){ 0 }, 1), 1);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(t_wait(pid), -SIGKILL);
	}
	close(fds[0]);
	close(fds[1]);
}

/* The threads are stopped in whatever they wait for, and start anew. */
static void check_stop(void)
{
	struct kucomms_channel *channels[3];
	struct kucomms_message message;
	int round, i;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < 3; i++) {
			channels[i] = t_open(DEVICE, 4096, 4096);
			assert_int_equal(t_echo(channels[i], "before the stop"),
					 0);
		}
		t_ask(channels[0], TEST_RECEIVE, 3600000, 0);
		t_ask(channels[1], TEST_STREAM, MANY, 100);
		t_parameter("proxy", "0");
		for (i = 0; i < 3; i++) {
			int err;

			do {
				err = kucomms_receive_copy(channels[i],
							   &message,
							   (char[100]){ 0 },
							   100, -1);
			} while (!err);
			assert_int_equal(err, -ESHUTDOWN);
			kucomms_channel_close(channels[i]);
		}
		t_parameter("proxy", "1");
	}
}

/*
 * A thread that is told to stop sends an eighth of a ring at most, although there is
 * room for all that it has.
 */
static void check_stop_with_room(void)
{
	const unsigned int all = 1000, most = 65536 / 8 / 32;
	struct kucomms_channel *channel = t_open(DEVICE, 4096, 65536);
	struct kucomms_message message;
	unsigned int count = 0;
	int err;

	assert_int_equal(t_echo(channel, "before the stop"), 0);
	t_ask(channel, TEST_STREAM_STOPPED, all, 0);
	t_parameter("proxy", "0");
	while (!(err = kucomms_receive_copy(channel, &message, NULL, 0, -1)))
		assert_int_equal(message.id, count++);
	assert_int_equal(err, -ESHUTDOWN);
	assert_true(count > 0);
	assert_true(count <= most);
	kucomms_channel_close(channel);
	t_parameter("proxy", "1");
}

/*
 * Without end: whatever the module has read is there again. The first record of each
 * lap is of @type.
 */
static void publish_for_ever(struct raw *raw, __u64 type)
{
	struct kucomms_message *record;
	__u32 at;

	for (;;) {
		for (at = 0; at < raw->out.size; at += sizeof(*record)) {
			record = kucomms_record_at(raw->out.data, raw->out.mask,
						   at);
			record->length = 0;
			record->type = at ? TEST_SINK : type;
			kucomms_store(&record->control,
				      KUCOMMS_CONTROL_MESSAGE);
		}
		raw_ring(raw);
	}
}

static pid_t endless_client(__u64 type)
{
	unsigned long long before = t_attribute(DEVICE, "messages_to_kernel");
	struct raw raw;
	pid_t pid = fork();

	if (pid == 0) {
		raw = raw_open(DEVICE, 4096);
		publish_for_ever(&raw, type);
	}
	while (t_attribute(DEVICE, "messages_to_kernel") < before + 10)
		;
	return pid;
}

static void kill_client(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(t_wait(pid), -SIGKILL);
}

/* The module's thread ends all the same: with its client, when told to, hung up on. */
static void check_endless_client(void)
{
	struct kucomms_channel *channel = t_open(DEVICE, 0, 0);
	__u64 before = t_report(channel).disconnects;
	pid_t pid;

	kill_client(endless_client(TEST_SINK));
	while (t_report(channel).disconnects < before + 1)
		;
	pid = endless_client(TEST_HANG_UP);
	while (t_report(channel).disconnects < before + 2)
		;
	kill_client(pid);
	kucomms_channel_close(channel);
	pid = endless_client(TEST_SINK);
	t_parameter("proxy", "0");
	kill_client(pid);
	t_parameter("proxy", "1");
}

int main(void)
{
	struct kucomms_channel *channel;
	struct test_report report;

	t_device(DEVICE);
	check_ping_pong();
	check_receive_timeouts();
	check_send_timeout(0, EAGAIN);
	check_send_timeout(20, ETIMEDOUT);
	check_full_rings();
	check_two_full_rings();
	check_stream();
	check_shutdown();
	check_kill(TEST_RECEIVE, 3600000);
	check_kill(TEST_STREAM, MANY);
	check_stop();
	check_stop_with_room();
	check_endless_client();
	channel = t_open(DEVICE, 0, 0);
	do {	/* every client is accepted once, and given back */
		report = t_report(channel);
	} while (report.disconnects + 1 != report.connects);
	assert_int_equal(report.overlaps, 0);
	kucomms_channel_close(channel);
	assert_int_equal(t_attribute(DEVICE, "opens"), 0);
	assert_int_equal(t_attribute(DEVICE, "channels"), 0);
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
