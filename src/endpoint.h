/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_ENDPOINT_H
#define KUCOMMS_SRC_ENDPOINT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <kucomms/module.h>

#include "name.h"

/**
 * struct kucomms_endpoint - the kernel side of a device
 * @ref:      held by the module that registered it, by the device of that name,
 *            and by every channel that was attached to it, until it is freed
 * @node:     in the table of endpoints, until kucomms_unregister()
 * @name:     of the device it serves
 * @ops:      a copy of the module's; no handler is called when @dead
 * @priv:     the module's own
 * @owner:    the module
 * @turn:     held while a handler runs: they never run at the same time
 * @dead:     unregistered; set without @turn, so that turns end early, and
 *            final for whoever has it
 * @channels: the connected ones; changed under @turn, read under RCU
 * @thread:   runs the work and timer handlers, if there are any
 */
struct kucomms_endpoint {
	struct kref ref;
	struct hlist_node node;
	struct kucomms_name name;
	struct kucomms_ops ops;
	void *priv;
	struct module *owner;
	struct mutex turn;
	bool dead;
	struct list_head channels;
	struct task_struct *thread;
};

int kucomms_endpoint_init(void);
void kucomms_endpoint_uninit(void);

/* Both under kucomms_registry_lock. */
struct kucomms_endpoint *kucomms_endpoint_find(const struct kucomms_name *name);
struct kucomms_endpoint *kucomms_endpoint_get(struct kucomms_endpoint *endpoint);

void kucomms_endpoint_put(struct kucomms_endpoint *endpoint);

#endif
