// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: netlink-open NAME [deaf]
 *        netlink-open NUMBER elsewhere
 *
 * For netlink-number.sh: is there a channel, and does it work? With `deaf` it never
 * reads, says so when the socket has messages and the ring no room for the next one,
 * and waits to be killed. With `elsewhere`: has the kernel a socket of this protocol in
 * a new network namespace?
 */
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "test.h"

/* Bytes that the kernel keeps for whoever reads from the socket. */
static unsigned int unread(int fd)
{
	unsigned long inode;
	unsigned int bytes, found = 0;
	struct stat status;
	char line[256];
	FILE *file = fopen("/proc/net/netlink", "r");

	assert_true(file);
	assert_int_equal(fstat(fd, &status), 0);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %*d %*u %*x %u %*d %*d %*d %*u %lu",
			   &bytes, &inode) == 2 && inode == status.st_ino)
			found = bytes;
	fclose(file);
	return found;
}

static int be_deaf(struct kucomms_channel *channel)
{
	const struct kucomms_message stream = {
		.type = TEST_STREAM, .id = 3000, .user = 1000,
	};
	unsigned long long full = t_attribute("kucomms_test", "to_user_full");
	int err = kucomms_send(channel, &stream, NULL, 0, -1);

	if (err)
		return err;
	while (t_attribute("kucomms_test", "to_user_full") == full ||
	       !unread(kucomms_channel_poll_start(channel)))
		;
	puts("deaf");
	fflush(stdout);
	pause();
	return 0;
}

static int look_elsewhere(int protocol)
{
	const struct nlmsghdr noop = {
		.nlmsg_len = sizeof(noop), .nlmsg_type = NLMSG_NOOP,
	};
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd;

	assert_int_equal(t_sys(unshare(CLONE_NEWNET)), 0);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	assert_true(fd >= 0);
	if (sendto(fd, &noop, sizeof(noop), 0, (const void *)&kernel,
		   sizeof(kernel)) >= 0)
		return 0;
	assert_int_equal(errno, ECONNREFUSED);
	return 1;
}

int main(int argc, char **argv)
{
	struct kucomms_channel *channel;
	int err;

	assert_true(argc >= 2);
	if (argc > 2 && !strcmp(argv[2], "elsewhere"))
		return look_elsewhere(atoi(argv[1]));
	err = kucomms_open(argv[1], NULL, &channel);
	if (!err)
		err = argc > 2 ? be_deaf(channel) : t_echo(channel, "hello");
	if (err)
		printf("%s: %s\n", argv[1], strerror(-err));
	/* Whatever keeps it from working, the number is to blame. */
	assert_true(!err || err == -EPROTONOSUPPORT);
	return !!err;
}
