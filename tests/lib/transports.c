// SPDX-License-Identifier: MIT
/*
 * Channels inside a process and between processes: the same behaviour for each
 * transport that has somebody in user space on the other side.
 */
#include "lib.h"

#define ECHOES 20000

static struct kucomms_listener *listen_for(const char *name,
					   __u32 channels_max)
{
	const struct kucomms_listen_options options = {
		.size = sizeof(options),
		.channels_max = channels_max,
	};
	struct kucomms_listener *listener;

	assert_int_equal(kucomms_listen(name, &options, &listener), 0);
	return listener;
}

/* Sends back what it gets until the other side hangs up. */
static void echo(struct kucomms_channel *channel)
{
	struct kucomms_message message;
	const void *data;
	int err;

	while (!(err = kucomms_receive(channel, &message, &data, -1))) {
		assert_int_equal(kucomms_send(channel, &message, data, 0, -1), 0);
		kucomms_release(channel);
	}
	assert_int_equal(err, -ESHUTDOWN);
	kucomms_channel_close(channel);
}

static void *echo_thread(void *listener)
{
	struct kucomms_channel *channel;

	assert_int_equal(kucomms_accept(listener, &channel, -1), 0);
	echo(channel);
	return NULL;
}

/* It comes soon, so it is to be opened with a time-out. */
static pid_t echo_process(void)
{
	struct kucomms_listener *listener;
	pid_t pid = fork_quietly();

	if (pid)
		return pid;
	listener = listen_at(process_name);
	echo_thread(listener);
	kucomms_listener_close(listener);
	_exit(0);
}

static const struct kucomms_options patient = {
	.size = sizeof(patient), .timeout_ms = -1,
};

/* What a channel says of its rings is what has been sent and not given back. */
static void space_is_what_was_sent_and_not_given_back(void **state)
{
	const struct kucomms_options sizes = {
		.size = sizeof(sizes), .send_size = 4096,
		.receive_size = 8192,
	};
	struct kucomms_message message = { .length = 33 };
	struct kucomms_listener *listener = listen_at("local:space");
	struct kucomms_channel *here, *there;
	struct kucomms_space space;
	const void *data;
	char bytes[33] = "";

	(void)state;
	assert_int_equal(kucomms_open("local:space", &sizes, &here), 0);
	assert_int_equal(kucomms_accept(listener, &there, -1), 0);
	assert_int_equal(kucomms_send(here, &message, bytes, 0, 0), 0);
	kucomms_channel_get_space(here, &space);
	assert_int_equal(space.in_size, 8192);
	assert_int_equal(space.out_size, 4096);
	assert_int_equal(space.used, 96);
	assert_int_equal(space.free, 4096 - 32 - 96);
	kucomms_channel_get_space(there, &space);
	assert_int_equal(space.in_size, 4096);
	assert_int_equal(space.out_size, 8192);
	assert_int_equal(space.used, 0);
	while (!kucomms_send(here, &message, bytes, 0, 0))
		;
	kucomms_channel_get_space(here, &space);
	assert_true(space.free < 96);
	while (!kucomms_receive(there, &message, &data, 0))
		kucomms_release(there);
	kucomms_channel_get_space(here, &space);
	assert_int_equal(space.used, 0);
	assert_int_equal(space.free, 4096 - 32);
	kucomms_channel_close(there);
	kucomms_channel_close(here);
	kucomms_listener_close(listener);
}

static void messages_come_back_inside_a_process(void **state)
{
	const struct kucomms_options sleep_at_once = {
		.size = sizeof(sleep_at_once), .flags = KUCOMMS_OPEN_NO_SPIN,
		.send_size = 4096, .receive_size = 8192,
	};
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_channel *channel;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, echo_thread, listener), 0);
	assert_int_equal(kucomms_open("local:test", &sleep_at_once, &channel), 0);
	assert_int_equal(kucomms_channel_length_max(channel),
			 KUCOMMS_LENGTH_MAX(4096));
	exchange_echoes(channel, ECHOES, -1);
	exchange_echoes(channel, 100, 0);
	kucomms_channel_close(channel);
	pthread_join(thread, NULL);
	kucomms_listener_close(listener);
}

