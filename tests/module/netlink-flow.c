// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flow over netlink: dumps, and answers longer than any buffer; clients that never
 * read, or die in the middle; what is broadcast; and whose a port id is.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>

#include "netlink.h"

#define STREAM	3000
#define LENGTH	1000

static const struct kucomms_message stream = {
	.type = TEST_STREAM, .id = STREAM, .user = LENGTH,
};

static const struct kucomms_message sink = { .type = TEST_SINK };

/* All of a dump, in order, and its end. */
static void read_dump(struct netlink *netlink, unsigned int sequence)
{
	const struct kucomms_message *message;
	const struct nlmsghdr *header;
	unsigned int i = 0;

	for (;;) {
		header = n_receive(netlink);
		if (header->nlmsg_type == NLMSG_NOOP)
			continue;
		assert_int_equal(header->nlmsg_seq, sequence);
		assert_true(header->nlmsg_flags & NLM_F_MULTI);
		if (header->nlmsg_type == NLMSG_DONE)
			break;
		assert_int_equal(header->nlmsg_type, KUCOMMS_NLMSG_MESSAGE);
		message = mnl_nlmsg_get_payload(header);
		assert_int_equal(message->id, i++);
		assert_int_equal(message->length, LENGTH);
	}
	assert_int_equal(i, STREAM);
	assert_int_equal(*(int *)mnl_nlmsg_get_payload(header), 0);
}

/* With requests before, beside and after it. */
static void check_dump(const char *name)
{
	struct netlink *netlink = n_open(name, NULL);
	unsigned int dump;

	assert_int_equal(n_ask(netlink, NLM_F_ACK, &sink, NULL), 0);
	dump = n_message(netlink, NLM_F_DUMP, &stream, NULL);
	n_flush(netlink);
	read_dump(netlink, dump);
	n_nothing(netlink);
	n_echo(netlink, "afterwards");

	dump = n_message(netlink, NLM_F_DUMP | NLM_F_ACK, &stream, NULL);
	n_flush(netlink);
	assert_int_equal(n_message(netlink, NLM_F_DUMP, &stream, NULL),
			 dump + 1);
	n_flush(netlink);
	/* Refused at once, which may be read before or amid the dump. */
	for (;;) {
		const struct nlmsghdr *header = n_receive(netlink);

		if (header->nlmsg_type != NLMSG_ERROR) {
			assert_int_equal(header->nlmsg_seq, dump);
			continue;
		}
		assert_int_equal(header->nlmsg_seq, dump + 1);
		assert_int_equal(n_error_in(header), -EBUSY);
		break;
	}
	n_close(netlink);
}

/* The same without a dump: nothing is lost, and it ends with an acknowledgement. */
static void check_stream(const char *name)
{
	struct netlink *netlink = n_open(name, NULL);
	unsigned int sequence = n_message(netlink, NLM_F_ACK, &stream, NULL);
	int i;

	n_flush(netlink);
	for (i = 0; i < STREAM; i++)
		assert_int_equal(n_answer(netlink, sequence)->id, i);
	assert_int_equal(n_error(netlink, sequence), 0);
	n_nothing(netlink);
	n_close(netlink);
}

/* A buffer that is too short for the next message gets a longer one. */
static void check_long(void)
{
	const struct kucomms_message one = { .type = TEST_STREAM, .id = 3,
					     .user = 65000 };
	const struct n_options large = { .to_user_size = 1 << 20 };
	struct netlink *netlink = n_open("test", &large);
	unsigned int sequence = n_message(netlink, NLM_F_DUMP, &one, NULL);
	const struct nlmsghdr *header;
	int count = 0;

	n_flush(netlink);
	do {
		header = n_receive(netlink);
		count += header->nlmsg_type == KUCOMMS_NLMSG_MESSAGE;
	} while (header->nlmsg_type != NLMSG_DONE);
	assert_int_equal(count, 3);
	sequence = n_message(netlink, 0, &one, NULL);
	n_flush(netlink);
	for (count = 0; count < 3; count++)
		assert_int_equal(n_answer(netlink, sequence)->length, 65000);
	n_close(netlink);
}

