// SPDX-License-Identifier: MIT
/*
 * Exactly once, in order, and whole: many messages from process to process, of
 * any size, with stalls and signals, and with one side killed in the middle.
 */
#include "long.h"

#define MESSAGES	100000000ul
#define ANY_MESSAGES	4000000ul
#define BATCH		64u
#define KILLS		100ul
#define TOLD_MS		2000	/* within a second, and one more for the machine */
#define PROGRESS	(1ul << 22)

static void progress(const char *what, unsigned long done, unsigned long all,
		     __s64 *last)
{
	const __s64 now = now_ns();

	if (now - *last < 5000000000ll)
		return;
	*last = now;
	fprintf(stderr, "# %s: %lu of %lu\n", what, done, all);
}

/* Children have it, too. */
static struct kucomms_listener *listener;

static void listen_here(void)
{
	assert_int_equal(kucomms_listen(process_name, NULL, &listener), 0);
}

/* Message number @i: a length from 0 to 15, and all else follows from it, too. */
static void send_numbered(struct kucomms_channel *channel, unsigned long i,
			  bool last)
{
	const __u64 data[2] = { mixed(i), i };
	const struct kucomms_message message = {
		.length = i & 15, .type = ~i, .id = i, .user = data[0],
	};
	const bool more = !last && (i + 1) % BATCH;

	assert_int_equal(kucomms_send(channel, &message, data,
				      more ? KUCOMMS_SEND_MORE : 0, -1),
			 0);
}

static void check_numbered(const struct kucomms_message *message,
			   const void *data, unsigned long i)
{
	const __u64 expected[2] = { mixed(i), i };

	assert_int_equal(message->id, i);
	assert_int_equal(message->length, i & 15);
	assert_int_equal(message->type, ~i);
	assert_int_equal(message->user, expected[0]);
	assert_int_equal(memcmp(data, expected, message->length), 0);
}

static void receive_numbered(struct kucomms_channel *channel,
			     unsigned long count)
{
	struct kucomms_message message;
	__s64 last = now_ns();
	const void *data;
	unsigned long i;

	for (i = 0; i < count; i++) {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		check_numbered(&message, data, i);
		kucomms_release(channel);
		if (!(i % PROGRESS))
			progress("messages", i, count, &last);
	}
	assert_int_equal(kucomms_receive(channel, &message, &data, -1),
			 -ESHUTDOWN);
}

static void many_messages_arrive_in_order(void **state)
{
	const unsigned long count = shortened(MESSAGES);
	struct kucomms_channel *channel;
	const __s64 begin = now_ns();
	pid_t pid;
	unsigned long i;

	(void)state;
	listen_here();
	pid = fork_quietly();
	if (!pid) {
		assert_int_equal(open_patiently(process_name, NULL, &channel),
				 0);
		for (i = 0; i < count; i++)
			send_numbered(channel, i, i == count - 1);
		kucomms_channel_close(channel);
		_exit(0);
	}
	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	receive_numbered(channel, count);
	kucomms_channel_close(channel);
	end_process(pid);
	kucomms_listener_close(listener);
	printf("# %lu messages in %.1f s\n", count,
	       (double)(now_ns() - begin) / 1e9);
}

/* What both sides make of the same random numbers. */
struct script {
	__u64 state;
	__u32 longest;
};

static unsigned char pattern[1 << 18];

static __u32 next_length(struct script *script)
{
	__u32 most = 1u << random_below(&script->state, 17);

	if (most > script->longest)
		most = script->longest;
	return random_below(&script->state, most + 1);
}

/* Sometimes one side leaves the other waiting, for longer than it will spin. */
static void stall(__u64 *state)
{
	if (!random_below(state, 2000))
		pause_us(random_below(state, 1000));
}

/* By reserving or copying, with or without waiting; some are thought better of. */
static int send_one(struct kucomms_channel *channel, __u64 *how,
		    const struct kucomms_message *message,
		    const unsigned char *data)
{
	const unsigned int more = random_below(how, 4) ? KUCOMMS_SEND_MORE : 0;
	const int timeout_ms = random_below(how, 3) ? -1 : 1;
	struct kucomms_message *record;
	int err;

	if (random_below(how, 2))
		return kucomms_send(channel, message, data, more, timeout_ms);
	err = kucomms_reserve(channel, message->length, &record, timeout_ms);
	if (err)
		return err;
	if (!random_below(how, 10)) {
		assert_int_equal(kucomms_discard(channel, record), 0);
		return -EAGAIN;
	}
	record->id = message->id;
	record->type = message->type;
	record->user = message->user;
	memcpy(record + 1, data, record->length);
	return kucomms_commit(channel, record, more);
}

static bool try_again(int err)
{
	return err == -EINTR || err == -EAGAIN || err == -ETIMEDOUT;
}

static void send_any(struct kucomms_channel *channel, __u64 start,
		     unsigned long count)
{
	struct script script = { start, kucomms_channel_length_max(channel) };
	__u64 how = mixed(start + 1);
	unsigned long i;
	int err;

	for (i = 0; i < count; i++) {
		const struct kucomms_message message = {
			.length = next_length(&script), .id = i, .type = ~i,
		};

		do {
			err = send_one(channel, &how, &message,
				       pattern + i % 251);
		} while (try_again(err));
		assert_int_equal(err, 0);
		stall(&how);
	}
	assert_int_equal(kucomms_flush(channel), 0);
}

/* Before it waits it gives back what it holds: the other side may need the room. */
static int receive_one(struct kucomms_channel *channel, __u64 *how,
		       struct kucomms_message *message, const void **data)
{
	int err = kucomms_receive(channel, message, data, 0);

