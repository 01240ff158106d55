// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel side of the tests: endpoints that do what test programs ask for
 * (protocol.h), and the tests of the kernel API that need no client.
 *
 *   test     message, connect, disconnect
 *   shared   the same, with KUCOMMS_SHARED_RECEIVE
 *   ticker   also work and timer
 *   mute     no handler at all
 *   picky    refuses every client with -EDQUOT
 *   late     `echo 1 >/sys/module/kucomms_test/parameters/late` registers it,
 *            `echo 0` unregisters it
 */
#define pr_fmt(fmt) "kucomms_test: " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <kucomms/module.h>

#include "protocol.h"

/* What one endpoint counts; the handlers are serialised, so nothing is locked. */
struct test_endpoint {
	struct kucomms_endpoint *endpoint;
	struct test_report report;
	atomic_t running;
	unsigned int refusals;
};

/*
 * Interrupts that send to one channel, raised one after the other by a work
 * item. The lock is what real drivers hold when they have an event to report;
 * it also keeps `channel` alive.
 */
static struct {
	spinlock_t lock;
	struct work_struct raiser;
	struct irq_work interrupt;
	struct kucomms_channel *channel;
	u64 left;
	u64 next;
	u32 length;
} burst;

static u8 burst_data[65536];
static ktime_t loaded;

static void enter(struct test_endpoint *test)
{
	might_sleep();
	if (atomic_inc_return(&test->running) != 1)
		test->report.overlaps++;
}

static void leave(struct test_endpoint *test)
{
	atomic_dec(&test->running);
}

/* In hard interrupt context: sends one message. */
static void burst_interrupt(struct irq_work *work)
{
	struct kucomms_message message = { .type = TEST_BURST };
	unsigned long flags;

	spin_lock_irqsave(&burst.lock, flags);
	if (burst.channel && burst.left) {
		/* An interrupt cannot wait for room: the client sees the gap. */
		message.length = burst.length;
		message.id = burst.next++;
		message.user = hardirq_count() != 0;
		kucomms_send(burst.channel, &message, burst_data, 0);
		burst.left--;
	}
	spin_unlock_irqrestore(&burst.lock, flags);
}

static bool burst_goes_on(void)
{
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&burst.lock, flags);
	more = burst.channel && burst.left;
	spin_unlock_irqrestore(&burst.lock, flags);
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

static int burst_start(struct kucomms_channel *channel,
		       const struct kucomms_message *message)
{
	unsigned long flags;

	if (message->user > sizeof(burst_data))
		return -EINVAL;
	spin_lock_irqsave(&burst.lock, flags);
	burst.channel = channel;
	burst.left = message->id;
	burst.next = 0;
	burst.length = message->user;
	spin_unlock_irqrestore(&burst.lock, flags);
	queue_work(system_unbound_wq, &burst.raiser);
	return 0;
}

static void burst_stop(struct kucomms_channel *channel)
{
	unsigned long flags;

	spin_lock_irqsave(&burst.lock, flags);
	if (burst.channel == channel)
		burst.channel = NULL;
	spin_unlock_irqrestore(&burst.lock, flags);
}

static int stream(struct kucomms_channel *channel,
		  const struct kucomms_message *message)
{
	struct kucomms_message out = { .type = TEST_STREAM };
	unsigned long sent = (unsigned long)kucomms_channel_priv(channel);
	int err;

	if (message->user > sizeof(burst_data))
		return -EINVAL;
	out.length = message->user;
	for (; sent < message->id; sent++) {
		out.id = sent;
		err = kucomms_send_unlocked(channel, &out, burst_data, 0);
		if (err) {
			kucomms_channel_set_priv(channel, (void *)sent);
			return err;
		}
	}
	kucomms_channel_set_priv(channel, NULL);
	return 0;
}

static int fill(struct kucomms_channel *channel)
{
	struct kucomms_message out = { .type = TEST_FULL };

	while (!kucomms_send(channel, &out, NULL, 0))
		out.id++;
	return 0;
}

static int report(struct test_endpoint *test, struct kucomms_channel *channel,
		  const struct kucomms_message *message)
{
	struct kucomms_message out = *message;

	out.length = sizeof(test->report);
	test->report.elapsed = ktime_to_ns(ktime_sub(ktime_get(), loaded));
	return kucomms_send_unlocked(channel, &out, &test->report, 0);
}

static int test_handle(struct test_endpoint *test,
		       struct kucomms_channel *channel,
		       const struct kucomms_message *message, const void *data)
{
	switch (message->type) {
	case TEST_ECHO:
		return kucomms_send_unlocked(channel, message, data, 0);
	case TEST_SINK:
		return 0;
	case TEST_REPORT:
		return report(test, channel, message);
	case TEST_BURST:
		return burst_start(channel, message);
	case TEST_STREAM:
		return stream(channel, message);
	case TEST_FAIL:
		return -EIO;
	case TEST_LATER:
		if (test->refusals++ < 2)
			return -EAGAIN;
		test->refusals = 0;
		return kucomms_send_unlocked(channel, message, data, 0);
	case TEST_SLOW:
		msleep(message->user);
		return kucomms_send_unlocked(channel, message, data, 0);
	case TEST_FULL:
		return fill(channel);
	default:
		return -EINVAL;
	}
}

