// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: the order in which things come and go.
 */
#define pr_fmt(fmt) "kucomms: " fmt

#include <linux/module.h>

#include "compat.h"
#include "functions.h"

static int __init kucomms_init(void)
{
	int err;

	if (kucomms_caches_alias()) {
		pr_err("on this machine's data caches two mappings of a page may differ: no rings can be shared\n");
		return -ENODEV;
	}
	err = kucomms_channel_init();
	if (err)
		return err;
	err = kucomms_attach_init();
	if (err)
		goto err_channel;
	err = kucomms_registry_init();
	if (err)
		goto err_attach;
	err = kucomms_device_init();
	if (err)
		goto err_registry;
	err = kucomms_file_init();
	if (err)
		goto err_device;
	/* Last: from here on devices can be created. */
	err = kucomms_control_init();
	if (err)
		goto err_file;
	return 0;

err_file:
	kucomms_file_uninit();
err_device:
	kucomms_device_uninit();
err_registry:
	kucomms_registry_uninit();
err_attach:
	kucomms_attach_uninit();
err_channel:
	kucomms_channel_uninit();
	return err;
}

/*
 * No module uses the exported functions any more, kucomms_netlink.ko being one of
 * them, and no file is open: the kernel counts both. What may still be there:
 * processes that write to the control files, which use everything below, and
 * channels that are still being freed, which hold devices.
 */
static void __exit kucomms_exit(void)
{
	kucomms_control_uninit();
	kucomms_attach_uninit();
	kucomms_channel_uninit();
	kucomms_file_uninit();
	kucomms_device_uninit();
	kucomms_registry_uninit();
}

module_init(kucomms_init);
module_exit(kucomms_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(KUCOMMS_VERSION);
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("Messages between kernel modules and user space, through shared memory");
