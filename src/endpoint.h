/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_ENDPOINT_H
#define KUCOMMS_SRC_ENDPOINT_H

#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <kucomms/module.h>

#include "name.h"
#include "server.h"
#include "tuning.h"
#include "turn.h"

struct kucomms_device;

/**
 * struct kucomms_endpoint - the kernel side of a device
 * @ref:        held by the module that registered it, by the device of that
 *              name, by every channel that was attached to it, until the
 *              channel is freed, and by every thread in kucomms_accept()
 * @node:       in the table of endpoints, until kucomms_unregister()
 * @name:       of the device it serves
 * @ops:        a copy of the module's; no handler is called when @dead
 * @priv:       the module's own
 * @owner:      the module
 * @turn:       held while a handler runs: they never run at the same time
 * @dead:       unregistered; set without @turn, so that turns end early, and
 *              final for whoever has it
 * @channels:   the connected ones; changed under @turn, read under RCU
 * @unaccepted: those that kucomms_accept() has not given out; under the lock of
 *              @accept_wait
 * @accept_wait: where it waits for more
 * @queue:      for the work of calls and of clients that come by netlink; a
 *              queue of its own, since that work waits for handlers
 * @runs_lock:  protects @runs; inside a channel's lock
 * @runs:       the calls whose done() runs now
 * @run_ended:  where kucomms_call_cancel() waits for a done() to end
 *
 * @dispatch:   where the message handler runs now; read without a lock
 * @adaptive:   doorbells call it; likewise
 * @poll_idle_us: after how much time a polling thread gives up; likewise
 * @cpus:       where the threads may run, NULL: anywhere
 * @own_cpus:   what the module wanted
 * @threads:    how many @servers there are
 * @servers:    the threads; channel N belongs to number N modulo @threads, and
 *              the first runs the work and timer handlers, too
 *
 * @wanted:     the work handler is to be called
 * @wake_work:  wakes the thread that calls it
 *
 * What the administrator may tune is written under kucomms_registry_lock.
 */
struct kucomms_endpoint {
	struct kref ref;
	struct hlist_node node;
	struct kucomms_name name;
	struct kucomms_ops ops;
	void *priv;
	struct module *owner;
	struct kucomms_turn turn;
	bool dead;
	struct list_head channels;
	struct list_head unaccepted;
	wait_queue_head_t accept_wait;
	struct workqueue_struct *queue;
	raw_spinlock_t runs_lock;
	struct list_head runs;
	wait_queue_head_t run_ended;

	enum kucomms_dispatch dispatch;
	bool adaptive;
	unsigned int poll_idle_us;
	struct cpumask *cpus;
	struct cpumask *own_cpus;
	unsigned int threads;
	struct kucomms_server *servers;

	u32 wanted;
	struct irq_work wake_work;
};

struct kucomms_endpoint *kucomms_endpoint_create(const char *name,
						 const struct kucomms_ops *ops,
						 void *priv,
						 struct module *owner);
struct kucomms_endpoint *kucomms_endpoint_get(struct kucomms_endpoint *endpoint);
void kucomms_endpoint_put(struct kucomms_endpoint *endpoint);

/* These four under kucomms_registry_lock. */
int kucomms_endpoint_start(struct kucomms_endpoint *endpoint);
void kucomms_endpoint_run(struct kucomms_endpoint *endpoint);
int kucomms_endpoint_tune(struct kucomms_endpoint *endpoint,
			  const struct kucomms_tuning *tuning);
int kucomms_endpoint_retune(struct kucomms_endpoint *endpoint,
			    const struct kucomms_tuning *tuning);

void kucomms_endpoint_die(struct kucomms_endpoint *endpoint);

/* client.c */

/* No error: there may be another one soon. Handlers return none above 0. */
#define KUCOMMS_ENDPOINT_GONE	1

void kucomms_endpoint_stop(struct kucomms_endpoint *endpoint);
void kucomms_endpoint_leave(struct kucomms_endpoint *endpoint,
			    const struct kucomms_device *device);

#endif
