// SPDX-License-Identifier: GPL-2.0-only
/*
 * The route manager in the kernel: serves /dev/kucomms_route.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <kucomms/module.h>

#include "manager.h"
#include "route.h"

static unsigned long routes_max = 4000000;
module_param(routes_max, ulong, 0444);
MODULE_PARM_DESC(routes_max, "how many routes there may be (4000000)");

static struct route_manager *manager;
static struct kucomms_endpoint *endpoint;

static int __init route_init(void)
{
	struct kucomms_ops ops = route_ops;

	/* The administrator may choose where the handlers run. */
	ops.flags |= KUCOMMS_OPS_PARALLEL | KUCOMMS_OPS_ADJUSTABLE;
	manager = route_manager_create(routes_max);
	if (!manager)
		return -ENOMEM;
	endpoint = kucomms_register(ROUTE_DEVICE, &ops, manager);
	if (IS_ERR(endpoint)) {
		route_manager_destroy(manager);
		return PTR_ERR(endpoint);
	}
	return 0;
}

static void __exit route_exit(void)
{
	kucomms_unregister(endpoint);
	route_manager_destroy(manager);
}

module_init(route_init);
module_exit(route_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kucomms authors");
MODULE_DESCRIPTION("kucomms example: a route manager");
