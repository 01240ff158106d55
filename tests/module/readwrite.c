// SPDX-License-Identifier: GPL-2.0-only
/*
 * read() and write(), for programs that know nothing but a descriptor: one
 * message a call, header and data, from a channel that they attach themselves.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/uio.h>

#include "raw.h"

#define DEVICE "kucomms_test"
#define BURST 300

/* As it goes through the descriptor. */
struct packet {
	struct kucomms_message message;
	char data[1000];
};

static long put(int fd, __u64 type, __u64 id, const char *text)
{
	struct packet packet = { .message = {
		.type = type, .id = id, .length = (__u32)strlen(text),
	} };

	memcpy(packet.data, text, packet.message.length);
	return t_sys(write(fd, &packet, 32 + packet.message.length));
}

static void take(int fd, __u64 id, const char *text)
{
	struct packet packet;

	assert_int_equal(read(fd, &packet, sizeof(packet)),
			 32 + (long)strlen(text));
	assert_int_equal(packet.message.length, strlen(text));
	assert_int_equal(packet.message.id, id);
	assert_true(!memcmp(packet.data, text, strlen(text)));
}

/* The first call attaches, whichever it is. */
static void check_echo(void)
{
	int fd = t_device_fd(DEVICE, 0), i;
	char text[16];

	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%.*s", i % 16, "0123456789abcde");
		assert_int_equal(put(fd, TEST_ECHO, (__u64)i, text),
				 32 + (long)strlen(text));
		take(fd, (__u64)i, text);
	}
	/* Several under way stay in order, and apart. */
	for (i = 0; i < 50; i++)
		assert_true(put(fd, TEST_ECHO, (__u64)i, "in order") > 0);
	for (i = 0; i < 50; i++)
		take(fd, (__u64)i, "in order");
	close(fd);

	fd = t_device_fd(DEVICE, O_NONBLOCK);
	assert_int_equal(t_sys(read(fd, text, sizeof(text))), -EAGAIN);
	assert_int_equal(t_attribute(DEVICE, "channels"), 1);
	assert_int_equal(put(fd, TEST_ECHO, 7, "read first"), 32 + 10);
	take(fd, 7, "read first");
	close(fd);
}

static void check_sizes(void)
{
	static char huge[1 << 20];
	struct kucomms_message message = { .type = TEST_ECHO, .length = 5 };
	/* Volatile, lest the compiler complain of what is wanted. */
	void *volatile nowhere = NULL;
	struct packet packet;
	int fd = t_device_fd(DEVICE, 0);

	memcpy(&packet, &message, sizeof(message));
	memcpy(packet.data, "hello", 5);
	assert_int_equal(t_sys(write(fd, &packet, 0)), -EINVAL);
	assert_int_equal(t_sys(write(fd, &packet, 31)), -EINVAL);
	assert_int_equal(t_sys(write(fd, &packet, 36)), -EINVAL);
	assert_int_equal(t_sys(write(fd, &packet, 38)), -EINVAL);
	assert_int_equal(t_sys(write(fd, nowhere, 37)), -EFAULT);
	message.length = sizeof(huge) - 32;
	memcpy(huge, &message, sizeof(message));
	assert_int_equal(t_sys(write(fd, huge, sizeof(huge))), -EMSGSIZE);
	message.length = ~0u - 31;
	memcpy(huge, &message, sizeof(message));
	assert_int_equal(t_sys(write(fd, huge, sizeof(huge))), -EINVAL);

	assert_int_equal(t_sys(write(fd, &packet, 37)), 37);
	assert_int_equal(t_sys(read(fd, &packet, 31)), -EMSGSIZE);
	assert_int_equal(t_sys(read(fd, &packet, 36)), -EMSGSIZE);
	assert_int_equal(t_sys(read(fd, nowhere, 37)), -EFAULT);
	assert_int_equal(t_sys(read(fd, &packet, 37)), 37);
	assert_true(!memcmp(packet.data, "hello", 5));
	close(fd);
}

