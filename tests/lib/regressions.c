// SPDX-License-Identifier: MIT
/*
 * What has been wrong once: one test for each promise that was broken, mostly
 * by somebody hostile, or by two threads that met where it hurts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <kucomms/endpoint.h>

#include "../../lib/conn.h"
#include "../../lib/listener.h"
#include "../../lib/shm.h"
#include "../patience.h"

#define PAGE		4096u
#define RECORDS		(PAGE / sizeof(struct kucomms_message))

/* So often others may run before it is said that they do not come. */
#define YIELDS		10000

static char directory[] = "/tmp/kucomms-test-XXXXXX";
static char process_name[sizeof("process:") + sizeof(directory) + 8];
static const char *const path = process_name + sizeof("process:") - 1;

static const struct kucomms_options small = {
	.size = sizeof(small), .send_size = PAGE, .receive_size = PAGE,
	.timeout_ms = -1,
};

/* What the handlers of an endpoint have seen. */
struct seen {
	int connects;
	int disconnects;
	int messages;
	int removes_at;
	struct kucomms_channel *last;
	sem_t disconnected;
	sem_t received;
};

static int count_message(struct kucomms_channel *channel,
			 const struct kucomms_message *message,
			 const void *data, void *priv)
{
	struct seen *seen = priv;

	(void)channel;
	(void)message;
	(void)data;
	seen->messages++;
	sem_post(&seen->received);
	return 0;
}

static int count_connect(struct kucomms_channel *channel, void *priv)
{
	struct seen *seen = priv;

	seen->connects++;
	seen->last = channel;
	if (seen->connects != seen->removes_at)
		return 0;
	kucomms_endpoint_remove(kucomms_channel_endpoint(channel), channel);
	return -EPERM;
}

static void count_disconnect(struct kucomms_channel *channel, void *priv)
{
	struct seen *seen = priv;

	(void)channel;
	__atomic_fetch_add(&seen->disconnects, 1, __ATOMIC_SEQ_CST);
	sem_post(&seen->disconnected);
}

static const struct kucomms_ops count_ops = {
	.message = count_message,
	.connect = count_connect,
	.disconnect = count_disconnect,
};

static struct kucomms_endpoint *create(const struct kucomms_ops *ops,
				       struct seen *seen)
{
	const struct kucomms_endpoint_options options = {
		.size = sizeof(options), .work_us = 1, .reconnect_ms = 1,
	};
	struct kucomms_endpoint *endpoint;

	memset(seen, 0, sizeof(*seen));
	sem_init(&seen->disconnected, 0, 0);
	sem_init(&seen->received, 0, 0);
	assert_int_equal(kucomms_endpoint_create(ops, seen, &options,
						 &endpoint), 0);
	return endpoint;
}

/* Until there is nothing more to do. */
static void settle(struct kucomms_endpoint *endpoint)
{
	int err;

	do {
		err = kucomms_endpoint_dispatch(endpoint, 0);
	} while (!err);
	assert_int_equal(err, -EAGAIN);
}

/* As a foreign event loop does it: until the descriptor has nothing to tell. */
static void settle_by_poll(struct kucomms_endpoint *endpoint)
{
	struct pollfd readable = {
		.fd = kucomms_endpoint_fd(endpoint), .events = POLLIN,
	};
	int rounds = 0;

	while (poll(&readable, 1, 0)) {
		assert_true(rounds++ < 1000);
		kucomms_endpoint_dispatch(endpoint, 0);
	}
}

static struct kucomms_listener *listen_at(const char *name)
{
	struct kucomms_listener *listener;

	assert_int_equal(kucomms_listen(name, NULL, &listener), 0);
	return listener;
}

/* Makes the endpoint listen, and connects to it. */
static struct kucomms_channel *open_to(struct kucomms_endpoint *endpoint)
{
	struct kucomms_channel *channel;

	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:test", NULL),
			 0);
	assert_int_equal(kucomms_open("local:test", NULL, &channel), 0);
	settle(endpoint);
	return channel;
}

