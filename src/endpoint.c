// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoints: what modules register, and the thread that runs the work and
 * timer handlers of those that have them.
 */
#define pr_fmt(fmt) "kucomms: " fmt

#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "channel.h"
#include "endpoint.h"

#define WORK_PERIOD	(NSEC_PER_SEC / 100)
#define TIMER_PERIOD	(NSEC_PER_SEC)

static DEFINE_HASHTABLE(endpoints, 6);

static void endpoint_free(struct kref *ref)
{
	struct kucomms_endpoint *endpoint =
		container_of(ref, struct kucomms_endpoint, ref);

	mutex_destroy(&endpoint->turn);
	kfree(endpoint);
}

struct kucomms_endpoint *kucomms_endpoint_get(struct kucomms_endpoint *endpoint)
{
	kref_get(&endpoint->ref);
	return endpoint;
}

void kucomms_endpoint_put(struct kucomms_endpoint *endpoint)
{
	kref_put(&endpoint->ref, endpoint_free);
}

struct kucomms_endpoint *kucomms_endpoint_find(const struct kucomms_name *name)
{
	struct kucomms_endpoint *endpoint;

	lockdep_assert_held(&kucomms_registry_lock);
	hash_for_each_possible(endpoints, endpoint, node,
			       kucomms_name_hash(name))
		if (kucomms_name_equal(&endpoint->name, name))
			return endpoint;
	return NULL;
}

/*
 * A handler that is called periodically keeps its rate: the next call is due
 * one period after the last one was due, not after it was made. Only calls that
 * have been missed altogether are left out.
 */
static ktime_t next_due(ktime_t due, u64 period, ktime_t now)
{
	due = ktime_add_ns(due, period);
	return ktime_before(due, now) ? now : due;
}

/* Runs what is due, in the endpoint's turn, and says when to come back. */
static ktime_t endpoint_tick(struct kucomms_endpoint *endpoint,
			     ktime_t *work_due, ktime_t *timer_due)
{
	const struct kucomms_ops *ops = &endpoint->ops;
	ktime_t now;

	mutex_lock(&endpoint->turn);
	now = ktime_get();
	if (!ktime_before(now, *work_due)) {
		if (ops->work(endpoint, endpoint->priv))
			*work_due = now;
		else
			*work_due = next_due(*work_due, WORK_PERIOD, now);
	}
	if (!ktime_before(now, *timer_due)) {
		ops->timer(endpoint, endpoint->priv);
		*timer_due = next_due(*timer_due, TIMER_PERIOD, now);
	}
	mutex_unlock(&endpoint->turn);

	return ktime_before(*work_due, *timer_due) ? *work_due : *timer_due;
}

static int endpoint_thread(void *arg)
{
	struct kucomms_endpoint *endpoint = arg;
	const struct kucomms_ops *ops = &endpoint->ops;
	ktime_t now = ktime_get();
	ktime_t work_due = ops->work ? ktime_add_ns(now, WORK_PERIOD) :
				       KTIME_MAX;
	ktime_t timer_due = ops->timer ? ktime_add_ns(now, TIMER_PERIOD) :
					 KTIME_MAX;

	while (!kthread_should_stop()) {
		ktime_t due = endpoint_tick(endpoint, &work_due, &timer_due);

		/* Paired with kthread_stop(): flag, then wake. */
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule_hrtimeout(&due, HRTIMER_MODE_ABS);
		__set_current_state(TASK_RUNNING);
		cond_resched();
	}
	return 0;
}

static int endpoint_start_thread(struct kucomms_endpoint *endpoint)
{
	struct task_struct *thread;

	if (!endpoint->ops.work && !endpoint->ops.timer)
		return 0;
	thread = kthread_create(endpoint_thread, endpoint, "%s",
				endpoint->name.text);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	endpoint->thread = thread;
	return 0;
}

static int endpoint_link(struct kucomms_endpoint *endpoint)
{
	struct kucomms_device *device;

	lockdep_assert_held(&kucomms_registry_lock);
	if (kucomms_endpoint_find(&endpoint->name))
		return -EEXIST;
	hash_add(endpoints, &endpoint->node,
		 kucomms_name_hash(&endpoint->name));
	device = kucomms_device_find(&endpoint->name);
	if (device)
		device->endpoint = kucomms_endpoint_get(endpoint);
	return 0;
}

