// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel calls, the client answers: many calls at a time, answers in any
 * order, late, twice or never, deadlines, cancellation before, while and after
 * an answer is handled, and all that a channel can come to its end by.
 */
#include "raw.h"

#define MANY 1000

/* On a device of its own; asks how calls ended, whatever becomes of others. */
static struct kucomms_channel *watch;

static void send_to(struct kucomms_channel *channel, __u64 type, __u64 id)
{
	const struct kucomms_message message = { .type = type, .id = id };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
}

static struct kucomms_message take(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	char data[256];

	assert_int_equal(kucomms_receive_copy(channel, &message, data,
					      sizeof(data), -1), 0);
	return message;
}

static struct test_calls report(void)
{
	struct kucomms_message message;
	struct test_calls calls;

	send_to(watch, TEST_CALL_REPORT, 0);
	assert_int_equal(kucomms_receive_copy(watch, &message, &calls,
					      sizeof(calls), -1), 0);
	assert_int_equal(message.length, sizeof(calls));
	assert_int_equal(calls.wrong, 0);
	return calls;
}

/* Until all that were started have ended, each in one way. */
static struct test_calls settled(void)
{
	struct test_calls now;

	do {
		now = report();
	} while (now.started != now.refused + now.answered + now.timed_out +
				now.shut_down + now.broken + now.cancelled);
	return now;
}

static void call_with(struct kucomms_channel *channel,
		      struct test_call_spec spec, unsigned int flags)
{
	const struct kucomms_message message = { .type = TEST_CALL,
						 .length = sizeof(spec) };

	assert_int_equal(kucomms_send(channel, &message, &spec, flags, -1), 0);
}

static void call(struct kucomms_channel *channel,
		 struct test_call_spec spec)
{
	call_with(channel, spec, 0);
}

/* The next message, which must be a call; returns its id. */
static struct kucomms_message called(struct kucomms_channel *channel)
{
	struct kucomms_message message = take(channel);

	assert_int_equal(message.type, TEST_CALLED);
	return message;
}

/* Of a type that the message handler would break the channel for. */
static void answer(struct kucomms_channel *channel,
		   const struct kucomms_message *request)
{
	const struct kucomms_message message = {
		.type = TEST_FAIL,
		.length = sizeof(request->user),
		.id = request->id,
		.user = request->user,
	};

	assert_int_equal(kucomms_send(channel, &message, &request->user, 0, -1),
			 0);
}

static void ended(struct kucomms_channel *channel, __u64 index, int err)
{
	struct kucomms_message message = take(channel);

	assert_int_equal(message.type, TEST_CALL_DONE);
	assert_int_equal(message.user, index);
	assert_int_equal(message.id, err);
}

static void shuffle(struct kucomms_message *messages, unsigned int count,
		    uint64_t *state)
{
	struct kucomms_message other;
	unsigned int i, with;

	for (i = count - 1; i > 0; i--) {
		with = t_random(state) % (i + 1);
		other = messages[i];
		messages[i] = messages[with];
		messages[with] = other;
	}
}

/* All at once, answered in a random order; each is told of once. */
static void check_any_order(struct kucomms_channel *channel, __u32 kind)
{
	static struct kucomms_message requests[MANY];
	struct test_calls before = settled(), after;
	uint64_t state = 42;
	int i;

	call(channel, (struct test_call_spec){ .kind = kind, .count = MANY,
					       .timeout_ms = -1 });
	for (i = 0; i < MANY; i++) {
		requests[i] = called(channel);
		assert_int_equal(requests[i].user, i);
		assert_int_equal(requests[i].id, requests[0].id + (__u64)i);
	}
	shuffle(requests, MANY, &state);
	for (i = 0; i < MANY; i++) {
		answer(channel, &requests[i]);
		ended(channel, requests[i].user, 0);
	}
	after = settled();
	assert_int_equal(after.answered - before.answered, MANY);
}

/* done() starts its call again, many in flight all the time. */
static void check_restarts(struct kucomms_channel *channel)
{
	enum { FLYING = 32, TIMES = 100 };
	struct kucomms_message flying[FLYING], message;
	unsigned int count = 0, done = 0, i;
	struct test_calls before = settled();
	uint64_t state = 43;

	call(channel, (struct test_call_spec){ .count = FLYING,
					       .restarts = TIMES,
					       .timeout_ms = 600000 });
	while (done < FLYING) {
		message = take(channel);
		if (message.type == TEST_CALLED) {
			flying[count++] = message;
		} else {
			assert_int_equal(message.type, TEST_CALL_DONE);
			assert_int_equal(message.id, 0);
			done++;
		}
		if (count + done < FLYING)
			continue;
		shuffle(flying, count ?: 1, &state);
		for (i = count / 2; i < count; i++)
			answer(channel, &flying[i]);
		count /= 2;
	}
	assert_int_equal(settled().answered - before.answered,
			 FLYING * (TIMES + 1));
}

