// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers: the threads of an endpoint. They run the work and timer handlers
 * and, unless dispatch is adaptive, the message handler.
 *
 * A worker looks at the channels in its list, one after the other, and while it
 * does their clients need not ring. A channel without a message for a while
 * leaves the list: it falls asleep, and the client's doorbell brings it back. A
 * worker without a channel sleeps.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "functions.h"

/* Default periods of the work and timer handlers, in us. */
#define WORK_US		10000
#define TIMER_US	USEC_PER_SEC

/* Looks at the only channel before the worker looks at anything else. */
#define LOOKS		1024

/* When the periodic handlers are due, in ns. */
struct ticks {
	u64 work;
	u64 timer;
};

/* Tells whether the worker runs the work and timer handlers. */
static bool worker_has_ticks(const struct kc_worker *worker)
{
	const struct kucomms_ops *ops = &worker->endpoint->ops;

	return !worker->index && (ops->work || ops->timer);
}

static u64 work_period(const struct kucomms_ops *ops)
{
	return (u64)(ops->work_us ?: WORK_US) * NSEC_PER_USEC;
}

static u64 timer_period(const struct kucomms_ops *ops)
{
	return (u64)(ops->timer_us ?: TIMER_US) * NSEC_PER_USEC;
}

static u64 ticks_next(const struct ticks *ticks)
{
	return min(ticks->work, ticks->timer);
}

static void ticks_start(struct ticks *ticks,
			const struct kc_worker *worker,
			u64 now)
{
	const struct kucomms_ops *ops = &worker->endpoint->ops;
	bool mine = worker_has_ticks(worker);
	bool works = mine && ops->work &&
		     ops->work_us != KUCOMMS_WORK_ON_DEMAND;

	ticks->work = works ? now + work_period(ops) : KTIME_MAX;
	ticks->timer = mine && ops->timer ? now + timer_period(ops) : KTIME_MAX;
}

/*
 * A handler that is called periodically keeps its rate: the next call is due
 * one period after the last one was due, not after it was made. Only calls that
 * have been missed altogether are left out.
 */
static u64 ticks_after(u64 due, u64 period, u64 now)
{
	return max(due + period, now);
}

/*
 * Calls the work handler if it is due or wanted. A request that comes after the
 * handler has begun counts for the next call.
 */
static void ticks_work(struct ticks *ticks, struct kucomms_endpoint *endpoint,
		       u64 now)
{
	const struct kucomms_ops *ops = &endpoint->ops;
	const bool due = now >= ticks->work;

	if (!xchg(&endpoint->work_wanted, 0) && !due)
		return;
	if (ops->work(endpoint, endpoint->priv))
		WRITE_ONCE(endpoint->work_wanted, 1);
	if (due)
		ticks->work = ticks_after(ticks->work, work_period(ops), now);
}

/* Runs what is due, in the endpoint's turn. */
static void ticks_run(struct ticks *ticks, struct kucomms_endpoint *endpoint)
{
	const struct kucomms_ops *ops = &endpoint->ops;
	u64 now = ktime_get_ns();

	if (now < ticks_next(ticks) && !READ_ONCE(endpoint->work_wanted))
		return;
	kc_turn_lock(&endpoint->turn);
	ticks_work(ticks, endpoint, now);
	if (now >= ticks->timer) {
		ops->timer(endpoint, endpoint->priv);
		ticks->timer = ticks_after(ticks->timer, timer_period(ops), now);
	}
	kc_turn_unlock(&endpoint->turn);
}

/* Returns the time without messages, in ns, after which a channel sleeps. */
static u64 worker_idle_timeout(const struct kucomms_endpoint *endpoint)
{
	/* Clients ring: the channel is in the list from the dispatch before. */
	if (READ_ONCE(endpoint->dispatch) == KUCOMMS_DISPATCH_ADAPTIVE)
		return 0;
	if (READ_ONCE(endpoint->dispatch) == KUCOMMS_DISPATCH_POLL)
		return READ_ONCE(endpoint->poll_idle_us) * NSEC_PER_USEC;
	/* Another task could use the CPU, maybe the client itself. */
	if (num_online_cpus() == 1 || need_resched())
		return 0;
	return KC_SPIN_NS;
}

/*
 * The caller holds the lock. A channel that has been disconnected must not come
 * back.
 */
static void worker_add_channel(struct kc_worker *worker,
			       struct kucomms_channel *channel)
{
	if (READ_ONCE(channel->connected) && list_empty(&channel->worker_node))
		list_add_tail(&channel->worker_node, &worker->channels);
}

