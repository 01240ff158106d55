/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The contract between the two sides of a kucomms channel.
 *
 * A channel is two rings, one each way, between exactly two sides; through a
 * device it is one open file of /dev/kucomms_NAME. To get one, a process
 *
 *   1. opens the device,
 *   2. attaches (KUCOMMS_IOC_ATTACH): asks for ring sizes, learns the offsets,
 *   3. maps four regions, each whole, shared, and at its own offset (which takes
 *      more than 32 bits: -D_FILE_OFFSET_BITS=64):
 *
 *      region            written by  user mapping  length
 *      user control      user        read-write    one page
 *      kernel control    kernel      read-only     one page
 *      to-kernel data    user        read-write    2 * to_kernel_size
 *      to-user data      kernel      read-only     2 * to_user_size
 *
 * The data regions show the same pages twice in a row, so a message that
 * begins near the end of the ring goes on without a seam: nobody wraps.
 *
 * Messages. A record is a struct kucomms_message and `length` bytes of data.
 * The next record begins where this one ends, rounded up to
 * KUCOMMS_RECORD_ALIGN. Positions are free-running u32 byte counts, both start
 * at 0, and `position & (size - 1)` is where a record lies in the data region.
 * A record and the control word of its successor must fit into the ring
 * together, so the longest message has KUCOMMS_LENGTH_MAX(size) bytes.
 *
 * Publication. The producer owns the space from its own position up to the
 * consumer's released position + size. It
 *
 *   a. clears the `control` word where the *next* record will begin,
 *   b. writes the record,
 *   c. stores this record's `control` with release semantics.
 *
 * The consumer loads the `control` word at its own position with acquire
 * semantics: 0 says "nothing yet". Because of (a) it never takes stale bytes
 * for a header. A batch is published at once by storing the control word of
 * its *first* record last.
 *
 * Release. The consumer stores its position into its own control page with
 * release semantics when it no longer needs the bytes before it: once per
 * eighth of the ring, and always before it says "nothing to read". The
 * producer loads it with acquire semantics when its last copy shows no room.
 * A producer that sleeps for room is told no more often than that: woken for
 * each message, it would fill the room of one message and sleep again. But if
 * the consumer releases something when nothing is left to read, and the
 * producer sleeps, the consumer tells it at once.
 *
 * Doorbells. Busy sides make no system call. A side that is about to sleep
 *
 *   - for data: sets need_data in its control page to (position | 1), where
 *     `position` is that of the record it waits for;
 *   - for room: sets need_room to (position | 1), where `position` is what the
 *     consumer must have released before the record will fit;
 *
 * then executes a full barrier, looks once more, and sleeps. The other side
 * publishes (or releases), executes a full barrier, reads need_data (or
 * need_room), and only if the lowest bit is set - and, for need_room, only if
 * the position has been reached - rings the doorbell. Whoever is about to sleep
 * for one of the two should first have told of what it has released, lest the
 * other side sleep for that. Positions are multiples
 * of KUCOMMS_RECORD_ALIGN, so the lowest bit is free to say "somebody waits".
 *
 * The kernel side of a device never sleeps on behalf of an adaptive endpoint:
 * it has need_data set whenever it is not looking at the ring, and the message
 * handler runs inside the client's doorbell call.
 *
 * Without mappings. An open file that is not attached can be read and written
 * instead, one message per call: struct kucomms_message and the data. The first
 * such call attaches it, with the device's defaults, and from then on it can be
 * neither attached nor mapped (EBUSY); nor can a file that has been attached be
 * read or written (EBUSY). write() takes exactly one message: EINVAL if `length`
 * is not what follows the header, EMSGSIZE if it can never fit. It waits for
 * room, read() for a message, or with O_NONBLOCK they fail with EAGAIN. If the
 * message is longer than the caller's buffer read() fails with EMSGSIZE and the
 * message stays. Both fail with ESHUTDOWN and EPROTO as the other calls do.
 *
 * Over netlink. Programs that know netlink, and nothing of shared memory, use a
 * socket of the protocol that the file netlink_protocol beside create_device
 * names (KUCOMMS_NETLINK_PROTOCOL, unless the administrator has chosen another).
 * A socket gets its channel by KUCOMMS_NLMSG_ATTACH with the descriptor of an
 * open, not yet attached device (open for reading and writing): who may open the
 * device may do so, and nobody else. The descriptor may be closed then; the channel
 * ends with the socket. From then on KUCOMMS_NLMSG_MESSAGE carries messages, struct
 * kucomms_message and the data, both ways, several in a datagram if one likes.
 *
 *   - The message handler's answers carry the sequence number of the request,
 *     what the module sends by itself 0. With NLM_F_ACK an NLMSG_ERROR of 0
 *     follows when the handler has done with a message and all its answers; or,
 *     if the module has none, when it has released the message, in no order with
 *     what it sends.
 *   - With NLM_F_DUMP the answers are a dump: NLM_F_MULTI, at the end NLMSG_DONE,
 *     and the kernel goes on when the socket is read. One at a time (EBUSY).
 *   - Broadcasts come only to sockets that attached with
 *     KUCOMMS_NLA_BROADCASTS, in order with all other messages. NLMSG_OVERRUN
 *     stands where some have been missed since there was no room.
 *   - A message that the socket has no room for waits in the kernel.
 *   - When the channel comes to its end an NLMSG_ERROR with sequence number 0
 *     says so: ESHUTDOWN or EPROTO.
 *
 * What is not accepted is answered by NLMSG_ERROR, with a text for those who set
 * NETLINK_EXT_ACK: EINVAL (a message or a datagram that is cut short, lengths
 * that contradict each other, attributes that are unknown, missing or wrong),
 * EOPNOTSUPP (unknown type; a dump of a module that has no message handler),
 * EPERM (no channel: attach first; the descriptor is no device, or not open for
 * both; the process that writes has more rights than the one that opened the
 * socket, and has not named the kernel's address), EBADF (no descriptor),
 * EMSGSIZE (can never fit), EAGAIN (no room: read the answers first), ESHUTDOWN
 * and EPROTO (the channel's state), and on attaching EBUSY (the socket or the
 * descriptor has a channel), and those of struct kucomms_attach.
 *
 * Trust. Each side writes only its own control page and its own data. Nothing
 * that the other side writes is believed: words are read once, checked, and
 * only the checked copy is used. A side that breaks the rules breaks its own
 * channel (KUCOMMS_STATE_BROKEN) and nothing else.
 *
 * Extensibility. Structures passed to ioctls begin with their own size. The
 * kernel accepts shorter ones (missing fields are 0) and longer ones whose
 * unknown tail is 0 (else E2BIG). Unknown flags and non-zero reserved fields
 * are refused with EINVAL. Layouts are the same for 32-bit and 64-bit
 * processes.
 */
#ifndef KUCOMMS_ABI_H
#define KUCOMMS_ABI_H

/* An older mode of the compiler gets this one error, and none of the rest. */
#if defined(__KERNEL__) ? 0 : defined(__cplusplus) ? __cplusplus < 201103L : \
	!defined(__STDC_VERSION__) || __STDC_VERSION__ < 201112L
#error "kucomms needs C11 or C++11: compile with -std=gnu11 or -std=c++17, or newer"
#else

#include <linux/ioctl.h>
#include <linux/types.h>

#if defined(__KERNEL__)
#include <linux/build_bug.h>
#include <linux/stddef.h>
#else
#include <stddef.h>
#endif

#ifdef __cplusplus
#define KUCOMMS_STATIC_ASSERT(what) static_assert(what, #what)
#else
#define KUCOMMS_STATIC_ASSERT(what) _Static_assert(what, #what)
#endif
#define KUCOMMS_ASSERT_OFFSET(type, member, offset) \
	KUCOMMS_STATIC_ASSERT(offsetof(struct type, member) == (offset))

/* Changes only when an old client can no longer work with a new module. */
#define KUCOMMS_ABI_VERSION	1

/* Device names: prefix, then [a-z0-9_], at most 63 characters in all. */
#define KUCOMMS_NAME_PREFIX	"kucomms_"
#define KUCOMMS_NAME_MAX	63

/*
 * Half a cache line: a header never lies across two. Measured between two
 * CPUs, round trips and streams of 8 to 1024 bytes are as fast as with 64,
 * and faster than with 8, where every second header takes two lines to move.
 */
#define KUCOMMS_RECORD_ALIGN	32u
#define KUCOMMS_RING_SIZE_MIN	4096u
#define KUCOMMS_RING_SIZE_MAX	(1u << 30)

/*
 * struct kucomms_message - what stands before the data of every message
 * @length:  bytes of data that follow; 0 is legal
 * @control: the ring's own, KUCOMMS_CONTROL_*: senders need not set it, receivers
 *           find nothing in it
 * @type:    the user's own, like @id and @user: any value, none is reserved
 */
struct kucomms_message {
	__u32 length;
	__u32 control;
	__u64 type;
	__u64 id;
	__u64 user;
};

KUCOMMS_STATIC_ASSERT(sizeof(struct kucomms_message) == 32);
KUCOMMS_ASSERT_OFFSET(kucomms_message, length, 0);
KUCOMMS_ASSERT_OFFSET(kucomms_message, control, 4);
KUCOMMS_ASSERT_OFFSET(kucomms_message, type, 8);
KUCOMMS_ASSERT_OFFSET(kucomms_message, id, 16);
KUCOMMS_ASSERT_OFFSET(kucomms_message, user, 24);

#define KUCOMMS_CONTROL_EMPTY		0u	/* nothing here yet */
#define KUCOMMS_CONTROL_MESSAGE		1u	/* a message */
#define KUCOMMS_CONTROL_DISCARDED	3u	/* a record to skip */

/*
 * The longest message of a ring of @size bytes: behind its record one unit
 * stays free, for the control word of the next one.
 */
#define KUCOMMS_LENGTH_MAX(size) \
	((size) - KUCOMMS_RECORD_ALIGN - (__u32)sizeof(struct kucomms_message))

/*
 * struct kucomms_control - a control page: what one side tells the other
 * @position:  how far this side, as a consumer, has released its incoming ring
 * @need_data: lowest bit (KUCOMMS_NEED) set: ring the doorbell when something
 *             is published at the rest of the word or beyond. Not set: do not
 *             ring; the rest may still say how far this side has read
 * @need_room: lowest bit set: ring it when the rest of the word is released
 * @state:     KUCOMMS_STATE_*; between a device and its client the kernel's only
 * @bell:      between processes: counts the times that this side rang for one
 *             who sleeps on the word, as a futex (see KUCOMMS_NEED_FUTEX)
 *
 * The position changes all the time and the other words hardly ever, so they
 * are kept apart by 128 bytes: a pair of cache lines, as adjacent-line
 * prefetchers fetch them.
 */
struct kucomms_control {
	__u32 position;
	__u32 reserved0[31];
	__u32 need_data;
	__u32 need_room;
	__u32 state;
	__u32 bell;
	__u32 reserved1[28];
};

KUCOMMS_STATIC_ASSERT(sizeof(struct kucomms_control) == 256);
KUCOMMS_ASSERT_OFFSET(kucomms_control, position, 0);
KUCOMMS_ASSERT_OFFSET(kucomms_control, need_data, 128);
KUCOMMS_ASSERT_OFFSET(kucomms_control, need_room, 132);
KUCOMMS_ASSERT_OFFSET(kucomms_control, state, 136);
KUCOMMS_ASSERT_OFFSET(kucomms_control, bell, 140);

#define KUCOMMS_NEED		1u
/* Beside it, between processes: who waits sleeps on the other side's @bell. */
#define KUCOMMS_NEED_FUTEX	2u
/* And: may find a message, leave it, and wait again for the doorbell. */
#define KUCOMMS_NEED_ALWAYS	4u

#define KUCOMMS_STATE_OPEN	0u	/* messages flow */
#define KUCOMMS_STATE_HANGUP	1u	/* the endpoint has gone: ESHUTDOWN */
#define KUCOMMS_STATE_BROKEN	2u	/* a side broke the rules: EPROTO */

/*
 * struct kucomms_attach - KUCOMMS_IOC_ATTACH
 * @size:                  in: sizeof(struct kucomms_attach) as the caller knows
 *                         it; out: as the kernel knows it
 * @flags:                 in: KUCOMMS_ATTACH_*
 * @to_kernel_size:        in: bytes wanted for the ring towards the kernel, a
 *                         power of two, or 0 for the device's default; out:
 *                         bytes given
 * @to_user_size:          the same for the other ring
 * @version:               out: KUCOMMS_ABI_VERSION of the kernel
 * @channel:               in: the number wanted, with KUCOMMS_ATTACH_NUMBER; out:
 *                         number of this channel on its device
 * @features:              out: KUCOMMS_FEATURE_* of the kernel
 * @user_control_offset:   out: mmap offset of the user control page
 * @kernel_control_offset: out: mmap offset of the kernel control page
 * @to_kernel_offset:      out: mmap offset of the ring towards the kernel
 * @to_user_offset:        out: mmap offset of the ring towards the user
 * @deadline:              in: if no kernel module serves the device, wait for one
 *                         until this time: CLOCK_MONOTONIC nanoseconds, 0: do
 *                         not wait, negative: for ever
 * @reserved:              in: 0
 *
 * Errors: EINVAL (size, flags, reserved fields, a number that the device cannot
 * have, ring sizes that are no power of two or out of bounds), E2BIG (unknown
 * fields set), EBUSY (this open file has a channel already), ENOTCONN (no kernel
 * module serves this device), ENODEV (the device has been removed), EUSERS (the
 * device has as many channels as it may), EADDRINUSE (the number is taken),
 * EINTR (a signal handler ran while the caller waited), ENOMEM, or the error of
 * the module's connect handler.
 */
struct kucomms_attach {
	__u32 size;
	__u32 flags;
	__u32 to_kernel_size;
	__u32 to_user_size;
	__u32 version;
	__u32 channel;
	__u64 features;
	__u64 user_control_offset;
	__u64 kernel_control_offset;
	__u64 to_kernel_offset;
	__u64 to_user_offset;
	__s64 deadline;
	__u64 reserved[3];
};

/* Least size that every kernel accepts, in bytes: that of the first version. */
#define KUCOMMS_ATTACH_SIZE_1	96u

KUCOMMS_STATIC_ASSERT(sizeof(struct kucomms_attach) >= KUCOMMS_ATTACH_SIZE_1);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, size, 0);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, flags, 4);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, to_kernel_size, 8);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, to_user_size, 12);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, version, 16);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, channel, 20);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, features, 24);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, user_control_offset, 32);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, kernel_control_offset, 40);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, to_kernel_offset, 48);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, to_user_offset, 56);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, deadline, 64);
KUCOMMS_ASSERT_OFFSET(kucomms_attach, reserved, 72);

