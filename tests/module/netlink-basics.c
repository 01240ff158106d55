// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels over netlink: who gets one, what comes back and in which order, what is
 * answered when something is wrong, and that nobody else notices.
 */
#include <linux/filter.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "netlink.h"

#define STREAM	3000
#define LENGTH	1000

static const struct kucomms_message empty_echo = { .type = TEST_ECHO };

/* Only an open device, for both directions, gives the right, and only once. */
static void check_access(void)
{
	struct netlink *netlink = n_socket(0), *other;
	int fd;

	assert_int_equal(n_ask(netlink, 0, &empty_echo, NULL), -EPERM);
	assert_int_equal(n_attach_fd(netlink, 999, NULL), -EBADF);
	assert_int_equal(n_attach_fd(netlink, -1, NULL), -EBADF);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(n_attach_fd(netlink, fd, NULL), -EPERM);
	close(fd);
	fd = open("/dev/kucomms_test", O_RDONLY | O_CLOEXEC);
	assert_int_equal(n_attach_fd(netlink, fd, NULL), -EPERM);
	close(fd);
	fd = open("/dev/kucomms_test", O_WRONLY | O_CLOEXEC);
	assert_int_equal(n_attach_fd(netlink, fd, NULL), -EPERM);
	close(fd);
	assert_int_equal(n_ask(netlink, 0, &empty_echo, NULL), -EPERM);

	fd = n_device("test");
	assert_int_equal(n_attach_fd(netlink, fd, NULL), 0);
	assert_int_equal(n_attach_fd(netlink, fd, NULL), -EBUSY);
	other = n_socket(0);
	assert_int_equal(n_attach_fd(other, fd, NULL), -EBUSY);
	/* It is in use, whatever one tries. */
	assert_int_equal(t_sys(read(fd, netlink->in, N_BUFFER)), -EBUSY);
	assert_true(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd,
			 0) == MAP_FAILED);
	assert_int_equal(errno, EBUSY);
	close(fd);
	fd = n_device("test");
	assert_int_equal(n_attach_fd(netlink, fd, NULL), -EBUSY);
	assert_int_equal(n_attach_fd(other, fd, NULL), 0);
	close(fd);
	n_echo(netlink, "one");
	n_echo(other, "other");
	n_close(netlink);
	n_echo(other, "one has gone");
	n_close(other);
	assert_int_equal(t_attribute("kucomms_test", "opens"), 0);
	assert_int_equal(t_attribute("kucomms_test", "channels"), 0);
}

/* What the writer comes to, by write() or with the kernel's address. */
static int attach_by(struct netlink *netlink, int fd, bool address)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr *header = n_put(netlink, KUCOMMS_NLMSG_ATTACH,
					NLM_F_ACK, 0);
	unsigned int sequence = header->nlmsg_seq;
	size_t length;

	mnl_attr_put_u32(header, KUCOMMS_NLA_FD, (__u32)fd);
	length = header->nlmsg_len;
	if (address)
		assert_int_equal(sendto(netlink->fd, netlink->out, length, 0,
					(const void *)&kernel, sizeof(kernel)),
				 length);
	else
		assert_int_equal(write(netlink->fd, netlink->out, length),
				 length);
	netlink->filled = 0;
	header = (void *)n_receive(netlink);
	assert_int_equal(header->nlmsg_seq, sequence);
	if (header->nlmsg_type == KUCOMMS_NLMSG_ATTACH)
		return n_error(netlink, sequence);
	return ((struct nlmsgerr *)mnl_nlmsg_get_payload(header))->error;
}

/*
 * A process that may more than the one whose socket it got is not made to give away
 * its descriptors by what it just writes there.
 */
