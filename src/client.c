// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients: how a channel gets to an endpoint, and how it is taken from it. The
 * module learns of its clients from its connect and disconnect handlers or,
 * without a message handler, from kucomms_accept().
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "compat.h"
#include "functions.h"

static bool has_own_turn(const struct kucomms_channel *channel)
{
	return channel->turn == &channel->own_turn;
}

static void unlock_turns(struct kucomms_channel *channel)
{
	kc_turn_unlock(&channel->endpoint->turn);
	if (has_own_turn(channel))
		kc_turn_unlock(channel->turn);
}

/*
 * Locks both turns, so that neither a handler of the channel nor one of the
 * endpoint runs. The channel's own turn comes first, so that a task that waits
 * for the handler of one client does not hold the endpoint's turn meanwhile.
 */
static void lock_turns(struct kucomms_channel *channel)
{
	if (has_own_turn(channel))
		kc_turn_lock(channel->turn);
	kc_turn_lock(&channel->endpoint->turn);
}

/*
 * Locks both turns. Returns 0, or -EINTR if the task is killed. The wait for
 * the turn of a new channel is not killable: other tasks hold it only for a
 * moment.
 */
static int lock_turns_killable(struct kucomms_channel *channel)
{
	int err;

	if (has_own_turn(channel))
		kc_turn_lock(channel->turn);
	err = kc_turn_lock_killable(&channel->endpoint->turn);
	if (err && has_own_turn(channel))
		kc_turn_unlock(channel->turn);
	return err;
}

static int client_greet(struct kucomms_channel *channel)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;
	int err;

	if (!endpoint->ops.connect)
		return 0;
	err = endpoint->ops.connect(channel, endpoint->priv);
	if (err)
		kc_calls_end(channel);
	else
		/*
		 * connect() runs outside a turn's end, so what it held back is
		 * published here.
		 */
		kc_channel_flush_locked(channel);
	return err > 0 ? -EPROTO : err;
}

/* Tells the module of its new client. The caller has both turns. */
static int client_connect(struct kucomms_channel *channel)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;
	int err;

	kc_turn_assert_held(&endpoint->turn);
	if (READ_ONCE(channel->device->removed))
		return -ENODEV;
	if (endpoint->dead)
		return KC_ENDPOINT_GONE;
	err = client_greet(channel);
	if (err)
		return err;
	WRITE_ONCE(channel->connected, true);
	channel->numbered = true;
	list_add_tail_rcu(&channel->endpoint_node, &endpoint->channels);
	if (!endpoint->ops.message) {
		spin_lock(&endpoint->accept_wait.lock);
		list_add_tail(&channel->accept_node, &endpoint->unaccepted);
		spin_unlock(&endpoint->accept_wait.lock);
		wake_up_interruptible(&endpoint->accept_wait);
	}
	return 0;
}

/*
 * Gives the channel to the module. Returns 0, KC_ENDPOINT_GONE, -ENODEV if
 * the device has been removed, -EINTR if the task is killed, or what the connect
 * handler returned.
 */
int kc_channel_connect(struct kucomms_channel *channel)
{
	int err;

	if (READ_ONCE(channel->endpoint->dead))
		return KC_ENDPOINT_GONE;
	err = lock_turns_killable(channel);
	if (err)
		return err;
	err = client_connect(channel);
	unlock_turns(channel);
	return err;
}

/*
 * Gives back the channel's number, so that other channels may have it. That
 * happens only when the file is closed, or the device or the endpoint goes: a
 * client that could have another channel while it keeps the memory of the one
 * before could have any amount of memory.
 */
void kc_channel_give_number(struct kucomms_channel *channel)
{
	struct kc_turn *turn = &channel->endpoint->turn;

	kc_turn_lock(turn);
	if (channel->numbered)
		ida_free(&channel->device->numbers, channel->number);
	channel->numbered = false;
	kc_turn_unlock(turn);
}

/* Takes the channel from the module. The caller has both turns. */
static void client_disconnect(struct kucomms_channel *channel)
{
	struct kucomms_endpoint *endpoint = channel->endpoint;

	/*
	 * Before the worker removes the channel: afterwards no doorbell can add
	 * it again.
	 */
	WRITE_ONCE(channel->connected, false);
	kc_worker_remove_channel(channel);
	list_del_rcu(&channel->endpoint_node);
	spin_lock(&endpoint->accept_wait.lock);
	list_del_init(&channel->accept_node);
	spin_unlock(&endpoint->accept_wait.lock);
	kc_calls_end(channel);
	/*
	 * No handler sends any more. Threads of the module may, and publish what
	 * they hold back themselves.
	 */
	if (endpoint->ops.message)
		kc_channel_flush_locked(channel);
	/* The disconnect handler may wait for threads that use the channel. */
	kc_channel_hang_up(channel);
	if (endpoint->ops.disconnect)
		endpoint->ops.disconnect(channel, endpoint->priv);
}

/*
 * Takes the channel from the module, when the file is closed, the device
 * removed or the endpoint unregistered, whichever comes first. Does nothing if
 * that has been done before.
 */
void kc_channel_disconnect(struct kucomms_channel *channel)
{
	lock_turns(channel);
	if (channel->connected)
		client_disconnect(channel);
	unlock_turns(channel);
}
KC_EXPORT(kc_channel_disconnect);