static void messages_come_back_from_another_process(void **state)
{
	struct kucomms_channel *channel;
	pid_t pid = echo_process();
	struct kucomms_peer peer;

	(void)state;
	assert_int_equal(kucomms_open(process_name, &patient, &channel), 0);
	assert_int_equal(kucomms_channel_get_peer(channel, &peer), 0);
	assert_int_equal(peer.uid, geteuid());
	exchange_echoes(channel, ECHOES, -1);
	exchange_echoes(channel, 100, 0);
	kucomms_channel_close(channel);
	end_process(pid);
}

/* One thread is both sides: nothing here may wait for the other one. */
static void one_thread_may_have_both_ends(void **state)
{
	struct kucomms_listener *listener = listen_for("local:test", 2);
	struct kucomms_channel *one, *two, *other, *third;
	struct kucomms_message message = { .length = 3 };
	char buffer[8];

	(void)state;
	assert_int_equal(kucomms_accept(listener, &other, 0), -EAGAIN);
	assert_int_equal(kucomms_accept(listener, &other, 1), -ETIMEDOUT);
	assert_int_equal(kucomms_open("local:test", NULL, &one), 0);
	assert_int_equal(kucomms_send(one, &message, "abc", 0, 0), 0);
	assert_int_equal(kucomms_open("local:test", NULL, &two), 0);
	assert_int_equal(kucomms_channel_number(two), 1);
	assert_int_equal(kucomms_open("local:test", NULL, &third), -EUSERS);
	assert_int_equal(kucomms_open("local:nobody", NULL, &third), -ENOENT);
	assert_int_equal(kucomms_accept(listener, &other, 0), 0);
	assert_int_equal(kucomms_receive_copy(other, &message, buffer,
					      sizeof(buffer), 0), 0);
	assert_memory_equal(buffer, "abc", 3);
	kucomms_channel_close(one);
	assert_int_equal(kucomms_receive_copy(other, &message, buffer,
					      sizeof(buffer), -1), -ESHUTDOWN);
	kucomms_channel_close(other);
	/* Nobody has accepted it, and nobody will. */
	kucomms_listener_close(listener);
	assert_int_equal(kucomms_receive_copy(two, &message, buffer,
					      sizeof(buffer), -1), -ESHUTDOWN);
	kucomms_channel_close(two);
}

static void names_are_what_they_say_or_refused(void **state)
{
	static const char *const bad[] = {
		"local:", "local:A", "local:a/b", "process:", "process:A",
		"process:../x y", "kernel:", "kernel:a/b", "netlink:x y", "",
		"other:name", "kucomms_",
	};
	char longest[200] = "local:";
	struct kucomms_listener *listener, *second;
	struct kucomms_channel *channel;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!strchr(bad[i], '.'))
			assert_int_equal(kucomms_open(bad[i], NULL, &channel),
					 -EINVAL);
	/* What is said is about the name, and is never freed. */
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!strchr(bad[i], '.'))
			assert_non_null(kucomms_name_error(bad[i]));
	assert_string_equal(kucomms_name_error("kernel:kucomms_"), "it is empty");
	memset(longest + strlen("local:"), 'a', 55);
	assert_null(kucomms_name_error(longest));
	strcat(longest, "a");
	assert_string_equal(kucomms_name_error(longest),
			    "it has more than 55 characters");
	/* Paths of devices: this one is none of kucomms. */
	assert_null(kucomms_name_error("/dev/kucomms_x"));
	assert_int_equal(kucomms_open("/dev/kucomms_x", NULL, &channel), -ENOENT);
	assert_int_equal(kucomms_open("/dev/null", NULL, &channel), -ENOTTY);
	assert_int_equal(kucomms_open("kernel:/dev/null", NULL, &channel),
			 -ENOTTY);
	memset(longest, '/', sizeof(longest) - 1);
	assert_int_equal(kucomms_open(longest, NULL, &channel), -ENAMETOOLONG);
	assert_non_null(kucomms_name_error(longest));
	assert_int_equal(kucomms_listen("kernel:x", NULL, &listener), -EINVAL);
	assert_int_equal(kucomms_listen("process:/no/such/dir/x", NULL,
					&listener), -ENOENT);
	listener = listen_at(process_name);
	assert_int_equal(kucomms_listen(process_name, NULL, &second),
			 -EADDRINUSE);
	kucomms_listener_close(listener);
	assert_int_equal(kucomms_open(process_name, NULL, &channel), -ENOENT);
}

