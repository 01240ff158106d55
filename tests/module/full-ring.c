// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sender that is faster than its receiver, on either side and in every way to
 * send and to receive: what it costs that the ring is full all the time is one
 * doorbell, and one wake-up, per eighth of the ring.
 */
#include <poll.h>
#include <pthread.h>

#include "test.h"

#define SIZE	16384u
#define LENGTH	64u
#define RECORD	(LENGTH + 32u)
#define IN_RING	((SIZE - 32u) / RECORD)
#define COUNT	(30u * IN_RING)

/* One in a ring more is for the time when it is read empty at last. */
#define MOST	(COUNT * RECORD / (SIZE / 8) + 8)

/* The worst case: the sender fills what room there is, and sleeps again. */
static void wait_until_full(const struct kucomms_channel *channel, __u64 id)
{
	if (id + 2 * IN_RING < COUNT)
		while (!(kucomms_load(&channel->in.remote->need_room) &
			 KUCOMMS_NEED))
			;
}

/* Room is made in two ways: for a message at a time, or copied out of the ring. */
static void receive(struct kucomms_channel *channel, __u64 id, bool copy)
{
	struct kucomms_message message;
	char buffer[LENGTH];
	const void *data;

	if (copy) {
		assert_int_equal(kucomms_receive_copy(channel, &message, buffer,
						      sizeof(buffer), -1), 0);
	} else {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		kucomms_release(channel);
	}
	assert_int_equal(message.id, id);
	assert_int_equal(message.length, LENGTH);
}

/* Handlers that answer -EAGAIN until there is room, and a thread that waits for it. */
static void kernel_to_user(const char *name)
{
	struct kucomms_channel *channel = t_open(name, SIZE, SIZE);
	unsigned long long before, rung;
	char device[64];
	__u64 id;

	snprintf(device, sizeof(device), "kucomms_%s", name);
	before = t_attribute(device, "doorbells");
	t_ask(channel, TEST_STREAM, COUNT, LENGTH);
	for (id = 0; id < COUNT; id++) {
		wait_until_full(channel, id);
		receive(channel, id, id % 2);
	}
	rung = t_attribute(device, "doorbells") - before;
	printf("%s: %u messages, %llu doorbells\n", name, COUNT, rung);
	assert_true(rung > 1);
	assert_true(rung <= 1 + MOST);
	assert_true(t_stats(channel).doorbells <= 1 + MOST);
	kucomms_channel_close(channel);
}

/*
 * A client that uses read() makes a system call for each message, but no handler runs
 * for it. The
 * ring has the default size, which is no smaller.
 */
static void kernel_to_read(const char *name)
{
	struct kucomms_message request = {
		.type = TEST_STREAM, .id = COUNT, .user = LENGTH,
	};
	unsigned long long before, rung;
	char device[64], path[80];
	struct {
		struct kucomms_message message;
		char data[LENGTH];
	} packet;
	__u64 id;
	int fd;

	snprintf(device, sizeof(device), "kucomms_%s", name);
	snprintf(path, sizeof(path), "/dev/%s", device);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	before = t_attribute(device, "doorbells");
	assert_int_equal(write(fd, &request, sizeof(request)), sizeof(request));
	for (id = 0; id < COUNT; id++) {
		assert_int_equal(read(fd, &packet, sizeof(packet)),
				 sizeof(packet));
		assert_int_equal(packet.message.id, id);
	}
	rung = t_attribute(device, "doorbells") - before;
	printf("%s: %u messages read, %llu doorbells\n", name, COUNT, rung);
	assert_true(rung <= 1 + MOST);
	close(fd);
}

/* Datagrams are made of what is in the ring, and the handler fills it again. */
static void kernel_to_netlink(void)
{
	struct kucomms_channel *channel = t_open("netlink:test", SIZE, SIZE);
	unsigned long long before, rung;
	__u64 id;

	before = t_attribute("kucomms_test", "doorbells");
	t_ask(channel, TEST_STREAM, COUNT, LENGTH);
	for (id = 0; id < COUNT; id++)
		receive(channel, id, false);
	rung = t_attribute("kucomms_test", "doorbells") - before;
	printf("netlink: %u messages, %llu doorbells\n", COUNT, rung);
	assert_true(rung <= 1 + MOST);
	kucomms_channel_close(channel);
}

