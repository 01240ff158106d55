// SPDX-License-Identifier: MIT
/*
 * Calls: the answer comes to the one who asked, late ones and those that never come
 * included, and each call ends once.
 */
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "endpoints.h"

#define ECHOES		5000
#define CALLS		500

/* Answers requests when it has as many as it likes, the last one first. */
struct late_answers {
	struct kucomms_message requests[8];
	unsigned int count;
};

static int answer_backwards(struct kucomms_channel *channel,
			    const struct kucomms_message *message,
			    const void *data, void *priv)
{
	struct late_answers *late = priv;

	(void)data;
	/* Some are never answered, some twice. */
	if (message->type == 1)
		return 0;
	late->requests[late->count++] = *message;
	if (late->count < 8)
		return 0;
	while (late->count) {
		struct kucomms_message *answer = &late->requests[--late->count];

		answer->length = 0;
		assert_int_equal(kucomms_reply(channel, answer, NULL, 0), 0);
		if (answer->type == 2)
			assert_int_equal(kucomms_reply(channel, answer,
						       NULL, 0), 0);
	}
	return 0;
}

struct asked {
	struct kucomms_call call;
	__u64 user;
	int err;
	int done;
	sem_t *all;
};

static void asked_done(struct kucomms_call *call, int err,
		       const struct kucomms_message *answer, const void *data)
{
	struct asked *asked = (struct asked *)call;

	(void)data;
	asked->err = err;
	asked->done++;
	if (!err)
		assert_int_equal(answer->user, asked->user);
	sem_post(asked->all);
}

static void answers_come_in_any_order_late_or_never(void **state)
{
	static struct asked asked[CALLS];
	const struct kucomms_ops ops = { .message = answer_backwards };
	struct kucomms_endpoint_stats stats = { .size = sizeof(stats) };
	struct late_answers late = { .count = 0 };
	struct kucomms_message request = { .length = 0 };
	struct kucomms_endpoint *server, *client;
	struct kucomms_channel *channel;
	struct seen seen;
	sem_t all;
	int i;

	(void)state;
	sem_init(&all, 0, 0);
	assert_int_equal(kucomms_endpoint_create(&ops, &late, NULL, &server), 0);
	assert_int_equal(kucomms_endpoint_listen(server, process_name, NULL), 0);
	assert_int_equal(kucomms_endpoint_start(server), 0);
	client = serve(&count_ops, &seen, "local:other");
	assert_int_equal(kucomms_endpoint_connect(client, process_name, NULL, 0,
						  &channel), 0);
	memset(asked, 0, sizeof(asked));
	for (i = 0; i < CALLS; i++) {
		asked[i].call.done = asked_done;
		asked[i].user = (__u64)i;
		asked[i].all = &all;
		request.user = (__u64)i;
		/* Every 5th is never answered, and given up at once or never. */
		request.type = i % 5 ? i % 4 ? 0 : 2 : 1;
		assert_int_equal(kucomms_call_start(channel, &asked[i].call,
						    &request, NULL,
						    i % 10 ? -1 : 1), 0);
	}
	/* 320 of 400 have been asked so that they come back in eights. */
	for (i = 0; i < CALLS * 4 / 5 + CALLS / 10; i++)
		sem_wait(&all);
	for (i = 0; i < CALLS; i++) {
		if (i % 10 == 5)
			assert_int_equal(kucomms_call_cancel(&asked[i].call), 0);
		assert_int_equal(kucomms_call_cancel(&asked[i].call), -ENOENT);
		assert_int_equal(asked[i].done, i % 10 != 5);
		assert_int_equal(asked[i].err, i % 10 ? 0 : -ETIMEDOUT);
	}
	assert_int_equal(kucomms_endpoint_get_stats(client, &stats), 0);
	assert_int_equal(stats.calls, CALLS * 4 / 5);
	assert_int_equal(stats.late, CALLS / 5);
	assert_int_equal(seen.messages, 0);

	/* What is in flight when the other side goes ends, too. */
	request.type = 1;
	assert_int_equal(kucomms_call_start(channel, &asked[0].call, &request,
					    NULL, -1), 0);
	kucomms_endpoint_destroy(server);
	sem_wait(&all);
	assert_int_equal(asked[0].err, -ESHUTDOWN);
	assert_int_equal(kucomms_call_start(channel, &asked[0].call, &request,
					    NULL, -1), -ESHUTDOWN);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(client);
}

static void *caller(void *arg)
{
	struct kucomms_channel *channel = arg;
	struct kucomms_message answer;
	char sent[16], received[16];
	int i;

	for (i = 0; i < ECHOES / 10; i++) {
		struct kucomms_message request = {
			.length = (__u32)sprintf(sent, "%d", i),
		};

		assert_int_equal(kucomms_call_wait(channel, &request, sent,
						   &answer, received,
						   sizeof(received), -1), 0);
		assert_int_equal(answer.length, request.length);
		assert_memory_equal(sent, received, request.length);
	}
	return NULL;
}

