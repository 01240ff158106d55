/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * What the benchmark's kernel modules and its program say to each other.
 *
 * The first eight bytes of the data of every message are its sequence number;
 * who receives a message checks it, so that none can be lost unseen. The rest
 * is never changed.
 */
#ifndef KUCOMMS_BENCH_PROTOCOL_H
#define KUCOMMS_BENCH_PROTOCOL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BENCH_SIZE_MAX		65536u

/* What the kernel's side is to do with a message: its type. */
#define BENCH_ECHO		1	/* send it back */
#define BENCH_SINK		2	/* count it */
#define BENCH_BURST		3	/* send `id` messages of `user` bytes */
#define BENCH_STREAM		4	/* the same, from a thread of the kernel */
#define BENCH_COUNT		5	/* send a struct bench_count */
#define BENCH_FLOW		6	/* BENCH_BURST of more than the ring holds */

/* What has been received since the file was opened, or since last asked. */
struct bench_count {
	__u64 received;
	__u64 lost;
};

/* What the peers put before the data: as long as a kucomms_message. */
struct bench_message {
	__u32 length;
	__u32 batch;
	__u64 type;
	__u64 id;
	__u64 user;
};

/* ---- /dev/bench_copy: a message is copied in, or out, or both */

#define BENCH_IOC_MAGIC		0xCF
#define BENCH_IOC_ECHO		_IOWR(BENCH_IOC_MAGIC, 1, struct bench_message)
#define BENCH_IOC_SINK		_IOW(BENCH_IOC_MAGIC, 2, struct bench_message)
/* `length` says how much to send; the rest of the header is filled in. */
#define BENCH_IOC_SOURCE	_IOWR(BENCH_IOC_MAGIC, 3, struct bench_message)
#define BENCH_IOC_COUNT		_IOR(BENCH_IOC_MAGIC, 4, struct bench_count)
/* Copies `length` bytes in the kernel, `id` times. */
#define BENCH_IOC_MEMCPY	_IOW(BENCH_IOC_MAGIC, 5, struct bench_message)

/* ---- /dev/bench_ring: a bare ring, one each way, and nothing is checked */

/*
 * One page of positions, then two data regions of `size` bytes, each seen twice
 * in a row. Records are a struct bench_message and its data, one behind the
 * other, rounded up to BENCH_RING_ALIGN.
 */
struct bench_ring_control {
	__u32 to_kernel_head;	/* written by the process */
	__u32 unused0[31];
	__u32 to_kernel_tail;	/* written by the kernel */
	__u32 unused1[31];
	__u32 to_user_head;	/* written by the kernel */
	__u32 unused2[31];
	__u32 to_user_tail;	/* written by the process */
	__u32 unused3[31];
};

#define BENCH_RING_ALIGN	32u
#define BENCH_RING_OFFSET	4096u	/* of the data, in the mapping */

/* Makes the rings; the argument is their size, a power of two. */
#define BENCH_IOC_RING_SIZE	_IO(BENCH_IOC_MAGIC, 16)
/* Takes all that is there. */
#define BENCH_IOC_RING_DOORBELL	_IO(BENCH_IOC_MAGIC, 17)
/* A thread looks all the time from now on; the argument is its processor. */
#define BENCH_IOC_RING_POLL	_IO(BENCH_IOC_MAGIC, 18)

/* The space that a message of @length bytes takes in a ring. */
static inline __u32 bench_ring_record(__u32 length)
{
	__u32 record = (__u32)sizeof(struct bench_message) + length;

	return (record + BENCH_RING_ALIGN - 1) & ~(BENCH_RING_ALIGN - 1);
}

/* ---- netlink: the protocol number, and the generic family */

#define BENCH_NETLINK		30

/* Netlink's own types come first. */
#define BENCH_NETLINK_TYPE(type) (0x10 + (type))

#define BENCH_GENL_NAME		"kucomms_bench"
#define BENCH_GENL_VERSION	1

enum {
	BENCH_GENL_UNSPEC,
	BENCH_GENL_DATA,	/* the message */
	BENCH_GENL_MESSAGES,	/* u32, of BENCH_BURST */
	BENCH_GENL_SIZE,	/* u32, of BENCH_BURST */
	BENCH_GENL_ATTRIBUTES,
};

#define BENCH_GENL_MAX		(BENCH_GENL_ATTRIBUTES - 1)

#endif /* KUCOMMS_BENCH_PROTOCOL_H */