/* An endpoint's channel, and the other side of it, which is nobody's. */
static struct kucomms_channel *connect_to(struct kucomms_listener *listener,
					  struct kucomms_endpoint *endpoint,
					  struct kucomms_channel **peer)
{
	struct kucomms_channel *channel;

	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:test", NULL,
						  0, &channel), 0);
	assert_int_equal(kucomms_accept(listener, peer, 0), 0);
	settle(endpoint);
	return channel;
}

/* An endpoint with such a channel, and all that there is of it. */
struct meeting {
	struct kucomms_listener *listener;
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct kucomms_channel *peer;
	struct seen seen;
};

static void meet(struct meeting *meeting)
{
	meeting->listener = listen_at("local:test");
	meeting->endpoint = create(&count_ops, &meeting->seen);
	meeting->channel = connect_to(meeting->listener, meeting->endpoint,
				      &meeting->peer);
}

/* Somebody may have closed the peer already: then it is NULL. */
static void part(struct meeting *meeting)
{
	kucomms_channel_put(meeting->channel);
	kucomms_endpoint_destroy(meeting->endpoint);
	kucomms_channel_close(meeting->peer);
	kucomms_listener_close(meeting->listener);
}

/* Two ends that no endpoint has. */
static void open_pair(struct kucomms_channel **here,
		      struct kucomms_channel **there)
{
	struct kucomms_listener *listener = listen_at("local:test");

	assert_int_equal(kucomms_open("local:test", NULL, here), 0);
	assert_int_equal(kucomms_accept(listener, there, 0), 0);
	kucomms_listener_close(listener);
}

static int empty(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const void *data;
	int count = 0;

	while (!kucomms_receive(channel, &message, &data, 0)) {
		kucomms_release(channel);
		count++;
	}
	return count;
}

static __u64 doorbells(const struct kucomms_channel *channel)
{
	struct kucomms_channel_stats stats = { .size = sizeof(stats) };

	assert_int_equal(kucomms_channel_get_stats(channel, &stats), 0);
	return stats.doorbells;
}

/* Says whether @word has changed from 0, when others had time enough for it. */
static bool yield_to(const int *word)
{
	int i;

	for (i = 0; i < YIELDS && !__atomic_load_n(word, __ATOMIC_SEQ_CST); i++)
		sched_yield();
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* What has been printed is printed once; nobody outlives the test. */
static pid_t fork_quietly(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int connect_stranger(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&address,
				 sizeof(address)), 0);
	return fd;
}

static void *open_process(void *channel)
{
	if (open_patiently(process_name, &small, channel))
		*(struct kucomms_channel **)channel = NULL;
	return NULL;
}

/* Somebody honest gets in. */
static void expect_welcome(struct kucomms_listener *listener)
{
	struct kucomms_channel *here, *there;
	pthread_t thread;

	pthread_create(&thread, NULL, open_process, &there);
	assert_int_equal(kucomms_accept(listener, &here, -1), 0);
	pthread_join(thread, NULL);
	assert_non_null(there);
	kucomms_channel_close(there);
	kucomms_channel_close(here);
}

/*
 * What the library calls, so that it can be counted, and somebody else be quick
 * meanwhile.
 */
static int timers_set;
static _Thread_local struct kucomms_channel *to_be_closed;
static _Thread_local const int *to_be_seen;
static bool overtaken;

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

int shutdown(int fd, int how)
{
	struct kucomms_channel *channel = to_be_closed;

	to_be_closed = NULL;
	if (channel) {
		kucomms_channel_close(channel);
		overtaken = yield_to(to_be_seen);
	}
	return (int)syscall(SYS_shutdown, fd, how);
}

/*
 * The socket of a channel that was removed stayed in epoll, with a pointer to
 * what had been freed, as long as a child had a copy of the descriptor.
 */
