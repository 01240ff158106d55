// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel side of the tests: endpoints that do what test programs ask for
 * (protocol.h), and the tests of the kernel API that need no client.
 *
 *   test     message, connect, disconnect
 *   shared   the same, with KUCOMMS_OPS_SHARED_RECEIVE
 *   ticker   also work and timer
 *   threaded like test, in a thread
 *   polling  like test, in a thread that polls
 *   parallel like test, with KUCOMMS_OPS_PARALLEL
 *   pinned   the same in two threads
 *   quick    like ticker, with short periods
 *   demand   work when somebody asks for it (TEST_WAKE)
 *   flowing  like test, with a room handler, whose calls count as the timer's
 *   mute     no handler at all, and nothing may be adjusted
 *   picky    calls every client, then refuses it, with the parameter picky:
 *            -EDQUOT
 *   proxy    no handlers: threads of its own (proxy.c), which
 *            `echo 0 >/sys/module/kucomms_test/parameters/proxy` stops
 *   exit     its end is what is tested (exit.c)
 *   late     `echo 1 >/sys/module/kucomms_test/parameters/late` registers it,
 *            `echo 2` with KUCOMMS_OPS_PARALLEL, `echo 0` unregisters it
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "test.h"

ktime_t test_loaded;

#define TEST_HANDLERS							\
	.message = test_message,					\
	.connect = test_connect,					\
	.disconnect = test_disconnect

static int picky = EDQUOT;
module_param(picky, int, 0644);

static int picky_connect(struct kucomms_channel *channel, void *priv)
{
	return test_calls_connect(channel) ?: -READ_ONCE(picky);
}

/* In the order in which they are registered. */
static struct {
	const char *name;
	struct kucomms_ops ops;
	struct test_endpoint test;
} served[] = {
	{ .name = "test",
	  .ops = { TEST_HANDLERS, .flags = KUCOMMS_OPS_ADJUSTABLE } },
	{ .name = "kucomms_shared",
	  .ops = { TEST_HANDLERS, .flags = KUCOMMS_OPS_SHARED_RECEIVE |
					   KUCOMMS_OPS_ADJUSTABLE } },
	{ .name = "ticker",
	  .ops = { TEST_HANDLERS, .work = test_work, .timer = test_timer,
		   .flags = KUCOMMS_OPS_ADJUSTABLE } },
	{ .name = "threaded",
	  .ops = { TEST_HANDLERS, .dispatch = KUCOMMS_DISPATCH_THREAD,
		   .flags = KUCOMMS_OPS_ADJUSTABLE } },
	{ .name = "polling",
	  .ops = { TEST_HANDLERS, .dispatch = KUCOMMS_DISPATCH_POLL,
		   .flags = KUCOMMS_OPS_ADJUSTABLE } },
	{ .name = "parallel",
	  .ops = { TEST_HANDLERS,
		   .flags = KUCOMMS_OPS_PARALLEL | KUCOMMS_OPS_ADJUSTABLE } },
	{ .name = "pinned",
	  .ops = { TEST_HANDLERS, .dispatch = KUCOMMS_DISPATCH_THREAD,
		   .threads = 2,
		   .flags = KUCOMMS_OPS_PARALLEL | KUCOMMS_OPS_ADJUSTABLE } },
	{ .name = "quick",
	  .ops = { TEST_HANDLERS, .work = test_work, .timer = test_timer,
		   .work_us = 2000, .timer_us = 20000 } },
	{ .name = "demand",
	  .ops = { TEST_HANDLERS, .work = test_work,
		   .work_us = KUCOMMS_WORK_ON_DEMAND } },
	{ .name = "flowing",
	  .ops = { TEST_HANDLERS, .room = test_room,
		   .flags = KUCOMMS_OPS_ADJUSTABLE } },
	{ .name = "mute" },
	{ .name = "picky",
	  .ops = { .message = test_message, .connect = picky_connect } },
};

static struct kucomms_ops late_ops = { TEST_HANDLERS };
static struct test_endpoint late;

static int late_set(const char *text, const struct kernel_param *param)
{
	unsigned int how;
	int err = kstrtouint(text, 0, &how);

	if (err)
		return err;
	kucomms_unregister(late.endpoint);
	late.parallel = how == 2;
	late_ops.flags = KUCOMMS_OPS_ADJUSTABLE |
			 (late.parallel ? KUCOMMS_OPS_PARALLEL : 0);
	late.endpoint = how ? kucomms_register("late", &late_ops, &late) : NULL;
	return PTR_ERR_OR_ZERO(late.endpoint);
}

static const struct kernel_param_ops late_param_ops = { .set = late_set };
module_param_cb(late, &late_param_ops, NULL, 0200);

static int proxy_set(const char *text, const struct kernel_param *param)
{
	bool on;
	int err = kstrtobool(text, &on);

	if (err)
		return err;
	test_proxy_stop();
	return on ? test_proxy_start() : 0;
}

static const struct kernel_param_ops proxy_param_ops = { .set = proxy_set };
module_param_cb(proxy, &proxy_param_ops, NULL, 0200);

/*
 * `echo FD >parameters/close`: a thread of the kernel closes the file, when the writer
 * has done so.
 */
static struct {
	struct work_struct work;
	struct file *file;
} closer;

static void close_work(struct work_struct *work)
{
	while (file_count(closer.file) > 1)
		cond_resched();
	fput(closer.file);
}

static int close_set(const char *text, const struct kernel_param *param)
{
	unsigned int fd;
	int err = kstrtouint(text, 0, &fd);

	if (err)
		return err;
	flush_work(&closer.work);
	closer.file = fget(fd);
	if (!closer.file)
		return -EBADF;
	queue_work(system_unbound_wq, &closer.work);
	return 0;
}

static const struct kernel_param_ops close_param_ops = { .set = close_set };
module_param_cb(close, &close_param_ops, NULL, 0200);

static int gate_set(const char *text, const struct kernel_param *param)
{
	bool open;
	int err = kstrtobool(text, &open);

	if (!err)
		test_gate(open);
	return err;
}

static const struct kernel_param_ops gate_param_ops = { .set = gate_set };
module_param_cb(gate, &gate_param_ops, NULL, 0200);

static void unregister_all(void)
{
	int i;

	test_proxy_stop();
	test_exit_uninit();
	kucomms_unregister(late.endpoint);
	for (i = 0; i < ARRAY_SIZE(served); i++)
		kucomms_unregister(served[i].test.endpoint);
	test_burst_uninit();
}

static int register_all(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(served); i++) {
		struct test_endpoint *test = &served[i].test;

		test->parallel = served[i].ops.flags & KUCOMMS_OPS_PARALLEL;
		/* More threads than CPUs are refused. */
		served[i].ops.threads = min(served[i].ops.threads, nr_cpu_ids);
		test->endpoint = kucomms_register(served[i].name,
						  &served[i].ops, test);
		err = PTR_ERR_OR_ZERO(test->endpoint);
		if (err)
			return err;
	}
	return test_proxy_start();
}

static int __init test_init(void)
{
	int err;

	test_loaded = ktime_get();
	test_burst_init();
	INIT_WORK(&closer.work, close_work);
	test_exit_init();
	err = register_all();
	if (!err)
		err = test_refusals();
	if (err)
		unregister_all();
	return err;
}

static void __exit test_exit(void)
{
	unregister_all();
	flush_work(&closer.work);
}

module_init(test_init);
module_exit(test_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("kucomms: kernel side of the tests");