static void threads_wait_for_their_own_answers(void **state)
{
	struct kucomms_message request = { .length = 3 }, answer;
	struct kucomms_endpoint *server, *client;
	struct kucomms_channel *channel;
	struct seen served, seen;
	pthread_t threads[3];
	char byte;
	int i;

	(void)state;
	server = serve(&echo_ops, &served, "local:test");
	client = serve(&count_ops, &seen, "local:other");
	assert_int_equal(kucomms_endpoint_connect(client, "local:test", NULL, 0,
						  &channel), 0);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, caller, channel);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(kucomms_call_wait(channel, &request, "abc", &answer,
					   &byte, 1, -1), -ENOBUFS);
	assert_int_equal(answer.length, 3);
	assert_int_equal(byte, 'a');
	kucomms_endpoint_stop(server);
	assert_int_equal(kucomms_call_wait(channel, &request, "abc", &answer,
					   &byte, 1, 5), -ETIMEDOUT);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(client);
	kucomms_endpoint_destroy(server);
	assert_int_equal(seen.messages, 0);
}

struct waiting {
	struct kucomms_channel *channel;
	int err;
};

static void *wait_for_answer(void *arg)
{
	struct kucomms_message request = { .length = 0 }, answer;
	struct waiting *waiting = arg;

	waiting->err = kucomms_call_wait(waiting->channel, &request, NULL,
					 &answer, NULL, 0, -1);
	return NULL;
}

/*
 * A thread that waited for an answer still accessed the endpoint after another
 * thread had freed it.
 */
static void destroy_lets_those_go_who_wait(void **state)
{
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_endpoint *endpoint;
	struct kucomms_message message;
	struct kucomms_channel *peer;
	struct waiting waiting;
	const void *data;
	pthread_t thread;
	struct seen seen;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		endpoint = create(&count_ops, &seen);
		waiting.channel = connect_to(listener, endpoint, &peer);
		assert_int_equal(kucomms_endpoint_start(endpoint), 0);
		pthread_create(&thread, NULL, wait_for_answer, &waiting);
		assert_int_equal(kucomms_receive(peer, &message, &data, -1), 0);
		kucomms_endpoint_destroy(endpoint);
		pthread_join(thread, NULL);
		assert_int_equal(waiting.err, -ESHUTDOWN);
		kucomms_channel_put(waiting.channel);
		kucomms_channel_close(peer);
	}
	kucomms_listener_close(listener);
}

struct again {
	struct kucomms_call call;
	struct kucomms_channel *channel;
	int err;
	int cancelled;
	bool overtaken;
	sem_t started;
};

static void start_again(struct kucomms_call *call, int err,
			const struct kucomms_message *answer, const void *data)
{
	const struct kucomms_message message = { .length = 0 };
	struct again *again = (struct again *)call;

	(void)err;
	(void)answer;
	(void)data;
	again->err = kucomms_call_start(again->channel, call, &message, NULL,
					-1);
	sem_post(&again->started);
	again->overtaken = yield_to(&again->cancelled);
}

/*
 * A call that done had started again was cancelled, and then freed by whoever
 * did so, while done was still running.
 */
static void cancel_waits_for_a_done_that_starts_again(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct again again = { .call = { .done = start_again } };
	struct meeting meeting;

	(void)state;
	sem_init(&again.started, 0, 0);
	meet(&meeting);
	again.channel = meeting.channel;
	assert_int_equal(kucomms_endpoint_start(meeting.endpoint), 0);
	assert_int_equal(kucomms_call_start(again.channel, &again.call,
					    &message, NULL, 1), 0);
	sem_wait(&again.started);
	assert_int_equal(kucomms_call_cancel(&again.call), 0);
	__atomic_store_n(&again.cancelled, 1, __ATOMIC_SEQ_CST);
	kucomms_endpoint_stop(meeting.endpoint);
	assert_int_equal(again.err, 0);
	assert_false(again.overtaken);
	part(&meeting);
}

struct ended {
	struct kucomms_call call;
	struct ended *next;
	struct kucomms_channel *other;
	int *count;
};

static void count_ended(struct kucomms_call *call, int err,
			const struct kucomms_message *answer, const void *data)
{
	const struct kucomms_message message = { .length = 0 };
	struct ended *ended = (struct ended *)call;
	int i;

	(void)answer;
	(void)data;
	assert_int_equal(err, -ESHUTDOWN);
	++*ended->count;
	for (i = 0; ended->next && i < 4; i++)
		assert_int_equal(kucomms_call_start(ended->other,
						    &ended->next[i].call,
						    &message, NULL, -1), 0);
}

