/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kucomms for kernel modules: register a name, get messages, send messages.
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
 * (kucomms_reply(): as long as nobody but handlers sends to the channel.)
 *
 *	endpoint = kucomms_register("echo", &ops, NULL);
 *
 * Clients come through /dev/kucomms_NAME, which the administrator creates
 * (`kucommsctl create NAME`), before or after the module registers.
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

/* What a module registers under a name. Lives until kucomms_unregister(). */
struct kucomms_endpoint;

/*
 * One client: one open and attached file of the device. Valid from the
 * beginning of the connect handler to the end of the disconnect handler, and
 * between kucomms_accept() or kucomms_channel_get() and kucomms_channel_put().
 */
struct kucomms_channel;

/*
 * Flags of struct kucomms_ops. No two flags of kucomms have the same bit, so that
 * a flag in the wrong place is refused.
 *
 * KUCOMMS_OPS_SHARED_RECEIVE: data are read where the client wrote them,
 * without a copy. The client may change the bytes meanwhile: read each at most
 * once, and check the copy. The header, with the length, is a private, checked
 * copy all the same.
 *
 * KUCOMMS_OPS_PARALLEL: the message handler is safe per channel: it may run for
 * different channels at the same time, on different CPUs, and at the same time
 * as @work, @timer, @connect and @disconnect of others. For one channel all its
 * handlers are still one after the other.
 *
 * KUCOMMS_OPS_ADJUSTABLE: the administrator may choose another way of dispatch
 * for a device (its attributes dispatch, poll_idle_us and cpus).
 */
#define KUCOMMS_OPS_SHARED_RECEIVE	(1u << 8)
#define KUCOMMS_OPS_PARALLEL		(1u << 9)
#define KUCOMMS_OPS_ADJUSTABLE		(1u << 10)

/*
 * Flags of kucomms_send() and its kin.
 *
 * KUCOMMS_SEND_MORE: more follows at once; the client need not see this message
 * before the next one without the flag. When the device is removed or the
 * endpoint unregistered, the messages that handlers hold back are published;
 * those that a thread of the module holds back are published when that thread
 * sends or flushes.
 */
#define KUCOMMS_SEND_MORE	(1u << 4)

/**
 * enum kucomms_dispatch - where the message handler runs
 * @KUCOMMS_DISPATCH_ADAPTIVE: inside the client's doorbell call: one system
 *                             call for each batch, no switch of context, and
 *                             the CPU time is the client's own
 * @KUCOMMS_DISPATCH_THREAD:   in the endpoint's thread, which sleeps when there
 *                             is nothing to do
 * @KUCOMMS_DISPATCH_POLL:     in the endpoint's thread, which looks all the
 *                             time, so that neither side makes a system call;
 *                             it sleeps when there has been nothing to do for
 *                             a while
 *
 * Handlers need not care: they are never interrupted by one another, may sleep,
 * and whose context they run in is not theirs to use. But what a client costs
 * is charged to itself only where it is adaptive; a thread's time is nobody's,
 * and one that does not know its clients should rather not have one.
 *
 * With KUCOMMS_DISPATCH_ADAPTIVE, a client that the scheduler does not let run
 * in the middle of its turn makes the other clients of the endpoint wait: on
 * kernels before 6.18 a client that has used up its CPU quota does so until its
 * next quota period (cpu.max; 0.1 s by default), with each turn that it gets.
 * If clients must not be able to do that to one another, use
 * KUCOMMS_DISPATCH_THREAD, or KUCOMMS_OPS_PARALLEL.
 */
enum kucomms_dispatch {
	KUCOMMS_DISPATCH_ADAPTIVE,
	KUCOMMS_DISPATCH_THREAD,
	KUCOMMS_DISPATCH_POLL,
};