static void a_child_keeps_no_removed_channel(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;
	pid_t pid;

	(void)state;
	endpoint = create(&count_ops, &seen);
	channel = open_to(endpoint);
	assert_int_equal(seen.connects, 1);
	pid = fork_quietly();
	if (!pid)
		for (;;)
			pause();
	assert_int_equal(kucomms_endpoint_remove(endpoint, seen.last), 0);
	settle(endpoint);
	assert_int_equal(seen.disconnects, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
}

/*
 * The same of a stranger that had to make place for another: its end was
 * reported for ever, and accept never came back.
 */
static void a_child_keeps_no_forgotten_stranger(void **state)
{
	struct kucomms_listener *listener = listen_at(process_name);
	int pending[KC_PENDING_MAX + 1];
	struct kucomms_channel *channel;
	unsigned int i;
	pid_t pid;

	(void)state;
	pending[0] = connect_stranger();
	assert_int_equal(kucomms_accept(listener, &channel, 0), -EAGAIN);
	pid = fork_quietly();
	if (!pid)
		for (;;)
			pause();
	for (i = 1; i <= KC_PENDING_MAX; i++) {
		pending[i] = connect_stranger();
		assert_int_equal(kucomms_accept(listener, &channel, 0),
				 -EAGAIN);
	}
	shutdown(pending[0], SHUT_RDWR);
	assert_int_equal(kucomms_accept(listener, &channel, 0), -EAGAIN);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i <= KC_PENDING_MAX; i++)
		close(pending[i]);
	kucomms_listener_close(listener);
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
 * Who waited for an answer still looked into the endpoint when that had been
 * freed.
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

/*
 * A channel that came back, and was removed by its own connect handler, was
 * asked for the next one when it had been freed.
 */
static void who_comes_back_may_be_removed_at_once(void **state)
{
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *peer;
	struct seen seen;

	(void)state;
	endpoint = create(&count_ops, &seen);
	seen.removes_at = 2;
	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:test",
						  &small, KUCOMMS_CONNECT_RETRY,
						  NULL), 0);
	settle(endpoint);
	assert_int_equal(kucomms_accept(listener, &peer, 0), 0);
	kucomms_channel_close(peer);
	while (seen.connects < 2)
		kucomms_endpoint_dispatch(endpoint, -1);
	settle(endpoint);
	assert_int_equal(seen.connects, 2);
	assert_int_equal(seen.disconnects, 1);
	kucomms_endpoint_destroy(endpoint);
	kucomms_listener_close(listener);
}

#define COMERS	200

static bool connect_one(struct kucomms_endpoint *endpoint, void *priv)
{
	static int count;

	(void)priv;
	if (count == COMERS)
		return false;
	count++;
	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:test",
						  &small, KUCOMMS_CONNECT_RETRY,
						  NULL), 0);
	return true;
}

/*
 * Who was added by a handler, just before those who want to come back were
 * looked at, arrived twice.
 */
static void who_is_added_by_a_handler_arrives_once(void **state)
{
	const struct kucomms_ops ops = {
		.work = connect_one, .connect = count_connect,
		.disconnect = count_disconnect,
	};
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_endpoint *endpoint;
	struct seen seen;

	(void)state;
	endpoint = create(&ops, &seen);
	/* This one wants to come back all the time. */
	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:nobody",
						  &small, KUCOMMS_CONNECT_RETRY,
						  NULL), 0);
	while (seen.connects < COMERS)
		kucomms_endpoint_dispatch(endpoint, -1);
	assert_int_equal(kucomms_endpoint_dispatch(endpoint, -1), 0);
	assert_int_equal(seen.connects, COMERS);
	assert_int_equal(seen.disconnects, 0);
	kucomms_endpoint_destroy(endpoint);
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

/* A ring full of messages, as no producer would write them all at a time. */
static void fill_ring_and_die(void)
{
	struct kucomms_channel *channel;
	struct kucomms_message *record;
	unsigned int i;

	if (open_patiently(process_name, &small, &channel))
		_exit(1);
	for (i = RECORDS; i--;) {
		record = (struct kucomms_message *)channel->out.data + i;
		record->length = 0;
		kucomms_store_release(&record->control,
				      KUCOMMS_CONTROL_MESSAGE);
	}
	_exit(0);
}

/*
 * Nobody was there any more to take the messages out of the ring, so it was
 * read round and round.
 */