/* A side that sleeps, for data or room, learns that the other was killed. */
static void killed_while(bool sending)
{
	struct kucomms_message message = { .length = 1000 };
	static const char data[1000];
	struct kucomms_channel *channel;
	const void *received;
	pid_t pid = fork_quietly();
	int err;

	if (!pid) {
		assert_int_equal(kucomms_accept(listen_at(process_name),
						&channel, -1), 0);
		message.length = 1;
		assert_int_equal(kucomms_send(channel, &message, "x", 0, -1), 0);
		raise(SIGKILL);
	}
	assert_int_equal(kucomms_open(process_name, &patient, &channel), 0);
	if (sending)
		while (!(err = kucomms_send(channel, &message, data, 0, -1)))
			;
	else
		err = -ESHUTDOWN;
	assert_int_equal(err, -ESHUTDOWN);
	/* What it had sent before is still there. */
	assert_int_equal(kucomms_receive(channel, &message, &received, -1), 0);
	assert_int_equal(*(const char *)received, 'x');
	kucomms_release(channel);
	assert_int_equal(kucomms_receive(channel, &message, &received, -1),
			 -ESHUTDOWN);
	waitpid(pid, NULL, 0);

	/* Somebody else listens, and the channel can go on. */
	pid = echo_process();
	assert_int_equal(kucomms_channel_reattach(channel, -1), 0);
	exchange_echoes(channel, 100, -1);
	kucomms_channel_close(channel);
	end_process(pid);
}

static void who_is_killed_while_receiving_is_noticed(void **state)
{
	(void)state;
	killed_while(false);
}

static void who_is_killed_while_sending_is_noticed(void **state)
{
	(void)state;
	killed_while(true);
}