/**
 * struct kucomms_ops - the handlers of an endpoint; each may be NULL
 * @message:    a client sent a message. @message is a private copy of the
 *              header, @data has message->length bytes (a private copy, too,
 *              unless KUCOMMS_OPS_SHARED_RECEIVE); both are gone after the
 *              return. Return 0: done with it. -EAGAIN: not now; the same
 *              message is delivered again when the client has made room, if
 *              kucomms_send() or kucomms_reserve() found none, and else with
 *              its next doorbell (which does not come while the client itself
 *              sleeps for room: better answer "later" than refuse for long).
 *              Any other error: the channel is broken, the client sees EPROTO,
 *              and none of its messages is handled any more; if only the
 *              request is bad, rather answer so and return 0. Without this
 *              handler the module's own threads take messages with
 *              kucomms_receive(); if they do not, the client finds the ring
 *              full in the end.
 * @work:       called every @work_us microseconds, and after
 *              kucomms_endpoint_wake(). Return true if there is more to do: it
 *              is then called again as soon as others had their turn.
 * @timer:      called every @timer_us microseconds.
 * @connect:    a client attaches; kucomms_channel_cred() says who. Return 0, or
 *              an error that the client gets, and then there will be no
 *              @disconnect. Sending to @channel works; kucomms_broadcast() does
 *              not reach it yet.
 * @disconnect: it has gone, or the endpoint goes. Nobody may use @channel
 *              after this returns, but for those who have a reference, from
 *              kucomms_accept() or kucomms_channel_get().
 * @flags:      KUCOMMS_OPS_SHARED_RECEIVE, KUCOMMS_OPS_PARALLEL,
 *              KUCOMMS_OPS_ADJUSTABLE
 * @dispatch:   where @message runs
 * @threads:    how many threads serve the channels, each channel always the
 *              same one; more than one only with KUCOMMS_OPS_PARALLEL, and
 *              never more than there are CPUs. 0: one
 * @poll_idle_us: with KUCOMMS_DISPATCH_POLL, after how many microseconds
 *              without a message the thread goes to sleep; 0: 1000
 * @cpus:       where the threads may run: all on all of these if there is one
 *              thread, else each on one; copied. NULL: anywhere
 * @work_us:    period of @work, in microseconds; 0: 10000;
 *              KUCOMMS_WORK_ON_DEMAND: no period, so @work is called only after
 *              kucomms_endpoint_wake(), and does not wake the thread otherwise
 * @timer_us:   period of @timer, in microseconds; 0: 1000000
 * @stop:       kucomms_unregister() has been called: stop the module's own
 *              senders (timers, interrupts, works, threads), and wait for their
 *              end, with hrtimer_cancel(), free_irq(), cancel_work_sync(),
 *              kthread_stop(). No @message, @work, @timer, @connect or done()
 *              of a call runs any more (calls have ended with -ESHUTDOWN), so
 *              nobody starts the senders again; all channels are still there,
 *              so what the senders send meanwhile does no harm. Called once
 * @room:       kucomms_send(), or its kin, found no room in the ring towards
 *              @channel, and there is room again: for the message that found
 *              none, or the shortest of several, and mostly an eighth of the
 *              ring. For modules that send by themselves: not called for a
 *              message that @message could not send, since @message itself is
 *              called again. Called once for any number of sends that failed; a
 *              send that fails again has it called again. Other senders may
 *              have used the room first. Send from this handler, or call
 *              kucomms_endpoint_wake(). Allowed only together with @message
 *
 * The handlers of one endpoint never run at the same time (but see
 * KUCOMMS_OPS_PARALLEL). They run in process context, may sleep, and hold the
 * endpoint's turn while they do: other clients wait. They must not call
 * kucomms_unregister(), for whatever endpoint. An adaptive endpoint with
 * neither @work nor @timer has no thread.
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
 *	   hang-up <------------------------------------------ disconnect()
 *	          kucomms_unregister()                         for every channel
 *	          returns
 *
 * For a client that closes its file meanwhile @disconnect is called earlier.
 * The messages that clients send after the last @message stay in their rings,
 * unread.
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
 * kucomms_register() - be the kernel side of /dev/kucomms_@name
 * @name: [a-z0-9_], with or without the prefix "kucomms_"
 * @ops:  the handlers; copied
 * @priv: handed to every handler
 *
 * Handlers may run before this returns, and then find the endpoint with
 * kucomms_channel_endpoint() only. If this fails no handler has run, and @stop
 * is not called. Context: may sleep.
 *
 * Return: the endpoint, or ERR_PTR of -EINVAL (bad name, unknown flag or
 * dispatch, several threads without KUCOMMS_OPS_PARALLEL, no possible CPU in
 * @cpus), -EEXIST (the name is taken), -ENOMEM, -EINTR (killed meanwhile).
 */
