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
 * The name says what is on the other side:
 *
 *	NAME, kernel:NAME  the kernel module that serves /dev/kucomms_NAME; a
 *			   NAME that begins with '/' is the path of the device
 *	netlink:NAME	   the same module, by netlink instead of shared memory
 *	process:NAME	   the process that listens there (kucomms_listen())
 *	local:NAME	   a listener of that name in this process
 *
 * This header is about single channels. endpoint.h has handlers, and the
 * threads that call them.
 *
 * Every function that can fail returns 0 or more for success and a negated
 * errno for failure; errno itself has no meaning. The library prints nothing,
 * never exits and starts no threads but those of kucomms_endpoint_start().
 *
 * Timeouts are in milliseconds: with 0 a function does not wait for room or
 * messages (-EAGAIN), with -1 it waits for ever, and otherwise it fails with
 * -ETIMEDOUT when the time is up. The kernel module's handlers run inside the
 * call that sends; the time that they take is not counted.
 *
 * Signals: each wait here and in endpoint.h, kucomms_endpoint_run() included,
 * fails with -EINTR when a signal handler has run in the waiting thread, with
 * SA_RESTART or without, as poll(2) does. Nothing else about signals ends a
 * wait: a process that is stopped and continued, frozen or traced goes on
 * waiting, until the same moment. kucomms_endpoint_stop(),
 * kucomms_endpoint_destroy() and kucomms_call_cancel(), which wait for a
 * handler of this process to return, go on waiting after a signal handler. A
 * signal handler that runs just before a wait begins does not end the wait. So
 * a program that must not miss a signal blocks it in all threads, and has one
 * thread in sigwait(3), which then calls kucomms_endpoint_stop(); or it waits
 * in ppoll(2), or beside a signalfd(2), for the descriptor of
 * kucomms_channel_poll_start() or kucomms_endpoint_fd().
 *
 * Before a call sleeps, it polls the ring for 20 microseconds, about the time
 * that sleeping and waking take, if the process may use more than one CPU. Over
 * netlink a call sleeps at once, since only a system call could find a message.
 *
 * Over netlink both rings are private memory, and the library copies datagrams
 * from and to them: no other process can change data that are received in
 * place. Messages towards the kernel have at most 128 KiB less 64 bytes,
 * messages from the kernel at most 128 KiB, whatever the sizes of the rings.
 *
 * Threads: a channel may be used by one thread that sends (send, reserve,
 * commit, discard, flush) and one that receives (receive, release) at the same
 * time. While a thread opens, reattaches or closes a channel, no other thread
 * may use it. Different channels are independent.
 *
 * fork(): channels, listeners and endpoints belong to the parent. The child has
 * copies, which it may close, destroy or put: that closes its descriptors and
 * frees its memory, calls no handler, waits for no thread, and does not affect
 * the parent. The child should close its copies, since the other side of a
 * process that was killed is told only when no process has the descriptors any
 * more; exec() closes them. All other functions fail with -ESTALE,
 * kucomms_channel_fd() and kucomms_endpoint_fd() included;
 * kucomms_channel_shutdown() and kucomms_endpoint_stop() do nothing;
 * kucomms_channel_priv() is NULL. The rings are not mapped in the child: if it
 * accesses a message that was reserved or received in place before, SIGSEGV
 * ends it. So open channels after daemon(3), not before. A child that a handler
 * has forked must not return from the handler.
 *
 * Errors that every call on a channel may return: -ESHUTDOWN (the other side
 * has gone: the kernel module has unregistered, the process has closed the
 * channel or ended; what was sent before can still be received), -EPROTO (the
 * other side refused a message, or a side broke the rules: the channel is
 * unusable), -ESTALE (this process is a child of the one that opened the
 * channel), -EINTR. A call that makes no system call does not notice the end of
 * the other side: a program that sends to a killed process gets the error when
 * it would have to wake that process, when the ring is full, or from poll().
 */
