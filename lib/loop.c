// SPDX-License-Identifier: MIT
/*
 * The loop of an endpoint's thread: events, what is due, a round for each channel
 * that is awake, and sleep when none is.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "call.h"
#include "clock.h"
#include "ep_entry.h"
#include "loop.h"

#define EVENTS		64

/* Time between two looks for events while there are messages to handle. */
#define LOOK_NS		(50 * NSEC_PER_USEC)

/* Messages in a round of one channel, which takes about KC_ROUND_NS. */
#define BUDGET_MAX	64

void kc_loop_init(struct kucomms_endpoint *endpoint)
{
	TAILQ_INIT(&endpoint->active);
	endpoint->work_due = KC_NEVER;
	endpoint->timer_due = KC_NEVER;
	endpoint->reconnect_due = KC_NEVER;
	endpoint->armed = KC_NEVER;
	endpoint->timer_set = KC_NEVER;
	endpoint->budget = 1;
}

static struct kc_conn *take_command(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn;

	pthread_mutex_lock(&endpoint->lock);
	conn = TAILQ_FIRST(&endpoint->commands);
	if (conn) {
		TAILQ_REMOVE(&endpoint->commands, conn, entry.command_node);
		conn->entry.queued = false;
	}
	pthread_mutex_unlock(&endpoint->lock);
	return conn;
}

/* Adds, removes or closes channels, as other threads have asked for. */
static int loop_commands(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn;
	int done = 0;

	if (kucomms_load_acquire(&endpoint->hangup)) {
		kucomms_store(&endpoint->hangup, false);
		kc_ep_entry_retry(endpoint);
	}
	if (!kucomms_load_acquire(&endpoint->commanded))
		return 0;
	/* A command that is queued from here on sets it again. */
	kucomms_store(&endpoint->commanded, false);
	while ((conn = take_command(endpoint))) {
		if (kucomms_load(&conn->entry.leaving))
			kc_ep_entry_drop(conn, -ESHUTDOWN);
		else
			kc_ep_entry_arrive(conn);
		done++;
	}
	return done;
}

/*
 * Schedules the first calls of the work and timer handlers, one period after
 * the endpoint has begun to run.
 */
static void ticks_start(struct kucomms_endpoint *endpoint)
{
	const struct kucomms_endpoint_options *options = &endpoint->options;

	if (endpoint->ops.work && endpoint->work_due == KC_NEVER)
		endpoint->work_due = endpoint->now +
				     options->work_us * NSEC_PER_USEC;
	if (endpoint->ops.timer && endpoint->timer_due == KC_NEVER)
		endpoint->timer_due = endpoint->now +
				      options->timer_us * NSEC_PER_USEC;
}

/*
 * Returns when the next call is due: one period after the last call was due,
 * not after it was made; but periods that have passed meanwhile are skipped.
 */
static __s64 tick_after(__s64 due, __s64 period, __s64 now)
{
	return due + period > now ? due + period : now;
}

static int loop_work(struct kucomms_endpoint *endpoint)
{
	const __s64 period = endpoint->options.work_us * NSEC_PER_USEC;
	const bool due = endpoint->now >= endpoint->work_due;

	if (!due && !endpoint->more)
		return 0;
	endpoint->more = endpoint->ops.work(endpoint, endpoint->priv);
	if (due)
		endpoint->work_due = tick_after(endpoint->work_due, period,
						endpoint->now);
	return 1;
}

static int loop_timer(struct kucomms_endpoint *endpoint)
{
	const __s64 period = endpoint->options.timer_us * NSEC_PER_USEC;

	if (endpoint->now < endpoint->timer_due)
		return 0;
	endpoint->ops.timer(endpoint, endpoint->priv);
	endpoint->timer_due = tick_after(endpoint->timer_due, period,
					 endpoint->now);
	return 1;
}

/* Connects channels anew whose other side is gone. */
static int loop_reconnect(struct kucomms_endpoint *endpoint)
{
	struct kc_conn *conn, *next;

	if (endpoint->now < endpoint->reconnect_due)
		return 0;
	endpoint->reconnect_due = KC_NEVER;
	/*
	 * Other threads only append channels; this one removes at most @conn.
	 */
	pthread_mutex_lock(&endpoint->lock);
	conn = TAILQ_FIRST(&endpoint->conns);
	pthread_mutex_unlock(&endpoint->lock);
	for (; conn; conn = next) {
		pthread_mutex_lock(&endpoint->lock);
		next = TAILQ_NEXT(conn, entry.node);
		pthread_mutex_unlock(&endpoint->lock);
		if (conn->entry.reconnect && !conn->entry.connected)
			kc_ep_entry_reconnect(conn);
	}
	return 1;
}

static int loop_ticks(struct kucomms_endpoint *endpoint)
{
	int done = loop_work(endpoint) + loop_timer(endpoint);

	done += loop_reconnect(endpoint);
	if (kc_call_due(endpoint) <= endpoint->now) {
		kc_call_expire(endpoint);
		done++;
	}
	if (done)
		kc_ep_entry_publish(endpoint);
	return done;
}

static __s64 earlier(__s64 one, __s64 other)
{
	return one < other ? one : other;
}

