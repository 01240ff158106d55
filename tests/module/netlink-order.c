// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is held back, and what is missing: in order with all else, and published by
 * nobody but the one who holds it back.
 */
#include "netlink.h"

#define BURST	2000000000
#define BURST_SEEN 20000

/*
 * The mark of a gap is not lost with its datagram, when the socket has been overrun
 * besides: netlink takes nothing then until all has been read.
 */
static void the_mark_of_a_gap_survives_an_overrun(void)
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
static void a_gap_behind_a_reserved_record_waits(void)
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

/*
 * What somebody else holds back is not published by a turn in which nothing but
 * an acknowledgement was sent.
 */
static void an_acknowledgement_publishes_nothing_else(void)
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
static void turns_do_not_publish_what_interrupts_hold_back(void)
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
	the_mark_of_a_gap_survives_an_overrun();
	a_gap_behind_a_reserved_record_waits();
	an_acknowledgement_publishes_nothing_else();
	turns_do_not_publish_what_interrupts_hold_back();
	t_remove_closed("kucomms_test");
	return 0;
}