/*
 * Returns the channel that is to be looked at next, with a reference, or NULL.
 * A channel in the list is connected, so it has a reference that can be copied.
 */
static struct kucomms_channel *worker_next(struct kc_worker *worker)
{
	struct kucomms_channel *channel;

	spin_lock(&worker->lock);
	channel = list_first_entry_or_null(&worker->channels,
					   struct kucomms_channel, worker_node);
	if (channel) {
		kref_get(&channel->ref);
		list_move_tail(&channel->worker_node, &worker->channels);
	}
	spin_unlock(&worker->lock);
	return channel;
}

/* Tells whether the channel's messages may be handled. Under the turn. */
static bool worker_may_dispatch(const struct kucomms_channel *channel)
{
	return channel->connected && !READ_ONCE(channel->endpoint->dead) &&
	       !kc_channel_error(channel);
}

/* Returns true if messages are left for a worker. */
static bool worker_fall_asleep(struct kucomms_channel *channel)
{
	enum kc_dispatched ended = KC_DONE;

	kc_turn_lock(channel->turn);
	if (worker_may_dispatch(channel)) {
		kc_channel_stay_awake(channel, false);
		ended = kc_channel_dispatch(channel, true);
	}
	kc_turn_unlock(channel->turn);
	return ended == KC_MORE;
}

/*
 * Takes the channel off the list, lets it fall asleep, and looks once more: in
 * this order a doorbell that comes meanwhile brings it back.
 */
static void worker_retire(struct kc_worker *worker,
			  struct kucomms_channel *channel)
{
	channel->idle_since = 0;
	spin_lock(&worker->lock);
	list_del_init(&channel->worker_node);
	spin_unlock(&worker->lock);
	if (!worker_fall_asleep(channel))
		return;
	spin_lock(&worker->lock);
	worker_add_channel(worker, channel);
	spin_unlock(&worker->lock);
}

/* Tells whether there is anything else to do than to look at this channel. */
static bool worker_is_wanted(const struct kc_worker *worker,
			     const struct kucomms_channel *channel)
{
	return need_resched() || kc_turn_contended(channel->turn) ||
	       READ_ONCE(worker->endpoint->dead) ||
	       !list_is_singular(&worker->channels);
}

/*
 * Looks at the channel many times in one turn, until another task or another
 * channel needs the worker; the work and timer handlers do not wait for more
 * than one turn's messages. Sets @found if there were messages. Returns how the
 * last of their turns ended.
 */
static enum kc_dispatched worker_watch(struct kc_worker *worker,
				       struct kucomms_channel *channel,
				       bool *found)
{
	enum kc_dispatched ended = KC_DONE;
	const bool once = worker_has_ticks(worker);
	int looks = LOOKS;

	kc_turn_lock(channel->turn);
	if (worker_may_dispatch(channel)) {
		kc_channel_stay_awake(channel, true);
		do {
			if (kucomms_consumer_ready(&channel->in) ||
			    kc_channel_has_room(channel)) {
				ended = kc_channel_dispatch(channel, true);
				*found = true;
			} else {
				cpu_relax();
			}
		} while (ended == KC_DONE && !(*found && once) && --looks &&
			 !worker_is_wanted(worker, channel));
	}
	kc_turn_unlock(channel->turn);
	return ended;
}

/*
 * Tells whether the channel has had no message for @timeout ns since a look
 * first found none.
 */
static bool worker_is_idle(struct kucomms_channel *channel, u64 timeout)
{
	u64 now = ktime_get_ns();

	if (!channel->idle_since)
		channel->idle_since = now;
	return now - channel->idle_since >= timeout;
}

static void worker_look(struct kc_worker *worker,
			struct kucomms_channel *channel)
{
	const u64 timeout = worker_idle_timeout(worker->endpoint);
	enum kc_dispatched ended = KC_DONE;
	bool found = false;

	/* Without polling the look in worker_retire() is the only one. */
	if (!timeout) {
		worker_retire(worker, channel);
		return;
	}
	if (kucomms_consumer_ready(&channel->in) ||
	    kc_channel_has_room(channel) ||
	    list_is_singular(&worker->channels))
		ended = worker_watch(worker, channel, &found);
	/* A message that the handler has refused waits for a doorbell. */
	if (ended == KC_REFUSED || ended == KC_BROKEN)
		worker_retire(worker, channel);
	else if (found)
		channel->idle_since = 0;
	else if (worker_is_idle(channel, timeout))
		worker_retire(worker, channel);
}

