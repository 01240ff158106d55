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

	if (kc_caches_alias()) {
		pr_err("on this machine's data caches two mappings of a page may differ: no rings can be shared\n");
		return -ENODEV;
	}
	err = kc_channel_init();
	if (err)
		return err;
	err = kc_attach_init();
	if (err)
		goto err_channel;
	err = kc_registry_init();
	if (err)
		goto err_attach;
	err = kc_device_init();
	if (err)
		goto err_registry;
	err = kc_file_init();
	if (err)
		goto err_device;
	/* Last: from here on devices can be created. */
	err = kc_control_init();
	if (err)
		goto err_file;
	return 0;

err_file:
	kc_file_uninit();
err_device:
	kc_device_uninit();
err_registry:
	kc_registry_uninit();
err_attach:
	kc_attach_uninit();
err_channel:
	kc_channel_uninit();
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
	kc_control_uninit();
	kc_attach_uninit();
	kc_channel_uninit();
	kc_file_uninit();
	kc_device_uninit();
	kc_registry_uninit();
}

module_init(kucomms_init);
module_exit(kucomms_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(KUCOMMS_VERSION);
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("Messages between kernel modules and user space, through shared memory");