#define KUCOMMS_ATTACH_NUMBER	(1u << 0)	/* @channel says which */

/*
 * struct kucomms_wait - KUCOMMS_IOC_WAIT: ring the doorbell, then wait
 * @size:     in: sizeof(struct kucomms_wait)
 * @events:   in: KUCOMMS_EVENT_* to wait for, at least one; RING rings first
 * @deadline: in: CLOCK_MONOTONIC nanoseconds when to give up, negative: never,
 *            0 (or any time gone by): do not sleep
 *
 * What to wait for is read from the user control page, which the caller has
 * prepared as for any sleep: DATA is true when something has been published
 * beyond the position in `need_data` (or beyond `position`, if the word is 0),
 * ROOM when the position in `need_room` has been released. poll() looks at the
 * same words, and needs no flag to wake: it counts as asking.
 * Because the deadline is absolute the call can be made again after a signal; the
 * kernel does so by itself where no handler ran (stop and continue, the freezer).
 *
 * Returns the events (DATA, ROOM) that came true, or fails with ETIMEDOUT (none
 * until the deadline), ESHUTDOWN or EPROTO (the channel's state, when there is
 * no DATA left), EINTR (a signal handler ran, with or without SA_RESTART), EINVAL,
 * E2BIG, ENOTCONN (not attached).
 */
