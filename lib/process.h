/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_PROCESS_H
#define KUCOMMS_LIB_PROCESS_H

#include <linux/types.h>

struct kc_conn;

/*
 * What the two sides of "process:NAME" tell each other, once, each with a
 * descriptor: the memory that the one writes and the other reads (memory.c).
 * Who connects begins; who listens answers. After that bytes on the socket
 * mean no more than "look", and its end that the other side has gone.
 *
 * @magic:   KUCOMMS_HELLO_MAGIC
 * @version: KUCOMMS_HELLO_VERSION
 * @size:    bytes of the ring in the memory that comes with this
 * @wanted:  who connects: bytes of the ring that the other side is to make,
 *           0: as it likes
 * @flags:   who connects: KUCOMMS_HELLO_NUMBER: the channel is to have @number;
 *           both: KUCOMMS_HELLO_LIGHT: need not execute barriers when it
 *           sends (barrier.c), if the other says KUCOMMS_HELLO_HEAVY: will do so
 *           for both before it sleeps
 * @number:  of the channel
 * @status:  who listens: 0, or a negative errno: refused, no memory follows
 */
struct kucomms_hello {
	__u32 magic;
	__u32 version;
	__u32 size;
	__u32 wanted;
	__u32 flags;
	__u32 number;
	__s32 status;
	__u32 reserved;
};

#define KUCOMMS_HELLO_MAGIC	0x6b75636fu
#define KUCOMMS_HELLO_VERSION	1u
#define KUCOMMS_HELLO_NUMBER	(1u << 0)
#define KUCOMMS_HELLO_LIGHT	(1u << 1)
#define KUCOMMS_HELLO_HEAVY	(1u << 2)

int kucomms_hello_send(int fd, const struct kucomms_hello *hello, int memory);
int kucomms_hello_receive(int fd, struct kucomms_hello *hello, int *memory);
__u32 kucomms_hello_flags(const struct kc_conn *conn);
void kucomms_hello_agree(struct kc_conn *conn, __u32 theirs);
int kucomms_hello_peer(struct kc_conn *conn);

#endif