/* What nobody was asked for is a message like others. */
static void check_strangers(struct kucomms_channel *channel)
{
	struct kucomms_message request, message;
	__u64 ids[4];
	int i;

	call(channel, (struct test_call_spec){ .count = 1, .timeout_ms = -1 });
	request = called(channel);
	ids[0] = 0;
	ids[1] = ~0ull;
	ids[2] = request.id + 1;
	ids[3] = request.id + (1ull << 63);
	for (i = 0; i < 4; i++) {
		send_to(channel, TEST_ECHO, ids[i]);
		message = take(channel);
		assert_int_equal(message.type, TEST_ECHO);
		assert_int_equal(message.id, ids[i]);
	}
	answer(channel, &request);
	ended(channel, 0, 0);
}

/* The second answer, and one to a call that was cancelled. */
static void check_late(struct kucomms_channel *channel, const char *device)
{
	unsigned long long late = t_attribute(device, "late_answers");
	struct kucomms_message requests[3];
	int i;

	call(channel, (struct test_call_spec){ .count = 3, .timeout_ms = -1 });
	for (i = 0; i < 3; i++)
		requests[i] = called(channel);
	send_to(channel, TEST_CALL_CANCEL, 1);
	assert_int_equal(take(channel).user, 0);
	send_to(channel, TEST_CALL_CANCEL, 1);
	assert_int_equal(take(channel).user, ENOENT);
	for (i = 0; i < 3; i++)
		answer(channel, &requests[i]);
	ended(channel, 0, 0);
	ended(channel, 2, 0);
	answer(channel, &requests[0]);
	assert_int_equal(t_echo(channel, "after late answers"), 0);
	assert_int_equal(t_attribute(device, "late_answers"), late + 2);
	settled();
}

/* In the order of their deadlines; the one without any waits on. */
static void check_timeouts(struct kucomms_channel *channel, const char *device)
{
	static const int timeouts[] = { -1, 60, 20, 40 };
	unsigned long long late = t_attribute(device, "late_answers");
	struct test_calls before = settled();
	struct kucomms_message requests[4];
	int i;

	/* In one turn: none of them ends before all have been started. */
	for (i = 0; i < 4; i++)
		call_with(channel, (struct test_call_spec){
				.count = 1, .timeout_ms = timeouts[i] },
			  i < 3 ? KUCOMMS_SEND_MORE : 0);
	for (i = 0; i < 4; i++) {
		requests[i] = called(channel);
		assert_int_equal(requests[i].id, requests[0].id + (__u64)i);
	}
	for (i = 0; i < 3; i++)
		ended(channel, 0, ETIMEDOUT);
	/* At once is possible, too. */
	call(channel, (struct test_call_spec){ .count = 1 });
	called(channel);
	ended(channel, 0, ETIMEDOUT);
	for (i = 0; i < 4; i++)
		answer(channel, &requests[i]);
	ended(channel, 0, 0);
	assert_int_equal(t_echo(channel, "in time"), 0);
	assert_int_equal(t_attribute(device, "late_answers"), late + 3);
	assert_int_equal(settled().timed_out - before.timed_out, 4);
}

/*
 * The first deadline is the latest one. The module sees that the calls end in the order
 * of their deadlines.
 */
static void check_deadline_order(struct kucomms_channel *channel)
{
	int i, calls = 0, ends = 0;

	call_with(channel, (struct test_call_spec){ .count = 1,
						    .timeout_ms = 600000 },
		  KUCOMMS_SEND_MORE);
	for (i = 3; i > 0; i--)
		call_with(channel, (struct test_call_spec){
				.count = (__u32)i, .timeout_ms = 10 * i },
			  i > 1 ? KUCOMMS_SEND_MORE : 0);
	while (calls + ends < 7 + 6) {
		const struct kucomms_message message = take(channel);

		calls += message.type == TEST_CALLED;
		ends += message.type == TEST_CALL_DONE &&
			message.id == ETIMEDOUT;
	}
	assert_int_equal(calls, 7);
	send_to(channel, TEST_CALL_CANCEL, 0);
	assert_int_equal(take(channel).user, 0);
}

/* More than one turn's share at the same time. */
static void check_many_timeouts(struct kucomms_channel *channel)
{
	int i;

	call(channel, (struct test_call_spec){ .count = MANY,
					       .timeout_ms = 1 });
	for (i = 0; i < 2 * MANY; i++)
		take(channel);
	settled();
}

