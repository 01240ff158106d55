// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest kucomms module: it sends every message back.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <kucomms/module.h>

static int echo(struct kucomms_channel *channel,
		const struct kucomms_message *message, const void *data,
		void *priv)
{
	/*
	 * -EAGAIN, no room: kucomms delivers the same message again.
	 * kucomms_reply(): only handlers send on this channel.
	 */
	return kucomms_reply(channel, message, data, 0);
}

static const struct kucomms_ops ops = { .message = echo };
static struct kucomms_endpoint *endpoint;

static int __init echo_init(void)
{
	endpoint = kucomms_register("mymodule", &ops, NULL);
	return PTR_ERR_OR_ZERO(endpoint);
}

static void __exit echo_exit(void)
{
	kucomms_unregister(endpoint);
}

module_init(echo_init);
module_exit(echo_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("kucomms example: sends every message back");
