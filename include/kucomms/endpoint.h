/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: an endpoint has handlers, channels whose messages go to the
 * handlers, and one thread that calls them.
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
 * any thread, handlers included, unless they say otherwise. On a channel of an
 * endpoint, these may be called:
 *
 *	send			by any number of threads at a time; waits for
 *				room, but not in a handler (-EDEADLK)
 *	reply			by handlers, if no thread uses send or broadcast
 *				at the same time: reply takes no lock
 *	reserve, commit,	as reply; they do not wait
 *	discard, flush
 *	receive, release	never: the message handler gets all messages
 *	shutdown		by any thread
 *
 * The library publishes the messages of kucomms_reply() together, when the
 * message handler has had all messages of the channel, or some dozens of them
 * (fewer if it is slow).
 *
 * After fork() an endpoint and all its channels belong to the parent; the child
 * may destroy its copy. kucomms.h says what else a child may do.
 *
 * A channel is valid from the beginning of the connect handler to the end of
 * the disconnect handler, and as long as there is a reference
 * (kucomms_channel_get()).
 */
#ifndef KUCOMMS_ENDPOINT_H
#define KUCOMMS_ENDPOINT_H

#include <kucomms/kucomms.h>

/* abi.h defines this macro unless the compiler's mode is too old. */
#ifdef KUCOMMS_ABI_VERSION