static int test_message(struct kucomms_channel *channel,
			const struct kucomms_message *message,
			const void *data, void *priv)
{
	struct test_endpoint *test = priv;
	int err;

	enter(test);
	err = test_handle(test, channel, message, data);
	if (!err)
		test->report.messages++;
	leave(test);
	return err;
}

static bool test_work(struct kucomms_endpoint *endpoint, void *priv)
{
	struct test_endpoint *test = priv;

	enter(test);
	test->report.work++;
	leave(test);
	return false;
}

static void test_timer(struct kucomms_endpoint *endpoint, void *priv)
{
	struct test_endpoint *test = priv;
	struct kucomms_message tick = { .type = TEST_REPORT };

	enter(test);
	tick.id = ++test->report.timer;
	tick.length = sizeof(test->report);
	kucomms_broadcast(endpoint, &tick, &test->report, 0);
	leave(test);
}

static int test_connect(struct kucomms_channel *channel, void *priv)
{
	struct test_endpoint *test = priv;

	enter(test);
	test->refusals = 0;
	test->report.connects++;
	leave(test);
	return 0;
}

static void test_disconnect(struct kucomms_channel *channel, void *priv)
{
	struct test_endpoint *test = priv;

	enter(test);
	burst_stop(channel);
	test->report.disconnects++;
	leave(test);
}

static int picky_connect(struct kucomms_channel *channel, void *priv)
{
	return -EDQUOT;
}

static const struct kucomms_ops test_ops = {
	.message = test_message,
	.connect = test_connect,
	.disconnect = test_disconnect,
};

static const struct kucomms_ops shared_ops = {
	.message = test_message,
	.connect = test_connect,
	.disconnect = test_disconnect,
	.flags = KUCOMMS_SHARED_RECEIVE,
};

static const struct kucomms_ops ticker_ops = {
	.message = test_message,
	.work = test_work,
	.timer = test_timer,
	.connect = test_connect,
	.disconnect = test_disconnect,
};

static const struct kucomms_ops picky_ops = { .connect = picky_connect };
static const struct kucomms_ops mute_ops = { };

static struct test_endpoint test, shared, ticker, mute, picky, late;

static const struct {
	const char *name;
	const struct kucomms_ops *ops;
	struct test_endpoint *test;
} served[] = {
	{ "test", &test_ops, &test },
	{ "kucomms_shared", &shared_ops, &shared },
	{ "ticker", &ticker_ops, &ticker },
	{ "mute", &mute_ops, &mute },
	{ "picky", &picky_ops, &picky },
};

/* Each name, and what registering it must say. */
static const struct {
	const char *name;
	unsigned int flags;
	int err;
} registrations[] = {
	{ "", 0, -EINVAL },
	{ "kucomms_", 0, -EINVAL },
	{ "Upper", 0, -EINVAL },
	{ "../etc", 0, -EINVAL },
	{ "new\nline", 0, -EINVAL },
	{ "caf\xc3\xa9", 0, -EINVAL },
	{ "a23456789_123456789_123456789_123456789_123456789_123456", 0, -EINVAL },
	{ "test", 0, -EEXIST },
	{ "kucomms_test", 0, -EEXIST },
	{ "flags", 1u << 31, -EINVAL },
};

static int check_registrations(void)
{
	struct kucomms_endpoint *endpoint;
	int i;

	for (i = 0; i < ARRAY_SIZE(registrations); i++) {
		struct kucomms_ops ops = { .flags = registrations[i].flags };

		endpoint = kucomms_register(registrations[i].name, &ops, NULL);
		if (PTR_ERR_OR_ZERO(endpoint) != registrations[i].err) {
			pr_err("registering \"%s\": %d, not %d\n",
			       registrations[i].name,
			       PTR_ERR_OR_ZERO(endpoint), registrations[i].err);
			kucomms_unregister(endpoint);
			return -EINVAL;
		}
	}
	return 0;
}

static int late_set(const char *text, const struct kernel_param *param)
{
	bool on;
	int err = kstrtobool(text, &on);

	if (err)
		return err;
	kucomms_unregister(late.endpoint);
	late.endpoint = on ? kucomms_register("late", &test_ops, &late) : NULL;
	return PTR_ERR_OR_ZERO(late.endpoint);
}

static const struct kernel_param_ops late_param_ops = { .set = late_set };
module_param_cb(late, &late_param_ops, NULL, 0200);

static void unregister_all(void)
{
	int i;

	kucomms_unregister(late.endpoint);
	for (i = 0; i < ARRAY_SIZE(served); i++)
		kucomms_unregister(served[i].test->endpoint);
	cancel_work_sync(&burst.raiser);
	irq_work_sync(&burst.interrupt);
}

static int __init test_init(void)
{
	int i, err;

	loaded = ktime_get();
	spin_lock_init(&burst.lock);
	INIT_WORK(&burst.raiser, burst_raise);
	init_irq_work(&burst.interrupt, burst_interrupt);
	for (i = 0; i < ARRAY_SIZE(served); i++) {
		served[i].test->endpoint =
			kucomms_register(served[i].name, served[i].ops,
					 served[i].test);
		err = PTR_ERR_OR_ZERO(served[i].test->endpoint);
		if (err)
			goto err_unregister;
	}
	err = check_registrations();
	if (err)
		goto err_unregister;
	return 0;

err_unregister:
	unregister_all();
	return err;
}

static void __exit test_exit(void)
{
	unregister_all();
}

module_init(test_init);
module_exit(test_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("kucomms: kernel side of the tests");