static void *sink(void *arg)
{
	struct kucomms_message message = { .type = TEST_SINK, .length = LENGTH };
	const char data[LENGTH] = "";

	for (message.id = 0; message.id < COUNT; message.id++)
		assert_int_equal(kucomms_send(arg, &message, data, 0, -1), 0);
	return NULL;
}

/* The thread that receives wakes its client no more often than that. */
static void user_to_kernel(const char *name)
{
	struct kucomms_channel *channel = t_open(name, SIZE, SIZE);
	unsigned long long before, woken;
	char device[64];

	snprintf(device, sizeof(device), "kucomms_%s", name);
	before = t_attribute(device, "wakeups");
	sink(channel);
	assert_int_equal(t_echo(channel, "all have been handled"), 0);
	woken = t_attribute(device, "wakeups") - before;
	printf("%s: %u messages, %llu wake-ups, %llu waits\n", name, COUNT,
	       woken, (unsigned long long)t_stats(channel).waits);
	/* And once for the answer. */
	assert_true(woken <= 1 + MOST);
	assert_true(t_stats(channel).waits <= 2 + 2 * MOST);
	kucomms_channel_close(channel);
}

/* One that needs a while for each message, so that its client waits all the time. */
static void user_to_slow_kernel(void)
{
	struct kucomms_channel *channel = t_open("proxy", 4096, 65536);
	struct kucomms_message message = {
		.type = TEST_SLOW, .user = 1, .length = LENGTH,
	};
	const unsigned int count = 400, most = count * RECORD / (4096 / 8) + 8;
	const char data[LENGTH] = "";
	unsigned long long woken;

	woken = t_attribute("kucomms_proxy", "wakeups");
	for (message.id = 0; message.id < count; message.id++)
		assert_int_equal(kucomms_send(channel, &message, data, 0, -1),
				 0);
	woken = t_attribute("kucomms_proxy", "wakeups") - woken;
	printf("proxy, slow: %u messages, %llu wake-ups\n", count, woken);
	assert_true(woken > 1);
	assert_true(woken <= most);
	kucomms_channel_close(channel);
}

static char buffer[4096];

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
	while (!(kucomms_load(&channel->out.remote->need_data) & KUCOMMS_NEED))
		;
	request.length = 4000;
	assert_int_equal(kucomms_exchange(channel, &request, buffer, &answer,
					  &data, t_patience_ms()), 0);
	assert_int_equal(answer.length, 4000);
	kucomms_release(channel);
	kucomms_channel_close(channel);
}

/* A client that polls need not ask for one message more than there is. */
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

/*
 * An interrupt found the ring full; that is no reason to take a handler's own
 * -EAGAIN for want of room, and to stop listening.
 */
static void full_for_others_is_not_full_for_the_handler(void)
{
	struct kucomms_channel *channel = t_open("test", 65536, 4096);
	struct kucomms_message message = { .type = TEST_FULL };
	unsigned long long doorbells, full;

	full = t_attribute("kucomms_test", "to_user_full");
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	message = (struct kucomms_message){ .type = TEST_BURST, .id = 10 };
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	while (t_attribute("kucomms_test", "to_user_full") < full + 11)
		;
	message = (struct kucomms_message){ .type = TEST_LATER };
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	doorbells = t_stats(channel).doorbells;
	message = (struct kucomms_message){ .type = TEST_SINK };
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	assert_int_equal(t_stats(channel).doorbells, doorbells + 1);
	kucomms_channel_close(channel);
}

int main(void)
{
	static const char *const names[] = {
		"test", "shared", "threaded", "polling", "proxy",
	};
	unsigned int i;
	char device[64];

	for (i = 0; i < 5; i++) {
		snprintf(device, sizeof(device), "kucomms_%s", names[i]);
		t_device(device);
		kernel_to_user(names[i]);
		kernel_to_read(names[i]);
		user_to_kernel(names[i]);
	}
	user_to_slow_kernel();
	kernel_to_netlink();
	a_sender_gives_back_before_it_sleeps();
	a_caller_gives_back_before_it_sleeps();
	a_poller_gives_back_what_it_took();
	full_for_others_is_not_full_for_the_handler();
	for (i = 0; i < 5; i++) {
		snprintf(device, sizeof(device), "kucomms_%s", names[i]);
		assert_int_equal(t_remove(device), 0);
	}
	return 0;
}