static void the_ring_of_the_dead_ends(void **state)
{
	struct kucomms_listener *listener = listen_at(process_name);
	struct kucomms_channel *channel;
	struct kucomms_message message;
	unsigned int received = 0;
	const void *data;
	int status, err;
	pid_t pid = fork_quietly();

	(void)state;
	if (!pid)
		fill_ring_and_die();
	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	while (!(err = kucomms_receive(channel, &message, &data, -1)) &&
	       received <= 2 * RECORDS) {
		kucomms_release(channel);
		received++;
	}
	/* No honest producer fills the last record. */
	assert_int_equal(err, -EPROTO);
	assert_in_range(received, RECORDS, 2 * RECORDS);
	kucomms_channel_close(channel);
	kucomms_listener_close(listener);
}

/* The same for an endpoint, which had no time for anybody else any more. */
static void an_endpoint_lets_the_dead_go(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct seen seen;
	pid_t pid = fork_quietly();

	(void)state;
	if (!pid)
		fill_ring_and_die();
	endpoint = create(&count_ops, &seen);
	assert_int_equal(kucomms_endpoint_listen(endpoint, process_name, NULL),
			 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	sem_wait(&seen.disconnected);
	waitpid(pid, NULL, 0);
	kucomms_endpoint_destroy(endpoint);
	assert_true(seen.messages >= (int)RECORDS);
}

/*
 * As long as strangers came, whoever had called accept, or an endpoint, did
 * nothing but to hear them.
 */
static void strangers_are_heard_some_at_a_time(void **state)
{
	struct kucomms_listener *listener = listen_at(process_name);
	struct pollfd readable = {
		.fd = kucomms_listener_fd(listener), .events = POLLIN,
	};
	struct kucomms_channel *channel;
	int pending[100], i;

	(void)state;
	for (i = 0; i < 100; i++) {
		pending[i] = connect_stranger();
		assert_int_equal(write(pending[i], "x", 1), 1);
	}
	assert_int_equal(kucomms_accept(listener, &channel, 0), -EAGAIN);
	assert_int_equal(poll(&readable, 1, 0), 1);
	while (poll(&readable, 1, 0))
		assert_int_equal(kucomms_accept(listener, &channel, 0),
				 -EAGAIN);
	for (i = 0; i < 100; i++)
		close(pending[i]);
	expect_welcome(listener);
	kucomms_listener_close(listener);
}

/* Who connects and says nothing is not waited for, however many there are. */
static void the_silent_keep_nobody_out(void **state)
{
	struct kucomms_listener *listener = listen_at(process_name);
	int pending[2 * KC_PENDING_MAX];
	unsigned int i;

	(void)state;
	for (i = 0; i < 2 * KC_PENDING_MAX; i++)
		pending[i] = connect_stranger();
	expect_welcome(listener);
	for (i = 0; i < 2 * KC_PENDING_MAX; i++)
		close(pending[i]);
	kucomms_listener_close(listener);
}

/*
 * A bell that had been rung since it was read last was a reason not to look at
 * the clock: one that is rung all the time made a wait endless.
 */
static void a_bell_that_rings_all_the_time_ends_no_wait_late(void **state)
{
	struct kucomms_channel *here, *there;
	const __s64 long_ago = 1;
	struct kc_conn *conn;
	__u64 waits = 0;

	(void)state;
	open_pair(&here, &there);
	conn = conn_of(here);
	conn->receive_flags = KUCOMMS_NEED_FUTEX;
	conn->receive_bell = here->in.peer->bell - 1;
	assert_int_equal(kc_shm_wait(conn, KUCOMMS_EVENT_DATA, long_ago,
				     &waits), -ETIMEDOUT);
	conn->send_bell = here->in.peer->bell - 1;
	assert_int_equal(kc_shm_wait(conn, KUCOMMS_EVENT_ROOM, long_ago,
				     &waits), -ETIMEDOUT);
	kucomms_channel_close(here);
	kucomms_channel_close(there);
}

/* Those who ask, one whose ring gets full, and a third one. */
enum { ASKING, FULL, THIRD, CHANNELS };

struct hub {
	struct kucomms_channel *channels[CHANNELS];
	struct kucomms_channel *peers[CHANNELS];
	int connected;
	int passed;
	int refused;
	bool reserves;
};

static int hub_connect(struct kucomms_channel *channel, void *priv)
{
	struct hub *hub = priv;

	hub->channels[hub->connected++] = channel;
	return 0;
}

static int pass_on(struct hub *hub)
{
	static const char data[60000];
	const struct kucomms_message message = { .length = sizeof(data) };
	struct kucomms_message *record;
	int err;

	if (!hub->reserves)
		return kucomms_reply(hub->channels[FULL], &message, data, 0);
	err = kucomms_reserve(hub->channels[FULL], message.length, &record, 0);
	return err ? err : kucomms_commit(hub->channels[FULL], record, 0);
}

static int hub_message(struct kucomms_channel *channel,
		       const struct kucomms_message *message,
		       const void *data, void *priv)
{
	static const char little[20000];
	const struct kucomms_message fits = { .length = sizeof(little) };
	struct hub *hub = priv;
	int err;

	(void)message;
	(void)data;
	if (channel == hub->channels[THIRD]) {
		empty(hub->peers[FULL]);
		return kucomms_reply(hub->channels[FULL], &fits, little, 0);
	}
	err = pass_on(hub);
	hub->passed += !err;
	hub->refused += err == -EAGAIN;
	return err;
}

static struct kucomms_endpoint *hub_open(struct hub *hub)
{
	const struct kucomms_ops ops = {
		.message = hub_message, .connect = hub_connect,
	};
	struct kucomms_endpoint *endpoint;
	int i;

	assert_int_equal(kucomms_endpoint_create(&ops, hub, NULL, &endpoint),
			 0);
	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:test", NULL),
			 0);
	for (i = 0; i < CHANNELS; i++)
		assert_int_equal(kucomms_open("local:test", NULL,
					      &hub->peers[i]), 0);
	settle(endpoint);
	assert_int_equal(hub->connected, CHANNELS);
	return endpoint;
}

