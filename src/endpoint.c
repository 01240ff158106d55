// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoints: what modules register.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "functions.h"

#define OPS_FLAGS	(KUCOMMS_OPS_SHARED_RECEIVE | KUCOMMS_OPS_PARALLEL | \
			 KUCOMMS_OPS_ADJUSTABLE)

/* Idle time before a polling thread sleeps, in us, if the module sets none. */
#define POLL_IDLE_US	1000

static void endpoint_free(struct kref *ref)
{
	struct kucomms_endpoint *endpoint =
		container_of(ref, struct kucomms_endpoint, ref);

	irq_work_sync(&endpoint->wake_work);
	/*
	 * All users hold a reference, so at most the last work has yet to
	 * return.
	 */
	if (endpoint->queue)
		destroy_workqueue(endpoint->queue);
	kc_turn_destroy(&endpoint->turn);
	kfree(endpoint->workers);
	kfree(endpoint->cpus);
	kfree(endpoint->own_cpus);
	kfree(endpoint);
}

struct kucomms_endpoint *kc_endpoint_get(struct kucomms_endpoint *endpoint)
{
	kref_get(&endpoint->ref);
	return endpoint;
}

void kc_endpoint_put(struct kucomms_endpoint *endpoint)
{
	kref_put(&endpoint->ref, endpoint_free);
}

/*
 * Creates the workers that will have something to do; under kc_registry_lock.
 */
static int endpoint_start_workers(struct kucomms_endpoint *endpoint,
				  enum kucomms_dispatch dispatch)
{
	const struct kucomms_ops *ops = &endpoint->ops;
	bool ticks = ops->work || ops->timer;
	bool serves = ops->message && dispatch != KUCOMMS_DISPATCH_ADAPTIVE;
	unsigned int i, count = serves ? endpoint->threads : ticks;
	int err;

