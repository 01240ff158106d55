// SPDX-License-Identifier: GPL-2.0-only
/*
 * read() and write(): the user's end of a channel of a program that does not
 * map it. The rings are those of every channel, but the kernel is on both sides
 * of them, so no process writes into them.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "functions.h"

/**
 * struct kc_rw - the user's end
 * @send_lock:    one writer at a time; protects @out
 * @out:          the ring towards the kernel
 * @receive_lock: one reader at a time; protects @in
 * @in:           the ring towards the user
 */
struct kc_rw {
	struct mutex send_lock;
	struct kucomms_producer out;
	struct mutex receive_lock;
	struct kucomms_consumer in;
};

/* Before the module knows the channel, so nothing has been sent yet. */
int kc_rw_create(struct kucomms_channel *channel)
{
	struct kc_rw *rw = kzalloc(sizeof(*rw),
				   GFP_KERNEL_ACCOUNT);
	struct kucomms_control *own =
		channel->regions[KC_REGION_USER_CONTROL].address;

	if (!rw)
		return -ENOMEM;
	mutex_init(&rw->send_lock);
	mutex_init(&rw->receive_lock);
	kucomms_producer_init(&rw->out, channel->in.data, channel->in.size,
			      own, channel->in.own);
	kucomms_consumer_init(&rw->in, channel->out.data, channel->out.size,
			      own, channel->out.own);
	channel->rw = rw;
	return 0;
}

/* Does nothing for a channel that is not read and written. */
void kc_rw_destroy(struct kucomms_channel *channel)
{
	if (!channel->rw)
		return;
	mutex_destroy(&channel->rw->send_lock);
	mutex_destroy(&channel->rw->receive_lock);
	kfree(channel->rw);
	channel->rw = NULL;
}