/* Four messages, of which not all find room at once. */
static void hub_ask(struct hub *hub, struct kucomms_endpoint *endpoint)
{
	const struct kucomms_message message = { .length = 0 };
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(kucomms_send(hub->peers[ASKING], &message,
					      NULL, 0, 0), 0);
	settle(endpoint);
	assert_true(hub->refused > 0);
	assert_true(hub->passed < 4);
}

static void hub_finish(struct hub *hub, struct kucomms_endpoint *endpoint)
{
	int i;

	for (i = 0; i < 10; i++) {
		empty(hub->peers[FULL]);
		settle(endpoint);
	}
	assert_int_equal(hub->passed, 4);
	for (i = 0; i < CHANNELS; i++)
		kucomms_channel_close(hub->peers[i]);
	kucomms_endpoint_destroy(endpoint);
}

/*
 * Somebody else found room in the same ring meanwhile, and so nobody asked for
 * it any more.
 */
static void a_refused_message_survives_the_success_of_another(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct hub hub = { .connected = 0 };
	struct kucomms_endpoint *endpoint = hub_open(&hub);

	(void)state;
	hub_ask(&hub, endpoint);
	assert_int_equal(kucomms_send(hub.peers[THIRD], &message, NULL, 0, 0),
			 0);
	settle(endpoint);
	hub_finish(&hub, endpoint);
}

/*
 * Only who had sent was told of room, not who had reserved: its message was
 * never delivered again.
 */
static void a_handler_that_reserves_in_vain_is_called_again(void **state)
{
	struct hub hub = { .reserves = true };
	struct kucomms_endpoint *endpoint = hub_open(&hub);

	(void)state;
	hub_ask(&hub, endpoint);
	hub_finish(&hub, endpoint);
}

static int refuse_unless_willing(struct kucomms_channel *channel,
				 const struct kucomms_message *message,
				 const void *data, void *willing)
{
	(void)channel;
	(void)message;
	(void)data;
	return *(bool *)willing ? 0 : -EAGAIN;
}

/*
 * Who refuses a message sleeps with it in the ring, and is rung for by another.
 * Looking at it again was a reason to do so once more: no foreign loop slept.
 */
