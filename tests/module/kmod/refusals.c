// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kucomms_register() must refuse, and with which error.
 */
#define pr_fmt(fmt) "kucomms_test: " fmt

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kernel.h>

#include "test.h"

static const struct cpumask nowhere;

static const struct {
	const char *name;
	struct kucomms_ops ops;
	int err;
} refusals[] = {
	{ .name = "", .err = -EINVAL },
	{ .name = "kucomms_", .err = -EINVAL },
	{ .name = "Upper", .err = -EINVAL },
	{ .name = "../etc", .err = -EINVAL },
	{ .name = "new\nline", .err = -EINVAL },
	{ .name = "caf\xc3\xa9", .err = -EINVAL },
	{ .name = "a23456789_123456789_123456789_123456789_123456789_123456",
	  .err = -EINVAL },
	{ .name = "test", .err = -EEXIST },
	{ .name = "kucomms_test", .err = -EEXIST },
	{ .name = "test",
	  .ops.dispatch = KUCOMMS_DISPATCH_THREAD,
	  .err = -EEXIST },
	{ .name = "flags", .ops.flags = 1u << 31, .err = -EINVAL },
	{ .name = "flags", .ops.flags = KUCOMMS_SEND_MORE, .err = -EINVAL },
	{ .name = "dispatch",
	  .ops.dispatch = KUCOMMS_DISPATCH_POLL + 1,
	  .err = -EINVAL },
	{ .name = "threads",
	  .err = -EINVAL,
	  .ops = { .dispatch = KUCOMMS_DISPATCH_THREAD, .threads = 2 } },
	{ .name = "room", .ops.room = test_room, .err = -EINVAL },
	{ .name = "cpus",
	  .err = -EINVAL,
	  .ops = { .dispatch = KUCOMMS_DISPATCH_THREAD, .cpus = &nowhere } },
};

static int unused_message(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, void *priv)
{
	return 0;
}

/* There is no such device, so nobody comes. */
static int check_accept(const struct kucomms_ops *ops, int timeout_ms, int should)
{
	struct kucomms_endpoint *endpoint = kucomms_register("nobody_comes",
							     ops, NULL);
	struct kucomms_channel *channel;
	int err;

	if (IS_ERR(endpoint))
		return PTR_ERR(endpoint);
	err = kucomms_accept(endpoint, &channel, timeout_ms);
	kucomms_unregister(endpoint);
	if (err == should)
		return 0;
	pr_err("accepting: %d, not %d\n", err, should);
	return -EINVAL;
}

static int check_accepts(void)
{
	static const struct kucomms_ops bare;
	static const struct kucomms_ops handled = { .message = unused_message };

	return check_accept(&bare, 0, -EAGAIN) ?:
	       check_accept(&bare, 8, -ETIMEDOUT) ?:
	       check_accept(&handled, 0, -EINVAL);
}

int test_refusals(void)
{
	struct kucomms_endpoint *endpoint;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		endpoint = kucomms_register(refusals[i].name, &refusals[i].ops,
					    NULL);
		err = PTR_ERR_OR_ZERO(endpoint);
		if (err != refusals[i].err) {
			pr_err("registering \"%s\": %d, not %d\n",
			       refusals[i].name, err, refusals[i].err);
			kucomms_unregister(endpoint);
			return -EINVAL;
		}
	}
	return check_accepts();
}
