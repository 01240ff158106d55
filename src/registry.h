/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_REGISTRY_H
#define KUCOMMS_SRC_REGISTRY_H

#include <linux/mutex.h>
#include <linux/types.h>

struct kucomms_device;
struct kucomms_endpoint;
struct kucomms_name;

/*
 * Protects which devices and endpoints exist and who belongs to whom. Nested
 * inside an endpoint's turn (handlers may register other endpoints); never
 * held while waiting for one.
 */
extern struct mutex kucomms_registry_lock;

int kucomms_registry_init(void);
void kucomms_registry_uninit(void);

/* These three under kucomms_registry_lock. */
struct kucomms_device *
kucomms_registry_find_device(const struct kucomms_name *name);
int kucomms_registry_add_device(struct kucomms_device *device);
void kucomms_registry_remove_device(struct kucomms_device *device);

int kucomms_registry_wait(struct kucomms_device *device, s64 deadline,
			  struct kucomms_endpoint **endpoint);

#endif