static void a_refused_message_comes_with_the_next(void **state)
{
	const struct kucomms_ops ops = { .message = refuse_unless_willing };
	struct kucomms_endpoint_stats stats = { .size = sizeof(stats) };
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	bool willing = false;

	(void)state;
	assert_int_equal(kucomms_endpoint_create(&ops, &willing, NULL,
						 &endpoint), 0);
	channel = open_to(endpoint);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	settle_by_poll(endpoint);
	willing = true;
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	settle_by_poll(endpoint);
	assert_int_equal(kucomms_endpoint_get_stats(endpoint, &stats), 0);
	assert_int_equal(stats.messages, 2);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
}

static int stop_at_first(struct kucomms_channel *channel,
			 const struct kucomms_message *message,
			 const void *data, void *priv)
{
	struct seen *seen = priv;

	if (!seen->messages)
		kucomms_endpoint_stop(kucomms_channel_endpoint(channel));
	return count_message(channel, message, data, priv);
}

/*
 * Stopped in dispatch, an endpoint stayed so: the thread that was started later
 * ended at once.
 */
static void a_stop_in_dispatch_does_not_stop_the_next(void **state)
{
	const struct kucomms_ops ops = { .message = stop_at_first };
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;

	(void)state;
	endpoint = create(&ops, &seen);
	channel = open_to(endpoint);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	settle(endpoint);
	sem_wait(&seen.received);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), 0);
	sem_wait(&seen.received);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
}

/*
 * Who called dispatch before the thread had got there took its place, and the
 * thread ended.
 */
static void a_started_thread_keeps_its_place(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct seen seen;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		endpoint = create(&count_ops, &seen);
		assert_int_equal(kucomms_endpoint_start(endpoint), 0);
		assert_int_equal(kucomms_endpoint_dispatch(endpoint, 0),
				 -EBUSY);
		kucomms_endpoint_destroy(endpoint);
	}
}

/*
 * The wish for room stayed when it had come true, and each message that was
 * received afterwards rang for it.
 */
static void room_is_rung_for_only_while_it_is_wanted(void **state)
{
	struct kucomms_message message = { .length = 1000 };
	static const char data[1000];
	struct meeting meeting;
	__u64 before;
	int i;

	(void)state;
	meet(&meeting);
	while (!kucomms_send(meeting.channel, &message, data, 0, 0))
		;
	assert_true(empty(meeting.peer) > 0);
	before = doorbells(meeting.peer);
	assert_true(before > 0);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(kucomms_send(meeting.channel, &message, data,
					      0, 0), 0);
		assert_int_equal(empty(meeting.peer), 1);
	}
	assert_int_equal(doorbells(meeting.peer), before);
	part(&meeting);
}

/*
 * Who slept was rung for by each message, until it had found the time to wake
 * up.
 */
static void who_sleeps_is_rung_for_once(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_channel *here, *there;
	int i, round;

	(void)state;
	open_pair(&here, &there);
	kucomms_channel_poll_start(there);
	for (round = 1; round <= 3; round++) {
		for (i = 0; i < 1000; i++)
			assert_int_equal(kucomms_send(here, &message, NULL, 0,
						      0), 0);
		assert_int_equal(doorbells(here), round);
		assert_int_equal(empty(there), 1000);
	}
	kucomms_channel_close(here);
	kucomms_channel_close(there);
}

/*
 * A message that was taken before its sender looked who sleeps: the other side
 * was rung for what was still to come, and then was not when it came.
 */
