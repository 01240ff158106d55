/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kucomms for kernel modules: register a name, get messages, send messages.
 *
 *	static int echo(struct kucomms_channel *channel,
 *			const struct kucomms_message *message,
 *			const void *data, void *priv)
 *	{
 *		return kucomms_send_unlocked(channel, message, data, 0);
 *	}
 *
 *	static const struct kucomms_ops ops = { .message = echo };
 *
 *	endpoint = kucomms_register("echo", &ops, NULL);
 *
 * Clients come through /dev/kucomms_NAME, which the administrator creates
 * (`kucommsctl create NAME`), before or after the module registers.
 */
#ifndef KUCOMMS_MODULE_H
#define KUCOMMS_MODULE_H

#include <linux/module.h>
#include <linux/types.h>
#include <kucomms/abi.h>

/* What a module registers under a name. Lives until kucomms_unregister(). */
struct kucomms_endpoint;

/*
 * One client: one open and attached file of the device. Valid from the
 * beginning of the connect handler to the end of the disconnect handler.
 */
struct kucomms_channel;

/*
 * Flags of struct kucomms_ops.
 *
 * KUCOMMS_SHARED_RECEIVE: the message handler reads the data where the client
 * wrote it, without a copy. The client may change the bytes meanwhile: read
 * each at most once, and check the copy. The header, with the length, is a
 * private, checked copy all the same.
 */
#define KUCOMMS_SHARED_RECEIVE	(1u << 0)
#define KUCOMMS_OPS_FLAGS	KUCOMMS_SHARED_RECEIVE

/*
 * Flags of kucomms_send() and its kin.
 *
 * KUCOMMS_MORE: more follows at once; the client need not see this message
 * before the next one without the flag.
 */
#define KUCOMMS_MORE		(1u << 0)

/**
 * struct kucomms_ops - the handlers of an endpoint; each may be NULL
 * @message:    a client sent a message. Called inside the client's own
 *              doorbell call: its time is the client's time. @message is a
 *              private copy of the header, @data has message->length bytes
 *              (a private copy, too, unless KUCOMMS_SHARED_RECEIVE); both are
 *              gone after the return. Return 0: done with it. -EAGAIN: not
 *              now; the same message is delivered again when the client has
 *              made room, if kucomms_send() found none, and else with its next
 *              doorbell. Any other error: the channel is broken, the client
 *              sees EPROTO; if only the request is bad, rather answer so and
 *              return 0. Without this handler nothing is taken off the
 *              ring: the client finds it full in the end.
 * @work:       called 100 times a second. Return true if there is more to do:
 *              it is then called again as soon as others had their turn.
 * @timer:      called once a second.
 * @connect:    a client attaches. Return 0, or an error that the client gets, and
 *              then there will be no @disconnect. Sending to @channel works;
 *              kucomms_broadcast() does not reach it yet.
 * @disconnect: it has gone, or the endpoint goes. Nobody may use @channel
 *              after this returns.
 * @flags:      KUCOMMS_SHARED_RECEIVE
 *
 * The handlers of one endpoint never run at the same time. They run in process
 * context, may sleep, and hold the endpoint's turn while they do: other clients
 * wait. They must not call kucomms_unregister(), for whatever endpoint. An
 * endpoint with neither @work nor @timer has no thread.
 */
struct kucomms_ops {
	int (*message)(struct kucomms_channel *channel,
		       const struct kucomms_message *message,
		       const void *data, void *priv);
	bool (*work)(struct kucomms_endpoint *endpoint, void *priv);
	void (*timer)(struct kucomms_endpoint *endpoint, void *priv);
	int (*connect)(struct kucomms_channel *channel, void *priv);
	void (*disconnect)(struct kucomms_channel *channel, void *priv);
	unsigned int flags;
};