/* Neither a client that never reads nor one that dies keeps anything. */
static void check_deaf(const char *name)
{
	struct netlink *deaf = n_open(name, NULL);
	struct netlink *dying = n_open(name, NULL);
	struct netlink *netlink = n_open(name, NULL);
	char device[64];
	int i;

	snprintf(device, sizeof(device), "kucomms_%s", name);
	n_message(deaf, 0, &stream, NULL);
	n_flush(deaf);
	n_message(dying, NLM_F_DUMP, &stream, NULL);
	n_flush(dying);
	/* What is refused now is said to be, and then even that finds no room. */
	for (i = 0; i < 10000; i++) {
		n_message(deaf, NLM_F_ACK, &sink, NULL);
		if (i % 100 == 99)
			n_flush(deaf);
	}
	n_echo(netlink, "others");
	n_close(dying);
	n_echo(netlink, "others");
	/* An overrun is told of, and what was not refused is all there. */
	assert_true(recv(deaf->fd, deaf->in, N_BUFFER, 0) < 0);
	assert_int_equal(errno, ENOBUFS);
	n_close(deaf);
	n_echo(netlink, "others");
	/* A socket may be closed a moment later: the kernel was about to send. */
	while (t_attribute(device, "opens") > 1)
		;
	n_close(netlink);
	while (t_attribute(device, "opens"))
		;
}

/* Asks for @count broadcasts; returns how many have come to a client. */
static __u64 broadcast(struct netlink *netlink, __u64 count, __u64 length)
{
	const struct kucomms_message ask = { .type = TEST_BROADCAST,
					     .id = count, .user = length };
	unsigned int sequence = n_message(netlink, 0, &ask, NULL);

	n_flush(netlink);
	return n_answer(netlink, sequence)->user;
}

/* In the channel, in order with all else, with a mark where some are missing. */
static void check_in_channel(void)
{
	const struct n_options options = { .broadcasts = true,
					   .to_user_size = 65536 };
	struct netlink *hears = n_open("test", &options);
	struct netlink *asks = n_open("test", NULL);
	const struct nlmsghdr *header;
	static const struct kucomms_message echo = { .type = TEST_ECHO };
	unsigned int i, sequence, count = 0, marks = 0;
	__u64 missed;

	assert_int_equal(broadcast(asks, 5, 100), 5);
	for (i = 0; i < 5; i++)
		assert_int_equal(n_answer(hears, 0)->id, i);
	n_echo(hears, "in between");
	missed = 1000 - broadcast(asks, 1000, 1000);
	assert_true(missed > 0);
	/* There may be several gaps: the kernel makes room meanwhile. */
	sequence = n_message(hears, 0, &echo, NULL);
	n_flush(hears);
	for (;;) {
		header = n_receive(hears);
		if (header->nlmsg_seq == sequence)
			break;
		count += header->nlmsg_type == KUCOMMS_NLMSG_MESSAGE;
		marks += header->nlmsg_type == NLMSG_OVERRUN;
	}
	assert_true(marks > 0);
	assert_int_equal(count, 1000 - missed);
	n_close(hears);
	n_close(asks);
}

/* Whoever gets a dead client's port id gets nothing of its channel. */
static void check_port(const char *name)
{
	const unsigned int port = 123456;
	struct netlink *netlink;
	int pid, ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		netlink = n_socket(port);
		assert_int_equal(n_attach(netlink, name), 0);
		n_message(netlink, 0, &stream, NULL);
		n_flush(netlink);
		assert_int_equal(write(ready[1], "", 1), 1);
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(t_wait(pid), -SIGKILL);
	netlink = n_socket(port);
	n_nothing(netlink);
	assert_int_equal(n_ask(netlink, 0, &sink, NULL), -EPERM);
	n_nothing(netlink);
	assert_int_equal(n_attach(netlink, name), 0);
	n_echo(netlink, "mine");
	n_close(netlink);
	close(ready[0]);
	close(ready[1]);
}

