/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kucomms for kernel modules: a module registers a name and handlers, and sends
 * and receives messages.
 *
 *	static int echo(struct kucomms_channel *channel,
 *			const struct kucomms_message *message,
 *			const void *data, void *priv)
 *	{
 *		return kucomms_reply(channel, message, data, 0);
 *	}
 *
 *	static const struct kucomms_ops ops = { .message = echo };
 *
 *	endpoint = kucomms_register("echo", &ops, NULL);
 *
 * kucomms_reply() is for channels to which only handlers send. Clients come
 * through /dev/kucomms_NAME, which the administrator creates, before or after
 * the module registers, with `kucommsctl create NAME`.
 */
#ifndef KUCOMMS_MODULE_H
#define KUCOMMS_MODULE_H

#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/timerqueue.h>
#include <linux/types.h>
#include <kucomms/abi.h>

struct cpumask;
struct cred;
struct pid;

/* What a module registers under a name; it lives until kucomms_unregister(). */
struct kucomms_endpoint;

/*
 * A client: one open and attached file of the device. A channel is valid from
 * the beginning of the connect handler to the end of the disconnect handler,
 * and between kucomms_accept() or kucomms_channel_get() and
 * kucomms_channel_put().
 */
struct kucomms_channel;

/*
 * Flags of struct kucomms_ops. No two flags of kucomms have the same bit, so
 * that a flag in the wrong place is refused.
 *
 * KUCOMMS_OPS_SHARED_RECEIVE: the message handler gets the data where the
 * client wrote them, without a copy. The client may change the bytes at any
 * time, so the handler reads each byte once and checks what it has read. The
 * header is a private copy that has been checked.
 *
 * KUCOMMS_OPS_PARALLEL: the message handler may run for different channels at
 * the same time, on different CPUs, and at the same time as @work and @timer,
 * and as @connect and @disconnect of other channels. The handlers of one
 * channel still run one after the other.
 *
 * KUCOMMS_OPS_ADJUSTABLE: the administrator may choose another way of dispatch
 * for a device (its attributes dispatch, poll_idle_us and cpus).
 */
#define KUCOMMS_OPS_SHARED_RECEIVE	(1u << 8)
#define KUCOMMS_OPS_PARALLEL		(1u << 9)
#define KUCOMMS_OPS_ADJUSTABLE		(1u << 10)

/*
 * Flag of kucomms_send(), kucomms_reply(), kucomms_commit() and the broadcasts.
 *
 * KUCOMMS_SEND_MORE: the publication of the message waits for the next one
 * without the flag. When the device is removed or the endpoint unregistered,
 * delayed messages of handlers are published; those of a thread of the module
 * are published when that thread sends or flushes.
 */
#define KUCOMMS_SEND_MORE	(1u << 0)

/**
 * enum kucomms_dispatch - where the message handler runs
 * @KUCOMMS_DISPATCH_ADAPTIVE: inside the client's doorbell call: one system
 *                             call for each batch, no switch of context, and
 *                             the client is charged for the CPU time
 * @KUCOMMS_DISPATCH_THREAD:   in the endpoint's thread, which sleeps when there
 *                             is nothing to do
 * @KUCOMMS_DISPATCH_POLL:     in the endpoint's thread, which polls the rings,
 *                             so that neither side makes a system call; it
 *                             sleeps after @poll_idle_us without a message
 * @KUCOMMS_DISPATCH_DEFAULT:  the module's choice, as a choice of the device's
 *                             administrator; invalid in struct kucomms_ops
 *
 * Handlers are the same for all three: one at a time runs, it may sleep, and it
 * must not depend on the process in whose context it runs. Only an adaptive
 * endpoint charges a client for the CPU time that its messages take; with a
 * thread an unknown client can use CPU time without limit.
 *
 * With KUCOMMS_DISPATCH_ADAPTIVE, a client that the scheduler does not run in
 * the middle of its turn makes the other clients of the endpoint wait: on
 * kernels before 6.18 a client that has used up its CPU quota does so until its
 * next quota period (cpu.max; 0.1 s by default), in each of its turns. An
 * endpoint whose clients must not delay one another uses
 * KUCOMMS_DISPATCH_THREAD or KUCOMMS_OPS_PARALLEL.
 */
