/* SPDX-License-Identifier: MIT */
/*
 * libkucomms: messages between this process and a kernel module, another
 * process, or another part of this one.
 *
 *	struct kucomms_channel *channel;
 *	struct kucomms_message message = { .length = 5 };
 *	char answer[64];
 *
 *	kucomms_open("echo", NULL, &channel);
 *	kucomms_send(channel, &message, "hello", 0, -1);
 *	kucomms_receive_copy(channel, &message, answer, sizeof(answer), -1);
 *	kucomms_channel_close(channel);
 *
 * Who is on the other side is in the name:
 *
 *	NAME, kernel:NAME	the kernel module that serves /dev/kucomms_NAME; a NAME
 *				that begins with '/' is the path of the device
 *	netlink:NAME		the same, by netlink instead of shared memory
 *	process:NAME		the process that listens there (kucomms_listen())
 *	local:NAME		whoever listens there in this process
 *
 * This page is about channels, one by one. endpoint.h has handlers, and threads
 * that call them.
 *
 * Every function that can fail returns 0 or more for success and a negated
 * errno for failure; errno itself has no meaning. The library prints nothing,
 * never exits and starts no threads but those of kucomms_endpoint_start().
 *
 * Timeouts are in milliseconds: 0 does not wait for room or messages (-EAGAIN),
 * -1 waits for ever, anything else fails with -ETIMEDOUT when the time is up.
 * The kernel module's handlers run inside send, and their time is not counted.
 *
 * Signals: each wait here and in endpoint.h, kucomms_endpoint_run() included,
 * fails with -EINTR when a signal handler has run in the waiting thread, with
 * SA_RESTART or without, as poll(2) does. Nothing else about signals ends a
 * wait: a process that is stopped and continued, frozen or traced waits on,
 * until the same time. kucomms_endpoint_stop(), kucomms_endpoint_destroy() and
 * kucomms_call_cancel(), which wait for a handler of this process to return,
 * take no notice of signals. A signal handler that runs just before a wait
 * begins does not end it. So a program that must not miss a signal blocks it in
 * all threads, and has one thread in sigwait(3), which then calls
 * kucomms_endpoint_stop(); or it waits in ppoll(2), or beside a signalfd(2),
 * for the descriptor of kucomms_channel_poll_start() or kucomms_endpoint_fd().
 *
 * Before a call sleeps it looks for another 20 microseconds, about what
 * sleeping and waking cost, if the process may use more than one CPU; over
 * netlink never, for there is nothing to see.
 *
 * Over netlink both rings are private memory, from and to which datagrams are
 * copied: what is received in place nobody can change. Messages towards the
 * kernel have at most 128 KiB less 64 bytes, those from it at most 128 KiB,
 * whatever the rings.
 *
 * Threads: a channel may be used by one thread that sends (send, reserve,
 * commit, discard, flush) and one that receives (receive, release) at the same
 * time. Open and close stand alone. Different channels know nothing of each
 * other.
 *
 * fork(): channels, listeners and endpoints belong to the parent. The child has
 * copies, which it may close, destroy or put: that closes its descriptors and
 * frees its memory, calls no handler, waits for no thread, and does not affect
 * the parent. The child ought to close its copies, since the other side of a
 * process that was killed hears of it only when no process has the descriptors
 * any more; exec() closes them. All else fails with -ESTALE,
 * kucomms_channel_fd() and its like included; kucomms_channel_shutdown() and
 * kucomms_endpoint_stop() do nothing; kucomms_channel_priv() is NULL. The rings
 * are not mapped in the child: if it accesses a message that was reserved or
 * received in place before, SIGSEGV ends it. So open channels after daemon(3),
 * not before. A child that a handler has forked must not return from the
 * handler.
 *
 * Errors that every call on a channel may return: -ESHUTDOWN (the other side
 * has gone: the kernel module has unregistered, the process has closed the
 * channel or ended; what was sent before can still be received), -EPROTO (the
 * other side refused a message, or a side broke the rules: the channel is
 * unusable), -ESTALE (this process is a child of the one that opened the
 * channel), -EINTR. Where no system call is needed nothing is noticed: who
 * sends to a process that has been killed hears of it when it would have to be
 * woken, or the ring is full, or from poll().
 */
#ifndef KUCOMMS_KUCOMMS_H
#define KUCOMMS_KUCOMMS_H

