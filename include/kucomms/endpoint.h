/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: handlers, the channels whose messages they get, and the one thread
 * that calls them.
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
 *	kucomms_endpoint_create(&ops, NULL, NULL, &endpoint);
 *	kucomms_endpoint_listen(endpoint, "process:echo", NULL);
 *	kucomms_endpoint_start(endpoint);
 *
 * The handlers are what a kernel module has (module.h), so the same source can
 * be either: include handler.h there.
 *
 * Threads: the handlers of one endpoint never run at the same time, and all run
 * in the thread that kucomms_endpoint_start() starts, or that calls
 * kucomms_endpoint_run() or _dispatch(). All functions here may be called from
 * any thread, handlers included, unless they say otherwise. What functions of
 * kucomms.h do with a channel that an endpoint has:
 *
 *	send			from any thread, any number at a time; may wait for
 *				room, but not in a handler (-EDEADLK)
 *	reply			from handlers only, and only if nobody uses send or
 *				broadcast meanwhile: without a lock
 *	reserve, commit,	like reply, and do not wait
 *	discard, flush
 *	receive, release	not at all: the message handler gets all messages
 *	shutdown		from any thread
 *
 * What handlers send with kucomms_reply() is published when their round is
 * over, all at once: when there is nothing more to handle on the channel, or
 * some dozens of messages (fewer, if handlers are slow) have been.
 *
 * After fork() an endpoint and all its channels belong to the parent; the child
 * may destroy its copy. kucomms.h says what else a child may do.
 *
 * A channel is valid from the beginning of the connect handler to the end of
 * the disconnect handler, and as long as somebody has a reference
 * (kucomms_channel_get()).
 */
#ifndef KUCOMMS_ENDPOINT_H
#define KUCOMMS_ENDPOINT_H

#include <kucomms/kucomms.h>

/* Not defined: abi.h has reported that the compiler's mode is too old. */
#ifdef KUCOMMS_ABI_VERSION