/* A socket that a killed process has left is no obstacle. */
static void a_killed_listener_is_replaced(void **state)
{
	struct kucomms_listener *listener;
	struct stat st;
	pid_t pid = fork_quietly();

	(void)state;
	if (!pid) {
		listen_at(process_name);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(stat(socket_path(), &st), 0);
	listener = listen_at(process_name);
	assert_int_equal(stat(socket_path(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	kucomms_listener_close(listener);
	assert_int_equal(stat(socket_path(), &st), -1);
}

static void wait_readable(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&readable, 1, -1), 1);
}

static void poll_tells_of_data_and_room(void **state)
{
	struct kucomms_listener *listener = listen_at("local:test");
	struct kucomms_message message = { .length = 1000 };
	struct kucomms_channel *here, *there;
	struct pollfd quiet;
	static const char data[1000];
	const void *received;
	int err, sent = 0;

	(void)state;
	assert_int_equal(kucomms_open("local:test", NULL, &here), 0);
	wait_readable(kucomms_listener_fd(listener));
	assert_int_equal(kucomms_accept(listener, &there, 0), 0);

	quiet = (struct pollfd){ .fd = kucomms_channel_poll_start(there),
				 .events = POLLIN };
	assert_int_equal(poll(&quiet, 1, 0), 0);
	kucomms_channel_poll_start(here);
	while (!(err = kucomms_send(here, &message, data, 0, 0)))
		sent++;
	assert_int_equal(err, -EAGAIN);
	wait_readable(kucomms_channel_poll_start(there));
	while (!(err = kucomms_receive(there, &message, &received, 0))) {
		kucomms_release(there);
		sent--;
	}
	assert_int_equal(err, -EAGAIN);
	assert_int_equal(sent, 0);
	/* It has been read empty, and it has been said that there is room. */
	assert_int_equal(poll(&quiet, 1, 0), 0);
	wait_readable(kucomms_channel_poll_start(here));
	assert_int_equal(kucomms_send(here, &message, data, 0, 0), 0);
	assert_int_equal(kucomms_receive(there, &message, &received, 0), 0);
	kucomms_release(there);
	kucomms_channel_close(here);
	wait_readable(kucomms_channel_poll_start(there));
	assert_int_equal(kucomms_receive(there, &message, &received, 0),
			 -ESHUTDOWN);
	kucomms_channel_close(there);
	kucomms_listener_close(listener);
}

static __s64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void *open_when_possible(void *channel)
{
	const struct kucomms_options options = { .size = sizeof(options),
						 .timeout_ms = -1 };

	assert_int_equal(kucomms_open("local:test", &options, channel), 0);
	return NULL;
}

/* For somebody who listens, and for a channel that somebody else has. */
static void open_waits_for_a_listener(void **state)
{
	const struct kucomms_listen_options one = { .size = sizeof(one),
						    .channels_max = 1 };
	struct kucomms_options options = { .size = sizeof(options),
					   .timeout_ms = 30 };
	struct kucomms_channel *first, *first_there, *second, *second_there;
	struct kucomms_listener *listener;
	__s64 start = now_ns();
	pthread_t thread;

	(void)state;
	assert_int_equal(kucomms_open("local:test", &options, &first), -ENOENT);
	assert_true(now_ns() - start >= 30000000);
	pthread_create(&thread, NULL, open_when_possible, &first);
	assert_int_equal(kucomms_listen("local:test", &one, &listener), 0);
	pthread_join(thread, NULL);
	assert_int_equal(kucomms_accept(listener, &first_there, 0), 0);

	start = now_ns();
	assert_int_equal(kucomms_open("local:test", &options, &second), -EUSERS);
	assert_true(now_ns() - start >= 30000000);
	options.timeout_ms = 0;
	assert_int_equal(kucomms_open("local:test", &options, &second), -EUSERS);
	pthread_create(&thread, NULL, open_when_possible, &second);
	kucomms_channel_close(first);
	kucomms_channel_close(first_there);
	pthread_join(thread, NULL);
	assert_int_equal(kucomms_accept(listener, &second_there, 0), 0);
	kucomms_channel_close(second);
	kucomms_channel_close(second_there);
	kucomms_listener_close(listener);
}

static void *open_process(void *channel)
{
	assert_int_equal(kucomms_open(process_name, &patient, channel), 0);
	return NULL;
}

/*
 * For the answer, too: here it comes after more than the second that a listener has if
 * the one that opens does not say how long it waits.
 */
static void open_waits_for_the_answer(void **state)
{
	struct kucomms_options options = { .size = sizeof(options),
					   .timeout_ms = 30 };
	struct kucomms_listener *listener = listen_for(process_name, 1);
	struct kucomms_channel *channel, *there;
	__s64 start = now_ns();
	pthread_t thread;

	(void)state;
	assert_int_equal(kucomms_open(process_name, &options, &channel),
			 -ETIMEDOUT);
	assert_true(now_ns() - start >= 30000000);
	pthread_create(&thread, NULL, open_process, &channel);
	sleep(2);
	assert_int_equal(kucomms_accept(listener, &there, -1), 0);
	pthread_join(thread, NULL);
	kucomms_channel_close(channel);
	kucomms_channel_close(there);
	kucomms_listener_close(listener);
}

static void an_error_has_words(void **state)
{
	(void)state;
	assert_string_equal(kucomms_strerror(-ESHUTDOWN),
			    "the other side has gone");
	assert_string_equal(kucomms_strerror(ENOTCONN),
			    "no kernel module serves the device");
	assert_string_equal(kucomms_strerror(-ENOMEM), strerror(ENOMEM));
	assert_string_equal(kucomms_strerror(0), strerror(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(space_is_what_was_sent_and_not_given_back),
		cmocka_unit_test(messages_come_back_inside_a_process),
		cmocka_unit_test(messages_come_back_from_another_process),
		cmocka_unit_test(one_thread_may_have_both_ends),
		cmocka_unit_test(names_are_what_they_say_or_refused),
		cmocka_unit_test(who_is_killed_while_receiving_is_noticed),
		cmocka_unit_test(who_is_killed_while_sending_is_noticed),
		cmocka_unit_test(a_killed_listener_is_replaced),
		cmocka_unit_test(poll_tells_of_data_and_room),
		cmocka_unit_test(open_waits_for_a_listener),
		cmocka_unit_test(open_waits_for_the_answer),
		cmocka_unit_test(an_error_has_words),
	};

	return run_program("lib-transports", tests);
}
