// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kucomms is compared with: the kernel sides of what a module's author
 * would write without it, each as short and as fast as its interface allows.
 */
#include <linux/module.h>

#include "peers.h"

static int __init peers_init(void)
{
	int err;

	err = copy_init();
	if (err)
		return err;
	err = ring_init();
	if (err)
		goto undo_copy;
	err = netlink_peer_init();
	if (err)
		goto undo_ring;
	err = genetlink_peer_init();
	if (err)
		goto undo_netlink;
	return 0;

undo_netlink:
	netlink_peer_exit();
undo_ring:
	ring_exit();
undo_copy:
	copy_exit();
	return err;
}

static void __exit peers_exit(void)
{
	genetlink_peer_exit();
	netlink_peer_exit();
	ring_exit();
	copy_exit();
}

module_init(peers_init);
module_exit(peers_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("kucomms: what it is compared with");
