// SPDX-License-Identifier: MIT
/*
 * Processes that shake hands as they ought to, and then write anything anywhere
 * they can, ring all the time, take nothing, and vanish at any moment. Others
 * are served meanwhile, and no call here takes longer than it was told to.
 */
#include "hostile.h"

#include <linux/falloc.h>
#include <sys/ioctl.h>

#define PEERS		3
#define ACTS		1000000ul
#define MESSAGE_MAX	1000u

/* What all processes count together. */
struct counts {
	unsigned long acts;
	unsigned long channels;
};

static struct counts *counts;

static void write_word(const struct raw_channel *raw, size_t at, __u32 value)
{
	__atomic_store_n((__u32 *)(raw->mine + at), value, __ATOMIC_RELAXED);
}

/* Values that are nearly right do more harm than those that are not at all. */
static __u32 any_value(__u64 *state, const struct raw_channel *raw)
{
	const struct kucomms_control *theirs = (const void *)raw->theirs;
	__u32 value = (__u32)random_next(state);

	switch (random_below(state, 6)) {
	case 0:
		return value;
	case 1:
		return value % 8;
	case 2:
		return value % 2048 * KUCOMMS_RECORD_ALIGN;
	case 3:
		return theirs->position + value % 64 * KUCOMMS_RECORD_ALIGN;
	case 4:
		return theirs->need_data + value % 4;
	default:
		return 0u - value % 128;
	}
}

static size_t offset_in_control(__u64 *state)
{
	static const size_t offsets[] = {
		offsetof(struct kucomms_control, position),
		offsetof(struct kucomms_control, need_data),
		offsetof(struct kucomms_control, need_room),
		offsetof(struct kucomms_control, bell),
		offsetof(struct kucomms_control, reserved1),
	};

	return offsets[random_below(state, sizeof(offsets) / sizeof(offsets[0]))];
}

/* A record that could be one, wherever the other side is just now. */
static void write_record(const struct raw_channel *raw, __u64 *state)
{
	const struct kucomms_control *theirs = (const void *)raw->theirs;
	const size_t ring = page();
	__u32 position = theirs->position;

	position += random_below(state, 4) * KUCOMMS_RECORD_ALIGN;
	position %= RAW_RING;
	write_word(raw, ring + position +
		   offsetof(struct kucomms_message, length),
		   random_below(state, 4) ? random_below(state, RAW_RING) :
					    any_value(state, raw));
	write_word(raw, ring + position +
		   offsetof(struct kucomms_message, control),
		   random_below(state, 4));
}