static void worker_sleep(struct kc_worker *worker, u64 until)
{
	ktime_t due = ns_to_ktime(until);

	/*
	 * Paired with kthread_stop(), kc_channel_wake_worker() and
	 * kucomms_endpoint_wake(): flag, then wake.
	 */
	set_current_state(TASK_IDLE);
	if (list_empty(&worker->channels) && !kthread_should_stop() &&
	    !(worker_has_ticks(worker) &&
	      READ_ONCE(worker->endpoint->work_wanted)))
		schedule_hrtimeout(until == KTIME_MAX ? NULL : &due,
				   HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

static int worker_thread(void *arg)
{
	struct kc_worker *worker = arg;
	struct kucomms_channel *channel;
	struct ticks ticks;

	ticks_start(&ticks, worker, ktime_get_ns());
	while (!kthread_should_stop()) {
		if (worker_has_ticks(worker))
			ticks_run(&ticks, worker->endpoint);
		channel = worker_next(worker);
		if (channel) {
			worker_look(worker, channel);
			kucomms_channel_put(channel);
		} else {
			worker_sleep(worker, ticks_next(&ticks));
		}
		cond_resched();
	}
	return 0;
}

void kc_worker_init(struct kc_worker *worker,
		    struct kucomms_endpoint *endpoint, unsigned int index)
{
	worker->endpoint = endpoint;
	worker->index = index;
	spin_lock_init(&worker->lock);
	worker->task = NULL;
	INIT_LIST_HEAD(&worker->channels);
}

/*
 * Sets the CPUs of the worker's thread: one of those that the endpoint may use
 * if it has several workers, else all of these.
 */
void kc_worker_set_cpus(struct kc_worker *worker)
{
	const struct kucomms_endpoint *endpoint = worker->endpoint;
	const struct cpumask *cpus = endpoint->cpus ?: cpu_possible_mask;
	unsigned int skip, cpu;

	if (!worker->task)
		return;
	if (endpoint->cpus && endpoint->threads > 1) {
		skip = worker->index % cpumask_weight(cpus);
		for_each_cpu(cpu, cpus)
			if (!skip--)
				break;
		cpus = cpumask_of(cpu);
	}
	/* If none of the CPUs is online the thread stays where it is. */
	set_cpus_allowed_ptr(worker->task, cpus);
}

/*
 * Creates the worker's thread, under kc_registry_lock, like all that starts
 * threads or changes their CPUs. The thread first runs when it is woken, so
 * that everything that can fail is done before.
 */
int kc_worker_start(struct kc_worker *worker)
{
	struct task_struct *task;

	if (worker->task)
		return 0;
	task = kthread_create(worker_thread, worker, "%s",
			      worker->endpoint->name.text);
	if (IS_ERR(task))
		return PTR_ERR(task);
	spin_lock(&worker->lock);
	WRITE_ONCE(worker->task, task);
	spin_unlock(&worker->lock);
	kc_worker_set_cpus(worker);
	return 0;
}

/*
 * Wakes the worker's thread, in any context that may wake tasks. RCU keeps the
 * memory of a thread that is just ending.
 */
void kc_worker_wake(struct kc_worker *worker)
{
	struct task_struct *task;

	rcu_read_lock();
	task = READ_ONCE(worker->task);
	if (task)
		wake_up_process(task);
	rcu_read_unlock();
}

/*
 * Stops the thread: afterwards no handler runs in it. Doorbells that still come
 * do nothing.
 */
void kc_worker_stop(struct kc_worker *worker)
{
	struct task_struct *task;

	spin_lock(&worker->lock);
	task = worker->task;
	WRITE_ONCE(worker->task, NULL);
	spin_unlock(&worker->lock);
	if (task)
		kthread_stop(task);
}

/* The client rang: adds the channel to its worker's list, and wakes it. */
void kc_channel_wake_worker(struct kucomms_channel *channel)
{
	struct kc_worker *worker = channel->worker;

	spin_lock(&worker->lock);
	channel->counters.doorbells++;
	if (worker->task && list_empty(&channel->worker_node)) {
		worker_add_channel(worker, channel);
		if (wake_up_process(worker->task))
			channel->counters.thread_wakeups++;
	}
	spin_unlock(&worker->lock);
}

/* Takes a disconnected channel off the list, in the channel's turn. */
void kc_worker_remove_channel(struct kucomms_channel *channel)
{
	struct kc_worker *worker = channel->worker;

	spin_lock(&worker->lock);
	list_del_init(&channel->worker_node);
	spin_unlock(&worker->lock);
}
