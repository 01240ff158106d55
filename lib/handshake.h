/* SPDX-License-Identifier: MIT */
#ifndef KC_HANDSHAKE_H
#define KC_HANDSHAKE_H

#include <linux/types.h>

struct kc_conn;

/**
 * struct kc_hello - the message that each side of "process:NAME" sends once
 * @magic:   KC_HELLO_MAGIC
 * @version: KC_HELLO_VERSION
 * @size:    bytes of the ring in the memory that comes with this message
 * @wanted:  of the side that connects: bytes of the ring that the listener is to
 *           make, or 0: as it likes
 * @flags:   of the side that connects: KC_HELLO_NUMBER: the channel is to have
 *           @number. Of both: KC_HELLO_LIGHT: this side need not execute barriers
 *           when it sends (barrier.c), if the other side says KC_HELLO_HEAVY: it
 *           executes them for both before it sleeps
 * @number:  of the channel
 * @status:  of the listener: 0, or a negative errno: refused, no memory follows
 *
 * The side that connects begins, the listener answers. Each message comes with a
 * descriptor of the memory that its sender writes and the other side reads
 * (memory.c). After that bytes on the socket mean no more than "look", and the
 * end of the stream that the other side has gone.
 */
struct kc_hello {
	__u32 magic;
	__u32 version;
	__u32 size;
	__u32 wanted;
	__u32 flags;
	__u32 number;
	__s32 status;
	__u32 reserved;
};

#define KC_HELLO_MAGIC	0x6b75636fu
#define KC_HELLO_VERSION	1u
#define KC_HELLO_NUMBER	(1u << 0)
#define KC_HELLO_LIGHT	(1u << 1)
#define KC_HELLO_HEAVY	(1u << 2)

int kc_handshake_send(int fd, const struct kc_hello *hello, int memory);
int kc_handshake_receive(int fd, struct kc_hello *hello, int *memory);
__u32 kc_handshake_flags(const struct kc_conn *conn);
void kc_handshake_agree(struct kc_conn *conn, __u32 theirs);
int kc_handshake_credentials(struct kc_conn *conn);

#endif