enum kucomms_dispatch {
	KUCOMMS_DISPATCH_ADAPTIVE,
	KUCOMMS_DISPATCH_THREAD,
	KUCOMMS_DISPATCH_POLL,
	KUCOMMS_DISPATCH_DEFAULT,
};

/**
 * struct kucomms_ops - the handlers of an endpoint; each may be NULL
 * @message:    called when a client has sent a message. @message is a private
 *              copy of the header, @data has message->length bytes (a private
 *              copy, too, unless KUCOMMS_OPS_SHARED_RECEIVE is set); both are
 *              valid until the handler returns. It returns 0 if it is done with
 *              the message; -EAGAIN to get the same message again, when the
 *              client has made room if kucomms_send() or kucomms_reserve()
 *              found none, and otherwise with the client's next doorbell, which
 *              the client does not ring while it sleeps for room, so that a
 *              handler should not refuse for long. Any other error breaks the
 *              channel: the client gets EPROTO, and no message of it is handled
 *              any more; to an invalid request the handler rather sends an
 *              answer. Without this handler threads of the module take the
 *              messages with kucomms_receive().
 * @work:       called every @work_us microseconds, and after
 *              kucomms_endpoint_wake(). It returns true if there is more to do,
 *              and is called again after the other handlers.
 * @timer:      called every @timer_us microseconds.
 * @connect:    called when a client attaches; kucomms_channel_cred() tells its
 *              user. It may send to @channel, which kucomms_broadcast() does
 *              not reach yet. It returns 0, or an error, which the client gets;
 *              then @disconnect is not called.
 * @disconnect: called when the client has gone or the endpoint is unregistered.
 *              The channel has been hung up before: for this client,
 *              kucomms_receive(), kucomms_reserve() and all that send fail with
 *              -ESHUTDOWN, also in threads of the module that wait there. So
 *              this handler may wait for the end of such a thread or work, with
 *              kthread_stop() or cancel_work_sync().
 *              When it has returned, only holders of a reference, from
 *              kucomms_accept() or kucomms_channel_get(), may use @channel.
 * @flags:      KUCOMMS_OPS_SHARED_RECEIVE, KUCOMMS_OPS_PARALLEL,
 *              KUCOMMS_OPS_ADJUSTABLE
 * @dispatch:   where @message runs
 * @threads:    number of threads that serve the channels, each channel always
 *              by the same thread; more than one only with
 *              KUCOMMS_OPS_PARALLEL, and never more than there are CPUs. 0: one
 * @poll_idle_us: with KUCOMMS_DISPATCH_POLL, microseconds without a message
 *              after which the thread goes to sleep; 0: 1000
 * @cpus:       CPUs on which the threads may run: a single thread on all of
 *              them, several threads on one each; copied. NULL: any CPU
 * @work_us:    period of @work, in microseconds; 0: 10000;
 *              KUCOMMS_WORK_ON_DEMAND: no period, so @work is called only after
 *              kucomms_endpoint_wake(), and does not wake the thread otherwise
 * @timer_us:   period of @timer, in microseconds; 0: 1000000
 * @stop:       called once, by kucomms_unregister(), when no @message, @work,
 *              @timer, @connect or done() of a call runs any more (calls have
 *              ended with -ESHUTDOWN). It stops the module's own senders
 *              (timers, interrupts, works, threads) and waits for their end,
 *              with hrtimer_cancel(), free_irq(), cancel_work_sync(),
 *              kthread_stop(). All channels are still valid, so the senders may
 *              send until they end, and no handler starts them again.
 * @room:       called when a message that was sent to @channel has found no
 *              room, and there is room for it now (for the shortest, if there
 *              were several), usually an eighth of the ring; another sender may
 *              use the room first. It is called once for any number of such
 *              messages, and again if one of them finds no room again, but not
 *              for a message that @message could not send, since @message is
 *              called again. It may send, or call kucomms_endpoint_wake(). It
 *              is for modules that send by themselves, and needs @message
 *
 * The handlers of one endpoint never run at the same time, except with
 * KUCOMMS_OPS_PARALLEL. They run in process context and may sleep; the other
 * clients of the endpoint wait meanwhile. They must not call
 * kucomms_unregister() for any endpoint. An adaptive endpoint with neither
 * @work nor @timer has no thread.
 *
 * The end of an endpoint, all of it inside kucomms_unregister():
 *
 *	clients may send          the module may send          handlers
 *	      |                           |              message work timer
 *	      |                           |              connect disconnect
 *	      |   kucomms_unregister()    |                    |
 *	      |   begins ------------------------------------> the last ones end
 *	      |   waits of the module     |
 *	      |   end: -ESHUTDOWN         |
 *	      |                      its senders <------------ stop()
 *	      |                      end                         |
 *	   hang-up <------------------------------------------ for every channel
 *	          kucomms_unregister()                         disconnect()
 *	          returns
 *
 * If a client closes its file in between, its @disconnect is called earlier.
 * Messages that clients send after the last @message stay unread in their
 * rings.
 */