#ifndef KUCOMMS_KUCOMMS_H
#define KUCOMMS_KUCOMMS_H

#include <kucomms/abi.h>
#include <kucomms/ring.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* abi.h defines this macro unless the compiler's mode is too old. */
#ifdef KUCOMMS_ABI_VERSION

/* Identity of the calling thread: no function call where the compiler can. */
#if defined(__clang__) ? defined(__aarch64__) : __GNUC__ >= 11
#define KUCOMMS_THIS_THREAD()	((uintptr_t)__builtin_thread_pointer())
#else
#include <pthread.h>
#define KUCOMMS_THIS_THREAD()	((uintptr_t)pthread_self())
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define KUCOMMS_VERSION		"0.2.0"

/**
 * struct kucomms_channel - this side's end of a channel
 * @out:      the ring towards the other side; only the thread that sends uses
 *            it and @sent
 * @sent:     number of messages sent
 * @priv:     pointer of kucomms_channel_priv()
 * @in:       the ring towards this side; only the thread that receives uses it
 *            and the members below
 * @received: number of messages received
 * @thread:   identity of the thread that released last
 * @awake:    need_data is not set for @in, so the inline functions may receive
 *            without a call of the library
 *
 * All members are private to the library. They are declared here so that the
 * functions that every message takes can be inline, and have words in reserve
 * since programs compile in their offsets; the parts of the two threads are two
 * cache lines apart. In a child after fork() all members are zero: there is no
 * room, and @awake is 0.
 */
struct kucomms_channel {
	struct kucomms_producer out;
	__u64 sent;
	void *priv;
	__u64 reserved0[3];

	struct kucomms_consumer in __attribute__((aligned(128)));
	__u64 received;
	uintptr_t thread;
	__u32 awake;
	__u32 reserved1[5];
};

/*
 * Flag of send and commit: the publication of the message waits for the next
 * one without the flag, for kucomms_flush(), or until the ring is full.
 * Receiving does not publish: a program flushes before it waits for an answer.
 */
#define KUCOMMS_SEND_MORE	(1u << 0)

/**
 * struct kucomms_options - options of kucomms_open()
 * @size:         sizeof(struct kucomms_options)
 * @send_size:    bytes of the ring that this side sends in: a power of two,
 *                at least one page; 0: the other side's default. Over netlink
 *                it has at most 128 KiB, which is also the default, and the
 *                device must allow twice as much; if it does not, the default
 *                is half of the device's
 * @receive_size: bytes of the ring that this side receives from, likewise
 * @flags:        KUCOMMS_OPEN_NUMBER, KUCOMMS_OPEN_NO_SPIN
 * @number:       with KUCOMMS_OPEN_NUMBER: the number that the channel is to
 *                have on its device or listener
 * @timeout_ms:   how many milliseconds to wait for what is missing: the
 *                device, a kernel module that serves it, a process that
 *                listens and then its answer, a free channel. 0: not at
 *                all, but one second for the answer; -1: for ever. The error
 *                is then the one that 0 would have returned. Waiting
 *                also covers -EACCES until udev has given a new device its
 *                owner and mode. The kernel reports a kernel module that
 *                registers; for all else, and over netlink, the library tries
 *                again, after 1 ms at first and every 100 ms in the end
 * @spin_us:      microseconds, at most 1000000, for which calls poll the ring
 *                before they sleep; 0: the library's choice. Not over netlink
 */
struct kucomms_options {
	size_t size;
	__u32 send_size;
	__u32 receive_size;
	__u32 flags;
	__u32 number;
	__s32 timeout_ms;
	__u32 spin_us;
};

#define KUCOMMS_OPEN_NUMBER	(1u << 16)	/* @number is set */
#define KUCOMMS_OPEN_NO_SPIN	(1u << 17)	/* sleep at once */

