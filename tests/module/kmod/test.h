/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_TEST_KMOD_H
#define KUCOMMS_TEST_KMOD_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <kucomms/module.h>

#include "protocol.h"

/**
 * struct test_endpoint - what one endpoint counts
 * @running:  handlers that run now
 * @together: most message handlers at the same time
 */
struct test_endpoint {
	struct kucomms_endpoint *endpoint;
	bool parallel;
	atomic_t running;
	atomic_t together;
	atomic64_t messages;
	atomic64_t work;
	atomic64_t timer;
	atomic64_t overlaps;
	atomic64_t connects;
	atomic64_t disconnects;
};

struct test_call_job;

/* Messages that are sent as there is room for them. */
struct test_flow {
	struct kucomms_channel *channel;
	struct irq_work interrupt;
	u64 next;
	u64 count;
	u32 length;
};

/**
 * struct test_client - what is remembered with a channel
 * @shared: others than handlers send to it, too
 * @calls: of kind PLAIN and INTERRUPT that wait for an answer
 * @job:   the last one of those that take a thread
 * @held:  a record that has been reserved
 */
struct test_client {
	atomic_t running;
	bool shared;
	unsigned int refusals;
	u64 streamed;
	struct test_who who;
	struct list_head calls;
	struct test_call_job *job;
	struct test_flow flow;
	struct kucomms_message *held;
};

/*
 * The handler runs in a hard interrupt with PREEMPT_RT, too. There an ordinary
 * irq_work is a thread's, and waiting for its end takes an RCU grace period.
 */
static inline void test_init_interrupt(struct irq_work *work,
				       void (*handler)(struct irq_work *work))
{
#ifdef IRQ_WORK_INIT_HARD
	*work = IRQ_WORK_INIT_HARD(handler);
#else	/* before 5.11 */
	init_irq_work(work, handler);
	atomic_set(&work->flags, IRQ_WORK_HARD_IRQ);
#endif
}

static inline void
test_init_hrtimer(struct hrtimer *timer,
		  enum hrtimer_restart (*handler)(struct hrtimer *timer))
{
#ifdef HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, handler, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else	/* before 6.13 */
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	timer->function = handler;
#endif
}

/* main.c */
extern ktime_t test_loaded;

/* handlers.c */
int test_enter(struct test_endpoint *test, struct test_client *client);
void test_leave(struct test_endpoint *test, struct test_client *client);
int test_send(struct kucomms_channel *channel,
	      const struct kucomms_message *message, const void *data,
	      unsigned int flags);
int test_message(struct kucomms_channel *channel,
		 const struct kucomms_message *message, const void *data,
		 void *priv);
bool test_work(struct kucomms_endpoint *endpoint, void *priv);
void test_gate(bool open);
void test_timer(struct kucomms_endpoint *endpoint, void *priv);
int test_connect(struct kucomms_channel *channel, void *priv);
void test_disconnect(struct kucomms_channel *channel, void *priv);

/* burst.c */
void test_burst_init(void);
void test_burst_uninit(void);
int test_burst_start(struct kucomms_channel *channel,
		     const struct kucomms_message *message);

/* flow.c */
void test_flow_init(struct test_flow *flow, struct kucomms_channel *channel);
int test_flow_start(struct test_flow *flow,
		    const struct kucomms_message *message);
void test_flow_stop(struct test_flow *flow);
void test_room(struct kucomms_channel *channel, void *priv);

/* calls.c */
int test_calls_start(struct test_endpoint *test, struct test_client *client,
		     struct kucomms_channel *channel,
		     const struct kucomms_message *message, const void *data);
int test_calls_cancel(struct test_client *client,
		      struct kucomms_channel *channel,
		      const struct kucomms_message *message);
int test_calls_cancel_kept(struct kucomms_channel *channel,
			   const struct kucomms_message *message);
int test_calls_report(struct kucomms_channel *channel,
		      const struct kucomms_message *message);
int test_calls_connect(struct kucomms_channel *channel);
void test_calls_disconnect(struct test_client *client);

/* proxy.c */
int test_proxy_start(void);
void test_proxy_stop(void);

/* exit.c */
void test_exit_init(void);
void test_exit_uninit(void);

/* refusals.c */
int test_refusals(void);

#endif