/**
 * kucomms_register() - be the kernel side of /dev/kucomms_@name
 * @name: [a-z0-9_], with or without the prefix "kucomms_"
 * @ops:  the handlers; copied
 * @priv: handed to every handler
 *
 * Handlers may run before this returns. Context: may sleep.
 *
 * Return: the endpoint, or ERR_PTR of -EINVAL (bad name, unknown flag),
 * -EEXIST (the name is taken), -ENOMEM, -EINTR (killed meanwhile).
 */
#define kucomms_register(name, ops, priv) \
	__kucomms_register(name, ops, priv, THIS_MODULE)

struct kucomms_endpoint *__kucomms_register(const char *name,
					    const struct kucomms_ops *ops,
					    void *priv, struct module *owner);

/**
 * kucomms_unregister() - stop being the kernel side
 * @endpoint: what kucomms_register() returned; NULL and ERR_PTR are ignored
 *
 * Waits for a handler that is running, then calls @disconnect for every
 * channel. No handler runs after it has returned. It never waits for user
 * space: clients see a hang-up (POLLHUP, ESHUTDOWN) at once. The module has to
 * stop its own senders (interrupts, timers) first.
 *
 * A module that is removed without having called this is reported with a
 * warning, and unregistered then. Context: may sleep.
 */
void kucomms_unregister(struct kucomms_endpoint *endpoint);

/**
 * kucomms_send() - send a message to a client
 * @channel: where to
 * @message: header; length, type, id and user are sent, control is ignored
 * @data:    message->length bytes, copied; may be NULL if there are none
 * @flags:   KUCOMMS_MORE or 0
 *
 * The message is in the client's ring, whole, or not sent at all. A client
 * that sleeps is woken. Context: any but NMI; takes no sleeping lock, so it
 * may be called from hard interrupts and under spinlocks. Any number of
 * callers at a time. Interrupts are off while the data are copied, so long
 * messages are better sent from handlers, with kucomms_send_unlocked().
 *
 * Return: 0, or -EAGAIN (no room now), -EMSGSIZE (longer than the ring ever
 * admits), -EINVAL (unknown flag), -ESHUTDOWN (the channel is closing),
 * -EPROTO (the channel is broken).
 */
int kucomms_send(struct kucomms_channel *channel,
		 const struct kucomms_message *message, const void *data,
		 unsigned int flags);

/**
 * kucomms_send_unlocked() - send from a handler
 *
 * Like kucomms_send(), but without taking the channel's lock, for endpoints
 * that send to @channel, and broadcast, from their handlers only. What a message handler
 * sends to its own client is published when the client's turn ends, all at
 * once.
 */
int kucomms_send_unlocked(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, unsigned int flags);

/**
 * kucomms_broadcast() - send a message to every client of an endpoint
 *
 * Like kucomms_send() otherwise, and callable from the same contexts.
 *
 * Return: how many clients did not get it (their ring was full, which the
 * device's to_user_full counts, or too small for it), or -EINVAL.
 */
int kucomms_broadcast(struct kucomms_endpoint *endpoint,
		      const struct kucomms_message *message, const void *data,
		      unsigned int flags);

/**
 * kucomms_channel_endpoint() - whose channel this is
 *
 * Return: what kucomms_register() returned, or is about to return. Context: any.
 */
struct kucomms_endpoint *
kucomms_channel_endpoint(const struct kucomms_channel *channel);

/**
 * kucomms_channel_number() - which of its device's channels this is
 *
 * Return: a number that no other channel of the device has at the same time;
 * 0 upwards, lowest first. Context: any.
 */
unsigned int kucomms_channel_number(const struct kucomms_channel *channel);

/**
 * kucomms_channel_set_priv() - remember something with a channel
 *
 * The pointer is the module's own, NULL at first. Set it in @connect, free what it points to
 * in @disconnect. Context: any; the module orders its own accesses.
 */
void kucomms_channel_set_priv(struct kucomms_channel *channel, void *priv);

/** kucomms_channel_priv() - what kucomms_channel_set_priv() remembered */
void *kucomms_channel_priv(const struct kucomms_channel *channel);

#endif /* KUCOMMS_MODULE_H */