/**
 * struct kucomms_channel_stats - counters of a channel, since it was opened
 * @size:      set by the caller: sizeof(struct kucomms_channel_stats)
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
 * Return: a constant string such as "0.2.0".
 */
const char *kucomms_version(void);

/**
 * kucomms_open() - opens a channel
 * @name:    of a device, with or without the prefix "kucomms_", or its path, or
 *           one that begins with "kernel:", "netlink:", "process:" or "local:"
 * @options: NULL for the defaults
 * @channel: where to store the channel; kucomms_channel_close() frees it
 *
 * For "process:NAME" the library looks for a listener of the same user first,
 * then for one of root (kucomms_listen()). The listener has one second to
 * answer, or as long as @timeout_ms says, so a thread must not open
 * "process:NAME" if it is itself the one that accepts there. A channel of
 * "local:NAME" can be used before it has been accepted; if the other side
 * refuses it, calls fail with -EPROTO.
 *
 * Return: 0, or -EINVAL (bad name or options, a number or ring sizes beyond the
 * other side's limits), -E2BIG (options that this library does not know),
 * -ENOENT (no such device, no process listens), -EACCES (not allowed to open
 * it), -ENODEV (the device has been removed just now), -ENXIO (the node was
 * kept from a device that was removed), -ENOTCONN (no kernel module serves it),
 * -EUSERS (the other side has as many channels as it may have), -EADDRINUSE
 * (the number is taken), -EINTR, -EPROTONOSUPPORT (the versions of the two
 * sides do not fit together, or the module has no netlink), -EPROTO (the
 * process that listens violates the protocol), -ETIMEDOUT (it does not answer),
 * -ESHUTDOWN (it closed the connection before it answered), -ENAMETOOLONG (the
 * path is too long for a socket), -ENOTTY, or over netlink -EPERM (not a device
 * of kucomms), -ENOMEM, -EMFILE, -ENFILE, or the error that the other side's
 * connect handler returned.
 */
int kucomms_open(const char *name, const struct kucomms_options *options,
		 struct kucomms_channel **channel);

/**
 * kucomms_name_error() - says in words what is wrong with a name
 * @name: as kucomms_open() or kucomms_listen() takes it
 *
 * A program that got -EINVAL or -ENAMETOOLONG can print the string. The
 * function does not look whether there is a device or listener of that name.
 * Any thread may call it.
 *
 * Return: a constant string, such as "it is empty"; NULL if the name is
 * correct.
 */
const char *kucomms_name_error(const char *name);

/**
 * kucomms_strerror() - explains an error of this library
 * @err: result of a function here or in endpoint.h, negated or not
 *
 * The texts differ from those of strerror(3), which speak of sockets and files:
 * -ESHUTDOWN is "the other side has gone". Any thread may call it.
 *
 * Return: a constant string.
 */
const char *kucomms_strerror(int err);

/**
 * kucomms_channel_reattach() - opens a channel again, after -ESHUTDOWN
 * @timeout_ms: how many milliseconds to wait for the device, for a kernel
 *              module that serves it, or for a process that listens; the
 *              function does not wait for a free channel
 *
 * A program calls it when the other side has been replaced. The channel is
 * opened with the same name and options: messages that were on their way are
 * lost, pointers into the rings become invalid, and its number may change. Its
 * counters go on. The descriptor keeps its number, but the program has to add
 * it to epoll again. No other thread may use the channel during the call. If
 * the other side has hung up on this channel only, the number of the channel
 * and its place on the device are still taken: then the program closes it and
 * opens another.
 *
 * Return: 0, or an error of kucomms_open(), after which the channel is as
 * before; -EINVAL for a channel that has been accepted.
 */
int kucomms_channel_reattach(struct kucomms_channel *channel, int timeout_ms);

/* A name under which this process accepts channels. */
struct kucomms_listener;