static void endpoint_unlink(struct kucomms_endpoint *endpoint)
{
	struct kucomms_device *device;

	lockdep_assert_held(&kucomms_registry_lock);
	hash_del(&endpoint->node);
	device = kucomms_device_find(&endpoint->name);
	if (device) {
		device->endpoint = NULL;
		kucomms_endpoint_put(endpoint);
	}
}

struct kucomms_endpoint *__kucomms_register(const char *name,
					    const struct kucomms_ops *ops,
					    void *priv, struct module *owner)
{
	struct kucomms_endpoint *endpoint;
	int err;

	if (ops->flags & ~KUCOMMS_OPS_FLAGS)
		return ERR_PTR(-EINVAL);
	endpoint = kzalloc(sizeof(*endpoint), GFP_KERNEL);
	if (!endpoint)
		return ERR_PTR(-ENOMEM);
	kref_init(&endpoint->ref);
	mutex_init(&endpoint->turn);
	INIT_LIST_HEAD(&endpoint->channels);
	endpoint->ops = *ops;
	endpoint->priv = priv;
	endpoint->owner = owner;

	err = kucomms_name_parse(&endpoint->name, name, strlen(name), false);
	if (err)
		goto err_put;
	err = endpoint_start_thread(endpoint);
	if (err)
		goto err_put;
	/* Last: from here on clients come. */
	mutex_lock(&kucomms_registry_lock);
	err = endpoint_link(endpoint);
	mutex_unlock(&kucomms_registry_lock);
	if (err)
		goto err_thread;
	if (endpoint->thread)
		wake_up_process(endpoint->thread);
	return endpoint;

err_thread:
	/* It was never woken, so it ends without having run. */
	if (endpoint->thread)
		kthread_stop(endpoint->thread);
err_put:
	kucomms_endpoint_put(endpoint);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(__kucomms_register);

/*
 * Who may still call a handler, and why it ends here:
 *  - an attach: finds no endpoint any more, or sees @dead when it gets its turn;
 *  - the thread: has been stopped;
 *  - a client's doorbell: sees @dead when it gets its turn, or a few messages
 *    later in the turn that it has;
 *  - a closing file: its channel is off the list, so nothing is left to do.
 * The memory stays until the last channel that was attached has been freed.
 */
void kucomms_unregister(struct kucomms_endpoint *endpoint)
{
	struct kucomms_channel *channel, *next;

	if (IS_ERR_OR_NULL(endpoint))
		return;
	might_sleep();
	mutex_lock(&kucomms_registry_lock);
	endpoint_unlink(endpoint);
	mutex_unlock(&kucomms_registry_lock);

	/* Ends the turn that is, and keeps others from queueing for theirs. */
	WRITE_ONCE(endpoint->dead, true);
	if (endpoint->thread)
		kthread_stop(endpoint->thread);
	mutex_lock(&endpoint->turn);
	list_for_each_entry_safe(channel, next, &endpoint->channels, peers) {
		kucomms_channel_detach(channel);
		kucomms_channel_flush(channel);
		kucomms_channel_hang_up(channel);
	}
	mutex_unlock(&endpoint->turn);
	kucomms_endpoint_put(endpoint);
}
EXPORT_SYMBOL_GPL(kucomms_unregister);

static struct kucomms_endpoint *endpoint_of(const struct module *owner)
{
	struct kucomms_endpoint *endpoint, *found = NULL;
	int bucket;

	mutex_lock(&kucomms_registry_lock);
	hash_for_each(endpoints, bucket, endpoint, node)
		if (endpoint->owner == owner)
			found = endpoint;
	mutex_unlock(&kucomms_registry_lock);
	return found;
}

/*
 * Called when a module's exit function (or failed init function) has returned,
 * but before its code goes: the last moment to keep clients from calling it.
 */
static int endpoint_module_event(struct notifier_block *block,
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

static struct notifier_block endpoint_module_notifier = {
	.notifier_call = endpoint_module_event,
};

int kucomms_endpoint_init(void)
{
	return register_module_notifier(&endpoint_module_notifier);
}

void kucomms_endpoint_uninit(void)
{
	unregister_module_notifier(&endpoint_module_notifier);
}
