// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: parameters, the order in which things come and go.
 */
#define pr_fmt(fmt) "kucomms: " fmt

#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "channel.h"
#include "compat.h"
#include "endpoint.h"

unsigned int kucomms_devices_max = 4096;
module_param_named(devices_max, kucomms_devices_max, uint, 0444);
MODULE_PARM_DESC(devices_max, "how many devices there may be (1 to 1048576, default 4096)");

unsigned int kucomms_channels = 64;
module_param_named(channels, kucomms_channels, uint, 0444);
MODULE_PARM_DESC(channels, "how many channels a device may have if its creator does not say (default 64)");

unsigned int kucomms_channels_max = 4096;
module_param_named(channels_max, kucomms_channels_max, uint, 0444);
MODULE_PARM_DESC(channels_max, "most channels that a device can be created for (1 to 65536, default 4096)");

unsigned int kucomms_ring_size = 128 * 1024;
module_param_named(ring_size, kucomms_ring_size, uint, 0444);
MODULE_PARM_DESC(ring_size, "bytes of a ring if neither client nor creator of the device say (power of two, default 131072)");

/*
 * Largest ring that may be asked for, in bytes. One channel maps four times as
 * much, which is much of the address space of a 32-bit kernel.
 */
unsigned int kucomms_ring_size_max = (BITS_PER_LONG == 32 ? 1 : 16) *
				     1024 * 1024;
module_param_named(ring_size_max, kucomms_ring_size_max, uint, 0444);
MODULE_PARM_DESC(ring_size_max, "most bytes that a client or creator may ask for (power of two up to 1 GiB, default 16777216, on 32 bits 1048576)");

static bool parameter_valid(const char *name, unsigned int value, unsigned int least,
		     unsigned int most)
{
	if (value >= least && value <= most)
		return true;
	pr_err("%s=%u: must be from %u to %u\n", name, value, least, most);
	return false;
}

static bool parameters_valid(void)
{
	if (!parameter_valid("devices_max", kucomms_devices_max, 1, 1 << MINORBITS) ||
	    !parameter_valid("channels_max", kucomms_channels_max, 1, 65536) ||
	    !parameter_valid("channels", kucomms_channels, 1,
			     kucomms_channels_max) ||
	    !parameter_valid("ring_size_max", kucomms_ring_size_max, PAGE_SIZE,
		      KUCOMMS_RING_SIZE_MAX) ||
	    !parameter_valid("ring_size", kucomms_ring_size, PAGE_SIZE,
		      kucomms_ring_size_max))
		return false;
	if (is_power_of_2(kucomms_ring_size) &&
	    is_power_of_2(kucomms_ring_size_max))
		return true;
	pr_err("ring_size=%u, ring_size_max=%u: must be powers of two\n",
	       kucomms_ring_size, kucomms_ring_size_max);
	return false;
}

static int __init kucomms_init(void)
{
	int err;

	if (!parameters_valid())
		return -EINVAL;
	if (kucomms_caches_alias()) {
		pr_err("on this machine's data caches two mappings of a page may differ: no rings can be shared\n");
		return -ENODEV;
	}
	err = kucomms_channel_init();
	if (err)
		return err;
	err = kucomms_endpoint_init();
	if (err)
		goto err_channel;
	/* Last: from here on user space comes. */
	err = kucomms_device_init();
	if (err)
		goto err_endpoint;
	return 0;

err_endpoint:
	kucomms_endpoint_uninit();
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
	kucomms_channel_uninit();
	kucomms_device_uninit();
	kucomms_endpoint_uninit();
}

module_init(kucomms_init);
module_exit(kucomms_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(KUCOMMS_VERSION);
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("Messages between kernel modules and user space, through shared memory");
