/* SPDX-License-Identifier: MIT */
/*
 * libkucomms: messages between this process and a kernel module.
 *
 *	struct kucomms_channel *channel;
 *	struct kucomms_message message = { .length = 5 };
 *	char answer[64];
 *
 *	kucomms_open("echo", NULL, &channel);
 *	kucomms_send(channel, &message, "hello", 0, -1);
 *	kucomms_receive_copy(channel, &message, answer, sizeof(answer), -1);
 *	kucomms_close(channel);
 *
 * Every function that can fail returns 0 or more for success and a negated
 * errno for failure; errno itself has no meaning. The library prints nothing,
 * never exits and starts no threads.
 *
 * Timeouts are in milliseconds: 0 does not wait for room or messages (-EAGAIN),
 * -1 waits for ever, anything else fails with -ETIMEDOUT when the time is up. The
 * kernel module's handlers run inside send, and their time is not counted. A signal whose
 * handler was installed without SA_RESTART ends a wait with -EINTR.
 *
 * Threads: a channel may be used by one thread that sends (send, reserve,
 * commit, discard, flush) and one that receives (receive, release) at the same
 * time. Open and close stand alone. Different channels know nothing of each
 * other. After fork() the channel belongs to the parent: the child must not
 * touch it, and has no mapping to touch it with.
 *
 * Errors that every call on a channel may return: -ESHUTDOWN (the kernel
 * module has unregistered; what it had sent before can still be received),
 * -EPROTO (the kernel module refused a message, or a side broke the rules: the
 * channel is unusable), -EINTR.
 */
#ifndef KUCOMMS_KUCOMMS_H
#define KUCOMMS_KUCOMMS_H

#include <kucomms/abi.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KUCOMMS_VERSION		"0.1.0"

/* The client's end of a channel. */
struct kucomms_channel;

/* Flag of send and commit: more follows, publication can wait for it. */
#define KUCOMMS_MORE		(1u << 0)

/**
 * struct kucomms_options - what kucomms_open() can be told
 * @size:           sizeof(struct kucomms_options)
 * @to_kernel_size: bytes of the ring towards the kernel: a power of two, at
 *                  least one page; 0: what the device thinks best
 * @to_user_size:   the same for the other ring
 */
struct kucomms_options {
	size_t size;
	__u32 to_kernel_size;
	__u32 to_user_size;
};

/**
 * struct kucomms_stats - what a channel has cost so far
 * @size:      in: sizeof(struct kucomms_stats)
 * @sent:      messages sent
 * @received:  messages received
 * @doorbells: system calls made to ring the kernel's doorbell
 * @waits:     system calls made to wait
 */
struct kucomms_stats {
	size_t size;
	__u64 sent;
	__u64 received;
	__u64 doorbells;
	__u64 waits;
};

/** kucomms_version() - the version of the library that is running */
const char *kucomms_version(void);

/**
 * kucomms_open() - open a device and attach a channel
 * @name:    of the device, with or without the prefix "kucomms_"
 * @options: NULL for the defaults
 * @channel: where to put the channel; kucomms_close() frees it
 *
 * Return: 0, or -EINVAL (bad name or options), -ENOENT (no such device),
 * -EACCES (not allowed to open it), -ENODEV (removed just now), -ENOTCONN (no
 * kernel module serves it), -EUSERS (it has all the channels it may have),
 * -EPROTONOSUPPORT (module and library do not fit together), -ENOTTY (not a
 * kucomms device), -ENOMEM, -EMFILE, -ENFILE, or what the kernel module says.
 */
int kucomms_open(const char *name, const struct kucomms_options *options,
		 struct kucomms_channel **channel);

/**
 * kucomms_close() - detach and free a channel
 *
 * Pointers into its rings are gone. NULL is ignored.
 */
void kucomms_close(struct kucomms_channel *channel);

/**
 * kucomms_fd() - a descriptor to poll
 *
 * Readable (POLLIN): there is something to receive; writable (POLLOUT): there is
 * room for what send or reserve found no room for; POLLHUP: the kernel module
 * has gone. Edge-triggered, receive until -EAGAIN before waiting again;
 * level-triggered, take as many messages at a time as you like. Call it once
 * before polling: from then on the channel keeps poll() informed. The
 * descriptor stays the channel's: do not read, write or close it.
 */
int kucomms_fd(struct kucomms_channel *channel);

/** kucomms_channel_number() - which of its device's channels this is */
unsigned int kucomms_channel_number(const struct kucomms_channel *channel);

/** kucomms_length_max() - bytes of the longest message that can be sent */
__u32 kucomms_length_max(const struct kucomms_channel *channel);

/**
 * kucomms_get_stats() - read the channel's counters
 *
 * Return: 0, or -EINVAL (stats->size is too small).
 */
int kucomms_get_stats(const struct kucomms_channel *channel,
		      struct kucomms_stats *stats);

/**
 * kucomms_send() - send a message
 * @message:    header: length, type, id and user are sent; control is ignored
 * @data:       message->length bytes, copied; may be NULL if there are none
 * @flags:      KUCOMMS_MORE or 0
 * @timeout_ms: how long to wait for room
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT (no room), -EMSGSIZE (longer than
 * kucomms_length_max()), -EINVAL (unknown flag). On any failure before the
 * message was published nothing has been sent; -ESHUTDOWN and -EPROTO may
 * also mean that nobody took it any more.
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
int kucomms_reserve(struct kucomms_channel *channel, __u32 length,
		    struct kucomms_message **record, int timeout_ms);

/**
 * kucomms_commit() - send what has been written into a reserved record
 * @record: as kucomms_reserve() gave it; not to be used any more
 * @flags:  KUCOMMS_MORE or 0
 *
 * Return: 0, or -EINVAL (unknown flag).
 */
int kucomms_commit(struct kucomms_channel *channel,
		   struct kucomms_message *record, unsigned int flags);

/**
 * kucomms_discard() - do not send a reserved record after all
 * @record: as kucomms_reserve() gave it; not to be used any more
 *
 * Return: 0, or an error that every call may return.
 */
int kucomms_discard(struct kucomms_channel *channel,
		    struct kucomms_message *record);

/**
 * kucomms_flush() - publish what KUCOMMS_MORE held back
 *
 * Return: 0, or an error that every call may return.
 */
int kucomms_flush(struct kucomms_channel *channel);

/**
 * kucomms_receive() - receive a message without copying its data
 * @message:    where to put the header
 * @data:       where to put a pointer to message->length bytes in the ring, read
 *              only, good until kucomms_release()
 * @timeout_ms: how long to wait for a message
 *
 * Several messages may be received before they are released together.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT.
 */
int kucomms_receive(struct kucomms_channel *channel,
		    struct kucomms_message *message, const void **data,
		    int timeout_ms);

/** kucomms_release() - give back the room of everything received so far */
void kucomms_release(struct kucomms_channel *channel);

/**
 * kucomms_receive_copy() - receive a message into a buffer
 * @message:    where to put the header
 * @buffer:     where to put the data
 * @capacity:   of @buffer, in bytes
 * @timeout_ms: how long to wait for a message
 *
 * Releases this message and whatever was received before.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -EMSGSIZE (the buffer is too small:
 * message->length says what it takes, the message can be received again).
 */
int kucomms_receive_copy(struct kucomms_channel *channel,
			 struct kucomms_message *message, void *buffer,
			 size_t capacity, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* KUCOMMS_KUCOMMS_H */
