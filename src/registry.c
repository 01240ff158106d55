// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry: which devices and endpoints there are, by name, and which belong
 * together. Modules register here; a device and an endpoint of the same name
 * meet here, whichever comes first.
 */
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "functions.h"

DEFINE_MUTEX(kc_registry_lock);

/* Woken when a device finds its endpoint, or is removed. */
static DECLARE_WAIT_QUEUE_HEAD(registry_wait);

static DEFINE_HASHTABLE(devices, 8);
static DEFINE_HASHTABLE(endpoints, 6);

struct kc_device *kc_registry_find_device(const struct kc_name *name)
{
	struct kc_device *device;

	lockdep_assert_held(&kc_registry_lock);
	hash_for_each_possible(devices, device, registry_node,
			       kc_name_hash(name))
		if (kc_name_equal(&device->name, name))
			return device;
	return NULL;
}

static struct kucomms_endpoint *
find_endpoint(const struct kc_name *name)
{
	struct kucomms_endpoint *endpoint;

	lockdep_assert_held(&kc_registry_lock);
	hash_for_each_possible(endpoints, endpoint, registry_node,
			       kc_name_hash(name))
		if (kc_name_equal(&endpoint->name, name))
			return endpoint;
	return NULL;
}

static int bind(struct kc_device *device, struct kucomms_endpoint *endpoint)
{
	int err = kc_endpoint_tune(endpoint, &device->tuning);

	if (err)
		return err;
	device->endpoint = kc_endpoint_get(endpoint);
	wake_up_all(&registry_wait);
	return 0;
}

static void unbind(struct kc_device *device)
{
	struct kucomms_endpoint *endpoint = device->endpoint;

	device->endpoint = NULL;
	if (endpoint)
		kc_endpoint_put(endpoint);
}

int kc_registry_add_device(struct kc_device *device)
{
	struct kucomms_endpoint *endpoint = find_endpoint(&device->name);
	int err = endpoint ? bind(device, endpoint) : 0;

	if (!err)
		hash_add(devices, &device->registry_node,
			 kc_name_hash(&device->name));
	return err;
}

/*
 * Takes the device out of the table. Tasks that have found it before hold a
 * reference.
 */
void kc_registry_remove_device(struct kc_device *device)
{
	lockdep_assert_held(&kc_registry_lock);
	hash_del(&device->registry_node);
	WRITE_ONCE(device->removed, true);
	unbind(device);
	wake_up_all(&registry_wait);
}

/*
 * Returns 0 as soon as the device seems to have an endpoint, -ENOTCONN if it
 * has none at the deadline.
 */
static int registry_sleep(const struct kc_device *device, s64 deadline)
{
	ktime_t expires = ns_to_ktime(deadline);
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		/* Pairs with the wake-ups: change, then wake. */
		prepare_to_wait(&registry_wait, &wait,
				TASK_INTERRUPTIBLE);
		err = READ_ONCE(device->removed) ? -ENODEV :
		      READ_ONCE(device->endpoint) ? 0 : -ENOTCONN;
		if (err != -ENOTCONN || !deadline)
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (!schedule_hrtimeout(deadline < 0 ? NULL : &expires,
					HRTIMER_MODE_ABS))
			deadline = 0;
	}
	finish_wait(&registry_wait, &wait);
	return err;
}

/*
 * Returns the endpoint of the device, with a reference. If there is none, waits
 * until @deadline for a module to register: 0: does not wait, negative: for
 * ever.
 */
int kc_registry_wait(struct kc_device *device, s64 deadline,
		     struct kucomms_endpoint **endpoint)
{
	int err;

	do {
		err = registry_sleep(device, deadline);
		if (err)
			return err;
		mutex_lock(&kc_registry_lock);
		*endpoint = device->endpoint;
		if (*endpoint)
			kc_endpoint_get(*endpoint);
		mutex_unlock(&kc_registry_lock);
	} while (!*endpoint);
	return 0;
}