static void check_deputies(void)
{
	struct netlink *netlink;
	int fd = n_device("test");
	pid_t pid;

	assert_int_equal(t_sys(seteuid(1002)), 0);
	netlink = n_socket(0);
	assert_int_equal(t_sys(seteuid(0)), 0);
	assert_int_equal(attach_by(netlink, fd, false), -EPERM);
	assert_int_equal(attach_by(netlink, fd, true), 0);
	n_close(netlink);
	close(fd);

	/* The same rights in another process: its own child, say. */
	fd = n_device("test");
	netlink = n_socket(0);
	pid = fork();
	if (pid == 0) {
		assert_int_equal(attach_by(netlink, fd, false), 0);
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
	n_close(netlink);
	close(fd);
}

/*
 * A process that closes the socket and keeps the descriptor keeps the memory of the
 * channel, and so the number, and the module.
 */
static void check_kept_descriptors(void)
{
	struct netlink *netlink;
	int fds[2], i;

	assert_int_equal(t_remove("kucomms_test"), 0);
	assert_int_equal(t_create("kucomms_test channels=2"), 0);
	for (i = 0; i < 2; i++) {
		netlink = n_socket(0);
		fds[i] = n_device("test");
		assert_int_equal(n_attach_fd(netlink, fds[i], NULL), 0);
		n_close(netlink);
	}
	while (t_attribute("kucomms_test", "opens") != 2)
		;
	assert_int_equal(t_sys(syscall(SYS_delete_module, "kucomms_netlink",
				       O_NONBLOCK)), -EWOULDBLOCK);
	netlink = n_socket(0);
	for (i = 0; i < 100; i++)
		assert_int_equal(n_attach(netlink, "test"), -EUSERS);
	close(fds[0]);
	assert_int_equal(n_attach(netlink, "test"), 0);
	n_echo(netlink, "in its place");
	n_close(netlink);
	close(fds[1]);
	t_device("kucomms_test");
}

static void check_sizes(void)
{
	const struct n_options odd = { .to_user_size = 12345 };
	const struct n_options small = { .to_kernel_size = 4096,
					 .to_user_size = 4096 };
	struct kucomms_message big = { .type = TEST_SINK };
	struct netlink *netlink = n_socket(0);
	static char zeros[N_BUFFER];
	int fd = n_device("test");

	assert_int_equal(n_attach_fd(netlink, fd, &odd), -EINVAL);
	assert_int_equal(n_attach_fd(netlink, fd, &small), 0);
	close(fd);
	big.length = 4096 - 64;
	assert_int_equal(n_ask(netlink, NLM_F_ACK, &big, zeros), 0);
	big.length++;
	assert_int_equal(n_ask(netlink, NLM_F_ACK, &big, zeros), -EMSGSIZE);
	n_close(netlink);
}

/* A descriptor from somebody who may open the device serves who may not. */
static void check_users(void)
{
	int fd = n_device("test");
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		struct netlink *netlink;

		assert_int_equal(setgid(65534), 0);
		assert_int_equal(setuid(65534), 0);
		assert_true(open("/dev/kucomms_test", O_RDWR) < 0);
		netlink = n_socket(0);
		assert_int_equal(n_ask(netlink, 0, &empty_echo, NULL), -EPERM);
		assert_int_equal(n_attach_fd(netlink, fd, NULL), 0);
		n_echo(netlink, "passed on");
		exit(0);
	}
	close(fd);
	assert_int_equal(t_wait(child), 0);
	assert_int_equal(t_attribute("kucomms_test", "opens"), 0);
}

/* Many in a datagram: answers and acknowledgements in their order. */
static void check_cascade(const char *name)
{
	struct netlink *netlink = n_open(name, NULL);
	const struct kucomms_message *answer;
	unsigned int first = 0, sequence;
	char text[16];
	int i;

	for (i = 0; i < 50; i++) {
		struct kucomms_message message = { .type = TEST_ECHO };

		message.id = (__u64)i;
		message.length = (__u32)snprintf(text, sizeof(text), "%d", i);
		sequence = n_message(netlink, i % 2 ? NLM_F_ACK : 0, &message,
				     text);
		if (!i)
			first = sequence;
	}
	n_flush(netlink);
	for (i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "%d", i);
		answer = n_answer(netlink, first + (unsigned int)i);
		assert_int_equal(answer->id, i);
		assert_int_equal(answer->length, strlen(text));
		assert_true(!memcmp(answer + 1, text, strlen(text)));
		if (i % 2)
			assert_int_equal(n_error(netlink,
						 first + (unsigned int)i), 0);
	}
	n_nothing(netlink);
	n_close(netlink);
}

/*
 * A message that the channel of a module's own threads gets, too. What these send is
 * in no order with acknowledgements.
 */
static void check_threads(void)
{
	struct netlink *netlink = n_open("proxy", NULL);
	const struct kucomms_message pass = { .type = TEST_PASS };
	unsigned int i, acknowledged = 0, answered = 0;
	const struct nlmsghdr *header;

	n_message(netlink, NLM_F_ACK, &pass, NULL);
	n_flush(netlink);
	for (i = 0; i < 2; i++) {
		header = n_receive(netlink);
		acknowledged += header->nlmsg_type == NLMSG_ERROR;
		answered += header->nlmsg_type == KUCOMMS_NLMSG_MESSAGE;
	}
	assert_int_equal(acknowledged, 1);
	assert_int_equal(answered, 1);
	n_nothing(netlink);
	assert_int_equal(n_ask(netlink, NLM_F_DUMP, &pass, NULL), -EOPNOTSUPP);
	n_close(netlink);
}

