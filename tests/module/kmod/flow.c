// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flow: more messages than a ring holds, sent by nobody's request. A hard interrupt
 * begins, and whenever the ring was full the room handler goes on.
 */
#include "test.h"

static void flow(struct test_flow *flow)
{
	struct kucomms_message message = { .type = TEST_FLOW };
	static const u8 zeros[1024];

	message.length = flow->length;
	for (; flow->next < flow->count; flow->next++) {
		message.id = flow->next;
		if (kucomms_send(flow->channel, &message, zeros, 0, 0))
			return;
	}
}

static void flow_interrupt(struct irq_work *work)
{
	flow(container_of(work, struct test_flow, interrupt));
}

void test_flow_init(struct test_flow *flow, struct kucomms_channel *channel)
{
	flow->channel = channel;
	test_init_interrupt(&flow->interrupt, flow_interrupt);
}

/* Nobody calls the room handler any more. */
void test_flow_stop(struct test_flow *flow)
{
	irq_work_sync(&flow->interrupt);
}

int test_flow_start(struct test_flow *flow,
		    const struct kucomms_message *message)
{
	if (message->user > 1024 || flow->next != flow->count)
		return -EINVAL;
	flow->length = message->user;
	flow->next = 0;
	flow->count = message->id;
	irq_work_queue(&flow->interrupt);
	return 0;
}

void test_room(struct kucomms_channel *channel, void *priv)
{
	struct test_client *client = kucomms_channel_priv(channel);
	struct test_endpoint *test = priv;

	test_enter(test, client);
	atomic64_inc(&test->timer);
	flow(&client->flow);
	test_leave(test, client);
}