	for (i = 0; i < count; i++) {
		err = kc_worker_start(&endpoint->workers[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Lets the threads that have been created run. */
void kc_endpoint_run(struct kucomms_endpoint *endpoint)
{
	unsigned int i;

	for (i = 0; i < endpoint->threads; i++)
		kc_worker_wake(&endpoint->workers[i]);
}

/*
 * Marks the endpoint dead and stops its workers: afterwards no work or timer
 * handler runs, and the turn that runs now ends soon.
 */
void kc_endpoint_kill(struct kucomms_endpoint *endpoint)
{
	unsigned int i;

	/*
	 * Ends the turn that runs now, and keeps tasks from waiting for theirs.
	 */
	WRITE_ONCE(endpoint->dead, true);
	for (i = 0; i < endpoint->threads; i++)
		kc_worker_stop(&endpoint->workers[i]);
}

static int copy_cpus(struct cpumask **copy, const struct cpumask *cpus)
{
	*copy = NULL;
	if (!cpus)
		return 0;
	*copy = kmemdup(cpus, cpumask_size(), GFP_KERNEL);
	return *copy ? 0 : -ENOMEM;
}

/*
 * Applies the administrator's settings and, where there is none, the module's.
 */
static int endpoint_apply(struct kucomms_endpoint *endpoint,
			  const struct kc_tuning *tuning)
{
	const struct kucomms_ops *ops = &endpoint->ops;
	enum kucomms_dispatch dispatch =
		tuning->dispatch == KUCOMMS_DISPATCH_DEFAULT ?
			ops->dispatch : tuning->dispatch;
	struct cpumask *cpus;
	unsigned int i;
	int err;

	err = copy_cpus(&cpus, tuning->cpus ?: endpoint->own_cpus);
	if (err)
		return err;
	/* The threads come first, then the doorbells that wake them. */
	err = endpoint_start_workers(endpoint, dispatch);
	if (err) {
		kfree(cpus);
		return err;
	}
	kfree(endpoint->cpus);
	endpoint->cpus = cpus;
	WRITE_ONCE(endpoint->poll_idle_us,
		   tuning->poll_idle_us ?: ops->poll_idle_us ?: POLL_IDLE_US);
	for (i = 0; i < endpoint->threads; i++)
		kc_worker_set_cpus(&endpoint->workers[i]);
	WRITE_ONCE(endpoint->dispatch, dispatch);
	WRITE_ONCE(endpoint->adaptive,
		   ops->message && dispatch == KUCOMMS_DISPATCH_ADAPTIVE);
	return 0;
}

/* Creates the threads that the module's choice of dispatch needs. */
int kc_endpoint_start(struct kucomms_endpoint *endpoint)
{
	static const struct kc_tuning untuned = {
		.dispatch = KUCOMMS_DISPATCH_DEFAULT,
	};

	return endpoint_apply(endpoint, &untuned);
}

/*
 * Applies the device's settings when it is bound to @endpoint. They may be
 * older than the module: an endpoint that is not adjustable ignores them.
 */
int kc_endpoint_tune(struct kucomms_endpoint *endpoint,
		     const struct kc_tuning *tuning)
{
	int err;

	if (!(endpoint->ops.flags & KUCOMMS_OPS_ADJUSTABLE))
		return 0;
	err = endpoint_apply(endpoint, tuning);
	if (!err)
		kc_endpoint_run(endpoint);
	return err;
}

/* Applies settings that the administrator has just changed. */
int kc_endpoint_retune(struct kucomms_endpoint *endpoint,
		       const struct kc_tuning *tuning)
{
	if (!(endpoint->ops.flags & KUCOMMS_OPS_ADJUSTABLE))
		return -EOPNOTSUPP;
	return kc_endpoint_tune(endpoint, tuning);
}

static bool ops_valid(const struct kucomms_ops *ops)
{
	if (ops->flags & ~OPS_FLAGS ||
	    ops->dispatch > KUCOMMS_DISPATCH_POLL ||
	    ops->poll_idle_us > KC_POLL_IDLE_MAX_US)
		return false;
	if (ops->threads > 1 && !(ops->flags & KUCOMMS_OPS_PARALLEL))
		return false;
	/* Without @message, doorbells only wake the module's own threads. */
	if (ops->room && !ops->message)
		return false;
	return !ops->cpus || cpumask_intersects(ops->cpus, cpu_possible_mask);
}

static int endpoint_init_workers(struct kucomms_endpoint *endpoint)
{
	unsigned int i;

	endpoint->threads = clamp(endpoint->ops.threads, 1u,
				  num_possible_cpus());
	endpoint->workers = kcalloc(endpoint->threads,
				    sizeof(*endpoint->workers), GFP_KERNEL);
	if (!endpoint->workers)
		return -ENOMEM;
	for (i = 0; i < endpoint->threads; i++)
		kc_worker_init(&endpoint->workers[i], endpoint, i);
	return copy_cpus(&endpoint->own_cpus, endpoint->ops.cpus);
}

/* Wakes the first worker, which runs the work handler. */
static void endpoint_wake_work(struct irq_work *work)
{
	struct kucomms_endpoint *endpoint =
		container_of(work, struct kucomms_endpoint, wake_work);

	kc_worker_wake(&endpoint->workers[0]);
}

/* If @wanted is set already, an earlier caller has woken the thread. */
void kucomms_endpoint_wake(struct kucomms_endpoint *endpoint)
{
	if (endpoint->ops.work && !xchg(&endpoint->work_wanted, 1))
		irq_work_queue(&endpoint->wake_work);
}
EXPORT_SYMBOL_GPL(kucomms_endpoint_wake);

static struct kucomms_endpoint *endpoint_alloc(const struct kucomms_ops *ops,
					       void *priv,
					       struct module *owner)
{
	struct kucomms_endpoint *endpoint = kzalloc(sizeof(*endpoint),
						    GFP_KERNEL);

	if (!endpoint)
		return NULL;
	kref_init(&endpoint->ref);
	kc_turn_init(&endpoint->turn);
	INIT_LIST_HEAD(&endpoint->channels);
	INIT_LIST_HEAD(&endpoint->unaccepted);
	init_waitqueue_head(&endpoint->accept_wait);
	raw_spin_lock_init(&endpoint->runs_lock);
	INIT_LIST_HEAD(&endpoint->runs);
	init_waitqueue_head(&endpoint->run_ended);
	init_irq_work(&endpoint->wake_work, endpoint_wake_work);
	endpoint->ops = *ops;
	endpoint->priv = priv;
	endpoint->owner = owner;
	endpoint->queue = alloc_workqueue("kucomms_endpoint", WQ_UNBOUND, 0);
	if (endpoint->queue && !endpoint_init_workers(endpoint))
		return endpoint;
	kc_endpoint_put(endpoint);
	return NULL;
}

struct kucomms_endpoint *kc_endpoint_create(const char *name,
					    const struct kucomms_ops *ops,
					    void *priv,
					    struct module *owner)
{
	struct kucomms_endpoint *endpoint;
	int err;

	if (!ops_valid(ops))
		return ERR_PTR(-EINVAL);
	endpoint = endpoint_alloc(ops, priv, owner);
	if (!endpoint)
		return ERR_PTR(-ENOMEM);
	err = kc_name_parse(&endpoint->name, name, strlen(name), false);
	if (err) {
		kc_endpoint_put(endpoint);
		return ERR_PTR(err);
	}
	return endpoint;
}
