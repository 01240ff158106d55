// SPDX-License-Identifier: GPL-2.0-only
/*
 * kucomms beside netlink, in one run on one machine: 64 bytes to the kernel and
 * back, one at a time and 64 at a time. Wants /dev/kucomms_mymodule (the echo
 * example) and netlink_echo.ko. Prints the median of interleaved passes.
 */
#include <errno.h>
#include <kucomms/kucomms.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NETLINK_ECHO	30
#define SIZE		64
#define BATCH		64
#define PASSES		9
#define ROUNDS		2000

struct subject {
	const char *name;
	void (*send)(int more);
	void (*receive)(void);
	double round_trip[PASSES];
	double stream[PASSES];
};

static struct kucomms_channel *channel;
static int netlink;
static char data[SIZE];

static void die(const char *what, int err)
{
	fprintf(stderr, "compare: %s: %s\n", what, strerror(err));
	exit(1);
}

static void kucomms_put(int more)
{
	const struct kucomms_message message = { .length = SIZE };
	int err = kucomms_send(channel, &message, data,
			       more ? KUCOMMS_MORE : 0, -1);

	if (err)
		die("kucomms_send", -err);
}

static void kucomms_get(void)
{
	struct kucomms_message message;
	int err = kucomms_receive_copy(channel, &message, data, sizeof(data),
				       -1);

	if (err)
		die("kucomms_receive_copy", -err);
}

static void netlink_put(int more)
{
	struct {
		struct nlmsghdr header;
		char data[SIZE];
	} message = { .header = { .nlmsg_len = sizeof(message),
				  .nlmsg_type = NLMSG_MIN_TYPE } };

	(void)more;
	memcpy(message.data, data, SIZE);
	if (send(netlink, &message, sizeof(message), 0) != sizeof(message))
		die("netlink send", errno);
}

static void netlink_get(void)
{
	struct {
		struct nlmsghdr header;
		char data[SIZE];
	} message;

	if (recv(netlink, &message, sizeof(message), 0) != sizeof(message))
		die("netlink receive", errno);
	memcpy(data, message.data, SIZE);
}

static struct subject subjects[] = {
	{ .name = "kucomms", .send = kucomms_put, .receive = kucomms_get },
	{ .name = "netlink", .send = netlink_put, .receive = netlink_get },
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Seconds for one message there and back, @batch of them in flight. */
static double pass(const struct subject *subject, int batch)
{
	double start = now();
	int round, i;

	for (round = 0; round < ROUNDS / batch; round++) {
		for (i = 0; i < batch; i++)
			subject->send(i + 1 < batch);
		for (i = 0; i < batch; i++)
			subject->receive();
	}
	return (now() - start) / (ROUNDS / batch * batch);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values)
{
	qsort(values, PASSES, sizeof(*values), ascending);
	return values[PASSES / 2];
}

static void measure(void)
{
	const size_t count = sizeof(subjects) / sizeof(subjects[0]);
	size_t i;
	int p;

	for (p = 0; p < PASSES; p++) {
		for (i = 0; i < count; i++) {
			subjects[i].round_trip[p] = pass(&subjects[i], 1);
			subjects[i].stream[p] = pass(&subjects[i], BATCH);
		}
	}
}

int main(void)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	double round_trip[2], stream[2];
	int err, i;

	err = kucomms_open("mymodule", NULL, &channel);
	if (err)
		die("cannot open mymodule", -err);
	netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ECHO);
	if (netlink < 0)
		die("cannot open a netlink socket (is netlink_echo loaded?)",
		    errno);
	if (connect(netlink, (const struct sockaddr *)&kernel, sizeof(kernel)))
		die("netlink connect", errno);

	measure();
	printf("%d bytes, there and back    round trip    messages/s (%d in flight)\n",
	       SIZE, BATCH);
	for (i = 0; i < 2; i++) {
		round_trip[i] = median(subjects[i].round_trip);
		stream[i] = median(subjects[i].stream);
		printf("%-26s %8.2f us    %12.0f\n", subjects[i].name,
		       round_trip[i] * 1e6, 1 / stream[i]);
	}
	printf("kucomms is %.1f times as fast one at a time, %.1f times %d at a time\n",
	       round_trip[1] / round_trip[0], stream[1] / stream[0], BATCH);
	kucomms_channel_close(channel);
	close(netlink);
	return 0;
}