struct kucomms_ops {
	int (*message)(struct kucomms_channel *channel,
		       const struct kucomms_message *message,
		       const void *data, void *priv);
	bool (*work)(struct kucomms_endpoint *endpoint, void *priv);
	void (*timer)(struct kucomms_endpoint *endpoint, void *priv);
	int (*connect)(struct kucomms_channel *channel, void *priv);
	void (*disconnect)(struct kucomms_channel *channel, void *priv);
	unsigned int flags;
	enum kucomms_dispatch dispatch;
	unsigned int threads;
	unsigned int poll_idle_us;
	const struct cpumask *cpus;
	void (*stop)(struct kucomms_endpoint *endpoint, void *priv);
	unsigned int work_us;
	unsigned int timer_us;
	void (*room)(struct kucomms_channel *channel, void *priv);
};

/* Value of work_us in struct kucomms_ops: @work has no period. */
#define KUCOMMS_WORK_ON_DEMAND	(~0u)

/**
 * kucomms_register() - becomes the kernel side of /dev/kucomms_@name
 * @name: [a-z0-9_], with or without the prefix "kucomms_"
 * @ops:  the handlers, copied
 * @priv: argument of every handler
 *
 * Handlers may run before the function returns; they get the endpoint from
 * kucomms_channel_endpoint(). If it fails, no handler has run, and @stop is not
 * called. Context: may sleep.
 *
 * Return: the endpoint, or ERR_PTR of -EINVAL (bad name, unknown flag or
 * dispatch, several threads without KUCOMMS_OPS_PARALLEL, no possible CPU in
 * @cpus), -EEXIST (the name is taken), -ENOMEM, -EINTR (the process was
 * killed).
 */
#define kucomms_register(name, ops, priv) \
	__kucomms_register(name, ops, priv, THIS_MODULE)

struct kucomms_endpoint *__kucomms_register(const char *name,
					    const struct kucomms_ops *ops,
					    void *priv, struct module *owner);

/**
 * kucomms_unregister() - ends an endpoint
 * @endpoint: endpoint of kucomms_register(); NULL and ERR_PTR are ignored
 *
 * The function waits for a handler that is running, then calls @stop, where the
 * module stops its own senders (interrupts, timers, threads), then @disconnect
 * for every channel. No handler runs after it has returned. It never waits for
 * user space: clients get a hang-up (POLLHUP, ESHUTDOWN) as soon as @stop has
 * returned.
 *
 * Threads and works of the module that wait in kucomms_accept(),
 * kucomms_receive(), kucomms_reserve(), kucomms_send() or
 * kucomms_call_wait() are woken before @stop is called, and get -ESHUTDOWN; so
 * @stop can wait for them. No code may use @endpoint after the function has
 * returned: in @stop the module waits for all its threads and works that use
 * it.
 *
 * If a module is removed without a call of this function, kucomms warns and
 * unregisters its endpoints. Context: may sleep.
 */