#include <kucomms/abi.h>
#include <kucomms/ring.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Not defined: abi.h has reported that the compiler's mode is too old. */
#ifdef KUCOMMS_ABI_VERSION

/* GCC knows how to tell threads apart without a call, clang not everywhere. */
#if defined(__clang__) ? defined(__aarch64__) : __GNUC__ >= 11
#define KUCOMMS_THIS_THREAD()	((uintptr_t)__builtin_thread_pointer())
#else
#include <pthread.h>
#define KUCOMMS_THIS_THREAD()	((uintptr_t)pthread_self())
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define KUCOMMS_VERSION		"0.1.0"

/**
 * struct kucomms_channel - this side's end of a channel
 * @out:      the ring towards the other side; the sending thread's, like @sent
 * @sent:     messages
 * @priv:     for kucomms_channel_priv()
 * @in:       the ring towards this side; the receiving thread's, like the rest
 * @received: messages
 * @thread:   the one that released last
 * @awake:    need_data is not set for @in, so the inline functions may receive
 *            without asking the library
 *
 * All of it is the library's own. It can be seen here so that what every
 * message takes is inline; the two threads' parts are a pair of cache lines
 * apart. In a child after fork() all members are zero: there is no room, and
 * @awake is 0.
 */
struct kucomms_channel {
	struct kucomms_producer out;
	__u64 sent;
	void *priv;

	struct kucomms_consumer in __attribute__((aligned(128)));
	__u64 received;
	uintptr_t thread;
	__u32 awake;
};

/*
 * Flag of send and commit: the publication of the message waits for the next one
 * without the flag, for kucomms_flush(), or until the ring is full. Receiving does
 * not publish: a program flushes before it waits for an answer.
 */
#define KUCOMMS_SEND_MORE	(1u << 4)

/**
 * struct kucomms_options - what kucomms_open() can be told
 * @size:           sizeof(struct kucomms_options)
 * @to_kernel_size: bytes of the ring towards the kernel, or whoever is on the
 *                  other side: a power of two, at least one page; 0: what the
 *                  other side thinks best. Over netlink it has at most 128 KiB,
 *                  which is also what 0 means, and the device must allow twice
 *                  as much; if it does not 0 means half of the device's default
 * @to_user_size:   the same for the other ring
 * @flags:          KUCOMMS_OPEN_NUMBER, KUCOMMS_OPEN_NO_SPIN
 * @channel:        with KUCOMMS_OPEN_NUMBER: the number that the channel is to
 *                  have on its device, or with its listener
 * @timeout_ms:     how many milliseconds to wait for whatever is missing: the
 *                  device, a kernel module that serves it, a process that
 *                  listens, a free channel. 0: not at all, -1: for ever. When
 *                  the time is up the error is what it would have been at once.
 *                  Waiting also covers -EACCES until udev has given a new device
 *                  its owner and mode. The kernel reports a kernel module that
 *                  registers; for all else, and over netlink, the library tries
 *                  again, after 1 ms at first and every 100 ms in the end
 * @spin_us:        how long calls look before they sleep, at most 1000000; 0:
 *                  what is best. Over netlink they never do
 */
struct kucomms_options {
	size_t size;
	__u32 to_kernel_size;
	__u32 to_user_size;
	__u32 flags;
	__u32 channel;
	__s32 timeout_ms;
	__u32 spin_us;
};

#define KUCOMMS_OPEN_NUMBER	(1u << 16)	/* @channel says which */
#define KUCOMMS_OPEN_NO_SPIN	(1u << 17)	/* sleep at once */

/**
 * struct kucomms_channel_stats - what a channel has cost so far
 * @size:      in: sizeof(struct kucomms_channel_stats)
 * @sent:      messages sent
 * @received:  messages received
 * @doorbells: system calls made to ring the other side's doorbell
 * @waits:     system calls made to wait
 */
struct kucomms_channel_stats {
	size_t size;
	__u64 sent;
	__u64 received;
	__u64 doorbells;
	__u64 waits;
};

/**
 * kucomms_version() - the version of the library that is running
 *
 * KUCOMMS_VERSION is that of the headers.
 *
 * Return: a constant string such as "0.1.0".
 */
const char *kucomms_version(void);

