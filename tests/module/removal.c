// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device is removed by force while clients use it: the node and the name go
 * at once, whoever waits is told, what is mapped stays until it is unmapped.
 */
#include <poll.h>
#include <pthread.h>

#include "memory.h"
#include "raw.h"

#define DEVICE "kucomms_late"
#define ROUNDS 200

static void remove_by_force(void)
{
	assert_int_equal(t_remove(DEVICE), -EBUSY);
	assert_int_equal(t_remove(DEVICE " force"), 0);
	assert_int_equal(access("/dev/" DEVICE, F_OK), -1);
	assert_int_equal(access(T_CLASS DEVICE, F_OK), -1);
	assert_int_equal(t_remove(DEVICE " force"), -ENODEV);
}

static void *sleep_in_receive(void *arg)
{
	struct kucomms_message message;
	const void *data;

	return (void *)(long)kucomms_receive(arg, &message, &data, -1);
}

static void *sleep_in_poll(void *arg)
{
	struct pollfd polled = { .fd = kucomms_channel_poll_start(arg),
				 .events = POLLIN };

	assert_int_equal(poll(&polled, 1, -1), 1);
	assert_true(polled.revents & POLLHUP);
	return sleep_in_receive(arg);
}

/* The rings are full, since nobody reads the answers. */
static void *sleep_in_send(void *arg)
{
	const struct kucomms_message message = { .type = TEST_ECHO };
	int err;

	do {
		err = kucomms_send(arg, &message, NULL, 0, -1);
	} while (!err);
	return (void *)(long)err;
}

static void *sleep_in_read(void *arg)
{
	struct kucomms_message message;

	return (void *)t_sys(read(*(int *)arg, &message, sizeof(message)));
}

static void check_sleepers(void)
{
	void *(*const sleepers[])(void *) = { sleep_in_receive, sleep_in_poll,
					      sleep_in_send };
	struct kucomms_channel *channels[3];
	pthread_t threads[4];
	void *result;
	int fd, i;

	for (i = 0; i < 3; i++) {
		channels[i] = t_open("late", 4096, 4096);
		assert_int_equal(pthread_create(&threads[i], NULL, sleepers[i],
						channels[i]), 0);
	}
	fd = t_device_fd(DEVICE, 0);
	assert_int_equal(pthread_create(&threads[3], NULL, sleep_in_read, &fd),
			 0);
	/* The one that sends has come to a full ring, the reader has a channel. */
	while (t_attribute(DEVICE, "to_user_full") == 0 ||
	       t_attribute(DEVICE, "channels") < 4)
		;
	remove_by_force();
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_int_equal((long)result, -ESHUTDOWN);
	}
	for (i = 0; i < 3; i++)
		kucomms_channel_close(channels[i]);
	close(fd);
	assert_int_equal(t_create(DEVICE), 0);
}

/* What came before can still be read, by system call and by mapping. */
static void check_mappings(void)
{
	struct raw raw = raw_open(DEVICE, 4096), fresh;
	struct kucomms_message message;
	const void *data;
	int unattached = t_device_fd(DEVICE, 0);

	raw_send(&raw, TEST_ECHO, 11);
	assert_int_equal(raw_ring(&raw), 0);
	remove_by_force();
	assert_int_equal(raw.kernel->state, KUCOMMS_STATE_HANGUP);
	assert_int_equal(kucomms_consumer_receive(&raw.in, &message, &data), 1);
	assert_int_equal(message.id, 11);
	assert_int_equal(raw_ring(&raw), -ESHUTDOWN);
	assert_int_equal(raw_attach(&fresh, unattached, 4096), -ENODEV);
	close(unattached);

	/* The name is free, and the new device knows nothing of the old one. */
	assert_int_equal(t_create(DEVICE), 0);
	assert_int_equal(t_attribute(DEVICE, "opens"), 0);
	fresh = raw_open(DEVICE, 4096);
	assert_int_equal(fresh.attach.channel, 0);
	raw_echo(&fresh, 12);
	raw_close(&fresh);
	close(raw.fd);
	assert_int_equal(raw.kernel->state, KUCOMMS_STATE_HANGUP);
	raw_send(&raw, TEST_ECHO, 13);
	raw_unmap(&raw);
	assert_int_equal(t_attribute(DEVICE, "opens"), 0);
}

static volatile bool stop;

/* Comes back as soon as there is a device. */
static void *restless(void *arg)
{
	volatile unsigned long *echoes = arg;
	struct kucomms_channel *channel;
	int err;

	while (!stop) {
		err = kucomms_open("late", NULL, &channel);
		if (err) {
			assert_true(err == -ENOENT || err == -ENODEV ||
				    err == -ENXIO);
			continue;
		}
		do {
			err = t_echo(channel, "restless");
			*echoes += !err;
		} while (!err && !stop);
		assert_true(!err || err == -ESHUTDOWN);
		kucomms_channel_close(channel);
	}
	return NULL;
}

static void check_races(void)
{
	static volatile unsigned long echoes[3];
	pthread_t threads[3];
	int i;

	stop = false;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, restless,
						(void *)&echoes[i]), 0);
	for (i = 0; i < ROUNDS; i++) {
		unsigned long before = echoes[i % 3];

		/* In the middle of one client's life at least. */
		while (echoes[i % 3] == before)
			;
		assert_int_equal(t_remove(DEVICE " force"), 0);
		assert_int_equal(t_create(DEVICE), 0);
	}
	stop = true;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/*
 * What a handler holds back is published before the hang-up. What a thread of
 * the module's own holds back is that thread's: it may be sending right now.
 */
static void check_held_back(const char *device, bool published)
{
	const struct kucomms_message hold = { .type = TEST_HOLD };
	struct kucomms_message message;
	struct kucomms_channel *channel;
	char line[64];

	t_device(device);
	channel = t_open(device, 0, 0);
	assert_int_equal(kucomms_send(channel, &hold, NULL, 0, -1), 0);
	while (!t_attribute(device, "messages_to_user"))
		;
	assert_int_equal(kucomms_receive_copy(channel, &message, NULL, 0, 0),
			 -EAGAIN);
	snprintf(line, sizeof(line), "%s force", device);
	assert_int_equal(t_remove(line), 0);
	if (published) {
		assert_int_equal(kucomms_receive_copy(channel, &message, NULL,
						      0, 0), 0);
		assert_int_equal(message.type, TEST_HOLD);
	}
	assert_int_equal(kucomms_receive_copy(channel, &message, NULL, 0, 0),
			 -ESHUTDOWN);
	kucomms_channel_close(channel);
}

static void round_trip(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		check_sleepers();
		check_mappings();
	}
	check_races();
}

int main(void)
{
	struct kucomms_channel *channel;
	struct memory before;

	t_parameter("late", "1");
	t_device(DEVICE);
	round_trip();
	before = memory_settled();
	round_trip();
	memory_compare(&before);
	assert_int_equal(t_remove(DEVICE "  force"), -EINVAL);
	assert_int_equal(t_remove(DEVICE " forced"), -EINVAL);
	assert_int_equal(t_remove(DEVICE " force "), -EINVAL);
	/* The module's side has seen them all go. */
	channel = t_open("late", 0, 0);
	assert_int_equal(t_report(channel).connects,
			 t_report(channel).disconnects + 1);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	/* By force also what nobody has open. */
	assert_int_equal(t_remove(DEVICE " force"), 0);
	t_parameter("late", "0");
	check_held_back("kucomms_test", true);
	check_held_back("kucomms_proxy", false);
	return 0;
}
