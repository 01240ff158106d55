/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface between kucomms.ko and kucomms_netlink.ko, which is loaded when
 * the first process opens a socket of its protocol. kucomms_netlink.ko uses the
 * rings of struct kucomms_channel, and what KC_EXPORT() exports to no other
 * module; kucomms.ko knows no more of it than this.
 */
#ifndef KUCOMMS_SRC_NETLINK_H
#define KUCOMMS_SRC_NETLINK_H

#include <linux/types.h>

struct kucomms_channel;
struct kucomms_message;
struct module;

/**
 * struct kc_netlink_ops - what kucomms.ko calls in kucomms_netlink.ko
 * @owner:    the module; each open file whose channel is over netlink has a
 *            reference
 * @create:   prepares the user's ends of the rings, which have been allocated
 *            and which the endpoint does not know yet. Called again if that
 *            endpoint has gone meanwhile and another one is to have the channel
 * @destroy:  frees the struct kc_netlink; no task sends to the channel any more
 * @message:  called in place of the endpoint's message handler, and calls
 *            kc_calls_message()
 * @reserved: a sender has reserved this record in the ring towards the user,
 *            and commits it next. Any context
 * @missed:   the ring had no room for a broadcast. Any context but NMI
 * @released: a thread of the module has released a message
 */
struct kc_netlink_ops {
	struct module *owner;
	int (*create)(struct kucomms_channel *channel);
	void (*destroy)(struct kucomms_channel *channel);
	int (*message)(struct kucomms_channel *channel,
		       const struct kucomms_message *message, const void *data,
		       void *priv);
	void (*reserved)(struct kucomms_channel *channel,
			 const struct kucomms_message *record);
	void (*missed)(struct kucomms_channel *channel);
	void (*released)(struct kucomms_channel *channel);
};

/**
 * struct kc_netlink - what kucomms.ko knows of a channel over netlink. It
 *                     belongs to the channel from a successful attach on
 * @ops:        the functions of kucomms_netlink.ko
 * @broadcasts: the client wants broadcasts
 */
struct kc_netlink {
	const struct kc_netlink_ops *ops;
	bool broadcasts;
};

/* attach.c */
void kc_netlink_wait(void);

#endif
