/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_SERVER_H
#define KUCOMMS_SRC_SERVER_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/*
 * For so long threads look before they sleep: about what it costs to be put to
 * sleep and woken.
 */
#define KUCOMMS_SPIN_NS	(20 * NSEC_PER_USEC)

struct kucomms_channel;
struct kucomms_endpoint;
struct task_struct;

/**
 * struct kucomms_server - a thread of an endpoint
 * @endpoint: whose handlers it runs
 * @index:    which of the endpoint's threads it is
 * @lock:     protects the rest
 * @task:     the thread; NULL before it is started and after it is stopped; may
 *            also be read under RCU
 * @channels: those that it looks at, whose turn is next first
 */
struct kucomms_server {
	struct kucomms_endpoint *endpoint;
	unsigned int index;
	spinlock_t lock;
	struct task_struct *task;
	struct list_head channels;
};

void kucomms_server_init(struct kucomms_server *server,
			 struct kucomms_endpoint *endpoint,
			 unsigned int index);
int kucomms_server_start(struct kucomms_server *server);
void kucomms_server_wake(struct kucomms_server *server);
void kucomms_server_stop(struct kucomms_server *server);
void kucomms_server_place(struct kucomms_server *server);
void kucomms_server_call(struct kucomms_channel *channel);
void kucomms_server_forget(struct kucomms_channel *channel);

#endif