struct kucomms_wait {
	__u32 size;
	__u32 events;
	__s64 deadline;
};

/* Least size that every kernel accepts, in bytes: that of the first version. */
#define KUCOMMS_WAIT_SIZE_1	16u

KUCOMMS_STATIC_ASSERT(sizeof(struct kucomms_wait) >= KUCOMMS_WAIT_SIZE_1);
KUCOMMS_ASSERT_OFFSET(kucomms_wait, size, 0);
KUCOMMS_ASSERT_OFFSET(kucomms_wait, events, 4);
KUCOMMS_ASSERT_OFFSET(kucomms_wait, deadline, 8);

#define KUCOMMS_EVENT_DATA	(1u << 0)
#define KUCOMMS_EVENT_ROOM	(1u << 1)
#define KUCOMMS_EVENT_RING	(1u << 2)

#define KUCOMMS_IOC_MAGIC	0xCE
#define KUCOMMS_IOC_ATTACH	_IOWR(KUCOMMS_IOC_MAGIC, 1, struct kucomms_attach)

/*
 * The doorbell: tells the kernel that something has been published or
 * released. The argument is 0 (flags; others: EINVAL). For an adaptive
 * endpoint the message handler runs before the call returns.
 *
 * Returns 0 when the ring has been emptied (or the handler waits for room in
 * the other one), 1 when the call has done its share and more is left: ring
 * again. Fails with ESHUTDOWN or EPROTO (the channel's state), EINTR (killed
 * while others had their turn), ENOTCONN (not attached).
 */