/**
 * kucomms_open() - open a channel
 * @name:    of a device, with or without the prefix "kucomms_", or its path, or
 *           one that begins with "kernel:", "netlink:", "process:" or "local:"
 * @options: NULL for the defaults
 * @channel: where to put the channel; kucomms_channel_close() frees it
 *
 * Of a process that listens the user's own is looked for first, then root's
 * (kucomms_listen()). It has a second to answer: do not open "process:NAME" in
 * the thread that is to accept it. That is what "local:NAME" is for, which is
 * open before it has been accepted, and where a refusal is seen as -EPROTO.
 *
 * Return: 0, or -EINVAL (bad name or options, a number or ring sizes beyond the
 * other side's limits), -E2BIG (options that this library does not know),
 * -ENOENT (no such device, nobody listens), -EACCES (not allowed to open it),
 * -ENODEV (the device has been removed just now), -ENXIO (the node was kept
 * from a device that was removed), -ENOTCONN (no kernel module serves it),
 * -EUSERS (the other side has all the channels it may have), -EADDRINUSE (the
 * number is taken), -EINTR, -EPROTONOSUPPORT (the two sides do not fit
 * together, or the module has no netlink), -EPROTO (who listens does not keep
 * to the rules), -ETIMEDOUT (it does not answer), -ESHUTDOWN (it has gone
 * before it answered), -ENAMETOOLONG (a path), -ENOTTY, or over netlink -EPERM
 * (not a kucomms device), -ENOMEM, -EMFILE, -ENFILE, or what the other side's
 * connect handler says.
 */
int kucomms_open(const char *name, const struct kucomms_options *options,
		 struct kucomms_channel **channel);

/**
 * kucomms_name_error() - what is wrong with a name, in words
 * @name: as kucomms_open() or kucomms_listen() takes it
 *
 * For a program that got -EINVAL or -ENAMETOOLONG. This does not tell whether
 * there is a device or listener of that name. May be called by any thread.
 *
 * Return: a string, such as "it is empty", that is never freed; NULL: nothing
 * is wrong.
 */
const char *kucomms_name_error(const char *name);

/**
 * kucomms_channel_reattach() - attach again after -ESHUTDOWN
 * @timeout_ms: how many milliseconds to wait for the device, for a kernel
 *              module that serves it, or for a process that listens; this does
 *              not wait for a free channel
 *
 * For when the other side has been replaced. The channel is as new: what was on
 * its way is lost, pointers into its rings are gone, its number may be another.
 * Its counters go on. The descriptor keeps its number, but has to be given to
 * epoll again. Like kucomms_open() this stands alone: no other call on the channel
 * at a time. If only this channel has been hung up its number is still taken, and
 * so is its place on a device that is full: then close it and open another.
 *
 * Return: 0, or what kucomms_open() returns, and then the channel is as before;
 * -EINVAL for a channel that has been accepted.
 */
int kucomms_channel_reattach(struct kucomms_channel *channel, int timeout_ms);

/* What others connect to. */
struct kucomms_listener;

/**
 * struct kucomms_listen_options - what kucomms_listen() can be told
 * @size:          sizeof(struct kucomms_listen_options)
 * @mode:          who may connect, as the permissions of a file; 0: 0600. Of
 *                 "local:" nobody asks for them
 * @channels_max:  how many channels may be open at a time; 0: 65536
 * @ring_size:     bytes of the ring towards who connects, if that one does not
 *                 say: at most 16 MiB; 0: 128 KiB
 * @ring_size_max: the most they may ask for; 0: 16 MiB. Each channel may cost
 *                 this side as much
 */
struct kucomms_listen_options {
	size_t size;
	__u32 mode;
	__u32 channels_max;
	__u32 ring_size;
	__u32 ring_size_max;
};

/**
 * kucomms_listen() - be the other side of "process:NAME" or "local:NAME"
 * @name:     with its prefix. Of a process a NAME of [a-z0-9_], at most 55
 *            characters, is known to the programs of the same user (below
 *            $XDG_RUNTIME_DIR) or, if root listens, to all that @mode admits
 *            (below /run/kucomms); one with a '/' is the path of the socket
 * @options:  NULL for the defaults
 * @listener: where to put the listener; kucomms_listener_close() frees it
 *
 * A socket that a killed process has left under this name is removed first, so
 * @name must not be the path of anything else.
 *
 * Return: 0, or -EINVAL (bad name, bad options), -E2BIG, -EADDRINUSE (somebody
 * listens there), -ENOENT (no such directory, or no XDG_RUNTIME_DIR), -EACCES,
 * -ENAMETOOLONG, -ENOMEM, -EMFILE, -ENFILE.
 */