/* Cancelled by a thread while done() runs, and has started it again. */
static void check_cancel_running(struct kucomms_channel *channel,
				 __u32 restarts)
{
	struct test_calls before = settled(), after;
	struct kucomms_message request;

	call(channel, (struct test_call_spec){ .kind = TEST_CALL_SLOW,
					       .count = 1, .timeout_ms = -1,
					       .restarts = restarts });
	request = called(channel);
	answer(channel, &request);
	if (restarts)
		called(channel);
	do {
		after = report();
	} while (after.answered == before.answered ||
		 after.cancelled - before.cancelled < restarts);
}

/* Cancelled by a thread while the answers come. */
static void check_cancel_races(struct kucomms_channel *channel)
{
	static struct kucomms_message requests[MANY / 10];
	int round, i;

	for (round = 0; round < 20; round++) {
		call(channel, (struct test_call_spec){ .kind = TEST_CALL_RACE,
			.count = MANY / 10, .timeout_ms = round % 2 ? 1 : -1 });
		for (i = 0; i < MANY / 10; i++)
			requests[i] = called(channel);
		for (i = MANY / 10 - 1; i >= 0; i--)
			answer(channel, &requests[i]);
		settled();
	}
}

static void wait_for(struct kucomms_channel *channel, __u32 kind,
		     int timeout_ms, __u32 capacity)
{
	call(channel, (struct test_call_spec){ .kind = kind, .count = 1,
					       .timeout_ms = timeout_ms,
					       .capacity = capacity });
}

/* Threads of the module that wait for the answer. */
static void check_waiting(struct kucomms_channel *channel)
{
	struct kucomms_message request;

	wait_for(channel, TEST_CALL_WAIT, -1, 8);
	request = called(channel);
	answer(channel, &request);
	ended(channel, 0, 0);
	wait_for(channel, TEST_CALL_WAIT, 600000, 7);
	request = called(channel);
	answer(channel, &request);
	ended(channel, 0, ENOBUFS);
	wait_for(channel, TEST_CALL_WAIT, 20, 8);
	called(channel);
	ended(channel, 0, ETIMEDOUT);
	wait_for(channel, TEST_CALL_HANDLER, -1, 8);
	ended(channel, 0, EDEADLK);
}

/* The call comes before or after the thread is told to stop. */
static void check_stop(struct kucomms_channel *channel)
{
	struct kucomms_message message;

	wait_for(channel, TEST_CALL_STOP, -1, 8);
	do {
		message = take(channel);
	} while (message.type == TEST_CALLED);
	assert_int_equal(message.type, TEST_CALL_DONE);
	assert_int_equal(message.id, EINTR);
}

/* Its device is gone when the call is cancelled. */
static void check_cancel_afterwards(const char *device)
{
	struct kucomms_channel *channel = t_open(device, 0, 0);
	struct test_calls before = settled();

	call(channel, (struct test_call_spec){ .kind = TEST_CALL_KEEP,
					       .count = 1, .timeout_ms = -1 });
	called(channel);
	kucomms_channel_close(channel);
	assert_int_equal(settled().shut_down - before.shut_down, 1);
	send_to(watch, TEST_CALL_KEPT, 0);
	assert_int_equal(take(watch).user, ENOENT);
}