	if (err != -EAGAIN)
		return err;
	kucomms_release(channel);
	return kucomms_receive(channel, message, data,
			       (int)random_below(how, 4) - 1);
}

static void receive_any(struct kucomms_channel *channel, __u64 start,
			unsigned long count)
{
	struct script script = { start, kucomms_channel_length_max(channel) };
	__u64 how = mixed(start + 2);
	struct kucomms_message message;
	__s64 last = now_ns();
	const void *data;
	unsigned long i;
	int err;

	for (i = 0; i < count; i++) {
		do {
			err = receive_one(channel, &how, &message, &data);
		} while (try_again(err));
		assert_int_equal(err, 0);
		assert_int_equal(message.id, i);
		assert_int_equal(message.type, ~i);
		assert_int_equal(message.length, next_length(&script));
		assert_int_equal(memcmp(data, pattern + i % 251,
					message.length), 0);
		if (message.length > 1000 || random_below(&how, 4))
			kucomms_release(channel);
		stall(&how);
		progress("messages of any size", i, count, &last);
	}
	kucomms_release(channel);
}

static void nothing(int signal)
{
	(void)signal;
}

/* Every millisecond, and calls are not restarted. */
static timer_t interrupt_all_the_time(void)
{
	const struct sigaction action = { .sa_handler = nothing };
	const struct itimerspec often = { { 0, 1000000 }, { 0, 1000000 } };
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1,
	};
	timer_t timer;

	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
	return timer;
}

static void any_message_in_any_way_arrives(void **state)
{
	const struct kucomms_options options = {
		.size = sizeof(options), .send_size = 1 << 16,
		.receive_size = 1 << 16,
	};
	const unsigned long count = shortened(ANY_MESSAGES);
	struct kucomms_channel *channel;
	const __s64 begin = now_ns();
	const __u64 start = seed();
	pid_t pid;
	timer_t timer;

	(void)state;
	listen_here();
	pid = fork_quietly();
	if (!pid) {
		assert_int_equal(open_patiently(process_name, &options,
						&channel), 0);
		interrupt_all_the_time();
		send_any(channel, start, count);
		kucomms_channel_close(channel);
		_exit(0);
	}
	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	timer = interrupt_all_the_time();
	receive_any(channel, start, count);
	assert_int_equal(timer_delete(timer), 0);
	kucomms_channel_close(channel);
	end_process(pid);
	kucomms_listener_close(listener);
	printf("# %lu messages of any size in %.1f s\n", count,
	       (double)(now_ns() - begin) / 1e9);
}

static pid_t client(void (*run)(struct kucomms_channel *channel))
{
	struct kucomms_channel *channel;
	pid_t pid = fork_quietly();

	if (pid)
		return pid;
	assert_int_equal(open_patiently(process_name, NULL, &channel), 0);
	run(channel);
	_exit(0);
}

static void send_for_ever(struct kucomms_channel *channel)
{
	unsigned long i;

	for (i = 0;; i++)
		send_numbered(channel, i, false);
}

static void receive_for_ever(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const void *data;
	unsigned long i;

	for (i = 0;; i++) {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		check_numbered(&message, data, i);
		kucomms_release(channel);
	}
}

/* What has been received and not given back is there to the end. */
static void receive_from_the_killed(unsigned long before)
{
	struct kucomms_message message, first;
	struct kucomms_channel *channel;
	const void *data, *first_data;
	pid_t pid = client(send_for_ever);
	unsigned long i;
	int err;

	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	for (i = 0; i < before; i++) {
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
		check_numbered(&message, data, i);
		kucomms_release(channel);
	}
	assert_int_equal(kucomms_receive(channel, &first, &first_data, -1), 0);
	kill_process(pid);
	for (i++; !(err = kucomms_receive(channel, &message, &data, TOLD_MS)); i++)
		check_numbered(&message, data, i);
	assert_int_equal(err, -ESHUTDOWN);
	check_numbered(&first, first_data, before);
	kucomms_channel_close(channel);
}

static void send_to_the_killed(unsigned long before)
{
	struct kucomms_channel *channel;
	pid_t pid = client(receive_for_ever);
	unsigned long i;
	int err;

	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	for (i = 0; i < before; i++)
		send_numbered(channel, i, false);
	kill_process(pid);
	do {
		const struct kucomms_message message = { .id = i++ };

		err = kucomms_send(channel, &message, NULL, 0, TOLD_MS);
	} while (!err);
	assert_int_equal(err, -ESHUTDOWN);
	kucomms_channel_close(channel);
}

static void what_was_sent_before_death_arrives(void **state)
{
	unsigned long left = shortened(KILLS);
	__u64 random = seed();
	int open;

	(void)state;
	listen_here();
	open = count_open();
	for (; left; left--) {
		receive_from_the_killed(random_below(&random, 5000));
		/* A thread that waits for room looks only once a second. */
		if (left % 5 == 1)
			send_to_the_killed(random_below(&random, 5000));
	}
	assert_int_equal(count_open(), open);
	assert_int_equal(count_mapped(), 0);
	kucomms_listener_close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_messages_arrive_in_order),
		cmocka_unit_test(any_message_in_any_way_arrives),
		cmocka_unit_test(what_was_sent_before_death_arrives),
	};
	unsigned int i;
	int failed;

	begin_program();
	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)mixed(i);
	failed = cmocka_run_group_tests_name("lib-stream", tests, NULL, NULL);
	return end_program(failed);
}