int kucomms_listen(const char *name,
		   const struct kucomms_listen_options *options,
		   struct kucomms_listener **listener);

/**
 * kucomms_accept() - wait for somebody to connect
 * @channel:    where to put the channel; kucomms_channel_close() frees it
 * @timeout_ms: how long to wait
 *
 * For one thread at a time. Who connects and then says nothing, or nonsense, is
 * not waited for.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -EINTR, -ENOMEM, -EMFILE, -ENFILE,
 * -ESTALE.
 */
int kucomms_accept(struct kucomms_listener *listener,
		   struct kucomms_channel **channel, int timeout_ms);

/**
 * kucomms_listener_fd() - a descriptor to poll: readable when to accept
 *
 * Return: the descriptor, or -ESTALE in a child after fork().
 */
int kucomms_listener_fd(const struct kucomms_listener *listener);

/**
 * kucomms_listener_close() - stop listening
 *
 * Channels that have been accepted stay. NULL is ignored.
 */
void kucomms_listener_close(struct kucomms_listener *listener);

/**
 * struct kucomms_peer - who is on the other side
 * @pid: of the process that connected, or that listens; of "local:" this one.
 *       The process may have ended since, and the number may have a new owner
 * @uid: its effective user, when it did
 * @gid: its effective group, when it did
 */
struct kucomms_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/**
 * kucomms_channel_get_peer() - ask who is on the other side
 *
 * Return: 0, or -EOPNOTSUPP (it is a kernel module, be it over netlink).
 */
int kucomms_channel_get_peer(const struct kucomms_channel *channel,
			     struct kucomms_peer *peer);

/**
 * kucomms_channel_shutdown() - hang up
 *
 * The other side sees -ESHUTDOWN when it has received what was sent before, and
 * so do callers here, also those who sleep in a call (some of them a tenth of a
 * second later, for room a second). The channel stays to be closed. May be
 * called by any thread. A kernel module hears of it only when the channel is
 * closed, and who sleeps in a call on a device, or over netlink, sleeps on.
 */
void kucomms_channel_shutdown(struct kucomms_channel *channel);

/**
 * kucomms_channel_close() - detach and free a channel
 *
 * The other side sees a hang-up. Pointers into its rings are gone. NULL is
 * ignored. Not for channels that an endpoint has: kucomms_endpoint_remove().
 */
void kucomms_channel_close(struct kucomms_channel *channel);

/**
 * kucomms_channel_fd() - the channel's descriptor
 *
 * poll(2) and epoll(7) say what it means only after
 * kucomms_channel_poll_start(). The descriptor stays the channel's: do not
 * read, write or close it. It keeps its number when the channel is attached
 * again.
 *
 * Return: the descriptor, or -ESTALE in a child after fork().
 */
int kucomms_channel_fd(const struct kucomms_channel *channel);

/**
 * kucomms_channel_poll_start() - have poll(2) told of the channel from now on
 *
 * Call this once, before the channel is polled for the first time. From then on
 * the other side rings while this side is not in a call, which costs both sides
 * a system call now and then; that is why poll(2) is not told without it.
 *
 * Readable (POLLIN): there is something to receive; POLLHUP: the other side has
 * gone. Of a device also writable (POLLOUT): there is room for what send or
 * reserve found no room for; of others, and over netlink, such room is
 * announced by POLLIN, too: then try both, and poll in one thread only. Before
 * waiting, also for the first time, receive until -EAGAIN and only then try to
 * send; where a device is polled level-triggered, and not over netlink, you may
 * take as many messages at a time as you like.
 *
 * Over netlink it is the socket: POLLOUT means nothing, POLLIN may come for
 * what only the library reads (receiving does), and also tells of the other
 * side's end.
 *
 * Return: the descriptor, as kucomms_channel_fd() has it, or -ESTALE in a child
 * after fork().
 */
int kucomms_channel_poll_start(struct kucomms_channel *channel);

/** kucomms_channel_number() - which of its device's or listener's this is */
unsigned int kucomms_channel_number(const struct kucomms_channel *channel);

/** kucomms_channel_set_priv() - remember something with a channel */
static inline void kucomms_channel_set_priv(struct kucomms_channel *channel,
					    void *priv)
{
	__atomic_store_n(&channel->priv, priv, __ATOMIC_RELAXED);
}

/** kucomms_channel_priv() - what was remembered last; NULL at first */
static inline void *kucomms_channel_priv(const struct kucomms_channel *channel)
{
	return __atomic_load_n(&channel->priv, __ATOMIC_RELAXED);
}