/*
 * Sets the timer for the first thing that is due. The timer may fire earlier:
 * setting it costs more than a useless wake-up now and then. A thread that
 * starts a call with an earlier deadline wakes this one, so this publishes when
 * the timer fires before it looks for calls.
 */
void kc_loop_arm_timer(struct kucomms_endpoint *endpoint)
{
	__s64 due = earlier(earlier(endpoint->work_due, endpoint->timer_due),
			    endpoint->reconnect_due);
	struct itimerspec spec = { { 0, 0 }, { 0, 0 } };

	if (endpoint->timer_set <= endpoint->now)
		endpoint->timer_set = KC_NEVER;
	__atomic_store_n(&endpoint->armed, earlier(due, endpoint->timer_set),
			 __ATOMIC_SEQ_CST);
	due = earlier(due, kc_call_due(endpoint));
	if (due >= endpoint->timer_set)
		return;
	spec.it_value = kc_timespec(due);
	timerfd_settime(endpoint->timer, TFD_TIMER_ABSTIME, &spec, NULL);
	endpoint->timer_set = due;
	__atomic_store_n(&endpoint->armed, due, __ATOMIC_SEQ_CST);
}

static int loop_events(struct kucomms_endpoint *endpoint, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	struct kc_event_source *source;
	int count, i;

	count = epoll_wait(endpoint->epoll, events, EVENTS, timeout_ms);
	if (count < 0)
		return -errno;
	for (i = 0; i < count; i++) {
		source = events[i].data.ptr;
		if (source)
			source->handle(source);
	}
	return count;
}

/*
 * Sleeps until there are events. -EINTR says that a signal handler ran in the
 * calling thread: poll() is used since epoll_wait() fails with EINTR also when
 * the process was stopped and continued, or frozen. In the thread of
 * kucomms_endpoint_start() no signal handler runs, so EINTR means nothing
 * there.
 */
static int loop_sleep(const struct kucomms_endpoint *endpoint, int timeout_ms)
{
	struct pollfd ready = { .fd = endpoint->epoll, .events = POLLIN };

	if (!timeout_ms || endpoint->started)
		return 0;
	return poll(&ready, 1, timeout_ms) < 0 ? -errno : 0;
}

/* Handles events; sleeps until there are some if nothing else is to be done. */
static int loop_wait(struct kucomms_endpoint *endpoint, int timeout_ms)
{
	int err = 0;

	if (!TAILQ_EMPTY(&endpoint->active) || endpoint->more) {
		if (endpoint->now - endpoint->looked < LOOK_NS)
			return 0;
		endpoint->looked = endpoint->now;
		timeout_ms = 0;
	} else {
		kc_loop_arm_timer(endpoint);
		kc_count(&endpoint->stats.sleeps);
		err = loop_sleep(endpoint, timeout_ms);
	}
	return err ? err : loop_events(endpoint, endpoint->started ?
						 timeout_ms : 0);
}

/*
 * Sets how many messages make a round. What handlers send is published when
 * their round is over, and other channels wait for that: so rounds are short
 * where handlers are slow.
 */
static void set_budget(struct kucomms_endpoint *endpoint, __u64 handled)
{
	const __s64 each = (kc_now() - endpoint->now) / (__s64)handled;
	unsigned int fits = BUDGET_MAX;

	if (each > KC_ROUND_NS / BUDGET_MAX)
		fits = each < KC_ROUND_NS ?
		       (unsigned int)(KC_ROUND_NS / each) : 1;
	/* The budget at most doubles: the next message may be slower. */
	if (fits > 2 * endpoint->budget)
		fits = 2 * endpoint->budget;
	endpoint->budget = fits;
}

static int loop_rounds(struct kucomms_endpoint *endpoint, bool spin)
{
	struct kc_conn *conn, *next;
	const __u64 before = endpoint->stats.messages;
	__u64 handled;

	for (conn = TAILQ_FIRST(&endpoint->active); conn; conn = next) {
		next = TAILQ_NEXT(conn, entry.active_node);
		kc_ep_entry_round(conn, spin);
	}
	handled = endpoint->stats.messages - before;
	if (!handled)
		return 0;
	set_budget(endpoint, handled);
	return 1;
}

/*
 * Does everything once, and waits for it for @timeout_ms milliseconds. With
 * @spin, channels that had messages lately are looked at for a while before
 * they fall asleep. Returns how much there was to do, or -EINTR.
 */
int kc_loop_turn(struct kucomms_endpoint *endpoint, int timeout_ms,
		 bool spin)
{
	int done, ret;

	endpoint->now = kc_now();
	ticks_start(endpoint);
	done = loop_commands(endpoint);
	ret = loop_wait(endpoint, done ? 0 : timeout_ms);
	if (ret < 0)
		return ret;
	done += ret;
	done += loop_commands(endpoint);
	endpoint->now = kc_now();
	done += loop_ticks(endpoint);
	/* A handler that refused a message may accept it after this. */
	if (done && endpoint->refused)
		kc_ep_entry_retry(endpoint);
	/*
	 * Only messages handled count: an attempt to deliver a refused message
	 * does not lead to the next attempt.
	 */
	if (loop_rounds(endpoint, spin)) {
		if (endpoint->refused)
			kc_ep_entry_retry(endpoint);
		done++;
	}
	return done;
}
