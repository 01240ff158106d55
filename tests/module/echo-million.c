// SPDX-License-Identifier: GPL-2.0-only
/*
 * A million messages of random sizes and contents go through the kernel and
 * back, as an unprivileged user sends them: each compared byte for byte, in
 * order, none lost. Rings of one page, of 1 MiB and of the default size;
 * blocking and not; full and empty rings are met and counted.
 */
#include <pthread.h>

#include "test.h"

#define POOL_SIZE (1u << 21)
#define MIB (1u << 20)

static unsigned char *pool;	/* random bytes; a message is a piece of it */

/* What message number `id` looks like follows from its number alone. */
struct piece {
	__u32 length;
	const unsigned char *data;
};

/* Small ones are the most common; some are as long as the ring admits. */
static struct piece piece_of(uint64_t id, __u32 longest)
{
	uint64_t state = (id + 1) * 0x9e3779b97f4a7c15u;
	uint64_t kind = (t_random(&state) >> 32) % 100;
	__u32 most = kind < 60 ? 256 : kind < 95 ? 4096 : 65536;
	struct piece piece;

	if (most > longest)
		most = longest;
	piece.length = (t_random(&state) >> 20) % (most + 1);
	if ((t_random(&state) >> 32) % 1000 == 0)
		piece.length = longest;
	piece.data = pool + (t_random(&state) >> 20) % (POOL_SIZE - piece.length);
	return piece;
}

struct run {
	struct kucomms_channel *channel;
	uint64_t count;
	__u32 longest;
	uint64_t full;
	uint64_t empty;
};

static int send_one(struct run *run, uint64_t id, int timeout)
{
	struct piece piece = piece_of(id, run->longest);
	struct kucomms_message message = {
		.length = piece.length, .type = TEST_ECHO, .id = id,
		.user = ~id,
	};

	return kucomms_send(run->channel, &message, piece.data, 0, timeout);
}

static int receive_one(struct run *run, uint64_t id, int timeout)
{
	struct piece piece = piece_of(id, run->longest);
	struct kucomms_message message;
	const void *data;
	int err = kucomms_receive(run->channel, &message, &data, timeout);

	if (err)
		return err;
	assert_int_equal(message.id, id);
	assert_int_equal(message.user, ~id);
	assert_int_equal(message.type, TEST_ECHO);
	assert_int_equal(message.length, piece.length);
	assert_true(!memcmp(data, piece.data, piece.length));
	kucomms_release(run->channel);
	return 0;
}

/* One thread: sends as long as there is room, receives as long as there is. */
static void run_nonblocking(struct run *run)
{
	uint64_t sent = 0, received = 0;
	int err;

	while (received < run->count) {
		while (sent < run->count) {
			err = send_one(run, sent, 0);
			if (err == -EAGAIN) {
				run->full++;
				break;
			}
			assert_int_equal(err, 0);
			sent++;
		}
		for (;;) {
			err = receive_one(run, received, 0);
			if (err == -EAGAIN) {
				run->empty++;
				break;
			}
			assert_int_equal(err, 0);
			received++;
		}
	}
}

static void *blocking_receiver(void *arg)
{
	struct run *run = arg;
	uint64_t i;

	for (i = 0; i < run->count; i++)
		assert_int_equal(receive_one(run, i, -1), 0);
	return NULL;
}

/* Two threads, each asleep whenever the other is behind. */
static void run_blocking(struct run *run)
{
	pthread_t thread;
	uint64_t i;

	assert_int_equal(pthread_create(&thread, NULL, blocking_receiver, run),
			 0);
	for (i = 0; i < run->count; i++)
		assert_int_equal(send_one(run, i, -1), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static uint64_t run_all(const char *what, __u32 ring, uint64_t count,
			void (*how)(struct run *))
{
	struct run run = { .channel = t_open("test", ring, ring),
			   .count = count };
	struct kucomms_channel_stats stats;

	run.longest = kucomms_channel_length_max(run.channel);
	assert_int_equal(run.longest, KUCOMMS_LENGTH_MAX(ring));
	how(&run);
	stats = t_stats(run.channel);
	assert_int_equal(stats.sent, count);
	assert_int_equal(stats.received, count);
	printf("%s, ring %u: %llu messages; found full %llu times, empty %llu times; %.3f doorbells and %.3f waits a message\n",
	       what, ring, (unsigned long long)count,
	       (unsigned long long)run.full, (unsigned long long)run.empty,
	       (double)stats.doorbells / (double)count,
	       (double)stats.waits / (double)count);
	if (how == run_nonblocking) {
		assert_true(run.full > 0);
		assert_true(run.empty > 0);
	} else {
		assert_true(stats.waits > 0);
	}
	kucomms_channel_close(run.channel);
	return count;
}

/* As a user whom only the mode of the device lets open it. */
static void echo_a_million(void)
{
	uint64_t state = 42, total = 0;
	size_t i;

	assert_int_equal(setgid(1002), 0);
	assert_int_equal(setuid(1002), 0);

	pool = malloc(POOL_SIZE);
	assert_true(pool);
	for (i = 0; i < POOL_SIZE; i += sizeof(state)) {
		t_random(&state);
		memcpy(pool + i, &state, sizeof(state));
	}
	total += run_all("non-blocking", 4096, 400000, run_nonblocking);
	total += run_all("non-blocking", MIB, 300000, run_nonblocking);
	total += run_all("blocking", 4096, 150000, run_blocking);
	total += run_all("blocking", MIB, 150000, run_blocking);
	assert_true(total >= 1000000);
}

int main(void)
{
	pid_t pid;

	t_device("kucomms_test");
	assert_int_equal(chmod("/dev/kucomms_test", 0666), 0);
	pid = fork();
	if (pid == 0) {
		echo_a_million();
		exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(t_wait(pid), 0);
	assert_int_equal(t_remove("kucomms_test"), 0);
	return 0;
}
