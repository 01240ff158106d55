// SPDX-License-Identifier: GPL-2.0-only
/*
 * The room handler: a module that sends by itself goes on when a ring that was full
 * has room again, whatever the dispatch and the way the client receives. A client
 * that lies about the room breaks its channel.
 */
#include <poll.h>

#include "raw.h"

#define DEVICE	"kucomms_flowing"
#define SIZE	4096u
#define LENGTH	64u
#define RECORD	(LENGTH + 32u)
#define COUNT	(30u * SIZE / RECORD)

static struct kucomms_message take(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const void *data;

	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	assert_int_equal(message.length, LENGTH);
	kucomms_release(channel);
	return message;
}

/*
 * At most one call, and one doorbell, for each eighth of the ring. Where the module sends
 * in the client's own call the ring is full each time; a thread may find that the client
 * reads as fast as it sends, so @least is 0 there.
 */
static void check_flow(const char *name, __u64 least)
{
	struct kucomms_channel *channel = t_open(name, SIZE, SIZE);
	const __u64 most = COUNT * RECORD / (SIZE / 8) + 8;
	unsigned long long rung = t_attribute(DEVICE, "doorbells");
	__u64 calls, id;

	calls = t_report(channel).timer;
	t_ask(channel, TEST_FLOW, COUNT, LENGTH);
	for (id = 0; id < COUNT; id++)
		assert_int_equal(take(channel).id, id);
	calls = t_report(channel).timer - calls;
	rung = t_attribute(DEVICE, "doorbells") - rung;
	printf("%s: %u messages, %llu calls, %llu doorbells\n", name, COUNT,
	       (unsigned long long)calls, rung);
	assert_true(calls >= least);
	assert_true(calls <= most);
	assert_true(rung <= most + 4);
	kucomms_channel_close(channel);
}

static void check_read(void)
{
	struct kucomms_message request = {
		.type = TEST_FLOW, .id = 20 * COUNT, .user = LENGTH,
	};
	struct {
		struct kucomms_message message;
		char data[LENGTH];
	} packet;
	int fd = t_device_fd(DEVICE, 0);
	__u64 id;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, &request, sizeof(request)), sizeof(request));
	for (id = 0; id < 20 * COUNT; id++) {
		assert_int_equal(read(fd, &packet, sizeof(packet)),
				 sizeof(packet));
		assert_int_equal(packet.message.id, id);
	}
	close(fd);
}

/* A message handler that waits for room as well is not forgotten for that. */
static void check_both(void)
{
	struct kucomms_channel *channel = t_open(DEVICE, SIZE, SIZE);
	__u64 flow = 0, stream = 0;
	struct kucomms_message message;

	t_ask(channel, TEST_FLOW, COUNT, LENGTH);
	t_ask(channel, TEST_STREAM, COUNT, LENGTH);
	while (flow < COUNT || stream < COUNT) {
		message = take(channel);
		if (message.type == TEST_FLOW)
			assert_int_equal(message.id, flow++);
		else
			assert_int_equal(message.id, stream++);
	}
	kucomms_channel_close(channel);
}

/* Nobody reads, and the client goes while the module waits for room. */
static void check_leaving(void)
{
	struct kucomms_channel *channel;
	int i;

	for (i = 0; i < 20; i++) {
		channel = t_open(DEVICE, SIZE, SIZE);
		t_ask(channel, TEST_FLOW, COUNT, LENGTH);
		kucomms_channel_close(channel);
	}
}

/* The ring is full, and the client claims to have read what was never sent. */
static void check_lie(void)
{
	struct raw raw = raw_open(DEVICE, SIZE);
	struct pollfd polled = { .fd = raw.fd };
	struct kucomms_message *record;
	int ret;

	assert_int_equal(kucomms_producer_reserve(&raw.out, 0, &record), 0);
	record->type = TEST_FLOW;
	record->id = COUNT;
	record->user = LENGTH;
	kucomms_producer_commit(&raw.out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
	assert_true(raw_ring(&raw) >= 0);
	while (!(kucomms_load(&raw.kernel->need_room) & KUCOMMS_NEED))
		;
	kucomms_store(&raw.user->position, 1);
	ret = raw_ring(&raw);
	assert_true(ret >= 0 || ret == -EPROTO);
	assert_int_equal(poll(&polled, 1, t_patience_ms()), 1);
	assert_int_equal(raw.kernel->state, KUCOMMS_STATE_BROKEN);
	assert_int_equal(raw_ring(&raw), -EPROTO);
	raw_close(&raw);
}

int main(void)
{
	struct kucomms_channel *channel;
	int i;

	t_device(DEVICE);
	for (i = 0; i < T_MODES; i++) {
		assert_int_equal(t_adjust(DEVICE, "dispatch", t_modes[i]), 0);
		check_flow("flowing", strcmp(t_modes[i], "adaptive") ? 0 : 2);
		check_flow("netlink:flowing", 0);
		check_read();
		check_both();
		check_leaving();
		check_lie();
	}
	channel = t_open(DEVICE, 0, 0);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