#define kucomms_register(name, ops, priv) \
	__kucomms_register(name, ops, priv, THIS_MODULE)

struct kucomms_endpoint *__kucomms_register(const char *name,
					    const struct kucomms_ops *ops,
					    void *priv, struct module *owner);

/**
 * kucomms_unregister() - stop being the kernel side
 * @endpoint: what kucomms_register() returned; NULL and ERR_PTR are ignored
 *
 * Waits for a handler that is running, then calls @stop, where the module stops
 * its own senders (interrupts, timers, threads), then @disconnect for every
 * channel. No handler runs after it has returned. It never waits for user
 * space: clients see a hang-up (POLLHUP, ESHUTDOWN) as soon as @stop has
 * returned.
 *
 * Threads and works of the module that wait in kucomms_accept(),
 * kucomms_receive(), kucomms_reserve(), kucomms_send_wait() or
 * kucomms_call_wait() are woken before @stop is called, and get -ESHUTDOWN; so
 * @stop can wait for them. Nobody may use @endpoint after this has returned: in
 * @stop the module waits for all its threads and works that still use it.
 *
 * A module that is removed without having called this is reported with a
 * warning, and unregistered then. Context: may sleep.
 */
void kucomms_unregister(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_wake() - have the work handler called soon
 * @endpoint: one that has not been unregistered; in handlers, and in timers and
 *            threads that handlers start: what kucomms_channel_endpoint()
 *            returned
 *
 * For an interrupt that leaves work which has to sleep to the handler. The
 * handler runs in the endpoint's thread, as soon as it is its turn, and begins
 * after this call; it may run once for many calls. Does nothing if there is no
 * work handler. Context: any.
 */
void kucomms_endpoint_wake(struct kucomms_endpoint *endpoint);

/**
 * kucomms_send() - send a message to a client
 * @channel: where to
 * @message: header; length, type, id and user are sent, control is ignored
 * @data:    message->length bytes, copied; may be NULL if there are none
 * @flags:   KUCOMMS_SEND_MORE or 0
 *
 * The message is in the client's ring, whole, or not sent at all. A client
 * that sleeps is woken. Context: any but NMI; takes no sleeping lock, so it
 * may be called from hard interrupts and under spinlocks. Any number of
 * callers at a time. Interrupts are off while the data are copied, so long
 * messages are better sent from handlers, with kucomms_reply().
 *
 * Return: 0, or -EAGAIN (no room now), -EMSGSIZE (longer than the ring ever
 * admits, or over netlink than 128 KiB), -EINVAL (unknown flag), -ESHUTDOWN
 * (the channel is closing), -EPROTO (the channel is broken).
 */
int kucomms_send(struct kucomms_channel *channel,
		 const struct kucomms_message *message, const void *data,
		 unsigned int flags);

/**
 * kucomms_reply() - send from a handler
 *
 * Like kucomms_send(), but without taking the channel's lock, for endpoints
 * that send to @channel, and broadcast, from their handlers only (and with
 * KUCOMMS_OPS_PARALLEL to each channel from its own message handler only). If a
 * timer, an interrupt or a thread sends there as well, handlers use
 * kucomms_send(): a kernel with lockdep warns where they do not. A client that
 * sleeps is woken once, when its turn ends; what KUCOMMS_SEND_MORE holds back
 * is then published, too.
 */
int kucomms_reply(struct kucomms_channel *channel,
		  const struct kucomms_message *message,
		  const void *data, unsigned int flags);

/**
 * kucomms_broadcast() - send a message to every client of an endpoint
 *
 * Like kucomms_send() otherwise, and callable from the same contexts.
 *
 * A client does not get the message if its ring is full, which the device's
 * to_user_full counts, or too small for it, or if its channel has come to its
 * end.
 *
 * Clients over netlink that have not asked for broadcasts (those of libkucomms
 * have) are not sent any, nor counted.
 *
 * Return: how many clients got it, at least 1; or -ESRCH (none did), -EINVAL
 * (unknown flag).
 */
int kucomms_broadcast(struct kucomms_endpoint *endpoint,
		      const struct kucomms_message *message, const void *data,
		      unsigned int flags);

/**
 * kucomms_broadcast_topics() - send a message to the clients that have a topic
 * @topics: bits; the message is sent to each client of @endpoint that has one
 *          of them, see kucomms_channel_set_topics()
 *
 * Like kucomms_broadcast() otherwise, and callable from the same contexts. With
 * this an interrupt can send to some of the clients without a list of them, and
 * without a lock. Clients over netlink that have a topic get the message in
 * their channel, whether or not they have asked for broadcasts.
 *
 * Return: how many clients got it, at least 1; or -ESRCH (none did), -EINVAL
 * (unknown flag).
 */
int kucomms_broadcast_topics(struct kucomms_endpoint *endpoint, u32 topics,
			     const struct kucomms_message *message,
			     const void *data, unsigned int flags);

/**
 * kucomms_reserve() - make room for a message, to be written in place
 * @channel: where to
 * @length:  of the data
 * @record:  where to put the pointer: the header, whose length is set and whose
 *           type, id and user are the caller's to write, and right behind it
 *           @length bytes for the data. The client can already read them
 * @timeout: jiffies to wait for room, MAX_SCHEDULE_TIMEOUT: for ever; 0
 *           wherever one cannot sleep, and if the endpoint has a message
 *           handler, whom the client's doorbells are for
 *
 * For one sender at a time, like kucomms_reply(). Several records may be
 * reserved before the first is committed; each must be committed or discarded,
 * in any order: what was reserved later waits behind it.
 *
 * A client may read as fast as the thread sends, and for ever. So unless
 * @timeout is 0 this function looks once per eighth of the ring whether the
 * thread is to end or its process is being killed, even if there is room, and
 * lets other tasks run.
 *
 * Return: 0, or -EAGAIN (no room now), -ETIMEDOUT, -ERESTARTSYS (a signal),
 * -EINTR (the thread is told to stop), -EMSGSIZE, -ESHUTDOWN (the channel is
 * closing, or the endpoint is being unregistered and @timeout is not 0),
 * -EPROTO, -EINVAL (a timeout where there cannot be one).
 */
int kucomms_reserve(struct kucomms_channel *channel, u32 length,
		    struct kucomms_message **record, long timeout);

/**
 * kucomms_commit() - send what has been written into a reserved record
 * @record: as kucomms_reserve() gave it; not to be used any more
 * @flags:  KUCOMMS_SEND_MORE or 0
 */
void kucomms_commit(struct kucomms_channel *channel,
		    struct kucomms_message *record, unsigned int flags);

/** kucomms_discard() - do not send a reserved record after all */
void kucomms_discard(struct kucomms_channel *channel,
		     struct kucomms_message *record);

/** kucomms_flush() - publish what KUCOMMS_SEND_MORE held back, as one sender */
void kucomms_flush(struct kucomms_channel *channel);

/**
 * struct kucomms_call - a message that expects an answer
 * @done: called once, in the channel's turn like a handler: the answer (@err is
 *        0; @answer and @data as for the message handler), or why there is none
 *        (@answer is NULL): -ETIMEDOUT, or -ESHUTDOWN, -EPROTO (the channel has
 *        come to its end; that is before its @disconnect). The call may be
 *        freed or started again there
 * @priv: the caller's own
 *
 * The answer is the first message of the same client that has the id of the
 * request. The id is given by kucomms_call_start(): consecutive numbers from
 * one that is chosen at random for each channel, so that ids that the two sides
 * use otherwise are not in the way. What comes too late, or twice, is counted
 * (late_answers of the device) and not handed to the message handler. A client
 * may answer what it likes, or never: check the answer, and set a timeout.
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
 * kucomms_call_start() - send a message, be called back with the answer
 * @call:       with @done and @priv set; not the caller's any more until @done
 *              is called or kucomms_call_cancel() succeeds
 * @request:    as for kucomms_send(), but that the id is given here
 * @data:       request->length bytes, copied; may be NULL if there are none
 * @timeout_ms: how long to wait for the answer; negative: for ever
 *
 * For any number of calls at a time. Sends, and may be called from everywhere,
 * as kucomms_send(): from handlers and @done as well. @done may have been
 * called before this returns.
 *
 * Return: 0, or what kucomms_send() returns, and then @done is not called;
 * -EINVAL (@done is NULL, the endpoint has no message handler: threads that
 * receive by themselves find the answers by themselves).
 */
int kucomms_call_start(struct kucomms_channel *channel,
		       struct kucomms_call *call,
		       const struct kucomms_message *request, const void *data,
		       int timeout_ms);

/**
 * kucomms_call_cancel() - expect the answer no more
 * @call: one that has been started, now or before, or is all zero
 *
 * Afterwards @done does not run, and will not be called: if it is just running
 * for somebody else, this waits for it. Called in @done itself it does not
 * wait. The channel may have gone. With KUCOMMS_OPS_PARALLEL one @done must not
 * cancel another that might cancel it.
 *
 * Not to be called after kucomms_unregister() has returned: by then every call
 * has ended, and the endpoint may have been freed. Context: may sleep.
 *
 * Return: 0, or -ENOENT (@done has been called, or the call was never started).
 */
int kucomms_call_cancel(struct kucomms_call *call);

/**
 * kucomms_call_wait() - send a message, wait for its answer
 * @request:    as for kucomms_call_start()
 * @data:       request->length bytes
 * @answer:     where to put the answer's header
 * @buffer:     where to put its data
 * @capacity:   of @buffer, in bytes
 * @timeout_ms: how long to wait for the answer; negative: for ever
 *
 * For threads of the module, not for handlers. Does not wait for room. As long
 * as a thread is in here the channel must not go: its @disconnect has to wait
 * for the thread, whose call has come to its end by then. Context: may sleep.
 *
 * Return: 0, or -ENOBUFS (the buffer is too small: answer->length says what it
 * would have taken, its beginning is in @buffer), -ETIMEDOUT, -EINTR (killed,
 * or the thread is told to stop), -ESHUTDOWN (the endpoint is being
 * unregistered), -EDEADLK (called from a handler, for which the answer would
 * have to wait), or what kucomms_call_start() returns or gives to @done.
 */
int kucomms_call_wait(struct kucomms_channel *channel,
		      const struct kucomms_message *request, const void *data,
		      struct kucomms_message *answer, void *buffer,
		      size_t capacity, int timeout_ms);

/*
 * The calls below are for modules that own their threads: their endpoint has no
 * message handler, and a thread does
 *
 *	channel = kucomms_accept(endpoint, MAX_SCHEDULE_TIMEOUT);
 *	while (!kucomms_receive(channel, &message, &data, MAX_SCHEDULE_TIMEOUT)) {
 *		kucomms_send_wait(channel, &message, data, 0, MAX_SCHEDULE_TIMEOUT);
 *		kucomms_release(channel);
 *	}
 *	kucomms_channel_put(channel);
 *
 * All may sleep unless their timeout (in jiffies) is 0, and end with
 * -ERESTARTSYS for a signal, with -EINTR in a kthread that kthread_stop() wants
 * to end, or with -ESHUTDOWN when kucomms_unregister() is called, no matter
 * whether a kthread, a work or a process in a system call of the module waits.
 * @stop waits for these threads to end. A channel is used by one thread that
 * receives and one that sends at a time.
 */

/**
 * kucomms_accept() - wait for a client
 * @endpoint: one without a message handler
 * @timeout:  jiffies, 0: do not wait, MAX_SCHEDULE_TIMEOUT: for ever
 *
 * Gives out every client once, in the order in which they came. Context:
 * process; sleeps unless @timeout is 0.
 *
 * Return: a channel, for kucomms_channel_put(), or ERR_PTR of -EAGAIN,
 * -ETIMEDOUT (nobody came), -ERESTARTSYS, -EINTR, -ESHUTDOWN (the endpoint is
 * being unregistered), -EINVAL (the endpoint has a message handler).
 */
struct kucomms_channel *kucomms_accept(struct kucomms_endpoint *endpoint,
				       long timeout);

/**
 * kucomms_receive() - receive a message from a client
 * @message: where to put the header, a checked copy
 * @data:    where to put a pointer to message->length bytes: a private copy,
 *           good until the next call, or with KUCOMMS_OPS_SHARED_RECEIVE the
 *           bytes in the ring, good until kucomms_release()
 * @timeout: jiffies
 *
 * With KUCOMMS_OPS_SHARED_RECEIVE several messages may be received before they
 * are released together.
 *
 * A client may send faster than the thread receives, and for ever. So once per
 * eighth of the ring this function looks whether the thread is to end or its
 * process is being killed, even if there is a message; and unless the timeout
 * is 0 it then also lets other tasks run.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT (nothing to receive), -ERESTARTSYS, -EINTR,
 * -ESHUTDOWN (the client has gone, and nothing is left; or the endpoint is
 * being unregistered), -EPROTO (the client broke the rules), -EINVAL (the
 * endpoint has a message handler).
 */
int kucomms_receive(struct kucomms_channel *channel,
		    struct kucomms_message *message, const void **data,
		    long timeout);

/**
 * kucomms_release() - give back the room of everything received so far
 *
 * The client is told of the room once per eighth of the ring, and at once when
 * nothing is left to receive and the client waits for room. Context:
 * process; does not sleep.
 */
void kucomms_release(struct kucomms_channel *channel);

/**
 * kucomms_send_wait() - send a message, and wait for room if there is none
 *
 * Like kucomms_reply(), and in addition: -ETIMEDOUT, -ERESTARTSYS,
 * -EINTR.
 */
int kucomms_send_wait(struct kucomms_channel *channel,
		      const struct kucomms_message *message, const void *data,
		      unsigned int flags, long timeout);

/** kucomms_pass() - send an empty message: "your turn" */
static inline int kucomms_pass(struct kucomms_channel *channel, long timeout)
{
	const struct kucomms_message empty = { };

	return kucomms_send_wait(channel, &empty, NULL, 0, timeout);
}

/**
 * kucomms_channel_shutdown() - hang up on one client
 *
 * It sees POLLHUP and ESHUTDOWN when it has read what was sent before, and so
 * do callers here. A message handler that runs now is not called again for this
 * channel. The channel is otherwise as before: @disconnect comes when the
 * client closes.
 *
 * The messages that KUCOMMS_SEND_MORE holds back are published first. Context:
 * any in which the endpoint may send to @channel: any at all if it sends with
 * kucomms_send(), and only the one sender's if it sends without the lock
 * (kucomms_reply(), kucomms_commit(), kucomms_send_wait()).
 */
void kucomms_channel_shutdown(struct kucomms_channel *channel);

/**
 * kucomms_channel_get() - keep a channel beyond its handlers
 *
 * For a timer, an interrupt or a thread that sends to one client: take a
 * reference in a handler, send with kucomms_send() as long as you like, give
 * the reference back with kucomms_channel_put(). When the client has gone, or
 * the endpoint has been unregistered, sending fails with -ESHUTDOWN. The
 * reference does not keep the data that the module itself has for the client:
 * kucomms_channel_priv() returns whatever @disconnect has left there.
 *
 * May be called in the channel's handlers, or by a caller that already has a
 * reference. A connect handler that returns an error gives back the references
 * that it has taken. All references must be given back before the module goes:
 * do that in @stop, which waits for the senders. Context: any but NMI.
 *
 * Return: @channel.
 */
struct kucomms_channel *kucomms_channel_get(struct kucomms_channel *channel);

/**
 * kucomms_channel_put() - give a reference to a channel back
 * @channel: from kucomms_accept() or kucomms_channel_get(); NULL is ignored
 *
 * Context: any but NMI; frees nothing itself.
 */
void kucomms_channel_put(struct kucomms_channel *channel);

/**
 * kucomms_channel_set_topics() - set the topics that a client is sent
 * @topics: bits, whose meaning the module defines, for
 *          kucomms_broadcast_topics(); 0 at first
 *
 * A broadcast that another CPU is just sending goes by the old topics or by the
 * new ones. Context: any.
 */
void kucomms_channel_set_topics(struct kucomms_channel *channel, u32 topics);

/** kucomms_channel_topics() - what kucomms_channel_set_topics() has said */
u32 kucomms_channel_topics(const struct kucomms_channel *channel);

/**
 * kucomms_channel_endpoint() - whose channel this is
 *
 * Return: what kucomms_register() returned or will return. Context: any.
 */
struct kucomms_endpoint *
kucomms_channel_endpoint(const struct kucomms_channel *channel);

/**
 * kucomms_channel_number() - which of its device's channels this is
 *
 * Return: a number that no other channel of the device has at the same time;
 * 0 upwards, lowest first. Context: any.
 */
unsigned int kucomms_channel_number(const struct kucomms_channel *channel);

/**
 * kucomms_channel_length_max() - the longest message that a client can be sent
 *
 * Return: bytes of data; kucomms_send() never admits more. Context: any.
 */
u32 kucomms_channel_length_max(const struct kucomms_channel *channel);

/**
 * struct kucomms_space - the rings of a channel, in bytes
 * @in_size:  of the ring that the client sends in, as the client chose it
 * @out_size: of the ring towards the client, likewise
 * @used: bytes of the latter in messages that the client has not released yet,
 *        as far as the kernel knows: the client tells of what it has released
 *        only after an eighth of the ring, or when it has read all
 * @free: the other bytes of the latter; a message takes the length of its data,
 *        and 32 bytes for the header, rounded up to a multiple of 32
 */
struct kucomms_space {
	u32 in_size;
	u32 out_size;
	u32 used;
	u32 free;
};

/**
 * kucomms_channel_get_space() - tell how large the rings are, and how full
 *
 * For @connect, which may refuse a client whose rings do not suit, and for
 * senders that would rather send less than find a full ring. Other senders may
 * send, and the client may read, meanwhile. Context: any.
 */
void kucomms_channel_get_space(const struct kucomms_channel *channel,
			       struct kucomms_space *space);

/**
 * kucomms_channel_cred() - who opened the device
 *
 * Of the process that opened it, when it did: the right to use a descriptor can
 * be passed on, and this is whose right it is.
 *
 * Return: credentials that live as long as the channel. Context: any.
 */
const struct cred *kucomms_channel_cred(const struct kucomms_channel *channel);

/**
 * kucomms_channel_pid() - the process that attached
 *
 * Return: a struct pid that lives as long as the channel; the process may have
 * ended. Context: any.
 */
struct pid *kucomms_channel_pid(const struct kucomms_channel *channel);

/* How a client's messages come. */
enum kucomms_transport {
	KUCOMMS_TRANSPORT_KERNEL,	/* shared memory, through the device */
	KUCOMMS_TRANSPORT_FILE,		/* read() and write() on the device */
	KUCOMMS_TRANSPORT_NETLINK,	/* datagrams of netlink */
};

/**
 * kucomms_channel_transport() - how this client's messages come
 *
 * No handler needs to know: all do the same. Context: any.
 */
enum kucomms_transport
kucomms_channel_transport(const struct kucomms_channel *channel);

/**
 * kucomms_channel_set_priv() - remember something with a channel
 *
 * The pointer is the module's own, NULL at first. Set it in @connect, free what
 * it points to in @disconnect. Context: any; the module orders its own
 * accesses.
 */
void kucomms_channel_set_priv(struct kucomms_channel *channel, void *priv);

/* What every channel begins with; for the next function only. */
struct kucomms_channel_head {
	void *priv;
};

/** kucomms_channel_priv() - what kucomms_channel_set_priv() remembered */
static inline void *kucomms_channel_priv(const struct kucomms_channel *channel)
{
	return READ_ONCE(((const struct kucomms_channel_head *)channel)->priv);
}

#endif /* KUCOMMS_MODULE_H */