/* What could not be read leaves nothing in the ring, which is soon full of it else. */
static void check_bad_addresses(void)
{
	struct kucomms_message message = { .type = TEST_ECHO, .length = 4000 };
	struct iovec vectors[2] = { { &message, sizeof(message) },
				    { NULL, message.length } };
	int fd = t_device_fd(DEVICE, 0), i;

	for (i = 0; i < 1000; i++)
		assert_int_equal(t_sys(writev(fd, vectors, 2)), -EFAULT);
	assert_int_equal(put(fd, TEST_ECHO, 8, "still open"), 32 + 10);
	take(fd, 8, "still open");
	close(fd);
}

/* One buffer for the header, two for the data. */
static void check_vectors(void)
{
	struct kucomms_message message = { .type = TEST_ECHO, .length = 10 };
	char a[4] = "abcd", b[6] = "efghij";
	struct iovec vectors[3] = { { &message, sizeof(message) },
				    { a, sizeof(a) }, { b, sizeof(b) } };
	int fd = t_device_fd(DEVICE, 0);

	assert_int_equal(writev(fd, vectors, 3), 42);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	assert_int_equal(readv(fd, vectors, 3), 42);
	assert_int_equal(message.length, 10);
	assert_true(!memcmp(a, "abcd", 4) && !memcmp(b, "efghij", 6));
	close(fd);
}

/* A file is for one or for the other. */
static void check_mixing(void)
{
	struct kucomms_message message = { .type = TEST_ECHO };
	struct raw raw, other;
	int fd = t_device_fd(DEVICE, 0);

	assert_int_equal(put(fd, TEST_SINK, 0, ""), 32);
	assert_int_equal(raw_attach(&raw, fd, 0), -EBUSY);
	assert_int_equal(t_sys(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0)),
			 -EBUSY);
	assert_int_equal(put(fd, TEST_ECHO, 1, "as before"), 32 + 9);
	take(fd, 1, "as before");
	close(fd);

	other = raw_open(DEVICE, 4096);
	assert_int_equal(t_sys(write(other.fd, &message, sizeof(message))),
			 -EBUSY);
	assert_int_equal(t_sys(read(other.fd, &message, sizeof(message))),
			 -EBUSY);
	raw_echo(&other, 2);
	raw_close(&other);
}

static int poll_now(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN | POLLOUT };

	assert_true(poll(&polled, 1, 0) >= 0);
	return polled.revents;
}

/* Echoes until the ring back is full, and the ring there, too. */
static int fill(int fd)
{
	static const char text[] = "0123456789 0123456789 0123456789 012345678";
	int count = 0;

	while (put(fd, TEST_ECHO, (__u64)count, text) > 0)
		count++;
	assert_int_equal(errno, EAGAIN);
	return count;
}

static void *empty(void *arg)
{
	struct packet packet;
	int fd = *(int *)arg, i;

	for (i = 0; i < BURST; i++)
		assert_true(read(fd, &packet, sizeof(packet)) >= 32);
	return NULL;
}

/* A write waits for room; whoever reads makes it. */
static void check_full(void)
{
	int fd = t_device_fd(DEVICE, O_NONBLOCK), count;
	pthread_t thread;

	assert_int_equal(poll_now(fd), POLLERR);
	assert_int_equal(put(fd, TEST_SINK, 0, ""), 32);
	assert_int_equal(poll_now(fd), POLLOUT);
	count = fill(fd);
	assert_true(count > BURST);
	assert_int_equal(poll_now(fd), POLLIN);
	assert_int_equal(fcntl(fd, F_SETFL, O_RDWR), 0);
	assert_int_equal(pthread_create(&thread, NULL, empty, &fd), 0);
	assert_int_equal(put(fd, TEST_ECHO, 99, "when there is room"), 32 + 18);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(fd);
}

/* poll, select and epoll, level and edge, tell of what interrupts send. */
static void check_readiness(void)
{
	struct kucomms_message burst = { .type = TEST_BURST, .id = BURST };
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int fd = t_device_fd(DEVICE, O_NONBLOCK);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct kucomms_message message;
	unsigned int next = 0;
	fd_set set;
	long got;

	assert_int_equal(write(fd, &burst, sizeof(burst)), 32);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	while (next < BURST) {
		assert_int_equal(epoll_wait(epoll, &event, 1, -1), 1);
		while ((got = t_sys(read(fd, &message, 32))) == 32)
			assert_int_equal(message.id, next++);
		assert_int_equal(got, -EAGAIN);
	}
	assert_int_equal(write(fd, &burst, sizeof(burst)), 32);
	for (next = 0; next < BURST; next++) {
		FD_ZERO(&set);
		FD_SET(fd, &set);
		assert_int_equal(select(fd + 1, &set, NULL, NULL, NULL), 1);
		assert_int_equal(read(fd, &message, 32), 32);
		assert_int_equal(message.id, next);
	}
	close(epoll);
	close(fd);
}