#define KUCOMMS_IOC_DOORBELL	_IO(KUCOMMS_IOC_MAGIC, 2)
#define KUCOMMS_IOC_WAIT	_IOW(KUCOMMS_IOC_MAGIC, 3, struct kucomms_wait)

#define KUCOMMS_NETLINK_PROTOCOL	31

/* nlmsg_type. The kernel answers ATTACH with an ATTACH. */
#define KUCOMMS_NLMSG_ATTACH	0x10
#define KUCOMMS_NLMSG_MESSAGE	0x11

/*
 * Attributes of KUCOMMS_NLMSG_ATTACH. The first is needed, the others are as in
 * struct kucomms_attach, and without them that structure's defaults hold.
 */
#define KUCOMMS_NLA_FD			1	/* u32, in */
#define KUCOMMS_NLA_TO_KERNEL_SIZE	2	/* u32, in and out */
#define KUCOMMS_NLA_TO_USER_SIZE	3	/* u32, in and out */
#define KUCOMMS_NLA_CHANNEL		4	/* u32, in and out */
#define KUCOMMS_NLA_DEADLINE		5	/* s64, in */
#define KUCOMMS_NLA_DATAGRAM		6	/* u32, in: most bytes at a time, up to 128 KiB */
#define KUCOMMS_NLA_BROADCASTS		7	/* flag, in */
#define KUCOMMS_NLA_VERSION		8	/* u32, out */
#define KUCOMMS_NLA_MAX			8

/* What a datagram from the kernel has at most, unless one message has more. */
#define KUCOMMS_DATAGRAM_DEFAULT	4096u

/* The longest message over netlink, whatever the ring: a datagram is one piece. */
#define KUCOMMS_NETLINK_LENGTH_MAX	(128u * 1024)

#endif

#endif /* KUCOMMS_ABI_H */