static void start_calls(struct kucomms_channel *channel, struct ended *ended,
			int count, int *done)
{
	const struct kucomms_message message = { .length = 0 };
	int i;

	for (i = 0; i < count; i++) {
		ended[i].call.done = count_ended;
		ended[i].count = done;
		assert_int_equal(kucomms_call_start(channel, &ended[i].call,
						    &message, NULL, -1), 0);
	}
}

#define MANY_CALLS	400000

/*
 * For each call that a channel's end ended all were looked at once more: so
 * many took minutes, in which the endpoint did nothing else.
 */
static void many_calls_end_with_their_channel(void **state)
{
	const struct kucomms_options large = {
		.size = sizeof(large), .send_size = 16u << 20,
	};
	struct ended *ended = calloc(MANY_CALLS, sizeof(*ended));
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel, *peer;
	struct seen seen;
	int done = 0;

	(void)state;
	endpoint = create(&count_ops, &seen);
	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:test",
						  &large, 0, &channel), 0);
	assert_int_equal(kucomms_accept(listener, &peer, 0), 0);
	settle(endpoint);
	start_calls(channel, ended, MANY_CALLS, &done);
	kucomms_channel_close(peer);
	settle(endpoint);
	assert_int_equal(done, MANY_CALLS);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(endpoint);
	kucomms_listener_close(listener);
	free(ended);
}

#define FEW_CALLS	50

/* The table of calls may grow while they are ended one by one. */
static void calls_end_also_while_others_are_started(void **state)
{
	static struct ended ended[FEW_CALLS], others[FEW_CALLS][4];
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_channel *channel, *other, *peer, *other_peer;
	struct kucomms_endpoint *endpoint;
	int done = 0, later = 0, i, j;
	struct seen seen;

	(void)state;
	endpoint = create(&count_ops, &seen);
	channel = connect_to(listener, endpoint, &peer);
	other = connect_to(listener, endpoint, &other_peer);
	start_calls(channel, ended, FEW_CALLS, &done);
	for (i = 0; i < FEW_CALLS; i++) {
		ended[i].next = others[i];
		ended[i].other = other;
		for (j = 0; j < 4; j++) {
			others[i][j].call.done = count_ended;
			others[i][j].count = &later;
		}
	}
	kucomms_channel_close(peer);
	settle(endpoint);
	assert_int_equal(done, FEW_CALLS);
	assert_int_equal(later, 0);
	kucomms_channel_close(other_peer);
	settle(endpoint);
	assert_int_equal(done, FEW_CALLS);
	assert_int_equal(later, 4 * FEW_CALLS);
	kucomms_channel_put(channel);
	kucomms_channel_put(other);
	kucomms_endpoint_destroy(endpoint);
	kucomms_listener_close(listener);
}

static void count_done(struct kucomms_call *call, int err,
		       const struct kucomms_message *answer, const void *data)
{
	(void)answer;
	(void)data;
	assert_int_equal(err, 0);
	++*(int *)call->priv;
}

/* What the library calls is counted. */
static int timers_set;

int timerfd_settime(int fd, int flags, const struct itimerspec *value,
		    struct itimerspec *before)
{
	long call = SYS_timerfd_settime;

	/* Machines of 32 bits have another call for a time_t of 64 bits. */
#ifdef SYS_timerfd_settime64
	if (sizeof(time_t) > sizeof(long))
		call = SYS_timerfd_settime64;
#endif
	timers_set++;
	return (int)syscall(call, fd, flags, value, before);
}

/*
 * The timer was set for each call, and set back with its answer: more system
 * calls than the messages themselves took.
 */
static void calls_do_not_set_the_timer_each(void **state)
{
	const struct kucomms_message request = { .length = 0 };
	struct kucomms_call call = { .done = count_done };
	struct kucomms_message message;
	struct meeting meeting;
	const void *data;
	int done = 0, i;

	(void)state;
	call.priv = &done;
	meet(&meeting);
	timers_set = 0;
	for (i = 1; i <= 100; i++) {
		assert_int_equal(kucomms_call_start(meeting.channel, &call,
						    &request, NULL,
						    600000), 0);
		assert_int_equal(kucomms_receive(meeting.peer, &message, &data,
						 0), 0);
		assert_int_equal(kucomms_send(meeting.peer, &message, NULL, 0,
					      0), 0);
		kucomms_release(meeting.peer);
		settle(meeting.endpoint);
		assert_int_equal(done, i);
	}
	assert_int_equal(timers_set, 1);
	part(&meeting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_in_any_order_late_or_never),
		cmocka_unit_test(threads_wait_for_their_own_answers),
		cmocka_unit_test(destroy_lets_those_go_who_wait),
		cmocka_unit_test(cancel_waits_for_a_done_that_starts_again),
		cmocka_unit_test(many_calls_end_with_their_channel),
		cmocka_unit_test(calls_end_also_while_others_are_started),
		cmocka_unit_test(calls_do_not_set_the_timer_each),
	};

	return run_program("lib-call", tests);
}