/* In a network namespace of its own; the same port id is somebody else there. */
static void check_namespace(void)
{
	struct netlink *netlink;
	int pid;

	if (access("/proc/self/ns/net", F_OK)) {
		printf("this kernel has no network namespaces\n");
		return;
	}
	netlink = n_socket(4242);
	assert_int_equal(n_attach(netlink, "test"), 0);
	pid = fork();
	if (!pid) {
		struct netlink *other;

		assert_int_equal(unshare(CLONE_NEWNET), 0);
		other = n_socket(4242);
		assert_int_equal(n_ask(other, 0, &sink, NULL), -EPERM);
		assert_int_equal(n_attach(other, "test"), 0);
		n_echo(other, "from elsewhere");
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
	n_echo(netlink, "here");
	n_close(netlink);
}

/* The end of the channel is told, once, and then to all who ask. */
static void check_end(void)
{
	struct netlink *netlink = n_open("test", NULL);
	static const char force[] = "kucomms_test force";

	assert_int_equal(t_write(T_CONTROL "remove_device", force,
				 strlen(force)), 0);
	n_wait_readable(netlink);
	assert_int_equal(n_error(netlink, 0), -ESHUTDOWN);
	n_nothing(netlink);
	assert_int_equal(n_ask(netlink, 0, &sink, NULL), -ESHUTDOWN);
	assert_int_equal(n_ask(netlink, NLM_F_DUMP, &sink, NULL), -ESHUTDOWN);
	assert_int_equal(t_create("kucomms_test"), 0);
	assert_int_equal(n_attach(netlink, "test"), 0);
	n_echo(netlink, "again");
	n_close(netlink);
}

/*
 * A module's own thread takes its time with a long message: another one that is as
 * long has to wait for the room.
 */
static void a_long_message_waits_for_room(void)
{
	struct kucomms_message message = { .type = TEST_SLOW, .user = 100 };
	static char data[131008];
	struct kucomms_channel *channel;
	const void *answer;

	assert_int_equal(kucomms_open("netlink:proxy", NULL, &channel), 0);
	message.length = sizeof(data);
	assert_int_equal(kucomms_send(channel, &message, data, 0, -1), 0);
	message.type = TEST_SINK;
	message.length = 100;
	assert_int_equal(kucomms_send(channel, &message, data, 0, -1), 0);
	message.length = sizeof(data);
	assert_int_equal(kucomms_send(channel, &message, data, 0, -1), 0);
	assert_int_equal(kucomms_receive(channel, &message, &answer,
					 t_patience_ms()), 0);
	assert_int_equal(message.type, TEST_SLOW);
	kucomms_release(channel);
	assert_int_equal(t_echo(channel, "still there"), 0);
	kucomms_channel_close(channel);
}

/* Signals while the endpoint works off a long datagram: all of it is handled. */
static void signals_leave_nothing_unhandled(const char *name)
{
	static const struct kucomms_message echo = { .type = TEST_ECHO };
	const struct sigaction action = { .sa_handler = t_ignore,
					  .sa_flags = SA_RESTART };
	const pid_t parent = getpid();
	struct netlink *netlink;
	unsigned int i, k;
	pid_t child;

	sigaction(SIGUSR1, &action, NULL);
	netlink = n_open(name, NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		while (!kill(parent, SIGUSR1))
			usleep(30);
		exit(0);
	}
	for (i = 0; i < 20; i++) {
		for (k = 0; k < 1500; k++)
			n_message(netlink, 0, &echo, NULL);
		n_flush(netlink);
		/* Handled or, if there was no room, refused. */
		for (k = 0; k < 1500; k++) {
			if (!netlink->length)
				while (poll(&(struct pollfd){
						.fd = netlink->fd,
						.events = POLLIN }, 1, -1) < 0)
					;
			n_receive(netlink);
		}
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	n_close(netlink);
}

/* One who sends and does not read learns after the time that he gave. */
static void who_sends_and_does_not_read_times_out(const char *name)
{
	static const char data[LENGTH];
	struct kucomms_message message = stream;
	static char copy[65536];
	struct kucomms_channel *channel;
	unsigned int received = 0;
	int err;

	printf("%s\n", name);
	assert_int_equal(kucomms_open(name, NULL, &channel), 0);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, -1), 0);
	message = (struct kucomms_message){ .type = TEST_SINK,
					    .length = LENGTH };
	do
		err = kucomms_send(channel, &message, data, 0, 200);
	while (!err);
	assert_int_equal(err, -ETIMEDOUT);
	while (received < STREAM) {
		assert_int_equal(kucomms_receive_copy(channel, &message, copy,
						      sizeof(copy), -1), 0);
		assert_int_equal(message.id, received++);
	}
	assert_int_equal(t_echo(channel, "there is room again"), 0);
	kucomms_channel_close(channel);
}