/**
 * struct kucomms_listen_options - options of kucomms_listen()
 * @size:          sizeof(struct kucomms_listen_options)
 * @mode:          permissions of the socket, which decide who may connect; 0:
 *                 0600. "local:" has none
 * @channels_max:  the most channels that may be open at a time; 0: 65536
 * @ring_size:     bytes of a ring for which the client chose no size: at most
 *                 16 MiB; 0: 128 KiB
 * @ring_size_max: the most bytes that a client may choose for a ring, which
 *                 this process then provides for each channel; 0: 16 MiB
 */
struct kucomms_listen_options {
	size_t size;
	__u32 mode;
	__u32 channels_max;
	__u32 ring_size;
	__u32 ring_size_max;
};

/**
 * kucomms_listen() - makes this process the other side of a name
 * @name:     "process:NAME" or "local:NAME". NAME has 1 to 55 of the characters
 *            [a-z0-9_]. The socket of a process is below $XDG_RUNTIME_DIR,
 *            where the programs of the same user find it, or, if root listens,
 *            below /run/kucomms, where all find it that @mode admits. A NAME
 *            with a '/' is the path of the socket
 * @options:  NULL for the defaults
 * @listener: where to store the listener; kucomms_listener_close() frees it
 *
 * A socket that a killed process has left under this name is removed first, so
 * @name must not be the path of anything else.
 *
 * Return: 0, or -EINVAL (bad name, bad options), -E2BIG, -EADDRINUSE (another
 * listener has the name), -ENOENT (no such directory, or no XDG_RUNTIME_DIR),
 * -EACCES, -ENAMETOOLONG, -ENOMEM, -EMFILE, -ENFILE.
 */
int kucomms_listen(const char *name,
		   const struct kucomms_listen_options *options,
		   struct kucomms_listener **listener);

/**
 * kucomms_accept() - waits for a client to connect
 * @channel:    where to store the channel; kucomms_channel_close() frees it
 * @timeout_ms: how many milliseconds to wait
 *
 * One thread at a time may call it. A client that connects and then sends
 * nothing, or something invalid, does not hold up others.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -EINTR, -ENOMEM, -EMFILE, -ENFILE,
 * -ESTALE.
 */
int kucomms_accept(struct kucomms_listener *listener,
		   struct kucomms_channel **channel, int timeout_ms);

/**
 * kucomms_listener_fd() - returns a descriptor, readable when a client waits
 *
 * Return: the descriptor, or -ESTALE in a child after fork().
 */
int kucomms_listener_fd(const struct kucomms_listener *listener);

/**
 * kucomms_listener_close() - stops listening and frees the listener
 *
 * Channels that have been accepted stay open. NULL is ignored.
 */
void kucomms_listener_close(struct kucomms_listener *listener);

/**
 * struct kucomms_peer - the process on the other side
 * @pid: number of the process that connected, or that listens; of "local:" this
 *       one. The process may have ended since, and the number may have a new
 *       owner
 * @uid: its effective user at that time
 * @gid: its effective group at that time
 * @reserved: 0
 */
struct kucomms_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	__u32 reserved[5];
};

/**
 * kucomms_channel_get_peer() - tells which process is on the other side
 *
 * Return: 0, or -EOPNOTSUPP (the other side is a kernel module).
 */
int kucomms_channel_get_peer(const struct kucomms_channel *channel,
			     struct kucomms_peer *peer);

/**
 * kucomms_channel_shutdown() - hangs up
 *
 * The other side gets -ESHUTDOWN when it has received the messages that were
 * sent before. So do the other threads of this process that use the channel; a
 * thread that sleeps in a call may need 100 ms, and for room one second, to
 * notice. Any thread may call it. The channel still has to be closed. A kernel
 * module is told only when the channel is closed, and a thread that sleeps in a
 * call on a device, or over netlink, sleeps on.
 */
void kucomms_channel_shutdown(struct kucomms_channel *channel);