/*
 * Makes the endpoint known, under kc_registry_lock. Afterwards clients come and
 * handlers run.
 */
static int add_endpoint(struct kucomms_endpoint *endpoint)
{
	struct kc_device *device;
	int err;

	if (find_endpoint(&endpoint->name))
		return -EEXIST;
	err = kc_endpoint_start(endpoint);
	if (err)
		return err;
	device = kc_registry_find_device(&endpoint->name);
	err = device ? bind(device, endpoint) : 0;
	if (err)
		return err;
	hash_add(endpoints, &endpoint->registry_node,
		 kc_name_hash(&endpoint->name));
	kc_endpoint_run(endpoint);
	return 0;
}

static void remove_endpoint(struct kucomms_endpoint *endpoint)
{
	struct kc_device *device;

	hash_del(&endpoint->registry_node);
	device = kc_registry_find_device(&endpoint->name);
	if (device)
		unbind(device);
}

struct kucomms_endpoint *__kucomms_register(const char *name,
					    const struct kucomms_ops *ops,
					    void *priv, struct module *owner)
{
	struct kucomms_endpoint *endpoint;
	int err;

	endpoint = kc_endpoint_create(name, ops, priv, owner);
	if (IS_ERR(endpoint))
		return endpoint;
	mutex_lock(&kc_registry_lock);
	err = add_endpoint(endpoint);
	mutex_unlock(&kc_registry_lock);
	if (!err)
		return endpoint;
	kc_endpoint_kill(endpoint);
	kc_endpoint_put(endpoint);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(__kucomms_register);

/*
 * Callers of handlers, and why they end here:
 *  - an attach: finds no endpoint any more, or sees @dead when it gets its
 *    turn;
 *  - the workers: have been stopped;
 *  - a client's doorbell: sees @dead when it gets its turn, or a few messages
 *    later in the turn that it has;
 *  - a closing file: its channel is off the list, so nothing is left to do.
 * The endpoint's memory stays until the last channel that was attached has been
 * freed, and until no thread is in kucomms_accept() any more.
 */
void kucomms_unregister(struct kucomms_endpoint *endpoint)
{
	if (IS_ERR_OR_NULL(endpoint))
		return;
	might_sleep();
	mutex_lock(&kc_registry_lock);
	remove_endpoint(endpoint);
	mutex_unlock(&kc_registry_lock);

	kc_endpoint_kill(endpoint);
	kc_endpoint_stop(endpoint);
	kc_endpoint_leave(endpoint, NULL);
	kc_endpoint_put(endpoint);
}
EXPORT_SYMBOL_GPL(kucomms_unregister);

static struct kucomms_endpoint *endpoint_of(const struct module *owner)
{
	struct kucomms_endpoint *endpoint, *found = NULL;
	int bucket;

	mutex_lock(&kc_registry_lock);
	hash_for_each(endpoints, bucket, endpoint, registry_node)
		if (endpoint->owner == owner)
			found = endpoint;
	mutex_unlock(&kc_registry_lock);
	return found;
}

/*
 * Called when a module's exit function (or failed init function) has returned,
 * but before its code goes: the last moment to keep clients from calling it.
 */
static int registry_module_event(struct notifier_block *block,
				 unsigned long event, void *data)
{
	struct module *module = data;
	struct kucomms_endpoint *endpoint;

	if (event != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	while ((endpoint = endpoint_of(module))) {
		WARN(1, "kucomms: module %s goes without kucomms_unregister() of %s\n",
		     module_name(module), endpoint->name.text);
		kucomms_unregister(endpoint);
	}
	return NOTIFY_DONE;
}

static struct notifier_block registry_module_notifier = {
	.notifier_call = registry_module_event,
};

int kc_registry_init(void)
{
	return register_module_notifier(&registry_module_notifier);
}

void kc_registry_uninit(void)
{
	unregister_module_notifier(&registry_module_notifier);
}