#ifdef __cplusplus
extern "C" {
#endif

struct kucomms_endpoint;

/*
 * Flag of struct kucomms_ops: messages of other processes are read where they
 * were written, without a copy. The other process may change the bytes
 * meanwhile: read each at most once, and check the copy. The header is a
 * private, checked copy all the same. Messages of the kernel and of this
 * process are never copied: they are trusted.
 */
#define KUCOMMS_OPS_SHARED_RECEIVE	(1u << 8)

/**
 * struct kucomms_ops - the handlers of an endpoint; each may be NULL
 * @message:    the other side of @channel has sent a message. @message is a
 *              private copy of the header, @data has message->length bytes;
 *              both are gone after the return. Return 0: done with it. -EAGAIN:
 *              not now; the same message is delivered again when the other side
 *              has made room or rings again. Any other error: the channel is
 *              broken, the other side sees EPROTO. Without this handler
 *              messages are thrown away.
 * @work:       called 100 times a second. Return true if there is more to do:
 *              it is then called again as soon as others had their turn.
 * @timer:      called once a second.
 * @connect:    @channel has been opened, accepted or added. Return 0, or an
 *              error, which who connects gets to see; there will be no
 *              @disconnect then. Sending to @channel works.
 * @disconnect: the other side has gone, or the channel was removed. Nobody may
 *              use @channel after this returns, but for those with a reference.
 * @room:       kucomms_send(), or its kin, found no room in the ring towards
 *              @channel, and there is room again: for the message that found
 *              none, and mostly an eighth of the ring. For programs that send
 *              by themselves: not called while @message refuses a message,
 *              since that message is delivered again. Called once for any
 *              number of sends that failed; a send that fails again has it
 *              called again. Other senders may have used the room first.
 * @flags:      KUCOMMS_OPS_SHARED_RECEIVE; others will say that this structure
 *              has become longer
 *
 * Handlers that are NULL cost nothing; without @work and @timer nothing wakes
 * the thread but messages. A call that is late does not delay the next; of
 * several that have been missed one is made up for.
 */
struct kucomms_ops {
	int (*message)(struct kucomms_channel *channel,
		       const struct kucomms_message *message,
		       const void *data, void *priv);
	bool (*work)(struct kucomms_endpoint *endpoint, void *priv);
	void (*timer)(struct kucomms_endpoint *endpoint, void *priv);
	int (*connect)(struct kucomms_channel *channel, void *priv);
	void (*disconnect)(struct kucomms_channel *channel, void *priv);
	void (*room)(struct kucomms_channel *channel, void *priv);
	unsigned int flags;
};

/**
 * struct kucomms_endpoint_options - what kucomms_endpoint_create() can be told
 * @size:         sizeof(struct kucomms_endpoint_options)
 * @work_us:      period of the work handler, in microseconds; 0: 10000
 * @timer_us:     period of the timer handler, in microseconds; 0: 1000000
 * @spin_us:      how long to look before sleeping, at most 1000000; 0: what is
 *                best
 * @flags:        KUCOMMS_ENDPOINT_NO_SPIN
 * @reconnect_ms: how long to wait between two tries of KUCOMMS_CONNECT_RETRY;
 *                0: 200
 * @name:         of the thread, for ps and top, copied; NULL: "kucomms"
 */
struct kucomms_endpoint_options {
	size_t size;
	__u32 work_us;
	__u32 timer_us;
	__u32 spin_us;
	__u32 flags;
	__u32 reconnect_ms;
	const char *name;
};

#define KUCOMMS_ENDPOINT_NO_SPIN	(1u << 20)	/* sleep at once */

/**
 * struct kucomms_endpoint_stats - what an endpoint has done so far
 * @size:     in: sizeof(struct kucomms_endpoint_stats)
 * @channels: how many it has now
 * @messages: that the message handler has taken
 * @rounds:   dispatch rounds in which there were any
 * @sleeps:   how often the thread went to sleep
 * @calls:    answers that came in time
 * @late:     answers that came too late, and were dropped
 * @lost:     how often a channel over netlink was told that it missed
 *            broadcasts
 */
struct kucomms_endpoint_stats {
	size_t size;
	__u64 channels;
	__u64 messages;
	__u64 rounds;
	__u64 sleeps;
	__u64 calls;
	__u64 late;
	__u64 lost;
};

/**
 * kucomms_endpoint_create() - make an endpoint, without channels
 * @ops:      the handlers; copied
 * @priv:     handed to every handler
 * @options:  NULL for the defaults
 * @endpoint: where to put the endpoint; kucomms_endpoint_destroy() frees it
 *
 * Return: 0, or -EINVAL (unknown flags, bad options), -E2BIG (options that this
 * library does not know), -ENOMEM, -EMFILE, -ENFILE.
 */
int kucomms_endpoint_create(const struct kucomms_ops *ops, void *priv,
			    const struct kucomms_endpoint_options *options,
			    struct kucomms_endpoint **endpoint);

/**
 * kucomms_endpoint_destroy() - stop, lose all channels, free
 *
 * The disconnect handler is called for every channel that is connected, and
 * calls in flight end with -ESHUTDOWN, in this thread. NULL is ignored. Not
 * from handlers.
 *
 * A program whose own threads send on the endpoint's channels ends in three
 * steps (a kernel module needs only its handler stop): it calls
 * kucomms_endpoint_stop(), after which no handler runs that could start such a
 * thread; it ends those threads, while all channels are still there; it calls
 * kucomms_endpoint_destroy().
 */
void kucomms_endpoint_destroy(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_start() - call the handlers in a thread of its own
 *
 * All signals are blocked in that thread.
 *
 * Return: 0, or -EBUSY (it has one, or another thread runs it), -EAGAIN (no
 * thread to be had), -ENOMEM.
 */
int kucomms_endpoint_start(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_stop() - stop what start started, or run runs
 *
 * Waits until no handler runs any more, unless called from a handler: then run
 * returns, or the thread ends, after that handler. Channels stay; it can be
 * started again.
 */
void kucomms_endpoint_stop(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_run() - call the handlers in this thread, until stopped
 *
 * Return: 0 (stopped), or -EBUSY (another thread does), -EINTR (a signal
 * handler ran in this thread: call it again to go on).
 */
int kucomms_endpoint_run(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_fd() - a descriptor for somebody else's event loop
 *
 * Readable when kucomms_endpoint_dispatch() has something to do. It stays the
 * endpoint's: do not read or close it.
 *
 * Return: the descriptor, or -ESTALE in a child of the process that made the
 * endpoint.
 */
int kucomms_endpoint_fd(const struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_dispatch() - call the handlers that are due, in this thread
 * @timeout_ms: how long to wait for the first
 *
 * Takes a bounded share of what there is: if more is left the descriptor stays
 * readable.
 *
 * Return: 0 (done), or -EAGAIN, -ETIMEDOUT (there was nothing to do), -EINTR,
 * -EBUSY (another thread does).
 */
int kucomms_endpoint_dispatch(struct kucomms_endpoint *endpoint,
			      int timeout_ms);

/* Flag of kucomms_endpoint_connect(): attach again when the other side is back. */
#define KUCOMMS_CONNECT_RETRY	(1u << 12)

/**
 * kucomms_endpoint_connect() - open a channel for an endpoint
 * @name:    as kucomms_open() takes it
 * @options: as kucomms_open() takes it; may be NULL
 * @flags:   KUCOMMS_CONNECT_RETRY, or 0
 * @channel: where to put the channel, with a reference for
 *           kucomms_channel_put(); may be NULL
 *
 * The connect handler is called soon, in the endpoint's thread. What is sent
 * before is not lost. This waits as kucomms_open() does: in handlers better use
 * KUCOMMS_CONNECT_RETRY, or "local:".
 *
 * With KUCOMMS_CONNECT_RETRY the other side need not be there yet: it is looked
 * for again and again, and also after it has gone. The connect handler tells
 * when it is there, the disconnect handler when it has gone; in between the
 * channel is the same, and sending to it fails with -ESHUTDOWN. A message that
 * was on its way when it went is lost.
 *
 * Return: 0, or -EINVAL (unknown flag), or what kucomms_open() returns; with
 * KUCOMMS_CONNECT_RETRY only what has to do with name, options and memory.
 */
int kucomms_endpoint_connect(struct kucomms_endpoint *endpoint,
			     const char *name,
			     const struct kucomms_options *options,
			     unsigned int flags,
			     struct kucomms_channel **channel);

/**
 * kucomms_endpoint_listen() - let others connect to an endpoint
 * @name:    "process:NAME" or "local:NAME", as kucomms_listen() takes it
 * @options: as kucomms_listen() takes it; may be NULL
 *
 * As many as like, under as many names. Until the endpoint is destroyed.
 *
 * Return: 0, or what kucomms_listen() returns.
 */
int kucomms_endpoint_listen(struct kucomms_endpoint *endpoint, const char *name,
			    const struct kucomms_listen_options *options);

/**
 * kucomms_endpoint_add() - give an open channel to an endpoint
 * @channel: the endpoint's from now on; not to be closed
 *
 * Return: 0, or -EBUSY (some endpoint has it).
 */
int kucomms_endpoint_add(struct kucomms_endpoint *endpoint,
			 struct kucomms_channel *channel);

/**
 * kucomms_endpoint_remove() - take a channel away from its endpoint
 *
 * The disconnect handler is called soon, in the endpoint's thread, and the
 * channel closed. Call it in a handler, or with a reference
 * (kucomms_channel_get()).
 *
 * Return: 0, or -ENOENT (it is not this endpoint's).
 */
int kucomms_endpoint_remove(struct kucomms_endpoint *endpoint,
			    struct kucomms_channel *channel);

/**
 * kucomms_endpoint_get_stats() - read the endpoint's counters
 *
 * Return: 0, or -EINVAL (stats->size is too small).
 */
int kucomms_endpoint_get_stats(struct kucomms_endpoint *endpoint,
			       struct kucomms_endpoint_stats *stats);

/** kucomms_channel_endpoint() - whose channel this is; NULL: nobody's */
struct kucomms_endpoint *
kucomms_channel_endpoint(const struct kucomms_channel *channel);

/**
 * kucomms_channel_get() - keep a channel of an endpoint from being freed
 *
 * For handlers and those who have a reference. Sending to a channel that has
 * been disconnected fails with -ESHUTDOWN.
 *
 * Return: @channel.
 */
struct kucomms_channel *kucomms_channel_get(struct kucomms_channel *channel);

/** kucomms_channel_put() - give a reference back; NULL is ignored */
void kucomms_channel_put(struct kucomms_channel *channel);

/**
 * kucomms_reply() - send from a handler
 * @message: header: length, type, id and user are sent; control is ignored
 * @data:    message->length bytes, copied; may be NULL if there are none
 * @flags:   KUCOMMS_SEND_MORE or 0
 *
 * Return: 0, or -EAGAIN (no room now: return it, and the message is delivered
 * again when there is), -EMSGSIZE, -EINVAL (unknown flag), -ESHUTDOWN, -EPROTO.
 */
int kucomms_reply(struct kucomms_channel *channel,
		  const struct kucomms_message *message,
		  const void *data, unsigned int flags);

/**
 * kucomms_broadcast() - send a message on every connected channel
 *
 * A channel does not get the message if its ring is full or too small for it,
 * or if the channel has come to its end.
 *
 * Return: the number of channels on which the message was sent, at least 1; or
 * -ESRCH (none), -EINVAL (unknown flag).
 */
int kucomms_broadcast(struct kucomms_endpoint *endpoint,
		      const struct kucomms_message *message, const void *data,
		      unsigned int flags);

/**
 * struct kucomms_call - a message that expects an answer
 * @done:     called once, in the endpoint's thread: the answer (@err is 0;
 *           @answer and @data as for the message handler), or why there is none
 *           (@answer is NULL): -ETIMEDOUT, or -ESHUTDOWN, -EPROTO (the channel
 *           has gone). The call may be freed or started again there
 * @priv:     the caller's own
 * @endpoint: the rest is private
 *
 * A call is zeroed before it is used for the first time, but for @done and
 * @priv. The answer is the first message on the same channel that has the id of
 * the request. The id is given by kucomms_call_start(): consecutive numbers
 * from one that is chosen at random for each channel, so that ids that the two
 * sides use otherwise are not in the way. What comes too late is counted, and
 * not handed to the message handler.
 */
struct kucomms_call {
	void (*done)(struct kucomms_call *call, int err,
		     const struct kucomms_message *answer, const void *data);
	void *priv;

	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	__u64 id;
	__s64 deadline;
	struct kucomms_call *next[2];
	struct kucomms_call *previous;
	__u32 state;
	__u32 reserved[5];
};

/**
 * kucomms_call_start() - send a message, be called back with the answer
 * @call:       with @done and @priv set; the library's until @done is called or
 *              kucomms_call_cancel() succeeds
 * @request:    as for kucomms_send(), but that @id is given here
 * @data:       request->length bytes, copied; may be NULL if there are none
 * @timeout_ms: how long to wait for the answer; -1: for ever
 *
 * From any thread, for any number of calls at a time. Takes the channel's lock
 * as kucomms_send() does.
 *
 * Return: 0, or what kucomms_send() returns when it does not wait, and then
 * @done is not called; -EINVAL (@done is NULL, no endpoint has the channel).
 */
int kucomms_call_start(struct kucomms_channel *channel,
		       struct kucomms_call *call,
		       const struct kucomms_message *request, const void *data,
		       int timeout_ms);

/**
 * kucomms_call_cancel() - expect the answer no more
 *
 * Afterwards @done does not run, and will not be called; if it is just running
 * in another thread, this waits for it. The endpoint must still be there.
 *
 * Return: 0, or -ENOENT (@done has been called).
 */
int kucomms_call_cancel(struct kucomms_call *call);

/**
 * kucomms_call_wait() - send a message, wait for its answer
 * @request:    as for kucomms_call_start()
 * @data:       request->length bytes
 * @answer:     where to put the answer's header
 * @buffer:     where to put its data
 * @capacity:   of @buffer, in bytes
 * @timeout_ms: how long to wait, for room and for the answer; -1: for ever
 *
 * From any thread but the endpoint's.
 *
 * The endpoint has to be running.
 *
 * Return: 0, or -ENOBUFS (the buffer is too small: answer->length says what it
 * would have taken, its beginning is in @buffer), -ETIMEDOUT, -EINTR (a signal
 * handler ran; the call has ended, and an answer that comes now counts as
 * late), -EDEADLK (called from a handler), or what kucomms_call_start() returns
 * or gives to @done.
 */
int kucomms_call_wait(struct kucomms_channel *channel,
		      const struct kucomms_message *request, const void *data,
		      struct kucomms_message *answer, void *buffer,
		      size_t capacity, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif

#endif /* KUCOMMS_ENDPOINT_H */