/*
 * A module that receives in a thread of its own: an acknowledgement means that it
 * has received the message, and of those that want one not too many are on the way.
 */
static void an_acknowledgement_means_received(void)
{
	static const struct kucomms_message sink = { .type = TEST_SINK };
	struct netlink *netlink = n_open("proxy", NULL);
	const struct nlmsghdr *header;
	const struct nlmsgerr *error;
	unsigned int i, round, handled, refused, sequence;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < 70; i++)
			n_message(netlink, NLM_F_ACK, &sink, "");
		n_flush(netlink);
		for (i = handled = refused = 0; i < 70; i++) {
			header = n_receive(netlink);
			error = mnl_nlmsg_get_payload(header);
			assert_int_equal(header->nlmsg_type, NLMSG_ERROR);
			handled += error->error == 0;
			refused += error->error == -EAGAIN;
		}
		assert_int_equal(handled + refused, 70);
		assert_true(handled >= 64);
	}
	sequence = n_message(netlink, NLM_F_ACK, &sink, "");
	n_flush(netlink);
	assert_int_equal(n_error(netlink, sequence), 0);
	n_nothing(netlink);
	n_close(netlink);
}

/* The channel ends when the socket is full: that is told when there is room. */
static void a_full_socket_is_told_of_the_end_later(void)
{
	struct netlink *netlink = n_open("test", NULL);
	const int size = 4096;
	const struct nlmsghdr *header;
	unsigned int i;

	assert_int_equal(setsockopt(netlink->fd, SOL_SOCKET, SO_RCVBUF, &size,
				    sizeof(size)), 0);
	/* Each is refused with an error that takes some room. */
	for (i = 0; i < 300; i++) {
		n_put(netlink, 0x55, 0, 8);
		n_flush(netlink);
	}
	assert_int_equal(t_remove("kucomms_test force"), 0);
	do {
		n_wait_readable(netlink);
		header = n_receive_by(netlink, 0);
		if (!header)
			assert_int_equal(errno, ENOBUFS);
	} while (!header || header->nlmsg_seq);
	assert_int_equal(header->nlmsg_type, NLMSG_ERROR);
	assert_int_equal(n_error_in(header), -ESHUTDOWN);
	n_close(netlink);
	assert_int_equal(t_create("kucomms_test"), 0);
}

int main(void)
{
	static const char *const names[] = { "test", "threaded", "polling" };
	unsigned int i;

	t_device("kucomms_test");
	t_device("kucomms_threaded");
	t_device("kucomms_polling");
	for (i = 0; i < 3; i++) {
		check_dump(names[i]);
		check_stream(names[i]);
		check_deaf(names[i]);
		check_port(names[i]);
	}
	check_long();
	check_in_channel();
	check_namespace();
	check_end();
	t_device("kucomms_proxy");
	a_long_message_waits_for_room();
	signals_leave_nothing_unhandled("test");
	signals_leave_nothing_unhandled("threaded");
	who_sends_and_does_not_read_times_out("kernel:test");
	who_sends_and_does_not_read_times_out("netlink:test");
	who_sends_and_does_not_read_times_out("netlink:threaded");
	who_sends_and_does_not_read_times_out("netlink:proxy");
	an_acknowledgement_means_received();
	a_full_socket_is_told_of_the_end_later();
	t_remove_closed("kucomms_test");
	t_remove_closed("kucomms_threaded");
	t_remove_closed("kucomms_polling");
	t_remove_closed("kucomms_proxy");
	return 0;
}
