// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dictionary in the kernel: serves /dev/kucomms_dictionary.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <kucomms/module.h>

#include "dictionary.h"

static struct dictionary *dictionary;
static struct kucomms_endpoint *endpoint;

static int __init dictionary_init(void)
{
	struct kucomms_ops ops = dictionary_ops;

	/* The administrator may choose where the handlers run. */
	ops.flags |= KUCOMMS_OPS_ADJUSTABLE;
	dictionary = dictionary_create();
	if (!dictionary)
		return -ENOMEM;
	endpoint = kucomms_register("dictionary", &ops, dictionary);
	if (IS_ERR(endpoint)) {
		dictionary_destroy(dictionary);
		return PTR_ERR(endpoint);
	}
	return 0;
}

static void __exit dictionary_exit(void)
{
	kucomms_unregister(endpoint);
	dictionary_destroy(dictionary);
}

module_init(dictionary_init);
module_exit(dictionary_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("kucomms example: a dictionary");
