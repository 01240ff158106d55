/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The contract between the two sides of a channel: structures, numbers, errors.
 * docs/protocol.md says how a process gets a channel, and how the two sides
 * publish, release and sleep; kucomms_netlink(7) is for clients over netlink.
 *
 * Structures passed to ioctls begin with their own size. The kernel accepts
 * shorter ones (missing members are 0) and longer ones whose unknown tail is 0
 * (else E2BIG). Unknown flags and reserved members that are not 0 are refused
 * with EINVAL. Layouts are the same for 32-bit and 64-bit processes.
 */
#ifndef KUCOMMS_ABI_H
#define KUCOMMS_ABI_H

/* A compiler in an older mode reports this one error, and no other. */
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
 * struct kucomms_message - header of a message, before its data
 * @length:  bytes of data that follow; 0 is legal
 * @control: state of the record, KUCOMMS_CONTROL_*: senders need not set it,
 *           and receivers ignore it
 * @type:    meaning chosen by the program, as of @id and @user: no value is
 *           reserved
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

#define KUCOMMS_CONTROL_EMPTY		0u	/* no record yet */
#define KUCOMMS_CONTROL_MESSAGE		1u	/* a message */
#define KUCOMMS_CONTROL_DISCARDED	3u	/* a record to skip */

/*
 * Bytes of data of the longest message in a ring of @size bytes: behind its
 * record one unit stays free, for the control word of the next record.
 */
#define KUCOMMS_LENGTH_MAX(size) \
	((size) - KUCOMMS_RECORD_ALIGN - (__u32)sizeof(struct kucomms_message))

/*
 * struct kucomms_control - a control page: what one side tells the other
 * @position:  how far this side, as a consumer, has released its incoming ring
 * @need_data: a position and KUCOMMS_NEED: the other side has to ring the
 *             doorbell when it publishes a record at that position or beyond.
 *             Without KUCOMMS_NEED it need not ring; the position may still say
 *             how far this side has read
 * @need_room: a position and KUCOMMS_NEED: the other side has to ring the
 *             doorbell when it has released that position
 * @state:     KUCOMMS_STATE_*; on a device only that of the kernel counts
 * @bell:      between processes, a futex: how often this side has rung for the
 *             other side while that slept on this word (KUCOMMS_NEED_FUTEX)
 *
 * The position changes all the time and the other words hardly ever, so 128
 * bytes lie between them: a pair of cache lines, which adjacent-line
 * prefetchers fetch together.
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
/* Also set between processes: the sleeper waits on the other side's @bell. */
#define KUCOMMS_NEED_FUTEX	2u
/* Also set if the sleeper may leave a message unread and wait for a ring. */
#define KUCOMMS_NEED_ALWAYS	4u

#define KUCOMMS_STATE_OPEN	0u	/* messages flow */
#define KUCOMMS_STATE_HANGUP	1u	/* the endpoint has gone: ESHUTDOWN */
#define KUCOMMS_STATE_BROKEN	2u	/* a side broke the rules: EPROTO */

/*
 * struct kucomms_attach - KUCOMMS_IOC_ATTACH
 * @size:                  in: sizeof(struct kucomms_attach) as the caller knows
 *                         it; out: as the kernel knows it
 * @flags:                 in: KUCOMMS_ATTACH_*
 * @to_kernel_size:        in: bytes of the ring towards the kernel, a power of
 *                         two, or 0 for the device's default; out: bytes given
 * @to_user_size:          likewise for the ring towards the user
 * @version:               out: KUCOMMS_ABI_VERSION of the kernel
 * @channel:               in: the number wanted, with KUCOMMS_ATTACH_NUMBER;
 *                         out: number of this channel on its device
 * @features:              out: KUCOMMS_FEATURE_* of the kernel
 * @user_control_offset:   out: mmap offset of the user control page
 * @kernel_control_offset: out: mmap offset of the kernel control page
 * @to_kernel_offset:      out: mmap offset of the ring towards the kernel
 * @to_user_offset:        out: mmap offset of the ring towards the user
 * @deadline:              in: if no kernel module serves the device, wait for
 *                         one until this time, in nanoseconds of
 *                         CLOCK_MONOTONIC; 0: do not wait; negative: for ever
 * @reserved:              in: 0
 *
 * Errors: EINVAL (size, flags, reserved fields, a number that the device cannot
 * have, ring sizes that are no power of two or out of bounds), E2BIG (unknown
 * fields set), EBUSY (this open file has a channel already), ENOTCONN (no
 * kernel module serves this device), ENODEV (the device has been removed),
 * EUSERS (the device has as many channels as it may), EADDRINUSE (the number is
 * taken), EINTR (a signal handler ran while the caller waited), ENOMEM, or the
 * error of the module's connect handler.
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

#define KUCOMMS_ATTACH_NUMBER	(1u << 0)	/* number in @channel */

/*
 * struct kucomms_wait - KUCOMMS_IOC_WAIT: ring the doorbell, then wait
 * @size:     in: sizeof(struct kucomms_wait)
 * @events:   in: KUCOMMS_EVENT_* to wait for, at least one; RING rings first
 * @deadline: in: when to give up, in nanoseconds of CLOCK_MONOTONIC; negative:
 *            never; 0, or any time in the past: do not sleep
 *
 * The kernel reads from the user control page what to wait for: DATA is true
 * when a record has been published at the position in `need_data` (or at
 * `position`, if the word is 0), ROOM when the position in `need_room` has been
 * released. poll() looks at the same words, and wakes without KUCOMMS_NEED. The
 * deadline is absolute, so a caller can make the call again after a signal. If
 * no signal handler ran (stop and continue, the freezer), the kernel restarts
 * the call.
 *
 * Returns the events (DATA, ROOM) that came true, or fails with ETIMEDOUT (none
 * until the deadline), ESHUTDOWN or EPROTO (the channel's state, when there is
 * no DATA left), EINTR (a signal handler ran, with or without SA_RESTART),
 * EINVAL, E2BIG, ENOTCONN (not attached).
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
 * The doorbell: tells the kernel that the process has published or released
 * something. The argument is reserved for flags: 0, or EINVAL. For an adaptive
 * endpoint the message handler runs before the call returns.
 *
 * Returns 0 when the ring has been emptied (or the handler waits for room in
 * the other ring), 1 when the client's turn has ended and messages are left,
 * for which the caller rings again. Fails with ESHUTDOWN or EPROTO (the
 * channel's state), EINTR (killed while other clients had their turn), ENOTCONN
 * (not attached).
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

/* Most bytes of a datagram from the kernel, unless one message has more. */
#define KUCOMMS_DATAGRAM_DEFAULT	4096u

/* Bytes of the longest message over netlink: it must fit into one datagram. */
#define KUCOMMS_NETLINK_LENGTH_MAX	(128u * 1024)

#endif

#endif /* KUCOMMS_ABI_H */
