/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_CALL_H
#define KUCOMMS_SRC_CALL_H

#include <linux/rbtree.h>
#include <linux/timer.h>
#include <linux/timerqueue.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct kucomms_channel;
struct kucomms_message;

/**
 * struct kucomms_calls - what the module has asked a client and waits for
 * @base:      the id of the first call
 * @given:     how many ids have been given out; also read without the lock
 * @over:      the client has gone: no more calls
 * @by_number: those that wait for an answer
 * @deadlines: the same, in jiffies, KTIME_MAX: none
 * @timer:     goes off at the first of @deadlines, or before
 * @work:      ends those that are due, or all if the channel is no longer open
 *
 * Protected by the channel's lock, but for @base, which does not change while
 * anybody calls.
 */
struct kucomms_calls {
	u64 base;
	u64 given;
	bool over;
	struct rb_root by_number;
	struct timerqueue_head deadlines;
	struct timer_list timer;
	struct work_struct work;
};

void kucomms_calls_create(struct kucomms_calls *calls);
void kucomms_calls_begin(struct kucomms_calls *calls);
void kucomms_calls_end(struct kucomms_channel *channel);
void kucomms_calls_settle(struct kucomms_channel *channel);
int kucomms_calls_message(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, void *priv);

#endif
