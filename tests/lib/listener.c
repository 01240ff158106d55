// SPDX-License-Identifier: MIT
/*
 * Listening under a name and connecting to it: processes that connect and say
 * nothing, files that are in the way, rings that may be large.
 */
#include <sys/file.h>

#include "../../lib/listener.h"
#include "lib.h"

#define PAGE	4096u

static const struct kucomms_options small = {
	.size = sizeof(small), .send_size = PAGE, .receive_size = PAGE,
	.timeout_ms = -1,
};

static int connect_stranger(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, socket_path(), sizeof(address.sun_path) - 1);
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

/* A listener does not wait for processes that connect and say nothing. */
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
	int fd = open(socket_path(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	struct kucomms_listener *listener;
	struct stat before, after;

	(void)state;
	assert_int_equal(fstat(fd, &before), 0);
	close(fd);
	assert_int_equal(kucomms_listen(process_name, NULL, &listener),
			 -EADDRINUSE);
	assert_int_equal(lstat(socket_path(), &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_true(S_ISREG(after.st_mode));
	assert_int_equal(unlink(socket_path()), 0);
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
	strncpy(address.sun_path, socket_path(), sizeof(address.sun_path) - 1);
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
	unlink(socket_path());
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_keeps_no_forgotten_stranger),
		cmocka_unit_test(strangers_are_heard_some_at_a_time),
		cmocka_unit_test(the_silent_keep_nobody_out),
		cmocka_unit_test(a_locked_directory_is_no_obstacle),
		cmocka_unit_test(a_file_in_the_way_stays),
		cmocka_unit_test(who_never_answers_is_waited_for_as_long_as_said),
		cmocka_unit_test(large_rings_are_there_where_allowed),
	};

	return run_program("lib-listener", tests);
}
