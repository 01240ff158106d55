// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multicast groups: what an endpoint broadcasts goes to those, too, who have
 * joined the netlink group of its device.
 *
 * Broadcasts come from any context and netlink wants a quiet one, so messages are
 * queued, and a work hands them to every network namespace where somebody listens.
 */
#include <linux/bitmap.h>
#include <linux/irq_work.h>
#include <linux/netlink.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <kucomms/abi.h>

#include "device.h"
#include "multicast.h"
#include "netlink.h"
#include "socket.h"

/* So many bytes may be queued, with all that belongs to them. */
#define QUEUE_MAX	(4 << 20)

static void multicast_deliver(struct work_struct *work);
static void multicast_queued(struct irq_work *work);

/* The groups that devices have, and the one given out last. */
static DECLARE_BITMAP(taken, KUCOMMS_GROUPS + 1);
static unsigned int last_taken;
/*
 * The groups that somebody has joined. It stays so, for netlink says that a group is
 * left also when it is by one who was no member.
 */
static DECLARE_BITMAP(joined, KUCOMMS_GROUPS + 1);
static struct sk_buff_head queue;
static atomic_t queue_bytes;
/* The groups that have missed something. */
static DECLARE_BITMAP(missed, KUCOMMS_GROUPS + 1);
static DECLARE_WORK(deliver_work, multicast_deliver);
static struct irq_work queued_work;

int kucomms_multicast_join(struct net *net, int group)
{
	if (!kucomms_socket_may_join(net, group))
		return -EPERM;
	set_bit(group, joined);
	return 0;
}

/* Any context. What netlink knows of listeners is of all namespaces together. */
static bool multicast_is_heard(unsigned int group)
{
	struct sock *kernel;

	if (likely(!test_bit(group, joined)))
		return false;
	kernel = kucomms_netlink_kernel(&init_net);
	return kernel && netlink_has_listeners(kernel, group);
}

/* Nothing is on its way any more for those who had the group's last device. */
static void multicast_settle(void)
{
	/* kucomms_broadcast() may have known that. */
	synchronize_rcu();
	irq_work_sync(&queued_work);
	flush_work(&deliver_work);
}

/*
 * For a new device; 0: none is left. Who has joined a group stays in it when its
 * device is removed: then it is nobody else's until all have left. What was given
 * back comes last, so that one who is just joining has long done so.
 */
unsigned int kucomms_multicast_take(void)
{
	unsigned int i;

	lockdep_assert_held(&kucomms_registry_lock);
	for (i = 0; i < KUCOMMS_GROUPS; i++) {
		last_taken = last_taken % KUCOMMS_GROUPS + 1;
		if (test_bit(last_taken, taken) ||
		    multicast_is_heard(last_taken))
			continue;
		if (test_and_clear_bit(last_taken, joined))
			multicast_settle();
		set_bit(last_taken, taken);
		return last_taken;
	}
	return 0;
}

/* Its device has been removed. Also for a device that has none. */
void kucomms_multicast_give(unsigned int group)
{
	lockdep_assert_held(&kucomms_registry_lock);
	clear_bit(group, taken);
}

static void multicast_to_all(struct sk_buff *skb, unsigned int group)
{
	struct sock *kernel;
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net) {
		kernel = kucomms_netlink_kernel(net);
		if (!kernel || !kucomms_netlink_has_members(net))
			continue;
		if (skb)
			netlink_broadcast(kernel, skb_get(skb), 0, group,
					  GFP_ATOMIC);
		else
			netlink_set_err(kernel, 0, group, -ENOBUFS);
	}
	rcu_read_unlock();
}

static void multicast_deliver(struct work_struct *work)
{
	struct sk_buff *skb;
	unsigned int group;

	while ((skb = skb_dequeue(&queue))) {
		multicast_to_all(skb, NETLINK_CB(skb).dst_group);
		atomic_sub(skb->truesize, &queue_bytes);
		kfree_skb(skb);
		cond_resched();
	}
	for_each_set_bit(group, missed, KUCOMMS_GROUPS + 1)
		if (test_and_clear_bit(group, missed))
			multicast_to_all(NULL, group);
}

static void multicast_queued(struct irq_work *work)
{
	schedule_work(&deliver_work);
}

static struct sk_buff *multicast_create(unsigned int group,
					const struct kucomms_message *message,
					const void *data)
{
	struct kucomms_message *copy;
	struct nlmsghdr *header;
	struct sk_buff *skb;

	/* Wakes nobody, where one may not. But with PREEMPT_RT even this sleeps. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible())
		return NULL;
	skb = nlmsg_new(sizeof(*copy) + message->length,
			__GFP_HIGH | __GFP_NOWARN);
	if (!skb)
		return NULL;
	header = nlmsg_put(skb, 0, 0, KUCOMMS_NLMSG_MESSAGE,
			   sizeof(*copy) + message->length, 0);
	copy = nlmsg_data(header);
	*copy = *message;
	copy->control = KUCOMMS_CONTROL_MESSAGE;
	memcpy(copy + 1, data, message->length);
	NETLINK_CB(skb).dst_group = group;
	return skb;
}

/* Any context but NMI. Who misses it because of this finds ENOBUFS. */
void kucomms_multicast_send(unsigned int group,
			    const struct kucomms_message *message,
			    const void *data)
{
	struct sk_buff *skb = NULL;

	if (!multicast_is_heard(group))
		return;
	if (message->length <= KUCOMMS_NETLINK_LENGTH_MAX &&
	    atomic_read(&queue_bytes) < QUEUE_MAX)
		skb = multicast_create(group, message, data);
	if (skb) {
		atomic_add(skb->truesize, &queue_bytes);
		skb_queue_tail(&queue, skb);
	} else {
		set_bit(group, missed);
	}
	irq_work_queue(&queued_work);
}

void kucomms_multicast_init(void)
{
	skb_queue_head_init(&queue);
	init_irq_work(&queued_work, multicast_queued);
}

/* No endpoint is left that could send. */
void kucomms_multicast_uninit(void)
{
	irq_work_sync(&queued_work);
	cancel_work_sync(&deliver_work);
	skb_queue_purge(&queue);
}
