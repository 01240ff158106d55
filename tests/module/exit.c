// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of an endpoint. Clients start the module's sender again and again; when
 * kucomms_unregister() has returned it does not run, whatever came when: the
 * module stops it in its stop handler, after which no handler runs. What of the
 * module waits in kucomms, as a work that nothing else can end, is woken, so
 * that the stop handler can wait for it, whatever the work does in kucomms next,
 * and whoever closes its channel meanwhile.
 */
#include "test.h"

#define EXIT "/sys/module/kucomms_test/parameters/exit"
#define ROUNDS 60
#define CLIENTS 3

static int module_exit(enum test_exit how)
{
	char text[16];

	return t_write(EXIT, text, (size_t)snprintf(text, sizeof(text), "%d",
						    how));
}

/* As long as there is a module, and then with the next one, until killed. */
static void start_for_ever(void)
{
	const struct kucomms_options options = {
		.size = sizeof(options),
		.timeout_ms = -1,
	};
	const struct kucomms_message start = { .type = TEST_START };
	struct kucomms_channel *channel;
	struct kucomms_message sample;
	const void *data;

	for (;;) {
		if (kucomms_open("exit", &options, &channel))
			continue;
		while (!kucomms_send(channel, &start, NULL, 0, -1)) {
			while (!kucomms_receive(channel, &sample, &data, 0))
				kucomms_release(channel);
		}
		kucomms_channel_close(channel);
	}
}

static pid_t start_client(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		start_for_ever();
	return pid;
}

/* It sends: the module has something to stop. */
static void see_it_run(void)
{
	struct kucomms_channel *channel = t_open("exit", 0, 0);
	struct kucomms_message message = { .type = TEST_START };
	const void *data;

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	assert_int_equal(message.type, TEST_START);
	kucomms_channel_close(channel);
}

static void test_sender(enum test_exit how, const char *mode)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		assert_int_equal(module_exit(how), 0);
		assert_int_equal(t_adjust("kucomms_exit", "dispatch", mode), 0);
		see_it_run();
		assert_int_equal(module_exit(0), 0);
	}
	printf("%s, %s: %d rounds\n", how == TEST_EXIT_PARALLEL ? "parallel" :
	       "plain", mode, ROUNDS);
}

static void test_senders(void)
{
	pid_t clients[CLIENTS];
	int i;

	for (i = 0; i < CLIENTS; i++)
		clients[i] = start_client();
	for (i = 0; i < T_MODES; i++) {
		test_sender(TEST_EXIT_PLAIN, t_modes[i]);
		test_sender(TEST_EXIT_PARALLEL, t_modes[i]);
	}
	for (i = 0; i < CLIENTS; i++) {
		kill(clients[i], SIGKILL);
		t_wait(clients[i]);
	}
}

/* Whether a work waits, or does not yet, nobody outside can see: both are right. */
static void test_accept(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		assert_int_equal(module_exit(TEST_EXIT_ACCEPT), 0);
		assert_int_equal(module_exit(0), 0);
	}
}

/* The work has received the first message, or fills the ring, when it is seen. */
static void test_wait(enum test_exit how)
{
	struct kucomms_message message = { .type = TEST_SINK };
	struct kucomms_channel *channel;
	const void *data;

	assert_int_equal(module_exit(how), 0);
	channel = t_open("exit", 0, 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	if (how == TEST_EXIT_ROOM)
		assert_int_equal(kucomms_receive(channel, &message, &data, -1),
				 0);
	assert_int_equal(module_exit(0), 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1),
			 -ESHUTDOWN);
	kucomms_channel_close(channel);
}

/* The work sends after the end has begun: then it is told, though there is room. */
static void test_send(void)
{
	struct kucomms_channel *channel;
	struct kucomms_message message;
	const void *data;

	assert_int_equal(module_exit(TEST_EXIT_SEND), 0);
	channel = t_open("exit", 0, 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	kucomms_release(channel);
	assert_int_equal(module_exit(0), 0);
	assert_int_equal(kucomms_receive(channel, &message, &data, -1),
			 -ESHUTDOWN);
	kucomms_channel_close(channel);
}

/* The work waits for a message when its client closes. */
static void close_one(void)
{
	struct kucomms_channel *channel = t_open("exit", 0, 0);
	struct kucomms_message message;
	const void *data;

	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	kucomms_channel_close(channel);
}

/* The disconnect handler waits for the work, which finds that its client has gone. */
static void test_disconnect(void)
{
	assert_int_equal(module_exit(TEST_EXIT_DISCONNECT), 0);
	close_one();
	assert_int_equal(module_exit(0), 0);
}

/*
 * The end comes while a client closes, which then waits for the stop handler; that
 * waits for the work, and the work for the client to be gone.
 */
static void test_close(void)
{
	pid_t pid;

	assert_int_equal(module_exit(TEST_EXIT_CLOSE), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close_one();
		exit(0);
	}
	/* The module lets it begin when the client is about to be gone. */
	assert_int_equal(module_exit(0), 0);
	assert_int_equal(t_wait(pid), 0);
}

/*
 * A call that has no answer ends: the module waits for it or, if @how has a message
 * handler that calls, done() of the call is called, and before the stop handler.
 */
static void test_call(enum test_exit how)
{
	struct kucomms_message message = { .type = TEST_CALL };
	struct kucomms_channel *channel;
	const void *data;

	assert_int_equal(module_exit(how), 0);
	channel = t_open("exit", 0, 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	/* The call has been made. */
	assert_int_equal(kucomms_receive(channel, &message, &data, -1), 0);
	assert_int_equal(message.type, TEST_CALLED);
	assert_int_equal(module_exit(0), 0);
	kucomms_channel_close(channel);
}

int main(void)
{
	int i;

	t_device("kucomms_exit");
	test_senders();
	test_accept();
	for (i = 0; i < 10; i++) {
		test_wait(TEST_EXIT_RECEIVE);
		test_wait(TEST_EXIT_ROOM);
		test_call(TEST_EXIT_CALL);
		test_send();
		test_disconnect();
		test_call(TEST_EXIT_PLAIN);
		test_call(TEST_EXIT_PARALLEL);
	}
	for (i = 0; i < ROUNDS; i++)
		test_close();
	assert_int_equal(t_remove("kucomms_exit"), 0);
	return 0;
}
