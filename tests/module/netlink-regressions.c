// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has been wrong over netlink once, each as a test that failed then.
 */
#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>

#include "netlink.h"

#define STREAM	3000
#define LENGTH	1000
#define BURST	2000000000
#define BURST_SEEN 20000

static const struct kucomms_message stream = {
	.type = TEST_STREAM, .id = STREAM, .user = LENGTH,
};

static void nothing(int signal)
{
	(void)signal;
}

static void wait_readable(const struct netlink *netlink)
{
	struct pollfd fd = { .fd = netlink->fd, .events = POLLIN };

	assert_int_equal(poll(&fd, 1, t_patience_ms()), 1);
}

/*
 * A socket's filter sees the datagram, and nothing that is in front of it in memory:
 * how much it lets pass is what it has found there.
 */
static void check_filter(void)
{
	static const char data[200];
	const struct kucomms_message echo = { .type = TEST_ECHO,
					      .length = sizeof(data) };
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (__u32)SKF_NET_OFF),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_fprog filter = { .len = 2, .filter = code };
	struct netlink *netlink = n_open("test", NULL);

	assert_int_equal(setsockopt(netlink->fd, SOL_SOCKET, SO_ATTACH_FILTER,
				    &filter, sizeof(filter)), 0);
	n_message(netlink, 0, &echo, data);
	n_flush(netlink);
	wait_readable(netlink);
	/* The first byte of nlmsg_len. */
	assert_int_equal(recv(netlink->fd, netlink->in, N_BUFFER, 0),
			 NLMSG_LENGTH(sizeof(echo)) + sizeof(data));
	n_close(netlink);
}

/*
 * A module's own thread takes its time with a long message: another one that is as
 * long has to wait for the room.
 */