static struct kucomms_channel *accept_next(struct kucomms_endpoint *endpoint)
{
	struct kucomms_channel *channel;

	/*
	 * Not under the turn: the stop handler may hold it while it waits for
	 * this thread.
	 */
	spin_lock(&endpoint->accept_wait.lock);
	channel = list_first_entry_or_null(&endpoint->unaccepted,
					   struct kucomms_channel, accept_node);
	if (channel) {
		list_del_init(&channel->accept_node);
		kref_get(&channel->ref);
	}
	spin_unlock(&endpoint->accept_wait.lock);
	return channel;
}

/* Waits until a client is there, as far as the list tells without the lock. */
static int accept_wait(struct kucomms_endpoint *endpoint, long *timeout)
{
	DEFINE_WAIT(wait);
	int err = 0;

	for (;;) {
		/* Pairs with client_connect(): add, then wake. */
		prepare_to_wait_exclusive(&endpoint->accept_wait, &wait,
					  TASK_INTERRUPTIBLE);
		if (!list_empty(&endpoint->unaccepted))
			break;
		err = kc_module_sleep(endpoint, timeout);
		if (err)
			break;
	}
	finish_wait(&endpoint->accept_wait, &wait);
	/*
	 * A wake-up for a client may have come to this task just now: passes it
	 * on.
	 */
	if (err && !list_empty(&endpoint->unaccepted))
		wake_up_interruptible(&endpoint->accept_wait);
	return err;
}

static int accept_one(struct kucomms_endpoint *endpoint,
		      struct kucomms_channel **channel, int timeout_ms)
{
	long timeout = kc_module_timeout(timeout_ms);
	int err;

	do {
		if (READ_ONCE(endpoint->dead))
			return -ESHUTDOWN;
		*channel = accept_next(endpoint);
		if (*channel)
			return 0;
		err = timeout_ms ? accept_wait(endpoint, &timeout) : -EAGAIN;
	} while (!err);
	return err;
}

/* Holds a reference meanwhile, since the endpoint may be unregistered. */
int kucomms_accept(struct kucomms_endpoint *endpoint,
		   struct kucomms_channel **channel, int timeout_ms)
{
	int err;

	if (endpoint->ops.message)
		return -EINVAL;
	kref_get(&endpoint->ref);
	err = accept_one(endpoint, channel, timeout_ms);
	kc_endpoint_put(endpoint);
	return err;
}
EXPORT_SYMBOL_GPL(kucomms_accept);

/*
 * Returns the next channel that kc_endpoint_leave() has to disconnect, with a
 * reference, or NULL.
 */
static struct kucomms_channel *
client_next(struct kucomms_endpoint *endpoint,
	    const struct kc_device *device)
{
	struct kucomms_channel *channel, *next = NULL;

	kc_turn_lock(&endpoint->turn);
	list_for_each_entry(channel, &endpoint->channels, endpoint_node) {
		if (device && channel->device != device)
			continue;
		kref_get(&channel->ref);
		next = channel;
		break;
	}
	kc_turn_unlock(&endpoint->turn);
	return next;
}

/*
 * Disconnects all clients of @device, which has been removed, or, if that is
 * NULL, all clients of the endpoint, which is dead: in both cases no more
 * clients come.
 */
void kc_endpoint_leave(struct kucomms_endpoint *endpoint,
		       const struct kc_device *device)
{
	struct kucomms_channel *channel;

	while ((channel = client_next(endpoint, device))) {
		kc_channel_disconnect(channel);
		kc_channel_give_number(channel);
		kucomms_channel_put(channel);
	}
}

/*
 * Returns the next channel whose message handler may still run, with a
 * reference, or NULL. Looks at each channel once, and wakes the module's
 * threads that wait there.
 */
static struct kucomms_channel *
client_next_running(struct kucomms_endpoint *endpoint)
{
	struct kucomms_channel *channel, *running = NULL;

	kc_turn_lock(&endpoint->turn);
	list_for_each_entry(channel, &endpoint->channels, endpoint_node) {
		if (channel->stopping)
			continue;
		channel->stopping = true;
		wake_up_all(&channel->module_wait);
		if (channel->turn == &endpoint->turn) {
			kc_calls_end(channel);
			continue;
		}
		kref_get(&channel->ref);
		running = channel;
		break;
	}
	kc_turn_unlock(&endpoint->turn);
	return running;
}

/*
 * Ends all message handlers and then calls @stop. After this task has had the
 * turn of each channel once, no message handler runs any more: a task that gets
 * a turn later sees @dead. In @stop the module stops its own senders, and may
 * wait there for its own threads, so the threads that wait in kucomms are woken
 * first; these see @dead, too.
 */
void kc_endpoint_stop(struct kucomms_endpoint *endpoint)
{
	struct kucomms_channel *channel;

	wake_up_all(&endpoint->accept_wait);
	while ((channel = client_next_running(endpoint))) {
		kc_turn_lock(channel->turn);
		kc_calls_end(channel);
		kc_turn_unlock(channel->turn);
		kucomms_channel_put(channel);
	}
	kc_turn_lock(&endpoint->turn);
	if (endpoint->ops.stop)
		endpoint->ops.stop(endpoint, endpoint->priv);
	kc_turn_unlock(&endpoint->turn);
}