/** kucomms_channel_length_max() - bytes of the longest message one can send */
__u32 kucomms_channel_length_max(const struct kucomms_channel *channel);

/**
 * struct kucomms_space - the rings of a channel, in bytes
 * @in_size:  of the ring that this side receives from
 * @out_size: of the ring that this side sends in
 * @used: bytes of the latter in messages that the other side has not released
 *        yet, as far as this side knows: the other side tells of what it has
 *        released only after an eighth of the ring, or when it has read all
 * @free: the other bytes of the latter; a message takes the length of its data,
 *        and 32 bytes for the header, rounded up to a multiple of 32
 */
struct kucomms_space {
	__u32 in_size;
	__u32 out_size;
	__u32 used;
	__u32 free;
};

/**
 * kucomms_channel_get_space() - tell how large the rings are, and how full
 *
 * For a connect handler that refuses a client whose rings do not suit, and for
 * senders that would rather send less than find a full ring. Makes no system
 * call, so it is cheap. While the channel has no rings (the other side is still
 * being looked for, or has gone, and the rings with it) all members are 0. May
 * be called by the thread that sends; on a channel of an endpoint by any
 * thread.
 */
void kucomms_channel_get_space(struct kucomms_channel *channel,
			       struct kucomms_space *space);

/**
 * kucomms_channel_get_stats() - read the channel's counters
 *
 * They are exact while no other thread uses the channel.
 *
 * Return: 0, or -EINVAL (stats->size is too small).
 */
int kucomms_channel_get_stats(const struct kucomms_channel *channel,
			      struct kucomms_channel_stats *stats);

/* What the inline functions leave to the library. */
int kucomms_reserve_slow(struct kucomms_channel *channel, __u32 length,
			 struct kucomms_message **record, int timeout_ms);
int kucomms_commit_slow(struct kucomms_channel *channel, __u32 need);
int kucomms_receive_slow(struct kucomms_channel *channel,
			 struct kucomms_message *message, const void **data,
			 int timeout_ms, int found);
void kucomms_release_slow(struct kucomms_channel *channel);

/* The library defines them, too, for languages that cannot read this. */
#ifndef KUCOMMS_SCOPE
#define KUCOMMS_SCOPE static
#endif

/**
 * kucomms_send() - send a message
 * @message:    header: length, type, id and user are sent; control is ignored
 * @data:       message->length bytes, copied; may be NULL if there are none
 * @flags:      KUCOMMS_SEND_MORE or 0
 * @timeout_ms: how long to wait for room
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT (no room), -EMSGSIZE (longer than
 * kucomms_channel_length_max()), -EINVAL (unknown flag). On any failure before
 * the message was published nothing has been sent; -ESHUTDOWN and -EPROTO may
 * also mean that nobody took it any more. -EDEADLK: a handler of the endpoint
 * that has the channel would have to wait for room.
 */
int kucomms_send(struct kucomms_channel *channel,
		 const struct kucomms_message *message, const void *data,
		 unsigned int flags, int timeout_ms);

/**
 * kucomms_reserve() - make room for a message, to be written in place
 * @length:     of the data
 * @record:     where to put the pointer: the header, whose length is set and
 *              whose type, id and user are the caller's to write, and right
 *              behind it @length bytes for the data
 * @timeout_ms: how long to wait for room
 *
 * Several records may be reserved before the first is committed. Each must be
 * committed or discarded: what was reserved later waits behind it.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -EMSGSIZE.
 */
KUCOMMS_SCOPE inline int kucomms_reserve(struct kucomms_channel *channel,
				   __u32 length,
				   struct kucomms_message **record,
				   int timeout_ms)
{
	if (kucomms_likely(kucomms_producer_fits(&channel->out, length))) {
		*record = kucomms_producer_take(&channel->out, length);
		return 0;
	}
	return kucomms_reserve_slow(channel, length, record, timeout_ms);
}

/**
 * kucomms_commit() - send what has been written into a reserved record
 * @record: as kucomms_reserve() gave it; not to be used any more
 * @flags:  KUCOMMS_SEND_MORE or 0
 *
 * Return: 0, or -EINVAL (unknown flag).
 */
