/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_ENDPOINT_H
#define KUCOMMS_LIB_ENDPOINT_H

#include <kucomms/endpoint.h>

#include "clock.h"
#include "end.h"

/* So long a round of one member takes, if its handlers are fast enough. */
#define KUCOMMS_ROUND_NS	(50 * NSEC_PER_USEC)

/* No time at all. */
#define KUCOMMS_NEVER	INT64_MAX

struct kucomms_door;

/**
 * struct kucomms_endpoint - handlers, and the channels they are for
 * @mark:    mark of the process whose endpoint it is, see fork.c
 * @ops:     the handlers
 * @priv:    theirs
 * @options: with all defaults filled in
 * @name:    of the thread
 * @spin_ns: how long to look before sleeping
 * @epoll:   what the thread sleeps on
 * @wake:    eventfd: there is something to do that no other descriptor tells
 * @timer:   timerfd: of whatever is due first
 * @wake_source:  of @wake
 * @timer_source: of @timer
 *
 * @lock:     for the following; before a member's lock
 * @left:     nobody runs it any more
 * @members:  all channels
 * @commands: those that have come, or are to go
 * @commanded: there are such
 * @shut:     somebody has hung up on a member; any thread's
 * @doors:    listeners
 * @count:    of @members
 * @owner:    the thread that runs it, or 0
 * @thread:   what start started
 * @started:  there is such a thread, to be joined
 * @stop:     it shall end
 *
 * @calls_lock: for the following; after a member's lock
 * @called:     a call has been answered to
 * @calls:      those in flight, by id
 * @calls_size: of that, a power of two
 * @calls_count: how many they are
 * @first_call, @last_call: those with a deadline, the first one first
 * @running:    whose done is being called
 *
 * @active:  members to look at; the thread's, like the rest
 * @replies: members that have been sent to in this round
 * @refused: how many handlers do not want the next message yet
 * @now:     as of the last look at the clock
 * @looked:  when events were last asked for
 * @work_due, @timer_due, @again_due: when what is next
 * @armed:   when @timer will fire, at the latest, as far as calls need not
 *           care; read by others
 * @timer_set: what @timer is set to
 * @more:    the work handler has more to do
 * @budget:  how many messages make a round
 * @buffer:  for a private copy of a message
 * @capacity: of that
 * @stats:   counters; read by others
 */
struct kucomms_endpoint {
	__u32 mark;
	struct kucomms_ops ops;
	void *priv;
	struct kucomms_endpoint_options options;
	char name[16];
	__u32 spin_ns;
	int epoll;
	int wake;
	int timer;
	struct kucomms_source wake_source;
	struct kucomms_source timer_source;

	pthread_mutex_t lock;
	pthread_cond_t left;
	TAILQ_HEAD(, kucomms_end) members;
	TAILQ_HEAD(, kucomms_end) commands;
	bool commanded;
	bool shut;
	TAILQ_HEAD(, kucomms_door) doors;
	__u64 count;
	uintptr_t owner;
	pthread_t thread;
	bool started;
	bool stop;

	pthread_mutex_t calls_lock;
	pthread_cond_t called;
	struct kucomms_call **calls;
	__u32 calls_size;
	__u32 calls_count;
	struct kucomms_call *first_call;
	struct kucomms_call *last_call;
	struct kucomms_call *running;

	TAILQ_HEAD(, kucomms_end) active;
	struct kucomms_end *replies;
	unsigned int refused;
	__s64 now;
	__s64 looked;
	__s64 work_due;
	__s64 timer_due;
	__s64 again_due;
	__s64 armed;
	__s64 timer_set;
	bool more;
	unsigned int budget;
	void *buffer;
	size_t capacity;
	struct kucomms_endpoint_stats stats;
};

/* One more; only its own thread counts, but any may read. */
static inline void kucomms_count(__u64 *counter)
{
	kucomms_store(counter, *counter + 1);
}

/* loop.c */
void kucomms_loop_init(struct kucomms_endpoint *endpoint);
int kucomms_loop_turn(struct kucomms_endpoint *endpoint, int timeout_ms,
		      bool spin);
void kucomms_loop_arm_timer(struct kucomms_endpoint *endpoint);

#endif