static void ring_a_lot(const struct raw_channel *raw, __u64 *state)
{
	static const char bytes[4096];
	int left = 1 << random_below(state, 9);

	while (left-- &&
	       send(raw->fd, bytes, 1 + random_below(state, sizeof(bytes)),
		    MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
}

/* Descriptors that nobody asked for, and what can be done to an own socket. */
static void trouble_socket(const struct raw_channel *raw, __u64 *state)
{
	const int fds[] = { raw->fd, raw->theirs_fd };
	int value = (int)random_below(state, 2);

	switch (random_below(state, 4)) {
	case 0:
		raw_say(raw->fd, "?", 1, fds, 2);
		break;
	case 1:
		ioctl(raw->fd, FIONBIO, &value);
		break;
	case 2:
		setsockopt(raw->fd, SOL_SOCKET, SO_PASSCRED, &value,
			   sizeof(value));
		break;
	default:
		send(raw->fd, "", 1, MSG_OOB | MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	}
}

/* Returns whether to go on with this channel. */
static bool act(const struct raw_channel *raw, __u64 *state)
{
	switch (random_below(state, 16)) {
	case 0:
		write_word(raw, random_below(state, (__u32)raw->mine_size / 4) * 4,
			   any_value(state, raw));
		break;
	case 1 ... 6:
		write_word(raw, offset_in_control(state),
			   any_value(state, raw));
		break;
	case 7 ... 12:
		write_record(raw, state);
		break;
	case 13:
		ring_a_lot(raw, state);
		break;
	case 14:
		trouble_socket(raw, state);
		break;
	default:
		switch (random_below(state, 300)) {
		case 0:
			write_word(raw, offsetof(struct kucomms_control, state),
				   any_value(state, raw));
			break;
		case 1:
			shutdown(raw->fd, (int)random_below(state, 3));
			break;
		case 2:
			return false;
		}
	}
	return true;
}

/* It has got something to read, and not to spoil. */
static void try_to_spoil(const struct raw_channel *raw)
{
	const off_t size = (off_t)raw->theirs_size;
	const int fd = raw->theirs_fd;

	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 2 * size), -1);
	assert_int_equal(fallocate(fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, size), -1);
	assert_int_equal(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, size), -1);
	assert_int_equal(fallocate(fd, 0, size, size), -1);
	assert_int_equal(pwrite(fd, "?", 1, 0), -1);
	assert_true(mmap(NULL, raw->theirs_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0) == MAP_FAILED);
	assert_int_equal(mprotect((void *)raw->theirs, raw->theirs_size,
				  PROT_READ | PROT_WRITE), -1);
	assert_int_equal(madvise((void *)raw->theirs, raw->theirs_size,
				 MADV_REMOVE), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

static bool is_over(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLRDHUP };

	return poll(&poll_fd, 1, 0) && (poll_fd.revents & (POLLRDHUP | POLLHUP));
}

static void be_hostile(__u64 state)
{
	struct raw_channel raw;

	for (;;) {
		if (!raw_open(&raw))
			continue;
		__atomic_fetch_add(&counts->channels, 1, __ATOMIC_RELAXED);
		try_to_spoil(&raw);
		while (!is_over(raw.fd) && act(&raw, &state))
			__atomic_fetch_add(&counts->acts, 1, __ATOMIC_RELAXED);
		raw_close(&raw);
	}
}

static void start_hostiles(pid_t *pids)
{
	__u64 state = seed();
	int i;

	for (i = 0; i < PEERS; i++) {
		pids[i] = fork_quietly();
		if (!pids[i])
			be_hostile(mixed(state + (__u64)i));
	}
}

static void stop_hostiles(const pid_t *pids)
{
	int i;

	for (i = 0; i < PEERS; i++)
		kill_process(pids[i]);
}

/* One of the honest: sends messages of any length, and wants the same back. */
static void exchange_any(struct kucomms_channel *channel, __u64 *state)
{
	unsigned char bytes[MESSAGE_MAX];
	struct kucomms_message request = { .id = random_next(state) }, answer;
	const void *data;

	request.length = random_below(state, sizeof(bytes));
	memset(bytes, (int)request.id, request.length);
	assert_int_equal(kucomms_exchange(channel, &request, bytes, &answer,
					  &data, -1), 0);
	assert_int_equal(answer.id, request.id);
	assert_int_equal(answer.length, request.length);
	assert_int_equal(memcmp(data, bytes, request.length), 0);
	kucomms_release(channel);
}

/* Looks at each byte: a sanitizer sees if one is not there. */
static int sum_and_echo(struct kucomms_channel *channel,
			const struct kucomms_message *message,
			const void *data, void *priv)
{
	const volatile unsigned char *bytes = data;
	unsigned int *sum = priv;
	__u32 i;

	for (i = 0; i < message->length; i++)
		*sum += bytes[i];
	return kucomms_reply(channel, message, data, 0);
}

static void serve_all(unsigned int flags)
{
	const struct kucomms_ops ops = { .message = sum_and_echo, .flags = flags };
	unsigned int sum = 0;
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	const int open = count_open();
	unsigned long exchanges = 0;
	__u64 state = seed();
	pid_t pids[PEERS];

	memset(counts, 0, sizeof(*counts));
	endpoint = serve(&ops, &sum, process_name);
	assert_int_equal(open_patiently(process_name, NULL, &channel), 0);
	start_hostiles(pids);
	do {
		exchange_any(channel, &state);
		exchanges++;
	} while (__atomic_load_n(&counts->acts, __ATOMIC_RELAXED) <
		 shortened(ACTS));
	stop_hostiles(pids);
	wait_for_channels(endpoint, 1);
	exchange_any(channel, &state);
	kucomms_channel_close(channel);
	wait_for_channels(endpoint, 0);
	kucomms_endpoint_destroy(endpoint);
	assert_int_equal(count_open(), open);
	assert_int_equal(count_mapped(), 0);
	printf("# %lu hostile channels, %lu honest messages meanwhile\n",
	       counts->channels, exchanges);
	assert_true(counts->channels > 2 * PEERS || shortened(100) < 100);
}

static void an_endpoint_that_copies_survives_nonsense(void **state)
{
	(void)state;
	serve_all(0);
}

static void an_endpoint_that_does_not_copy_survives_nonsense(void **state)
{
	(void)state;
	serve_all(KUCOMMS_OPS_SHARED_RECEIVE);
}

/* What a process does to a channel whose other side is in a call. */
typedef void (*trick)(const struct raw_channel *raw);

static void count_up_the_bell(const struct raw_channel *raw)
{
	__u32 *bell = &raw_control(raw)->bell;

	for (;;)
		__atomic_fetch_add(bell, 1, __ATOMIC_RELAXED);
}

static void fill_the_socket(const struct raw_channel *raw)
{
	static const char bytes[1 << 16];

	for (;;)
		send(raw->fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
}

static void do_nothing(const struct raw_channel *raw)
{
	(void)raw;
	for (;;)
		pause();
}

static pid_t play(trick play_it)
{
	pid_t pid = fork_quietly();
	struct raw_channel raw;

	if (pid)
		return pid;
	while (!raw_open(&raw))
		;
	play_it(&raw);
	_exit(0);
}

/* The first wait is on the bell, long ones are on the socket, as poll() is. */
static void try_calls(struct kucomms_channel *channel)
{
	const struct kucomms_message message = { .length = 1000 };
	static const char bytes[1000];
	struct kucomms_message answer;
	const void *data;
	int err, i;

	for (i = 0; i < 5; i++) {
		assert_int_equal(kucomms_receive(channel, &answer, &data, 20),
				 -ETIMEDOUT);
		assert_int_equal(kucomms_receive(channel, &answer, &data, 0),
				 -EAGAIN);
	}
	assert_int_equal(kucomms_receive(channel, &answer, &data, 250),
			 -ETIMEDOUT);
	do {
		err = kucomms_send(channel, &message, bytes, 0, 20);
	} while (!err);
	assert_int_equal(err, -ETIMEDOUT);
	assert_true(kucomms_channel_poll_start(channel) >= 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(kucomms_receive(channel, &answer, &data, 0),
				 -EAGAIN);
		assert_int_equal(kucomms_send(channel, &message, bytes, 0, 0),
				 -EAGAIN);
	}
}

static void calls_come_back_whatever_is_answered(void **state)
{
	const trick tricks[] = { do_nothing, count_up_the_bell, fill_the_socket };
	struct kucomms_listener *listener;
	struct kucomms_message answer;
	struct kucomms_channel *channel;
	const void *data;
	unsigned int i;
	pid_t pid;

	(void)state;
	assert_int_equal(kucomms_listen(process_name, NULL, &listener), 0);
	for (i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		pid = play(tricks[i]);
		assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
		try_calls(channel);
		kill_process(pid);
		/* What it sent last does not hide that it has gone. */
		assert_int_equal(kucomms_receive(channel, &answer, &data, -1),
				 -ESHUTDOWN);
		kucomms_channel_close(channel);
	}
	kucomms_listener_close(listener);
}

/* Says that it refuses a message, as the library does, and goes. */
static void refuse(const struct raw_channel *raw)
{
	struct kucomms_control *control = raw_control(raw);

	__atomic_store_n(&control->need_data, KUCOMMS_NEED, __ATOMIC_RELAXED);
	__atomic_store_n(&control->state, KUCOMMS_STATE_BROKEN, __ATOMIC_RELEASE);
	shutdown(raw->fd, SHUT_RDWR);
	do_nothing(raw);
}

/* A side that finds out by ringing is told the reason, too. */
static void who_is_refused_hears_why_while_it_rings(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_listener *listener;
	struct kucomms_channel *channel;
	struct kucomms_message answer;
	struct pollfd poll_fd = { .events = POLLRDHUP };
	const void *data;
	pid_t pid;

	(void)state;
	assert_int_equal(kucomms_listen(process_name, NULL, &listener), 0);
	pid = play(refuse);
	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	poll_fd.fd = kucomms_channel_poll_start(channel);
	assert_int_equal(poll(&poll_fd, 1, -1), 1);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), -EPROTO);
	assert_int_equal(kucomms_receive(channel, &answer, &data, -1), -EPROTO);
	kill_process(pid);
	kucomms_channel_close(channel);
	kucomms_listener_close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_refused_hears_why_while_it_rings),
		cmocka_unit_test(calls_come_back_whatever_is_answered),
		cmocka_unit_test(an_endpoint_that_copies_survives_nonsense),
		cmocka_unit_test(an_endpoint_that_does_not_copy_survives_nonsense),
	};
	int failed;

	begin_program();
	counts = share(sizeof(*counts));
	failed = cmocka_run_group_tests_name("lib-fuzz", tests, NULL, NULL);
	return end_program(failed);
}