KUCOMMS_SCOPE inline int kucomms_commit(struct kucomms_channel *channel,
				  struct kucomms_message *record,
				  unsigned int flags)
{
	__u32 need;

	if (kucomms_unlikely(flags & ~KUCOMMS_SEND_MORE))
		return -EINVAL;
	kucomms_producer_commit(&channel->out, record, KUCOMMS_CONTROL_MESSAGE,
				flags & KUCOMMS_SEND_MORE);
	channel->sent++;
	if (flags & KUCOMMS_SEND_MORE)
		return 0;
	need = kucomms_producer_must_ring(&channel->out);
	return kucomms_likely(!need) ? 0 : kucomms_commit_slow(channel, need);
}

/**
 * kucomms_discard() - do not send a reserved record after all
 * @record: as kucomms_reserve() gave it; not to be used any more
 *
 * Return: 0, or an error that every call may return.
 */
int kucomms_discard(struct kucomms_channel *channel,
		    struct kucomms_message *record);

/**
 * kucomms_flush() - publish what KUCOMMS_SEND_MORE held back
 *
 * Return: 0, or an error that every call may return.
 */
int kucomms_flush(struct kucomms_channel *channel);

/**
 * kucomms_receive() - receive a message without copying its data
 * @message:    where to put the header
 * @data:       where to put a pointer to message->length bytes in the ring,
 *              read only, good until kucomms_release()
 * @timeout_ms: how long to wait for a message
 *
 * Several messages may be received before they are released together. The header
 * is a private copy that has been checked. The data are in memory that the other
 * side can write: if the program does not trust that process, it reads each byte
 * once and checks what it has read, or uses kucomms_receive_copy().
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -ENOBUFS (over netlink: broadcasts of the
 * kernel module have been missed for want of room, and nothing else has; said
 * once, when all that came has been received: go on).
 */
KUCOMMS_SCOPE inline int kucomms_receive(struct kucomms_channel *channel,
				   struct kucomms_message *message,
				   const void **data, int timeout_ms)
{
	int found = -ENOMSG;

	if (kucomms_likely(channel->awake)) {
		found = kucomms_consumer_receive(&channel->in, message, data);
		if (kucomms_likely(found == 1)) {
			channel->received++;
			return 0;
		}
	}
	return kucomms_receive_slow(channel, message, data, timeout_ms,
				    found);
}

/**
 * kucomms_release() - give back the room of everything received so far
 *
 * The other side is told of the room once per eighth of the ring, and at once
 * when nothing is left to receive and the other side waits for room. Until then
 * this makes no system call.
 */
KUCOMMS_SCOPE inline void kucomms_release(struct kucomms_channel *channel)
{
	bool told = kucomms_consumer_release(&channel->in);

	/* Read by the sending thread, which may be another. */
	kucomms_store(&channel->thread, KUCOMMS_THIS_THREAD());
	/* The other side may wait for the room, or this one sleep in poll(). */
	if (kucomms_unlikely(told || !channel->awake ||
			     kucomms_load(&channel->in.peer->need_room)))
		kucomms_release_slow(channel);
}

/**
 * kucomms_receive_copy() - receive a message into a buffer
 * @message:    where to put the header
 * @buffer:     where to put the data
 * @capacity:   of @buffer, in bytes
 * @timeout_ms: how long to wait for a message
 *
 * Releases this message and whatever was received before.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -ENOBUFS (as kucomms_receive()), -EMSGSIZE
 * (the buffer is too small: message->length says what it takes, the message can
 * be received again).
 */
int kucomms_receive_copy(struct kucomms_channel *channel,
			 struct kucomms_message *message, void *buffer,
			 size_t capacity, int timeout_ms);

/**
 * kucomms_exchange() - send a message and receive the answer
 * @request:    header of the message to send
 * @data:       request->length bytes, copied; may be NULL if there are none
 * @answer:     where to put the answer's header
 * @answer_data: where to put a pointer to its data, as kucomms_receive() does
 * @timeout_ms: how long to wait for room, and once more for the answer
 *
 * One system call at most, if there is room: it rings, and waits for the
 * answer. The answer is the next message that arrives, so this is for one
 * thread that gets one message for each that it sends.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT (no answer yet: kucomms_receive() gets it
 * later; or no room: nothing has been sent; @request->length tells nothing),
 * -ENOBUFS (as kucomms_receive(); the answer is yet to come), -EMSGSIZE.
 */
int kucomms_exchange(struct kucomms_channel *channel,
		     const struct kucomms_message *request, const void *data,
		     struct kucomms_message *answer, const void **answer_data,
		     int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif

#endif /* KUCOMMS_KUCOMMS_H */
