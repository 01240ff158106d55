// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tally in the kernel: serves /dev/kucomms_tally.
 */
#include <linux/err.h>
#include <kucomms/module.h>

#include "manager.h"

static struct tally *tally;
static struct kucomms_endpoint *endpoint;

static int __init tally_init(void)
{
	tally = tally_create();
	if (!tally)
		return -ENOMEM;
	endpoint = kucomms_register("tally", &tally_ops, tally);
	if (IS_ERR(endpoint)) {
		tally_destroy(tally);
		return PTR_ERR(endpoint);
	}
	return 0;
}

static void __exit tally_exit(void)
{
	kucomms_unregister(endpoint);
	tally_destroy(tally);
}

module_init(tally_init);
module_exit(tally_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("counters that clients share");
