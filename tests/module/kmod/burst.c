// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that send to one channel, raised one after the other by a work
 * item. The lock is what real drivers hold when they have an event to report,
 * raw since they may have it in a hard interrupt with PREEMPT_RT, too. The channel
 * is kept by a reference, which the interrupt that sends last gives back: also if
 * the client has gone before.
 */
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "test.h"

static struct {
	raw_spinlock_t lock;
	struct work_struct raiser;
	struct irq_work interrupt;
	struct kucomms_channel *channel;
	u64 left;
	u64 next;
	u32 length;
	bool more;
} burst;

static u8 burst_data[65536];

/* In hard interrupt context: sends one message. */
static void burst_interrupt(struct irq_work *work)
{
	struct kucomms_message message = { .type = TEST_BURST };
	struct kucomms_channel *done = NULL;
	unsigned long flags;
	int err;

	raw_spin_lock_irqsave(&burst.lock, flags);
	if (burst.channel) {
		/* An interrupt cannot wait for room: the client sees the gap. */
		message.length = burst.length;
		message.id = burst.next++;
		message.user = hardirq_count() != 0;
		/* The last one is published, and all before it. */
		err = kucomms_send(burst.channel, &message, burst_data,
				   burst.more && burst.left % 2 == 0 ?
					   KUCOMMS_SEND_MORE : 0, 0);
		if (!--burst.left || err == -ESHUTDOWN)
			swap(done, burst.channel);
	}
	kucomms_channel_put(done);
	raw_spin_unlock_irqrestore(&burst.lock, flags);
}

static bool burst_goes_on(void)
{
	unsigned long flags;
	bool more;

	raw_spin_lock_irqsave(&burst.lock, flags);
	more = burst.channel;
	raw_spin_unlock_irqrestore(&burst.lock, flags);
	return more;
}

static void burst_raise(struct work_struct *work)
{
	while (burst_goes_on()) {
		irq_work_queue(&burst.interrupt);
		irq_work_sync(&burst.interrupt);
		cond_resched();
	}
}

int test_burst_start(struct kucomms_channel *channel,
		     const struct kucomms_message *message)
{
	unsigned long flags;

	if (message->user > sizeof(burst_data) || !message->id)
		return -EINVAL;
	channel = kucomms_channel_get(channel);
	raw_spin_lock_irqsave(&burst.lock, flags);
	swap(channel, burst.channel);
	burst.left = message->id;
	burst.next = 0;
	burst.length = message->user;
	burst.more = message->type == TEST_BURST_MORE;
	raw_spin_unlock_irqrestore(&burst.lock, flags);
	/* The one before. */
	kucomms_channel_put(channel);
	queue_work(system_unbound_wq, &burst.raiser);
	return 0;
}

void test_burst_init(void)
{
	raw_spin_lock_init(&burst.lock);
	INIT_WORK(&burst.raiser, burst_raise);
	test_init_interrupt(&burst.interrupt, burst_interrupt);
}

/* No channel is connected any more, so neither goes on by itself. */
void test_burst_uninit(void)
{
	cancel_work_sync(&burst.raiser);
	irq_work_sync(&burst.interrupt);
	kucomms_channel_put(burst.channel);
}