static void who_is_rung_for_nothing_is_rung_for_again(void **state)
{
	const struct kucomms_message message = { .length = 0 };
	struct kucomms_channel *here, *there;
	struct kucomms_message *record;
	struct pollfd readable = { .events = POLLIN };
	__u32 need;

	(void)state;
	open_pair(&here, &there);
	readable.fd = kucomms_channel_poll_start(there);
	assert_int_equal(kucomms_reserve(here, 0, &record, 0), 0);
	kucomms_producer_commit(&here->out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
	assert_int_equal(empty(there), 1);
	need = kucomms_producer_must_ring(&here->out);
	assert_true(need);
	assert_int_equal(kucomms_commit_slow(here, need), 0);
	assert_int_equal(empty(there), 0);
	assert_int_equal(poll(&readable, 1, 0), 0);
	assert_int_equal(kucomms_send(here, &message, NULL, 0, 0), 0);
	assert_int_equal(poll(&readable, 1, 0), 1);
	assert_int_equal(empty(there), 1);
	kucomms_channel_close(here);
	kucomms_channel_close(there);
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

/*
 * The endpoint's thread let go of a channel, memory and descriptor, in which
 * somebody else was just hanging up.
 */
static void shutdown_is_not_overtaken_by_the_end(void **state)
{
	struct meeting meeting;

	(void)state;
	meet(&meeting);
	assert_int_equal(kucomms_endpoint_start(meeting.endpoint), 0);
	to_be_closed = meeting.peer;
	to_be_seen = &meeting.seen.disconnects;
	kucomms_channel_shutdown(meeting.channel);
	assert_null(to_be_closed);
	meeting.peer = NULL;
	assert_false(overtaken);
	sem_wait(&meeting.seen.disconnected);
	part(&meeting);
}

static void *fill(void *arg)
{
	const struct kucomms_message message = { .length = 1000 };
	struct waiting *waiting = arg;
	static const char data[1000];

	do {
		waiting->err = kucomms_send(waiting->channel, &message, data, 0,
					    -1);
	} while (!waiting->err);
	return NULL;
}

/* A thread that wants room, until another one hangs up. */
static void hang_up_on_sender(struct kucomms_channel *channel)
{
	struct waiting waiting = { .channel = channel };
	pthread_t thread;

	pthread_create(&thread, NULL, fill, &waiting);
	while (!kucomms_load(&channel->out.own->need_room))
		sched_yield();
	kucomms_channel_shutdown(channel);
	pthread_join(thread, NULL);
	assert_int_equal(waiting.err, -ESHUTDOWN);
}

/* Who sleeps for want of room is told when somebody here hangs up. */
static void shutdown_wakes_a_sender(void **state)
{
	struct kucomms_channel *here, *there;

	(void)state;
	open_pair(&here, &there);
	hang_up_on_sender(here);
	kucomms_channel_close(here);
	kucomms_channel_close(there);
}

/* The same if an endpoint has the channel, and hears of it as well. */
static void shutdown_wakes_a_sender_of_an_endpoint(void **state)
{
	struct meeting meeting;

	(void)state;
	meet(&meeting);
	assert_int_equal(kucomms_endpoint_start(meeting.endpoint), 0);
	hang_up_on_sender(meeting.channel);
	sem_wait(&meeting.seen.disconnected);
	part(&meeting);
}

/*
 * Listening began with a lock on the directory, which anybody who may read that
 * can hold for ever.
 */
static void a_locked_directory_is_no_obstacle(void **state)
{
	struct kucomms_listener *listener;
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX), 0);
	listener = listen_at(process_name);
	expect_welcome(listener);
	kucomms_listener_close(listener);
	close(fd);
}

/* Only a dead socket is cleared away. */
static void a_file_in_the_way_stays(void **state)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	struct kucomms_listener *listener;
	struct stat before, after;

	(void)state;
	assert_int_equal(fstat(fd, &before), 0);
	close(fd);
	assert_int_equal(kucomms_listen(process_name, NULL, &listener),
			 -EADDRINUSE);
	assert_int_equal(lstat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_true(S_ISREG(after.st_mode));
	assert_int_equal(unlink(path), 0);
	/* Nothing else is left behind. */
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(mkdir(directory, 0700), 0);
}

/* For the answer of a process that listens kucomms_open() waits as long as it is told. */
static void who_never_answers_is_waited_for_as_long_as_said(void **state)
{
	struct kucomms_options options = small;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct kucomms_channel *channel;

	(void)state;
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(listen(fd, 1), 0);
	options.timeout_ms = 30;
	assert_int_equal(kucomms_open(process_name, &options, &channel),
			 -ETIMEDOUT);
	options.timeout_ms = 0;
	assert_int_equal(kucomms_open(process_name, &options, &channel),
			 -ETIMEDOUT);
	close(fd);
	unlink(path);
}