static void send_raw(struct netlink *netlink, const void *bytes, size_t length)
{
	assert_int_equal(mnl_socket_sendto(netlink->socket, bytes, length),
			 length);
}

/* What is no message is answered, and the next datagram is as good as ever. */
static void check_malformed(void)
{
	struct netlink *netlink = n_open("test", NULL);
	struct netlink *other = n_open("test", NULL);
	struct {
		struct nlmsghdr header;
		struct kucomms_message message;
		char data[8];
	} request;
	static const __u32 lengths[] = { 0, 1, 15, 0x7fffffff, 0x80000000,
					 0xfffffff0, 0xffffffff,
					 sizeof(request) + 1 };
	static const __u16 types[] = { 0x12, 0x20, 0x7fff, 0xffff };
	unsigned int i;

	memset(&request, 0, sizeof(request));
	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = KUCOMMS_NLMSG_MESSAGE;
	request.header.nlmsg_flags = NLM_F_REQUEST;
	request.header.nlmsg_seq = 4711;
	request.message.type = TEST_ECHO;
	request.message.length = 8;

	/* Cut short: as much of the header as there is comes back. */
	for (i = 1; i < sizeof(request); i++) {
		send_raw(netlink, &request, i);
		assert_int_equal(n_error(netlink,
					 i < 12 ? (i < 9  ? 0 :
						   i < 10 ? 4711 & 0xff :
							    4711) :
						  4711),
				 -EINVAL);
	}
	/* Some kernels do not even take an empty one. */
	if (!t_sys(mnl_socket_sendto(netlink->socket, &request, 0)))
		assert_int_equal(n_error(netlink, 0), -EINVAL);
	else
		assert_int_equal(errno, ENODATA);
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		request.header.nlmsg_len = lengths[i];
		send_raw(netlink, &request, sizeof(request));
		assert_int_equal(n_error(netlink, 4711), -EINVAL);
	}
	request.header.nlmsg_len = sizeof(request);

	/* Its own length is another. */
	for (i = 0; i < 9; i++) {
		if (i == 8)
			continue;
		request.message.length = i ? i : 0xffffffff;
		send_raw(netlink, &request, sizeof(request));
		assert_int_equal(n_error(netlink, 4711), -EINVAL);
	}
	for (i = NLMSG_HDRLEN; i < NLMSG_HDRLEN + sizeof(request.message);
	     i++) {
		request.header.nlmsg_len = i;
		request.message.length = 0;
		send_raw(netlink, &request, i);
		assert_int_equal(n_error(netlink, 4711), -EINVAL);
	}
	request.header.nlmsg_len = sizeof(request);
	request.message.length = 8;
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		request.header.nlmsg_type = types[i];
		send_raw(netlink, &request, sizeof(request));
		assert_int_equal(n_error(netlink, 4711), -EOPNOTSUPP);
	}
	/* Netlink's own types, and what is no request, mean nothing. */
	request.header.nlmsg_type = NLMSG_NOOP;
	send_raw(netlink, &request, sizeof(request));
	request.header.nlmsg_type = KUCOMMS_NLMSG_MESSAGE;
	request.header.nlmsg_flags = 0;
	send_raw(netlink, &request, sizeof(request));
	n_nothing(netlink);
	n_echo(netlink, "still here");
	n_echo(other, "never noticed");
	n_close(netlink);
	n_close(other);
}

static void check_attributes(void)
{
	struct netlink *netlink = n_socket(0);
	struct nlmsghdr *header;
	int i;

	for (i = 0; i < 6; i++) {
		header = n_put(netlink, KUCOMMS_NLMSG_ATTACH, 0, 0);
		if (i == 1)
			mnl_attr_put_u32(header, KUCOMMS_NLA_MAX + 1, 0);
		if (i == 2)
			mnl_attr_put_u16(header, KUCOMMS_NLA_FD, 3);
		if (i == 3)
			mnl_attr_put_u32(header, KUCOMMS_NLA_VERSION, 3);
		if (i == 4) {
			mnl_attr_put_u32(header, KUCOMMS_NLA_FD, 3);
			((struct nlattr *)mnl_nlmsg_get_payload(header))
				->nla_len = 200;
		}
		if (i == 5) {
			mnl_attr_put_u32(header, KUCOMMS_NLA_FD, 3);
			((struct nlattr *)mnl_nlmsg_get_payload(header))
				->nla_len = 2;
		}
		netlink->filled = header->nlmsg_len;
		n_flush(netlink);
		assert_true(n_error(netlink, netlink->sequence) < 0);
	}
	n_close(netlink);
}