static void check_window(void)
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
static void check_signals(const char *name)
{
	static const struct kucomms_message echo = { .type = TEST_ECHO };
	const struct sigaction action = { .sa_handler = nothing,
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
static void check_send_timeout(const char *name)
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
static void check_receipts(void)
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

/* A signal while the client waits for a module. */
static void check_attach_signal(void)
{
	const struct itimerval soon = { .it_value.tv_usec = 100000,
					.it_interval.tv_usec = 100000 };
	const struct sigaction action = { .sa_handler = nothing };
	const struct itimerval never = { };
	struct kucomms_options options = { .size = sizeof(options),
					   .timeout_ms = -1 };
	struct kucomms_channel *channel;

	t_device("kucomms_unserved");
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(kucomms_open("netlink:unserved", &options, &channel),
			 -EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(t_remove("kucomms_unserved"), 0);
}

/* The program's buffer may be as long as has been agreed, and no longer. */
static void check_datagram_length(void)
{
	static const struct kucomms_message big = {
		.type = TEST_STREAM, .id = 1, .user = 9000,
	};
	static const struct kucomms_message small = {
		.type = TEST_STREAM, .id = 500, .user = 100,
	};
	const struct n_options options = { .datagram = 4096 };
	struct netlink *netlink = n_open("threaded", &options);
	unsigned int received = 0;
	ssize_t length;

	n_message(netlink, 0, &big, NULL);
	n_message(netlink, 0, &small, NULL);
	n_flush(netlink);
	while (received < 501) {
		length = recv(netlink->fd, netlink->in, N_BUFFER, MSG_PEEK);
		assert_true(length <= 4096 ||
			    (size_t)length <= NLMSG_HDRLEN + 32 + 9000);
		do
			n_receive(netlink);
		while (received++, netlink->length);
	}
	n_close(netlink);
}

/* More than any buffer holds is no reason to send nothing. */
static void check_datagram_huge(void)
{
	const struct n_options options = { .datagram = 0xffffffff,
					   .to_user_size = 8 << 20 };
	struct netlink *netlink = n_open("test", &options);
	unsigned int received = 0;

	n_message(netlink, 0, &stream, NULL);
	n_flush(netlink);
	while (received < STREAM) {
		n_receive(netlink);
		received++;
	}
	n_close(netlink);
}

/*
 * The mark of a gap is not lost with its datagram, when the socket has been overrun
 * besides: netlink takes nothing then until all has been read.
 */
static void check_mark(void)
{
	static const struct kucomms_message ask = {
		.type = TEST_BROADCAST, .id = 200, .user = 1000,
	};
	const struct n_options options = { .broadcasts = true,
					   .to_user_size = 65536,
					   .datagram = 131072 };
	struct netlink *hears = n_open("test", &options);
	struct netlink *asks = n_open("test", NULL);
	const struct nlmsghdr *header;
	const int size = 1 << 20;
	unsigned int i, sequence;

	assert_int_equal(setsockopt(hears->fd, SOL_SOCKET, SO_RCVBUFFORCE,
				    &size, sizeof(size)), 0);
	/* Until its errors have overrun it. */
	for (i = 0; i < 8000; i++) {
		n_put(hears, 0x55, 0, 8);
		n_flush(hears);
	}
	sequence = n_message(asks, 0, &ask, NULL);
	n_flush(asks);
	n_answer(asks, sequence);
	assert_true(!n_receive_by(hears, 0));
	assert_int_equal(errno, ENOBUFS);
	for (i = 0; i < 1000; i++)
		assert_int_equal(n_receive(hears)->nlmsg_type, NLMSG_ERROR);
	/* Now there seems to be room. */
	n_put(hears, NLMSG_NOOP, 0, 0);
	n_flush(hears);
	do {
		header = n_receive_by(hears, 0);
		if (!header)
			assert_int_equal(errno, ENOBUFS);
	} while (!header || header->nlmsg_type != NLMSG_OVERRUN);
	n_close(hears);
	n_close(asks);
}

/* Whether a work that moves messages to sockets runs. */
static bool work_runs(void)
{
	DIR *proc = opendir("/proc");
	bool runs = false;
	char name[100];

	assert_true(proc);
	while (t_next_task(proc, name, sizeof(name)))
		runs |= strstr(name, "+kucomms_endpoint") != NULL;
	closedir(proc);
	return runs;
}

/*
 * A broadcast has been missed behind a record that is reserved: there is nothing to do
 * before that has been committed.
 */
static void check_reserved(void)
{
	static const struct kucomms_message hold = { .type = TEST_RESERVE };
	static const struct kucomms_message ask = {
		.type = TEST_BROADCAST, .id = 1, .user = 10000,
	};
	const struct n_options options = { .broadcasts = true,
					   .to_user_size = 4096 };
	struct netlink *holds = n_open("test", &options);
	struct netlink *asks = n_open("test", NULL);
	unsigned int sequence;
	int idle;

	n_message(holds, 0, &hold, NULL);
	n_flush(holds);
	sequence = n_message(asks, 0, &ask, NULL);
	n_flush(asks);
	n_answer(asks, sequence);
	/* One that never stops may seldom be seen to begin anew. */
	for (idle = 0; idle < 100; idle++)
		if (work_runs())
			idle = 0;
	sequence = n_message(holds, 0, &hold, NULL);
	n_flush(holds);
	assert_int_equal(n_answer(holds, sequence - 1)->type, TEST_RESERVE);
	assert_int_equal(n_receive(holds)->nlmsg_type, NLMSG_OVERRUN);
	n_close(holds);
	n_close(asks);
}

/* The channel ends when the socket is full: that is told when there is room. */
static void check_end_when_full(void)
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
		wait_readable(netlink);
		header = n_receive_by(netlink, 0);
		if (!header)
			assert_int_equal(errno, ENOBUFS);
	} while (!header || header->nlmsg_seq);
	assert_int_equal(header->nlmsg_type, NLMSG_ERROR);
	assert_int_equal(n_error_in(header), -ESHUTDOWN);
	n_close(netlink);
	assert_int_equal(t_create("kucomms_test"), 0);
}

/* What the old channel still had to say is not said in the new one. */
static void check_old_channel(void)
{
	struct netlink *netlink = n_open("test", NULL);
	struct pollfd fd = { .fd = netlink->fd, .events = POLLIN };
	struct nlmsghdr *header;
	int device;

	n_message(netlink, 0, &stream, NULL);
	n_flush(netlink);
	assert_int_equal(t_remove("kucomms_test force"), 0);
	assert_int_equal(t_create("kucomms_test"), 0);
	while (recv(netlink->fd, netlink->in, N_BUFFER, MSG_DONTWAIT) > 0)
		;
	device = n_device("test");
	header = n_put(netlink, KUCOMMS_NLMSG_ATTACH, 0, 0);
	mnl_attr_put_u32(header, KUCOMMS_NLA_FD, (__u32)device);
	netlink->filled = header->nlmsg_len;
	n_flush(netlink);
	while (n_receive(netlink)->nlmsg_type != KUCOMMS_NLMSG_ATTACH)
		;
	close(device);
	assert_int_equal(poll(&fd, 1, 500), 0);
	n_echo(netlink, "the new one");
	n_close(netlink);
}

/*
 * What somebody else holds back is not published by a turn in which nothing but
 * an acknowledgement was sent.
 */
static void check_held_back(void)
{
	const struct kucomms_message sink = { .type = TEST_SINK };
	const struct kucomms_message hold = { .type = TEST_HOLD };
	struct netlink *netlink = n_open("test", NULL);
	unsigned int first = n_message(netlink, NLM_F_ACK, &sink, "");
	unsigned int held = n_message(netlink, 0, &hold, "");
	unsigned int last;

	n_flush(netlink);
	assert_int_equal(n_error(netlink, first), 0);
	n_nothing(netlink);
	last = n_message(netlink, NLM_F_ACK, &sink, "");
	n_flush(netlink);
	assert_int_equal(n_answer(netlink, held)->type, TEST_HOLD);
	assert_int_equal(n_error(netlink, last), 0);
	n_close(netlink);
}

/*
 * The same with interrupts, at the same time as turns end. If a turn published
 * what is theirs a message would be lost and nothing would come any more.
 */
static void check_held_back_elsewhere(void)
{
	const struct kucomms_message burst = {
		.type = TEST_BURST_MORE, .id = BURST, .user = 8,
	};
	const struct kucomms_message sink = { .type = TEST_SINK };
	struct netlink *netlink = n_open("test", NULL);
	const struct kucomms_message *message;
	const struct nlmsghdr *header;
	unsigned int seen = 0;

	n_message(netlink, 0, &burst, NULL);
	n_flush(netlink);
	while (seen < BURST_SEEN) {
		n_message(netlink, NLM_F_ACK, &sink, "");
		n_message(netlink, 0, &sink, "");
		n_flush(netlink);
		while ((header = n_receive_by(netlink, MSG_DONTWAIT))) {
			message = mnl_nlmsg_get_payload(header);
			seen += header->nlmsg_type == KUCOMMS_NLMSG_MESSAGE &&
				message->type == TEST_BURST;
		}
		/* The news that there was no room may have found none. */
		assert_true(errno == EAGAIN || errno == ENOBUFS);
	}
	n_close(netlink);
}

int main(void)
{
	t_device("kucomms_test");
	t_device("kucomms_threaded");
	t_device("kucomms_proxy");
	check_filter();
	check_window();
	check_signals("test");
	check_signals("threaded");
	check_send_timeout("kernel:test");
	check_send_timeout("netlink:test");
	check_send_timeout("netlink:threaded");
	check_send_timeout("netlink:proxy");
	check_receipts();
	check_attach_signal();
	check_datagram_length();
	check_datagram_huge();
	check_mark();
	check_reserved();
	check_end_when_full();
	check_old_channel();
	check_held_back();
	check_held_back_elsewhere();
	return 0;
}