/**
 * kucomms_channel_close() - hangs up and frees the channel
 *
 * Pointers into its rings become invalid. NULL is ignored. A channel of an
 * endpoint is closed by kucomms_endpoint_remove() instead.
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

/** kucomms_channel_number() - returns its number on the device or listener */
unsigned int kucomms_channel_number(const struct kucomms_channel *channel);

/** kucomms_channel_set_priv() - stores a pointer with the channel */
static inline void kucomms_channel_set_priv(struct kucomms_channel *channel,
					    void *priv)
{
	__atomic_store_n(&channel->priv, priv, __ATOMIC_RELAXED);
}

/** kucomms_channel_priv() - returns the pointer stored last, at first NULL */
static inline void *kucomms_channel_priv(const struct kucomms_channel *channel)
{
	return __atomic_load_n(&channel->priv, __ATOMIC_RELAXED);
}

/** kucomms_channel_length_max() - returns how many bytes a message may have */
__u32 kucomms_channel_length_max(const struct kucomms_channel *channel);

/**
 * struct kucomms_space - the rings of a channel, in bytes
 * @in_size:  size of the ring that this side receives from
 * @out_size: size of the ring that this side sends in
 * @used: bytes of that ring in messages that the other side has not released,
 *        as far as this side knows: the other side publishes what it has
 *        released only after an eighth of the ring, or when it has read all
 *        messages
 * @free: @out_size less @used; a message takes the length of its data and 32
 *        bytes for the header, rounded up to a multiple of 32
 * @reserved: 0
 */
struct kucomms_space {
	__u32 in_size;
	__u32 out_size;
	__u32 used;
	__u32 free;
	__u32 reserved[4];
};

/**
 * kucomms_channel_get_space() - tells how large the rings are, and how full
 *
 * A connect handler can refuse a client whose rings do not suit, and a sender
 * can send less before the ring is full. The function makes no system call. All
 * members are 0 while the channel has no rings, because the other side has gone
 * or has not been reached yet. The thread that sends may call it, and on a
 * channel of an endpoint any thread.
 */
void kucomms_channel_get_space(struct kucomms_channel *channel,
			       struct kucomms_space *space);

/**
 * kucomms_channel_get_stats() - reads the channel's counters
 *
 * They are exact while no other thread uses the channel.
 *
 * Return: 0, or -EINVAL (stats->size is too small).
 */
int kucomms_channel_get_stats(const struct kucomms_channel *channel,
			      struct kucomms_channel_stats *stats);

/* The slow paths of the inline functions, in the library. */
int kucomms_reserve_slow(struct kucomms_channel *channel, __u32 length,
			 struct kucomms_message **record, int timeout_ms);
int kucomms_commit_slow(struct kucomms_channel *channel, __u32 need);
int kucomms_receive_slow(struct kucomms_channel *channel,
			 struct kucomms_message *message, const void **data,
			 int timeout_ms, int found);
void kucomms_release_slow(struct kucomms_channel *channel);

/* The library also exports these functions, for languages other than C. */
#ifndef KUCOMMS_SCOPE
#define KUCOMMS_SCOPE static
#endif

/**
 * kucomms_send() - sends a message
 * @message:    header: length, type, id and user are sent; control is ignored
 * @data:       message->length bytes, copied; may be NULL if there are none
 * @flags:      KUCOMMS_SEND_MORE or 0
 * @timeout_ms: how many milliseconds to wait for room
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT (no room), -EMSGSIZE (longer than
 * kucomms_channel_length_max()), -EINVAL (unknown flag), -EDEADLK (a handler of
 * the channel's endpoint would have to wait for room). 0 means that the message
 * is in the ring, not that the other side has read it. After an error the
 * message has not been sent, except that -ESHUTDOWN and -EPROTO may mean that
 * it was published but that the other side will not take it.
 */
int kucomms_send(struct kucomms_channel *channel,
		 const struct kucomms_message *message, const void *data,
		 unsigned int flags, int timeout_ms);