/* Rings of more than 16 MiB are for those who ask, where they are allowed. */
static void large_rings_are_there_where_allowed(void **state)
{
	const struct kucomms_listen_options generous = {
		.size = sizeof(generous), .ring_size_max = 32u << 20,
	};
	const struct kucomms_options large = {
		.size = sizeof(large), .send_size = 32u << 20,
		.receive_size = PAGE,
	};
	struct kucomms_message message = { .length = 20u << 20 };
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_channel *here, *there;
	char *sent = calloc(1, message.length);
	const void *data;

	(void)state;
	assert_int_equal(kucomms_open("local:test", &large, &here), -EINVAL);
	kucomms_listener_close(listener);
	assert_int_equal(kucomms_listen("local:test", &generous, &listener), 0);
	assert_int_equal(kucomms_open("local:test", &large, &here), 0);
	assert_int_equal(kucomms_accept(listener, &there, 0), 0);
	assert_true(kucomms_channel_length_max(here) >= message.length);
	sent[message.length - 1] = 'x';
	assert_int_equal(kucomms_send(here, &message, sent, 0, 0), 0);
	assert_int_equal(kucomms_receive(there, &message, &data, 0), 0);
	assert_int_equal(message.length, 20u << 20);
	assert_memory_equal(data, sent, message.length);
	kucomms_channel_close(here);
	kucomms_channel_close(there);
	kucomms_listener_close(listener);
	free(sent);
}

/* Before there was another side the longest message was one of 4 GiB. */
static void without_another_side_no_message_is_short_enough(void **state)
{
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	struct seen seen;

	(void)state;
	endpoint = create(&count_ops, &seen);
	assert_int_equal(kucomms_endpoint_connect(endpoint, "local:nobody",
						  NULL, KUCOMMS_CONNECT_RETRY,
						  &channel), 0);
	assert_int_equal(kucomms_channel_length_max(channel), 0);
	kucomms_channel_put(channel);
	kucomms_endpoint_destroy(endpoint);
}

static int be_patient(void **state)
{
	(void)state;
	alarm(patience());
	return 0;
}

#define test(function)	cmocka_unit_test_setup(function, be_patient)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_child_keeps_no_removed_channel),
		test(a_child_keeps_no_forgotten_stranger),
		test(destroy_lets_those_go_who_wait),
		test(who_comes_back_may_be_removed_at_once),
		test(who_is_added_by_a_handler_arrives_once),
		test(cancel_waits_for_a_done_that_starts_again),
		test(the_ring_of_the_dead_ends),
		test(an_endpoint_lets_the_dead_go),
		test(strangers_are_heard_some_at_a_time),
		test(the_silent_keep_nobody_out),
		test(a_bell_that_rings_all_the_time_ends_no_wait_late),
		test(a_refused_message_survives_the_success_of_another),
		test(a_handler_that_reserves_in_vain_is_called_again),
		test(a_refused_message_comes_with_the_next),
		test(a_stop_in_dispatch_does_not_stop_the_next),
		test(a_started_thread_keeps_its_place),
		test(room_is_rung_for_only_while_it_is_wanted),
		test(who_sleeps_is_rung_for_once),
		test(who_is_rung_for_nothing_is_rung_for_again),
		test(many_calls_end_with_their_channel),
		test(calls_end_also_while_others_are_started),
		test(calls_do_not_set_the_timer_each),
		test(shutdown_is_not_overtaken_by_the_end),
		test(shutdown_wakes_a_sender),
		test(shutdown_wakes_a_sender_of_an_endpoint),
		test(a_locked_directory_is_no_obstacle),
		test(a_file_in_the_way_stays),
		test(who_never_answers_is_waited_for_as_long_as_said),
		test(large_rings_are_there_where_allowed),
		test(without_another_side_no_message_is_short_enough),
	};
	int failed;

	if (!mkdtemp(directory))
		return 1;
	snprintf(process_name, sizeof(process_name), "process:%s/test",
		 directory);
	failed = cmocka_run_group_tests_name("lib-regressions", tests, NULL,
					     NULL);
	rmdir(directory);
	return failed;
}