#ifdef __cplusplus
extern "C" {
#endif

struct kucomms_endpoint;

/*
 * Flag of struct kucomms_ops: the message handler gets the data of other
 * processes where they were written, without a copy. The other process may
 * change the bytes at any time, so the handler reads each byte once and checks
 * what it has read. The header is a private copy that has been checked.
 * Messages of the kernel and of this process are trusted and never copied.
 */
#define KUCOMMS_OPS_SHARED_RECEIVE	(1u << 8)

/**
 * struct kucomms_ops - the handlers of an endpoint; each may be NULL
 * @message:    called when the other side of @channel has sent a message.
 *              @message is a private copy of the header, @data has
 *              message->length bytes; both are valid until the handler returns.
 *              It returns 0 if it is done with the message; -EAGAIN to get the
 *              same message again when the other side has made room or rings;
 *              any other error breaks the channel, and the other side gets
 *              EPROTO. Without this handler messages are dropped.
 * @work:       called 100 times per second, or as the options say. It returns
 *              true if there is more to do, and is called again after the other
 *              handlers.
 * @timer:      called once per second, or as the options say.
 * @connect:    called when @channel has been opened, accepted or added. It may
 *              send. It returns 0, or an error, which the client gets; then
 *              @disconnect is not called.
 * @disconnect: called when the other side has gone or the channel was removed.
 *              When it has returned, only holders of a reference may use
 *              @channel.
 * @room:       called when a message that was sent to @channel has found no
 *              room, and there is room for it now, usually an eighth of the
 *              ring; another sender may use the room first. It is called once
 *              for any number of such messages, and again if one of them finds
 *              no room again, but not while @message refuses a message, since
 *              that message comes again. It is for programs that send by
 *              themselves.
 * @flags:      0 or KUCOMMS_OPS_SHARED_RECEIVE; later versions will have flags
 *              which say that the structure has more members
 *
 * A handler that is NULL costs nothing; without @work and @timer only messages
 * wake the thread. A late call of @work or @timer does not delay the next; of
 * several missed calls one is made up for.
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
 * struct kucomms_endpoint_options - options of kucomms_endpoint_create()
 * @size:         sizeof(struct kucomms_endpoint_options)
 * @work_us:      period of the work handler, in microseconds; 0: 10000
 * @timer_us:     period of the timer handler, in microseconds; 0: 1000000
 * @spin_us:      microseconds, at most 1000000, for which the thread polls its
 *                channels before it sleeps; 0: the library's choice
 * @flags:        KUCOMMS_ENDPOINT_NO_SPIN
 * @reconnect_ms: milliseconds between two attempts of KUCOMMS_CONNECT_RETRY; 0:
 *                200
 * @name:         name of the thread, for ps and top, copied; NULL: "kucomms"
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

#define KUCOMMS_ENDPOINT_NO_SPIN	(1u << 20)	/* never poll */

/**
 * struct kucomms_endpoint_stats - counters of an endpoint, since it was made
 * @size:     set by the caller: sizeof(struct kucomms_endpoint_stats)
 * @channels: channels that the endpoint has now
 * @messages: messages that the message handler has taken
 * @rounds:   rounds of dispatch that had messages
 * @sleeps:   times that the thread went to sleep
 * @calls:    answers that came in time
 * @late:     answers that came too late and were dropped
 * @lost:     times that a channel over netlink was told of lost broadcasts
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
 * kucomms_endpoint_create() - makes an endpoint without channels
 * @ops:      the handlers, copied
 * @priv:     argument of every handler
 * @options:  NULL for the defaults
 * @endpoint: where to store the endpoint; kucomms_endpoint_destroy() frees it
 *
 * Return: 0, or -EINVAL (unknown flags, bad options), -E2BIG (options that this
 * library does not know), -ENOMEM, -EMFILE, -ENFILE.
 */
int kucomms_endpoint_create(const struct kucomms_ops *ops, void *priv,
			    const struct kucomms_endpoint_options *options,
			    struct kucomms_endpoint **endpoint);

/**
 * kucomms_endpoint_destroy() - stops an endpoint, closes its channels, frees it
 *
 * In this thread, the disconnect handler is called for every channel that is
 * connected, and calls in flight end with -ESHUTDOWN. NULL is ignored. A
 * handler must not call it, and no other thread may use the endpoint at the
 * same time.
 *
 * A program whose own threads send on the endpoint's channels ends in three
 * steps (a kernel module needs only its handler stop): it calls
 * kucomms_endpoint_stop(), after which no handler runs that could start such a
 * thread; it ends those threads, while all channels are still there; it calls
 * kucomms_endpoint_destroy().
 */
void kucomms_endpoint_destroy(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_start() - starts a thread that calls the handlers
 *
 * All signals are blocked in that thread.
 *
 * Return: 0, or -EBUSY (a thread runs the endpoint already), -EAGAIN (the user
 * or the system has as many threads as allowed), -ENOMEM.
 */
int kucomms_endpoint_start(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_stop() - ends the thread, or kucomms_endpoint_run()
 *
 * The function waits until no handler runs. Called by a handler it does not
 * wait: the thread ends, or kucomms_endpoint_run() returns, after that handler.
 * The channels stay open, and the endpoint can be started again.
 */
void kucomms_endpoint_stop(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_run() - calls the handlers in this thread, until stopped
 *
 * Return: 0 when the endpoint has been stopped, or -EBUSY (a thread runs it
 * already), -EINTR (a signal handler ran in this thread; the program may call
 * the function again).
 */
int kucomms_endpoint_run(struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_fd() - returns a descriptor for an event loop of the program
 *
 * The descriptor is readable when kucomms_endpoint_dispatch() has something to
 * do. It belongs to the endpoint: the program must not read or close it.
 *
 * Return: the descriptor, or -ESTALE in a child of the process that made the
 * endpoint.
 */
int kucomms_endpoint_fd(const struct kucomms_endpoint *endpoint);

/**
 * kucomms_endpoint_dispatch() - calls the handlers that are due, in this thread
 * @timeout_ms: how many milliseconds to wait if no handler is due
 *
 * The function handles a bounded number of messages; if more are left, the
 * descriptor of kucomms_endpoint_fd() stays readable.
 *
 * Return: 0 if a handler was called, or -EAGAIN, -ETIMEDOUT (nothing was to be
 * done), -EINTR, -EBUSY (another thread runs the endpoint).
 */
int kucomms_endpoint_dispatch(struct kucomms_endpoint *endpoint,
			      int timeout_ms);

/* Flag of kucomms_endpoint_connect(): retries until it succeeds. */
#define KUCOMMS_CONNECT_RETRY	(1u << 12)

/**
 * kucomms_endpoint_connect() - opens a channel for an endpoint
 * @name:    name of kucomms_open()
 * @options: options of kucomms_open(); may be NULL
 * @flags:   KUCOMMS_CONNECT_RETRY or 0
 * @channel: where to store the channel, with a reference that the caller drops
 *           with kucomms_channel_put(); may be NULL
 *
 * The connect handler follows in the endpoint's thread; messages that were sent
 * earlier are not lost. The function waits as kucomms_open() does, so a handler
 * calls it only with KUCOMMS_CONNECT_RETRY or for "local:NAME".
 *
 * With KUCOMMS_CONNECT_RETRY the function does not wait. The library tries to
 * reach the other side until it succeeds, and again each time after the other
 * side has gone; the connect and disconnect handlers tell when. In between the
 * channel stays the same, and sending fails with -ESHUTDOWN. Messages that were
 * on their way when the other side went are lost.
 *
 * Return: 0, or -EINVAL (unknown flag), or an error of kucomms_open(); with
 * KUCOMMS_CONNECT_RETRY only those of the name, the options and memory.
 */
int kucomms_endpoint_connect(struct kucomms_endpoint *endpoint,
			     const char *name,
			     const struct kucomms_options *options,
			     unsigned int flags,
			     struct kucomms_channel **channel);

/**
 * kucomms_endpoint_listen() - lets clients connect
 * @name:    "process:NAME" or "local:NAME", as for kucomms_listen()
 * @options: options of kucomms_listen(); may be NULL
 *
 * The endpoint listens until it is destroyed, and may do so under several
 * names.
 *
 * Return: 0, or an error of kucomms_listen().
 */
int kucomms_endpoint_listen(struct kucomms_endpoint *endpoint, const char *name,
			    const struct kucomms_listen_options *options);

/**
 * kucomms_endpoint_add() - gives an open channel to an endpoint
 * @channel: channel that the caller has opened or accepted, and must not close
 *           any more
 *
 * Return: 0, or -EBUSY (the channel belongs to an endpoint).
 */
int kucomms_endpoint_add(struct kucomms_endpoint *endpoint,
			 struct kucomms_channel *channel);

/**
 * kucomms_endpoint_remove() - closes a channel of the endpoint
 *
 * The disconnect handler follows in the endpoint's thread. The caller is a
 * handler, or has a reference (kucomms_channel_get()).
 *
 * Return: 0, or -ENOENT (the channel does not belong to this endpoint).
 */
int kucomms_endpoint_remove(struct kucomms_endpoint *endpoint,
			    struct kucomms_channel *channel);

/**
 * kucomms_endpoint_get_stats() - reads the endpoint's counters
 *
 * Return: 0, or -EINVAL (stats->size is too small).
 */
int kucomms_endpoint_get_stats(struct kucomms_endpoint *endpoint,
			       struct kucomms_endpoint_stats *stats);

/** kucomms_channel_endpoint() - returns the channel's endpoint; NULL if none */
struct kucomms_endpoint *
kucomms_channel_endpoint(const struct kucomms_channel *channel);

/**
 * kucomms_channel_get() - takes a reference, so that a channel is not freed
 *
 * The caller is a handler, or has a reference. Sending to a channel that has
 * been disconnected fails with -ESHUTDOWN.
 *
 * Return: @channel.
 */
struct kucomms_channel *kucomms_channel_get(struct kucomms_channel *channel);

/** kucomms_channel_put() - drops a reference; NULL is ignored */
void kucomms_channel_put(struct kucomms_channel *channel);

/**
 * kucomms_reply() - sends a message from a handler
 * @message: header: length, type, id and user are sent; control is ignored
 * @data:    message->length bytes, copied; may be NULL if there are none
 * @flags:   KUCOMMS_SEND_MORE or 0
 *
 * Return: 0, or -EAGAIN (there is no room; if the message handler returns that,
 * it gets the message again when there is), -EMSGSIZE, -EINVAL (unknown flag),
 * -ESHUTDOWN, -EPROTO.
 */
int kucomms_reply(struct kucomms_channel *channel,
		  const struct kucomms_message *message,
		  const void *data, unsigned int flags);

/**
 * kucomms_broadcast() - sends a message on every connected channel
 *
 * A channel is left out if its ring is full or too small for the message, or if
 * the channel has ended.
 *
 * Return: the number of channels on which the message was sent, at least 1; or
 * -ESRCH (none), -EINVAL (unknown flag).
 */
int kucomms_broadcast(struct kucomms_endpoint *endpoint,
		      const struct kucomms_message *message, const void *data,
		      unsigned int flags);

/**
 * struct kucomms_call - a message that expects an answer
 * @done:     called once, in the endpoint's thread, with the answer (@err is 0,
 *            and @answer and @data are as for the message handler), or with the
 *            reason why there is none (@answer is NULL, and @err is -ETIMEDOUT,
 *            or, if the channel has ended, -ESHUTDOWN or -EPROTO). It may free
 *            the call or start it again
 * @priv:     pointer of the caller
 * @endpoint: private, as all members below
 *
 * The caller zeroes a call before its first use, except @done and @priv. The
 * answer is the first message on the same channel that has the id of the
 * request. kucomms_call_start() chooses the ids: consecutive numbers from a
 * random one for each channel, so that other ids that the two sides use are
 * unlikely to be among them. An answer that comes too late is counted and
 * dropped.
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
 * kucomms_call_start() - sends a message, and calls back with the answer
 * @call:       call with @done and @priv set, which the library owns until it
 *              calls @done or kucomms_call_cancel() succeeds
 * @request:    header as for kucomms_send(), except that the function sets id
 * @data:       request->length bytes, copied; may be NULL if there are none
 * @timeout_ms: how many milliseconds to wait for the answer; -1: for ever
 *
 * Any number of calls may be in flight. The function takes the channel's lock
 * as kucomms_send() does, and does not wait for room. The caller is a handler,
 * or has a reference to the channel.
 *
 * Return: 0, or an error of kucomms_send(), or -EINVAL (@done is NULL, or the
 * channel belongs to no endpoint); after an error @done is not called.
 */
int kucomms_call_start(struct kucomms_channel *channel,
		       struct kucomms_call *call,
		       const struct kucomms_message *request, const void *data,
		       int timeout_ms);

/**
 * kucomms_call_cancel() - makes sure that @done is not called any more
 *
 * If @done runs in another thread, the function waits until it has returned.
 * The endpoint must exist, and the caller has a reference to the channel if it
 * is no handler.
 *
 * Return: 0, or -ENOENT (@done has been called).
 */
int kucomms_call_cancel(struct kucomms_call *call);

/**
 * kucomms_call_wait() - sends a message and waits for its answer
 * @request:    header as for kucomms_call_start()
 * @data:       request->length bytes, copied; may be NULL if there are none
 * @answer:     where to store the answer's header
 * @buffer:     where to store its data
 * @capacity:   size of @buffer, in bytes
 * @timeout_ms: how many milliseconds to wait in all, for room and for the
 *              answer; -1: for ever
 *
 * Another thread has to run the endpoint.
 *
 * Return: 0, or -ENOBUFS (the data have answer->length bytes, more than
 * @capacity; @buffer has the first of them), -ETIMEDOUT, -EINTR (a signal
 * handler ran; the call has ended, and its answer counts as late), -EDEADLK (a
 * handler called the function), or an error of kucomms_call_start() or @done.
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