/* The text, for those who ask for it. */
static void check_text(void)
{
	struct netlink *netlink = n_socket(0);
	const struct nlmsghdr *header;
	const struct nlattr *attribute;
	const char *text = NULL;
	int on = 1;

	assert_int_equal(setsockopt(netlink->fd, SOL_NETLINK, NETLINK_EXT_ACK,
				    &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(netlink->fd, SOL_NETLINK, NETLINK_CAP_ACK,
				    &on, sizeof(on)), 0);
	n_message(netlink, 0, &empty_echo, NULL);
	n_flush(netlink);
	header = n_receive(netlink);
	assert_int_equal(header->nlmsg_type, NLMSG_ERROR);
	assert_true(header->nlmsg_flags & NLM_F_ACK_TLVS);
	mnl_attr_for_each(attribute, header, sizeof(struct nlmsgerr))
		if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
			text = mnl_attr_get_str(attribute);
	assert_true(text && strstr(text, "attach"));
	n_close(netlink);
}

/* The handler's own errors: told, and then the channel is what it is for all. */
static void check_failure(const char *name)
{
	const struct kucomms_message fail = { .type = TEST_FAIL };
	struct netlink *netlink = n_open(name, NULL);
	struct netlink *other = n_open(name, NULL);

	assert_int_equal(n_ask(netlink, 0, &fail, NULL), -EIO);
	assert_int_equal(n_error(netlink, 0), -EPROTO);
	assert_int_equal(n_ask(netlink, 0, &empty_echo, NULL), -EPROTO);
	n_echo(other, "not broken");
	/* The same socket may have another channel then. */
	assert_int_equal(n_attach(netlink, name), 0);
	n_echo(netlink, "once more");
	n_close(netlink);
	n_close(other);
}

static const struct kucomms_message stream = {
	.type = TEST_STREAM, .id = STREAM, .user = LENGTH,
};

/*
 * A socket's filter sees the datagram, and nothing that is in front of it in memory:
 * how much it lets pass is what it has found there.
 */
static void a_filter_sees_the_datagram_only(void)
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
	n_wait_readable(netlink);
	/* The first byte of nlmsg_len. */
	assert_int_equal(recv(netlink->fd, netlink->in, N_BUFFER, 0),
			 NLMSG_LENGTH(sizeof(echo)) + sizeof(data));
	n_close(netlink);
}

/* A signal while the client waits for a module. */
static void a_signal_ends_the_wait_for_a_module(void)
{
	const struct itimerval soon = { .it_value.tv_usec = 100000,
					.it_interval.tv_usec = 100000 };
	const struct sigaction action = { .sa_handler = t_ignore };
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
static void no_datagram_is_longer_than_agreed(void)
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
static void a_huge_datagram_may_be_agreed(void)
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

/* What the old channel still had to say is not said in the new one. */
static void an_old_channel_says_nothing_in_the_new_one(void)
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

int main(void)
{
	static const char *const devices[] = {
		"kucomms_test", "kucomms_shared", "kucomms_threaded",
		"kucomms_polling", "kucomms_parallel", "kucomms_proxy",
	};
	const size_t count = sizeof(devices) / sizeof(*devices);
	size_t i;

	for (i = 0; i < count; i++)
		t_device(devices[i]);
	check_access();
	check_kept_descriptors();
	check_deputies();
	check_sizes();
	check_users();
	check_cascade("test");
	check_cascade("shared");
	check_cascade("threaded");
	check_cascade("polling");
	check_cascade("parallel");
	check_threads();
	check_malformed();
	check_attributes();
	check_text();
	check_failure("test");
	check_failure("threaded");
	a_filter_sees_the_datagram_only();
	a_signal_ends_the_wait_for_a_module();
	no_datagram_is_longer_than_agreed();
	a_huge_datagram_may_be_agreed();
	an_old_channel_says_nothing_in_the_new_one();
	for (i = 0; i < count; i++)
		t_remove_closed(devices[i]);
	return 0;
}