/**
 * kucomms_reserve() - makes room for a message that is written in place
 * @length:     bytes of data
 * @record:     where to store a pointer to the header, in which the length is
 *              set and the caller writes type, id and user; @length bytes for
 *              the data follow it
 * @timeout_ms: how many milliseconds to wait for room
 *
 * Several records may be reserved before the first is committed. Each must be
 * committed or discarded: those that were reserved later wait for it.
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
 * kucomms_commit() - sends a record
 * @record: pointer of kucomms_reserve(), which becomes invalid
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
 * kucomms_discard() - gives up a record
 * @record: pointer of kucomms_reserve(), which becomes invalid
 *
 * Return: 0, or an error that every call may return.
 */
int kucomms_discard(struct kucomms_channel *channel,
		    struct kucomms_message *record);

/**
 * kucomms_flush() - publishes messages that KUCOMMS_SEND_MORE has delayed
 *
 * Return: 0, or an error that every call may return.
 */
int kucomms_flush(struct kucomms_channel *channel);

/**
 * kucomms_receive() - receives a message without copying its data
 * @message:    where to store the header
 * @data:       where to store a pointer to message->length bytes in the ring,
 *              which are read-only and valid until kucomms_release()
 * @timeout_ms: how many milliseconds to wait for a message
 *
 * Several messages may be received before they are released together. The
 * header is a private copy that has been checked. The data are in memory that
 * the other side can write: if the program does not trust that process, it
 * reads each byte once and checks what it has read, or uses
 * kucomms_receive_copy().
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -ENOBUFS (over netlink: broadcasts of the
 * kernel module were lost because there was no room for them; nothing else was
 * lost and the channel goes on. The error is returned once, after all messages
 * that had arrived).
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
 * kucomms_release() - gives back the room of all messages received so far
 *
 * The room is published after an eighth of the ring, and at once when no
 * message is left and the other side waits for room. Otherwise the function
 * makes no system call.
 */
KUCOMMS_SCOPE inline void kucomms_release(struct kucomms_channel *channel)
{
	bool told = kucomms_consumer_release(&channel->in);

	/* Read by the sending thread, which may be another. */
	kucomms_store(&channel->thread, KUCOMMS_THIS_THREAD());
	/* The other side may wait for room, or this side sleep in poll(). */
	if (kucomms_unlikely(told || !channel->awake ||
			     kucomms_load(&channel->in.remote->need_room)))
		kucomms_release_slow(channel);
}

/**
 * kucomms_receive_copy() - receives a message into a buffer
 * @message:    where to store the header
 * @buffer:     where to store the data
 * @capacity:   size of @buffer, in bytes
 * @timeout_ms: how many milliseconds to wait for a message
 *
 * It releases this message and all that were received before.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -ENOBUFS (as kucomms_receive()), -EMSGSIZE
 * (the data have message->length bytes, more than @capacity; the message can be
 * received again).
 */
int kucomms_receive_copy(struct kucomms_channel *channel,
			 struct kucomms_message *message, void *buffer,
			 size_t capacity, int timeout_ms);

/**
 * kucomms_exchange() - sends a message and receives the answer
 * @request:    header of the message to send
 * @data:       request->length bytes, copied; may be NULL if there are none
 * @answer:     where to store the answer's header
 * @answer_data: where to store a pointer to its data, as kucomms_receive() does
 * @timeout_ms: how many milliseconds to wait for room, and again for the answer
 *
 * If there is room, one system call at most rings the doorbell and waits for
 * the answer. The answer is the next message that arrives, so one thread uses
 * the channel, and gets one message for each that it sends.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT (either there is no answer yet, and
 * kucomms_receive() will get it, or there was no room, and nothing has been
 * sent; the caller cannot tell which), -ENOBUFS (as kucomms_receive(); the
 * answer is yet to come), -EMSGSIZE.
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