static int rw_lock(struct mutex *lock, bool nonblocking)
{
	if (nonblocking)
		return mutex_trylock(lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(lock) ? -ERESTARTSYS : 0;
}

static int rw_reserve(struct kucomms_channel *channel, u32 length,
		      struct kucomms_message **record, bool nonblocking)
{
	struct kucomms_producer *out = &channel->rw->out;
	int err;

	for (;;) {
		err = kc_channel_error(channel) ?:
		      kucomms_producer_reserve(out, length, record);
		if (err != -EAGAIN)
			break;
		/*
		 * poll() also needs this: it reports when there is room for
		 * @length.
		 */
		kucomms_producer_arm(out, length);
		/* An earlier write() may have stopped ringing for a signal. */
		err = kc_channel_ring(channel) ?:
		      kucomms_producer_room(out, length);
		if (err == -EAGAIN && nonblocking)
			return err;
		if (err == -EAGAIN)
			err = kc_channel_wait(channel, KUCOMMS_EVENT_ROOM,
					      -1);
		if (err < 0)
			break;
	}
	kucomms_producer_disarm(out);
	return err;
}

/*
 * Puts the message into the ring: its header has been read, its data follows in
 * @from.
 */
static ssize_t rw_put(struct kucomms_channel *channel,
		      struct kucomms_message *message,
		      struct iov_iter *from, bool nonblocking)
{
	struct kucomms_producer *out = &channel->rw->out;
	struct kucomms_message *record;
	int err;

	err = rw_reserve(channel, message->length, &record, nonblocking);
	if (err)
		return err;
	record->type = message->type;
	record->id = message->id;
	record->user = message->user;
	if (!copy_from_iter_full(record + 1, message->length, from)) {
		kucomms_producer_untake(out, message->length);
		return -EFAULT;
	}
	kucomms_producer_commit(out, record, KUCOMMS_CONTROL_MESSAGE, false);
	return 0;
}

ssize_t kc_rw_write(struct kucomms_channel *channel,
		    struct iov_iter *from, bool nonblocking)
{
	struct kc_rw *rw = channel->rw;
	size_t count = iov_iter_count(from);
	struct kucomms_message message;
	int err;

	if (count < sizeof(message))
		return -EINVAL;
	if (!copy_from_iter_full(&message, sizeof(message), from))
		return -EFAULT;
	if (count - sizeof(message) != message.length)
		return -EINVAL;
	err = rw_lock(&rw->send_lock, nonblocking);
	if (err)
		return err;
	err = rw_put(channel, &message, from, nonblocking);
	mutex_unlock(&rw->send_lock);
	if (err)
		return err;
	if (kucomms_producer_must_ring(&rw->out)) {
		/*
		 * The message has been published: a signal does not matter any
		 * more.
		 */
		err = kc_channel_ring(channel);
		if (err && err != -ERESTARTSYS)
			return err;
	}
	return count;
}

/*
 * Returns 0 with a message, the channel's error if no message is left, or
 * -EAGAIN.
 */
static int rw_look(struct kucomms_channel *channel,
		   struct kucomms_message *message, const void **data)
{
	int state = kc_channel_error(channel);
	int ret;

	do {
		ret = kucomms_consumer_receive(&channel->rw->in, message,
					       data);
	} while (ret == -ENOMSG);
	if (ret == 1)
		return 0;
	/*
	 * Publishes the position, so that skipped records do not make poll()
	 * report data.
	 */
	kucomms_consumer_tell(&channel->rw->in);
	return ret ?: state ?: -EAGAIN;
}

static int rw_receive(struct kucomms_channel *channel,
		      struct kucomms_message *message, const void **data,
		      bool nonblocking)
{
	struct kucomms_consumer *in = &channel->rw->in;
	int err;

	err = rw_look(channel, message, data);
	while (err == -EAGAIN) {
		kucomms_consumer_arm(in);
		err = rw_look(channel, message, data);
		if (err != -EAGAIN)
			break;
		/* Stays armed, so that the sender wakes a process in poll(). */
		if (nonblocking)
			return err;
		/* An earlier write() may have stopped ringing for a signal. */
		err = kc_channel_wait(channel, KUCOMMS_EVENT_RING |
				      KUCOMMS_EVENT_DATA, -1);
		if (err < 0)
			break;
		err = rw_look(channel, message, data);
	}
	kucomms_consumer_disarm(in);
	return err;
}

/*
 * Copies the next message to the reader. @told: set if the endpoint may have
 * been waiting for the room.
 */
static ssize_t rw_take(struct kucomms_channel *channel, struct iov_iter *to,
		       bool nonblocking, bool *told)
{
	struct kucomms_consumer *in = &channel->rw->in;
	struct kucomms_message message = { .control = KUCOMMS_CONTROL_MESSAGE };
	const void *data;
	int err;

	err = rw_receive(channel, &message, &data, nonblocking);
	*told = err == -EAGAIN;
	if (err)
		return err;
	if (iov_iter_count(to) < sizeof(message) + (size_t)message.length)
		err = -EMSGSIZE;
	else if (copy_to_iter(&message, sizeof(message), to) !=
			 sizeof(message) ||
		 copy_to_iter(data, message.length, to) != message.length)
		err = -EFAULT;
	if (err) {
		kucomms_consumer_unreceive(in, message.length);
		return err;
	}
	/* If nothing is left, publishes the position: poll() goes by it. */
	*told = kucomms_consumer_release(in);
	if (!kucomms_consumer_ready(in))
		*told |= kucomms_consumer_tell(in);
	return sizeof(message) + message.length;
}

ssize_t kc_rw_read(struct kucomms_channel *channel,
		   struct iov_iter *to, bool nonblocking)
{
	struct kc_rw *rw = channel->rw;
	ssize_t ret;
	bool told;

	ret = rw_lock(&rw->receive_lock, nonblocking);
	if (ret)
		return ret;
	ret = rw_take(channel, to, nonblocking, &told);
	mutex_unlock(&rw->receive_lock);
	if (told && kucomms_consumer_must_ring(&rw->in))
		kc_channel_ring(channel);
	return ret;
}