/* Killed with calls in flight, and while a thread waits for it. */
static void check_killed(const char *device, __u32 kind, __u32 count)
{
	struct test_calls before = settled();
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		struct kucomms_channel *channel = t_open(device, 0, 0);
		__u32 i;

		call(channel, (struct test_call_spec){ .kind = kind,
			.count = count, .timeout_ms = -1, .capacity = 8 });
		for (i = 0; i < count; i++)
			called(channel);
		assert_int_equal(write(fds[1], "x", 1), 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &(char){ 0 }, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(t_wait(pid), -SIGKILL);
	while (report().shut_down - before.shut_down < count)
		;
	assert_int_equal(report().shut_down - before.shut_down, count);
	close(fds[0]);
	close(fds[1]);
}

/* The module hangs up; the client stays, and does nothing. */
static void check_shut_down(const char *device)
{
	struct kucomms_channel *channel = t_open(device, 0, 0);
	struct test_calls before = settled();
	int i;

	call(channel, (struct test_call_spec){ .count = 5, .timeout_ms = -1 });
	for (i = 0; i < 5; i++)
		called(channel);
	send_to(channel, TEST_HANG_UP, 0);
	while (report().shut_down - before.shut_down < 5)
		;
	settled();
	kucomms_channel_close(channel);
}

/* The client breaks the rules, and stays. */
static void check_broken(const char *device)
{
	struct test_calls before = settled();
	struct raw raw = raw_open(device, 4096);
	const struct test_call_spec spec = { .count = 5, .timeout_ms = -1 };
	struct kucomms_message *record;

	assert_int_equal(kucomms_producer_reserve(&raw.out, sizeof(spec),
						  &record), 0);
	record->type = TEST_CALL;
	memcpy(record + 1, &spec, sizeof(spec));
	kucomms_producer_commit(&raw.out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
	assert_int_equal(kucomms_producer_reserve(&raw.out, 0, &record), 0);
	kucomms_producer_commit(&raw.out, record, 99, false);
	raw_ring(&raw);
	while (report().broken - before.broken < 5)
		;
	settled();
	raw_close(&raw);
}

/* The message handler breaks it; the sender hears of it now or later. */
static void check_failed(const char *device)
{
	const struct kucomms_message message = { .type = TEST_FAIL };
	struct kucomms_channel *channel = t_open(device, 0, 0);
	struct test_calls before = settled();
	int err;

	call(channel, (struct test_call_spec){ .count = 5, .timeout_ms = -1 });
	err = kucomms_send(channel, &message, NULL, 0, -1);
	assert_true(!err || err == -EPROTO);
	while (report().broken - before.broken < 5)
		;
	settled();
	kucomms_channel_close(channel);
}

/* A flood of answers is one of messages, and each is counted. */
static void check_flood(struct kucomms_channel *channel, const char *device)
{
	unsigned long long late = t_attribute(device, "late_answers");
	struct kucomms_message request, message;
	int i;

	call(channel, (struct test_call_spec){ .count = 1, .timeout_ms = -1 });
	request = called(channel);
	answer(channel, &request);
	ended(channel, 0, 0);
	message = request;
	message.length = 0;
	message.type = TEST_FAIL;
	for (i = 0; i < 20 * MANY; i++)
		assert_int_equal(kucomms_send(channel, &message, NULL,
					      i % 50 ? KUCOMMS_SEND_MORE : 0,
					      -1),
				 0);
	assert_int_equal(t_echo(channel, "after the flood"), 0);
	assert_int_equal(t_attribute(device, "late_answers"), late + 20 * MANY);
}

/* In every way of dispatch, and with a turn for each channel. */
static void check_device(const char *device)
{
	struct kucomms_channel *channel = t_open(device, 0, 0);

	check_any_order(channel, TEST_CALL_PLAIN);
	check_any_order(channel, TEST_CALL_INTERRUPT);
	check_restarts(channel);
	check_strangers(channel);
	check_late(channel, device);
	check_timeouts(channel, device);
	check_deadline_order(channel);
	check_many_timeouts(channel);
	check_cancel_running(channel, 0);
	check_cancel_running(channel, 1);
	check_cancel_races(channel);
	check_waiting(channel);
	check_stop(channel);
	check_flood(channel, device);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);

	check_cancel_afterwards(device);
	check_killed(device, TEST_CALL_PLAIN, 100);
	check_killed(device, TEST_CALL_WAIT, 1);
	check_shut_down(device);
	check_broken(device);
	check_failed(device);
	settled();
}

/* The module goes. */
static void check_unregister(const char *how)
{
	struct test_calls before = settled();
	struct kucomms_channel *channel;
	int i;

	t_parameter("late", how);
	channel = t_open("kucomms_late", 0, 0);
	call(channel, (struct test_call_spec){ .count = 50,
					       .timeout_ms = 600000 });
	for (i = 0; i < 50; i++)
		called(channel);
	t_parameter("late", "0");
	/* No later than that. */
	assert_int_equal(report().shut_down - before.shut_down, 50);
	kucomms_channel_close(channel);
}

/* A client that is called and then refused, and its call's deadline passes. */
static void check_refused(void)
{
	struct test_calls before = settled();
	struct kucomms_channel *channel;
	int i;

	for (i = 0; i < 10; i++)
		assert_int_equal(kucomms_open("picky", NULL, &channel),
				 -EDQUOT);
	assert_int_equal(report().shut_down - before.shut_down, 10);
}

/* Where threads of the module take the messages there are no calls. */
static void check_proxy(void)
{
	struct kucomms_channel *channel = t_open("kucomms_proxy", 0, 0);

	send_to(channel, TEST_CALL, 0);
	assert_int_equal(take(channel).user, EINVAL);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
}

int main(void)
{
	static const char *const devices[] = {
		"kucomms_test", "kucomms_shared", "kucomms_parallel",
		"kucomms_threaded", "kucomms_late", "kucomms_picky",
		"kucomms_proxy",
	};
	int i, mode;

	for (i = 0; i < 7; i++)
		t_device(devices[i]);
	watch = t_open("kucomms_threaded", 0, 0);
	for (i = 0; i < 3; i++) {
		for (mode = 0; mode < T_MODES; mode++) {
			assert_int_equal(t_adjust(devices[i], "dispatch",
						  t_modes[mode]), 0);
			printf("%s, %s\n", devices[i], t_modes[mode]);
			check_device(devices[i]);
		}
	}
	check_unregister("1");
	check_unregister("2");
	check_refused();
	check_proxy();
	settled();
	kucomms_channel_close(watch);
	for (i = 0; i < 7; i++)
		assert_int_equal(t_remove(devices[i]), 0);
	return 0;
}