void kucomms_unregister(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_wake() - has the work handler called
 * @endpoint: endpoint that has not been unregistered; handlers, and timers and
 *            threads that handlers start, get it from
 *            kucomms_channel_endpoint()
 *
 * An interrupt thus leaves work that may sleep to the handler, which runs in
 * the endpoint's thread, begins after this call, and may run once for many
 * calls. Without a work handler the function does nothing. Context: any.
 */
void kucomms_endpoint_wake(struct kucomms_endpoint *endpoint);

/**
 * kucomms_send() - sends a message to a client
 * @channel:    channel of the client
 * @message:    header: length, type, id and user are sent; control is ignored
 * @data:       message->length bytes, copied; may be NULL if there are none
 * @flags:      KUCOMMS_SEND_MORE or 0
 * @timeout_ms: how many milliseconds to wait for room; 0: not at all; -1: for
 *              ever. It is 0 where the caller must not sleep, and if the
 *              endpoint has a message handler
 *
 * The message is sent whole or not at all. A client that sleeps is woken. Any
 * number of callers may send at a time, of which one may wait. Interrupts are
 * off while the data are copied, so handlers send long messages with
 * kucomms_reply(). Context: any but NMI. With a timeout of 0 it does not sleep,
 * so hard interrupts and holders of spinlocks may call it.
 *
 * A client may read as fast as a thread sends, without end. So unless
 * @timeout_ms is 0, the function checks after each eighth of the ring whether
 * the thread is to stop or its process was killed, even if there is room, and
 * lets other tasks run.
 *
 * Return: 0, or -EAGAIN (there is no room), -ETIMEDOUT, -ERESTARTSYS (a
 * signal), -EINTR (the thread is to stop), -EMSGSIZE (longer than
 * kucomms_channel_length_max()), -EINVAL (unknown flag), -EDEADLK (there is no
 * room, and the endpoint has a message handler, so it cannot wait), -ESHUTDOWN
 * (the channel has ended, or the endpoint is being unregistered and @timeout_ms
 * is not 0), -EPROTO (the channel is broken).
 */
int kucomms_send(struct kucomms_channel *channel,
		 const struct kucomms_message *message, const void *data,
		 unsigned int flags, int timeout_ms);

/**
 * kucomms_reply() - sends a message from a handler
 *
 * It neither waits nor takes the lock of kucomms_send(): it is for endpoints
 * that send to @channel, and broadcast, from their handlers only (with
 * KUCOMMS_OPS_PARALLEL only from the message handler of the channel itself). If
 * a timer, an interrupt or a thread sends to the channel, too, handlers call
 * kucomms_send(); a kernel with lockdep warns if they do not. A client that
 * sleeps is woken once, when its turn ends; messages that KUCOMMS_SEND_MORE
 * delayed are published then, too.
 */
int kucomms_reply(struct kucomms_channel *channel,
		  const struct kucomms_message *message,
		  const void *data, unsigned int flags);

/**
 * kucomms_broadcast() - sends a message to every client of an endpoint
 *
 * A client is left out if its ring is full, which the device counts in
 * to_user_full, or too small for the message, or if its channel has ended.
 * Clients over netlink that have not asked for broadcasts (those of libkucomms
 * have) get none and are not counted. Context: as for kucomms_send().
 *
 * Return: the number of clients that got the message, at least 1; or -ESRCH (no
 * client did), -EINVAL (unknown flag).
 */
int kucomms_broadcast(struct kucomms_endpoint *endpoint,
		      const struct kucomms_message *message, const void *data,
		      unsigned int flags);

/**
 * kucomms_broadcast_topics() - sends a message to the clients that have a topic
 * @topics: bits; each client of @endpoint that has one of them gets the
 *          message, see kucomms_channel_set_topics()
 *
 * It is kucomms_broadcast() for some of the clients, so that an interrupt needs
 * neither a list of them nor a lock. Clients over netlink that have a topic get
 * the message in their channel, whether or not they have asked for broadcasts.
 * Context: as for kucomms_send().
 *
 * Return: the number of clients that got the message, at least 1; or -ESRCH (no
 * client did), -EINVAL (unknown flag).
 */
int kucomms_broadcast_topics(struct kucomms_endpoint *endpoint, u32 topics,
			     const struct kucomms_message *message,
			     const void *data, unsigned int flags);

/**
 * kucomms_reserve() - makes room for a message that is written in place
 * @channel:    channel of the client
 * @length:     bytes of data
 * @record:     where to store a pointer to the header, in which the length is
 *              set and the caller writes type, id and user; @length bytes for
 *              the data follow it. The client can read all of it at once
 * @timeout_ms: how many milliseconds to wait for room, as for kucomms_send()
 *
 * One sender at a time may use the channel, as with kucomms_reply(). Several
 * records may be reserved before the first is committed. Each must be committed
 * or discarded, in any order: those that were reserved later wait for it.
 *
 * While the sender is in this function, or has a record that is neither
 * committed nor discarded, no other code may send to @channel, not even with
 * kucomms_send() or kucomms_broadcast(), whose lock this function does not
 * take. Lockdep cannot warn of that if the endpoint has no message handler,
 * since only the module knows how its threads take turns.
 *
 * Return: as kucomms_send(), except -EINVAL.
 */
int kucomms_reserve(struct kucomms_channel *channel, u32 length,
		    struct kucomms_message **record, int timeout_ms);

/**
 * kucomms_commit() - sends a record
 * @record: pointer of kucomms_reserve(), which becomes invalid
 * @flags:  KUCOMMS_SEND_MORE or 0
 *
 * Return: 0, or -EINVAL (unknown flag; the record is still reserved).
 */
int kucomms_commit(struct kucomms_channel *channel,
		   struct kucomms_message *record, unsigned int flags);

/** kucomms_discard() - gives up a record; returns 0 */
int kucomms_discard(struct kucomms_channel *channel,
		    struct kucomms_message *record);

/**
 * kucomms_flush() - publishes messages that KUCOMMS_SEND_MORE has delayed
 *
 * Only the sender of the channel may call it. Return: 0.
 */
int kucomms_flush(struct kucomms_channel *channel);

/**
 * struct kucomms_call - a message that expects an answer
 * @done: called once, in the channel's turn like a handler, with the answer
 *        (@err is 0, and @answer and @data are as for the message handler), or
 *        with the reason why there is none (@answer is NULL, and @err is
 *        -ETIMEDOUT, or, if the channel has ended, -ESHUTDOWN or -EPROTO; then
 *        it is called before @disconnect). It may free the call or start it
 *        again
 * @priv: pointer of the caller
 *
 * The answer is the first message of the same client that has the id of the
 * request. kucomms_call_start() chooses the ids: consecutive numbers from a
 * random one for each channel, so that other ids that the two sides use are
 * unlikely to be among them. An answer that comes too late, or twice, is
 * counted in late_answers of the device and dropped. A client may send any
 * answer, or none: the module checks the answer, and sets a timeout.
 */
struct kucomms_call {
	void (*done)(struct kucomms_call *call, int err,
		     const struct kucomms_message *answer, const void *data);
	void *priv;

	/* private: */
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	u64 number;
	struct rb_node by_number;
	struct timerqueue_node deadline;
};

/**
 * kucomms_call_start() - sends a message, and calls back with the answer
 * @call:       call with @done and @priv set, which kucomms owns until it calls
 *              @done or kucomms_call_cancel() succeeds
 * @request:    header as for kucomms_send(), except that the function sets the
 *              id
 * @data:       request->length bytes, copied; may be NULL if there are none
 * @timeout_ms: how many milliseconds to wait for the answer; negative: for ever
 *
 * Any number of calls may be in flight. @done may be called before the function
 * returns. Context: as for kucomms_send(), handlers and @done included.
 *
 * Return: 0, or an error of kucomms_send(), or -EINVAL (@done is NULL, or the
 * endpoint has no message handler, so that the module's threads receive the
 * answers); after an error @done is not called.
 */
int kucomms_call_start(struct kucomms_channel *channel,
		       struct kucomms_call *call,
		       const struct kucomms_message *request, const void *data,
		       int timeout_ms);

/**
 * kucomms_call_cancel() - makes sure that @done is not called any more
 * @call: call that has been started at some time, or that is zeroed
 *
 * If @done runs on another CPU or in another thread, the function waits until
 * it has returned; called by @done itself, it does not wait. The channel may
 * have ended. With KUCOMMS_OPS_PARALLEL, two functions @done must not cancel
 * each other's call.
 *
 * The function must not be called after kucomms_unregister() has returned: then
 * all calls have ended, and the endpoint may have been freed. Context: may
 * sleep.
 *
 * Return: 0, or -ENOENT (@done has been called, or the call was never started).
 */
int kucomms_call_cancel(struct kucomms_call *call);

/**
 * kucomms_call_wait() - sends a message and waits for its answer
 * @request:    header as for kucomms_call_start()
 * @data:       request->length bytes, copied; may be NULL if there are none
 * @answer:     where to store the answer's header
 * @buffer:     where to store its data
 * @capacity:   size of @buffer, in bytes
 * @timeout_ms: how many milliseconds to wait for the answer; negative: for ever
 *
 * Threads of the module call it, not handlers. It does not wait for room. The
 * channel must stay valid during the call: the channel's @disconnect waits for
 * the thread, whose call has ended by then. Context: may sleep.
 *
 * Return: 0, or -ENOBUFS (the data have answer->length bytes, more than
 * @capacity; @buffer has the first of them), -ETIMEDOUT, -EINTR (the process
 * was killed, or the thread is to stop), -ESHUTDOWN (the endpoint is being
 * unregistered), -EDEADLK (a handler called the function), or an error of
 * kucomms_call_start() or @done.
 */
int kucomms_call_wait(struct kucomms_channel *channel,
		      const struct kucomms_message *request, const void *data,
		      struct kucomms_message *answer, void *buffer,
		      size_t capacity, int timeout_ms);

/*
 * The functions below are for modules with threads of their own: the endpoint
 * has no message handler, and a thread runs
 *
 *	kucomms_accept(endpoint, &channel, -1);
 *	while (!kucomms_receive(channel, &message, &data, -1)) {
 *		kucomms_send(channel, &message, data, 0, -1);
 *		kucomms_release(channel);
 *	}
 *	kucomms_channel_put(channel);
 *
 * These functions, kucomms_send() and kucomms_reserve() sleep unless their
 * timeout is 0. A kthread, a work, or a process in a system call of the module
 * that waits in one of them gets -ERESTARTSYS for a signal, -EINTR if
 * kthread_stop() has been called for it, and -ESHUTDOWN when
 * kucomms_unregister() is called. @stop waits for these threads to end. One
 * thread at a time may receive from a channel, and one may send to it.
 */

/**
 * kucomms_accept() - waits for a client
 * @endpoint:   endpoint without a message handler
 * @channel:    where to store the channel, with a reference that the caller
 *              drops with kucomms_channel_put()
 * @timeout_ms: how many milliseconds to wait; 0: not at all; -1: for ever
 *
 * Each client is given out once, in the order in which they attached. Context:
 * process; sleeps unless @timeout_ms is 0.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT (no client attached), -ERESTARTSYS, -EINTR,
 * -ESHUTDOWN (the endpoint is being unregistered), -EINVAL (the endpoint has a
 * message handler).
 */
int kucomms_accept(struct kucomms_endpoint *endpoint,
		   struct kucomms_channel **channel, int timeout_ms);

/**
 * kucomms_receive() - receives a message from a client
 * @message:    where to store the header, a private copy that has been checked
 * @data:       where to store a pointer to message->length bytes: a private
 *              copy, valid until the next call; or, with
 *              KUCOMMS_OPS_SHARED_RECEIVE, the bytes in the ring, valid until
 *              kucomms_release()
 * @timeout_ms: how many milliseconds to wait; 0: not at all; -1: for ever
 *
 * With KUCOMMS_OPS_SHARED_RECEIVE several messages may be received before they
 * are released.
 *
 * A client may send faster than the thread receives, without end. So after each
 * eighth of the ring the function checks whether the thread is to stop or its
 * process was killed, even if there is a message; unless @timeout_ms is 0, it
 * also lets other tasks run.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT (there is no message), -ERESTARTSYS,
 * -EINTR, -ESHUTDOWN (the client has gone and no message is left, or the
 * endpoint is being unregistered), -EPROTO (the client violated the protocol),
 * -EINVAL (the endpoint has a message handler).
 */
int kucomms_receive(struct kucomms_channel *channel,
		    struct kucomms_message *message, const void **data,
		    int timeout_ms);

/**
 * kucomms_release() - gives back the room of all messages received so far
 *
 * The room is published after an eighth of the ring, and at once when no
 * message is left and the client waits for room. Context: process; does not
 * sleep.
 */
void kucomms_release(struct kucomms_channel *channel);

/**
 * kucomms_channel_shutdown() - hangs up on one client
 *
 * The client gets POLLHUP and ESHUTDOWN when it has read the messages that were
 * sent before, and callers in the kernel get -ESHUTDOWN. A message handler that
 * runs is not called again for this channel. The channel stays valid until the
 * client closes it and @disconnect is called.
 *
 * Messages that KUCOMMS_SEND_MORE delayed are published first. Context: any in
 * which the endpoint may send to @channel: any at all if it sends with
 * kucomms_send(), and only that of the sender if it sends without the lock
 * (kucomms_reply(), kucomms_commit()).
 */
void kucomms_channel_shutdown(struct kucomms_channel *channel);

/**
 * kucomms_channel_get() - takes a reference, so that a channel is not freed
 *
 * With a reference, which a handler takes and kucomms_channel_put() drops, a
 * timer, an interrupt or a thread can send to a client. When the client has
 * gone, or the endpoint has been unregistered, sending fails with -ESHUTDOWN.
 * The reference does not keep the data that the module itself has for the
 * client: kucomms_channel_priv() returns the pointer that @disconnect has left
 * there.
 *
 * The caller is a handler of the channel, or has a reference. A connect handler
 * that returns an error drops the references that it has taken. All references
 * must be dropped before the module is removed: @stop does that, after the
 * senders have ended. Context: any but NMI.
 *
 * Return: @channel.
 */
struct kucomms_channel *kucomms_channel_get(struct kucomms_channel *channel);

/**
 * kucomms_channel_put() - drops a reference to a channel
 * @channel: from kucomms_accept() or kucomms_channel_get(); NULL is ignored
 *
 * Context: any but NMI.
 */
void kucomms_channel_put(struct kucomms_channel *channel);

/**
 * kucomms_channel_set_topics() - sets the topics of a client
 * @topics: bits for kucomms_broadcast_topics(), whose meaning the module
 *          defines; 0 at first
 *
 * A broadcast that another CPU is sending uses the old topics or the new ones.
 * Context: any.
 */
void kucomms_channel_set_topics(struct kucomms_channel *channel, u32 topics);

/** kucomms_channel_topics() - returns the topics of a client */
u32 kucomms_channel_topics(const struct kucomms_channel *channel);

/**
 * kucomms_channel_endpoint() - returns the channel's endpoint
 *
 * It is the one that kucomms_register() has returned or will return. Context:
 * any.
 */
struct kucomms_endpoint *
kucomms_channel_endpoint(const struct kucomms_channel *channel);

/**
 * kucomms_channel_number() - returns the channel's number on its device
 *
 * No other channel of the device has the number at the same time; the lowest
 * free one, from 0, is given first. Context: any.
 */
unsigned int kucomms_channel_number(const struct kucomms_channel *channel);

/**
 * kucomms_channel_length_max() - returns how many bytes a message may have
 *
 * Context: any.
 */
u32 kucomms_channel_length_max(const struct kucomms_channel *channel);

/**
 * struct kucomms_space - the rings of a channel, in bytes
 * @in_size:  size of the ring that the client sends in
 * @out_size: size of the ring towards the client
 * @used: bytes of that ring in messages that the client has not released, as
 *        far as the kernel knows: the client publishes what it has released
 *        only after an eighth of the ring, or when it has read all messages
 * @free: @out_size less @used; a message takes the length of its data and 32
 *        bytes for the header, rounded up to a multiple of 32
 * @reserved: 0
 */
struct kucomms_space {
	u32 in_size;
	u32 out_size;
	u32 used;
	u32 free;
	u32 reserved[4];
};

/**
 * kucomms_channel_get_space() - tells how large the rings are, and how full
 *
 * A connect handler can refuse a client whose rings do not suit, and a sender
 * can send less before the ring is full. Other senders may send, and the client
 * may read, at the same time. Context: any.
 */
void kucomms_channel_get_space(const struct kucomms_channel *channel,
			       struct kucomms_space *space);

/**
 * kucomms_channel_cred() - returns the credentials of the client
 *
 * They are those of the process that opened the device, at that time, even if
 * it has passed the descriptor to another process. They live as long as the
 * channel. Context: any.
 */
const struct cred *kucomms_channel_cred(const struct kucomms_channel *channel);

/**
 * kucomms_channel_pid() - returns the process that attached
 *
 * The struct pid lives as long as the channel; the process may have ended.
 * Context: any.
 */
struct pid *kucomms_channel_pid(const struct kucomms_channel *channel);

/**
 * kucomms_channel_set_priv() - stores a pointer of the module with the channel
 *
 * The pointer is NULL at first. @connect is the place to set it, @disconnect
 * the place to free what it points to. Context: any; the module orders its
 * accesses.
 */
void kucomms_channel_set_priv(struct kucomms_channel *channel, void *priv);

/* First members of every channel; only kucomms_channel_priv() uses it. */
struct kucomms_channel_head {
	void *priv;
};

/** kucomms_channel_priv() - returns the pointer that was stored last */
static inline void *kucomms_channel_priv(const struct kucomms_channel *channel)
{
	return READ_ONCE(((const struct kucomms_channel_head *)channel)->priv);
}

#endif /* KUCOMMS_MODULE_H */