#define ROUNDS 5000

static int raced_fd, raced_round, polled_round;

static void *poll_in_each_round(void *arg)
{
	int round;

	for (round = 1; round <= ROUNDS; round++) {
		struct pollfd polled = { .fd = raced_fd, .events = POLLIN };

		while (__atomic_load_n(&raced_round, __ATOMIC_ACQUIRE) != round)
			;
		assert_int_equal(poll(&polled, 1, 60000), 1);
		__atomic_store_n(&polled_round, round, __ATOMIC_RELEASE);
	}
	return arg;
}

/*
 * What poll() is about to report is taken by another thread: it is the next message
 * then that it has to be woken for.
 */
static void check_poll_beside_a_reader(void)
{
	uint64_t seed = 4713;
	pthread_t thread;
	volatile int delay;
	int round;

	raced_fd = t_device_fd(DEVICE, 0);
	assert_int_equal(put(raced_fd, TEST_ECHO, 0, "before"), 32 + 6);
	take(raced_fd, 0, "before");
	assert_int_equal(pthread_create(&thread, NULL, poll_in_each_round,
					NULL), 0);
	for (round = 1; round <= ROUNDS; round++) {
		assert_int_equal(put(raced_fd, TEST_ECHO, 1, "taken"), 32 + 5);
		__atomic_store_n(&raced_round, round, __ATOMIC_RELEASE);
		for (delay = (int)(t_random(&seed) % 500); delay; delay--)
			;
		take(raced_fd, 1, "taken");
		assert_int_equal(put(raced_fd, TEST_ECHO, 2, "the next"),
				 32 + 8);
		while (__atomic_load_n(&polled_round, __ATOMIC_ACQUIRE) != round)
			;
		take(raced_fd, 2, "the next");
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(raced_fd);
}

static char buffer[200000];

/* A message without text or with @length bytes of it; what comes back is any. */
static void put_long(int fd, __u64 type, __u64 id, __u64 user, __u32 length)
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
	int fd = t_device_fd("kucomms_threaded", 0), i;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(get(fd), -EAGAIN);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	for (i = 0; i < 3; i++) {
		put_long(fd, TEST_ECHO, 0, 0, 0);
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
	int fd = t_device_fd(DEVICE, 0);
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	put_long(fd, TEST_PLACE, 2, 10, 0);
	assert_int_equal(get(fd), 42);
	assert_int_equal(get(fd), -EAGAIN);
	assert_int_equal(poll(&polled, 1, 0), 0);
	close(fd);
}

/* And its room is room: for an answer that the reader sleeps for, too. */
static void the_room_of_skipped_records_comes_back(int flags)
{
	int fd = t_device_fd(DEVICE, 0);
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	long got;

	put_long(fd, TEST_PLACE, 2, 40000, 0);
	assert_int_equal(get(fd), 40032);
	put_long(fd, TEST_ECHO, 0, 0, 100000);
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

int main(void)
{
	t_device(DEVICE);
	check_echo();
	check_sizes();
	check_bad_addresses();
	check_vectors();
	check_mixing();
	check_full();
	check_readiness();
	check_poll_beside_a_reader();
	a_skipped_record_is_nothing_to_read();
	the_room_of_skipped_records_comes_back(0);
	the_room_of_skipped_records_comes_back(O_NONBLOCK);
	t_device("kucomms_threaded");
	edges_are_seen_by_readers();
	assert_int_equal(t_remove("kucomms_threaded"), 0);
	assert_int_equal(t_attribute(DEVICE, "opens"), 0);
	assert_int_equal(t_attribute(DEVICE, "channels"), 0);
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
