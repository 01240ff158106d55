// SPDX-License-Identifier: MIT
/*
 * Bridges: the other end of a channel over netlink, in this process. The rings are
 * those of every channel, so nothing above finds anything unusual; messages are
 * moved between them and datagrams.
 *
 * Sending, kucomms_bridge_push(): what is in the ring towards the kernel goes out,
 * many messages in a datagram. The kernel has a ring for them that is twice as
 * large, and refuses what it has no room for; so no more is sent than fits there,
 * and now and then a message asks for an acknowledgement, which says that all up to
 * it have been handled.
 *
 * Receiving, kucomms_bridge_pull(): datagrams are read as long as there is room
 * in the ring towards the user; what is left of one stays where it is.
 *
 * Each has its lock, for the two may be called by different threads, and each by
 * any. Only pull takes both, its own first.
 */
#define _GNU_SOURCE	/* ppoll() */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge.h"
#include "clock.h"
#include "fd.h"
#include "futex.h"
#include "memory.h"
#include "shm.h"
#include "send.h"

/* An acknowledgement is asked for once per eighth of the ring. */
#define ACKS	8u

/* When so much has been read the kernel may have been waiting for that. */
#define NUDGE_BYTES	65536u

/* So long is left to another thread what that waits for. */
#define LEAVE_NS	(10 * NSEC_PER_MSEC)

/**
 * struct kucomms_bridge - between the rings and the socket
 * @send_lock: for the following
 * @out:       reads what the application sends
 * @request:   the datagram that is being made
 * @sequence:  of the message that was sent last
 * @handled:   position in @out up to which the kernel has handled all
 * @asked:     up to where it will have when the last acknowledgement that was
 *             asked for has come
 * @stuck:     there is more to send than the kernel may have room for
 * @acks:      those that are to come, from @first_ack
 * @first_ack, @ack_count: which of them
 *
 * @receive_lock: for the following
 * @in:        writes what the application receives
 * @datagram:  what was read last
 * @next:      what of it has not been moved yet
 * @left:      how much that is
 * @read:      bytes since the socket was empty
 * @blocked:   there is no room for that
 *
 * @wait_lock: for the following
 * @polling:   one thread waits in poll(); the other threads wait for @pulled
 * @pulled:    an event: something has been read from the socket
 * @bell:      an eventfd that tells the one in poll() the same
 */
struct kucomms_bridge {
	pthread_mutex_t send_lock;
	struct kucomms_consumer out;
	unsigned char *request;
	__u32 sequence;
	__u32 handled;
	__u32 asked;
	bool stuck;
	struct {
		__u32 sequence;
		__u32 position;
	} acks[ACKS];
	unsigned int first_ack;
	unsigned int ack_count;

	pthread_mutex_t receive_lock;
	struct kucomms_producer in;
	unsigned char *datagram;
	const struct nlmsghdr *next;
	int left;
	size_t read;
	bool blocked;

	pthread_mutex_t wait_lock;
	bool polling;
	__u32 pulled;
	int bell;
};

/* The longest datagram: one message that is longer than all others together. */
#define BUFFER_SIZE	(NLMSG_SPACE(sizeof(struct kucomms_message)) + \
			 KUCOMMS_NETLINK_LENGTH_MAX)

static int make_ring(__u32 size, struct kucomms_region *region)
{
	int fd = kucomms_memory_create(size, region);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* What is both sides' own: here that of the kernel is played by @bridge. */
static int bridge_make_rings(struct kucomms_bridge *bridge,
			     struct kc_conn *conn, __u32 to_kernel,
			     __u32 to_user)
{
	const struct kucomms_region *out = &conn->regions[KC_MINE];
	const struct kucomms_region *in = &conn->regions[KC_THEIRS];
	int err = make_ring(to_kernel, &conn->regions[KC_MINE]);

	if (!err)
		err = make_ring(to_user, &conn->regions[KC_THEIRS]);
	if (err)
		return err;
	kc_shm_init(conn, to_kernel, to_user);
	kucomms_consumer_init(&bridge->out, kucomms_memory_data(out), to_kernel,
			      kucomms_memory_control(in),
			      kucomms_memory_control(out));
	kucomms_producer_init(&bridge->in, kucomms_memory_data(in), to_user,
			      kucomms_memory_control(in),
			      kucomms_memory_control(out));
	/* Whatever is sent is to be pushed at once. */
	kucomms_consumer_arm(&bridge->out);
	return 0;
}

int kucomms_bridge_create(struct kc_conn *conn, __u32 to_kernel,
			  __u32 to_user)
{
	struct kucomms_bridge *bridge = calloc(1, sizeof(*bridge));

	if (!bridge)
		return -ENOMEM;
	pthread_mutex_init(&bridge->send_lock, NULL);
	pthread_mutex_init(&bridge->receive_lock, NULL);
	pthread_mutex_init(&bridge->wait_lock, NULL);
	conn->bridge = bridge;
	bridge->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bridge->bell < 0)
		return -errno;
	bridge->request = malloc(BUFFER_SIZE);
	bridge->datagram = malloc(BUFFER_SIZE);
	if (!bridge->request || !bridge->datagram)
		return -ENOMEM;
	return bridge_make_rings(bridge, conn, to_kernel, to_user);
}

/*
 * Frees a child's copy. Does not touch the locks: a thread of the parent may
 * have held them.
 */
void kucomms_bridge_abandon(struct kc_conn *conn)
{
	struct kucomms_bridge *bridge = conn->bridge;

	if (!bridge)
		return;
	conn->bridge = NULL;
	kucomms_fd_close(&bridge->bell);
	free(bridge->request);
	free(bridge->datagram);
	free(bridge);
}

void kucomms_bridge_free(struct kc_conn *conn)
{
	struct kucomms_bridge *bridge = conn->bridge;

	if (!bridge)
		return;
	pthread_mutex_destroy(&bridge->wait_lock);
	pthread_mutex_destroy(&bridge->receive_lock);
	pthread_mutex_destroy(&bridge->send_lock);
	kucomms_bridge_abandon(conn);
}

/* There is nobody any more, or the kernel says what it never would. */
static void bridge_gone(struct kc_conn *conn, int why)
{
	if (!kucomms_load(&conn->gone))
		kucomms_store(&conn->gone, why);
}

/*
 * Half of the ring may be on its way, or one message of any length and those before
 * it for which no acknowledgement has been asked. Either way the kernel's ring, which
 * is twice as large, has room.
 */
static bool window_admits(const struct kucomms_bridge *bridge, __u32 after)
{
	return after - bridge->handled <= bridge->out.size / 2 ||
	       bridge->asked == bridge->handled;
}

static bool window_asks(struct kucomms_bridge *bridge, __u32 after)
{
	unsigned int last = (bridge->first_ack + bridge->ack_count) % ACKS;

	if (after - bridge->asked < bridge->out.size / ACKS)
		return false;
	bridge->asked = after;
	bridge->acks[last].sequence = bridge->sequence;
	bridge->acks[last].position = after;
	bridge->ack_count++;
	return true;
}

/* Adds a message to the datagram; it fits. */
static size_t request_add(struct kucomms_bridge *bridge, size_t length,
			  const struct kucomms_message *message,
			  const void *data)
{
	struct nlmsghdr *header = (void *)(bridge->request + length);
	unsigned char *payload = NLMSG_DATA(header);

	header->nlmsg_len = (__u32)NLMSG_LENGTH(sizeof(*message)) +
			    message->length;
	header->nlmsg_type = KUCOMMS_NLMSG_MESSAGE;
	header->nlmsg_seq = ++bridge->sequence;
	header->nlmsg_pid = 0;
	header->nlmsg_flags = NLM_F_REQUEST;
	if (window_asks(bridge, bridge->out.position))
		header->nlmsg_flags |= NLM_F_ACK;
	/* Netlink aligns less than the structure wants to be. */
	memcpy(payload, message, sizeof(*message));
	if (message->length)
		memcpy(payload + sizeof(*message), data, message->length);
	return length + NLMSG_ALIGN(header->nlmsg_len);
}

/* As many messages as make a datagram; 0: there is none, or none that may go. */
static size_t request_fill(struct kucomms_bridge *bridge)
{
	struct kucomms_message message = { .control = KUCOMMS_CONTROL_MESSAGE };
	size_t length = 0;
	const void *data;
	int ret;

	bridge->stuck = false;
	for (;;) {
		ret = kucomms_consumer_receive(&bridge->out, &message, &data);
		if (ret == -ENOMSG)
			continue;
		if (ret != 1)
			return length;
		bridge->stuck = !window_admits(bridge, bridge->out.position);
		if (bridge->stuck ||
		    (length && length + NLMSG_SPACE(sizeof(message)) +
			       message.length > KUCOMMS_DATAGRAM)) {
			kucomms_consumer_unreceive(&bridge->out,
						   message.length);
			return length;
		}
		length = request_add(bridge, length, &message, data);
	}
}

/* Under the send_lock. What has been taken is gone if this fails: so is the socket. */
static int push(struct kc_conn *conn, __u64 *count)
{
	struct kucomms_bridge *bridge = conn->bridge;
	size_t length;

	while (!kucomms_load(&conn->gone)) {
		length = request_fill(bridge);
		kucomms_consumer_release(&bridge->out);
		kucomms_consumer_tell(&bridge->out);
		if (!length)
			return 0;
		(*count)++;
		if (send(conn->fd, bridge->request, length, 0) < 0)
			bridge_gone(conn, -ESHUTDOWN);
	}
	return kucomms_load(&conn->gone);
}

/* Sends what has been published; @count: of system calls. */
int kucomms_bridge_push(struct kc_conn *conn, __u64 *count)
{
	int err;

	pthread_mutex_lock(&conn->bridge->send_lock);
	err = push(conn, count);
	pthread_mutex_unlock(&conn->bridge->send_lock);
	return err;
}

/* The kernel has handled all up to that message: there may be room for more. */
static void receive_ack(struct kc_conn *conn, __u32 sequence)
{
	struct kucomms_bridge *bridge = conn->bridge;
	unsigned int first;

	pthread_mutex_lock(&bridge->send_lock);
	first = bridge->first_ack;
	if (bridge->ack_count && bridge->acks[first].sequence == sequence) {
		bridge->handled = bridge->acks[first].position;
		bridge->first_ack = (first + 1) % ACKS;
		bridge->ack_count--;
		if (bridge->stuck)
			push(conn, &conn->receive_doorbells);
	}
	pthread_mutex_unlock(&bridge->send_lock);
}

/* The channel has come to its end, or what was sent last is why it will. */
static void receive_error(struct kc_conn *conn, const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = NLMSG_DATA(header);

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)))
		bridge_gone(conn, -EPROTO);
	else if (!error->error)
		receive_ack(conn, header->nlmsg_seq);
	else
		bridge_gone(conn, error->error == -ESHUTDOWN ? -ESHUTDOWN :
							      -EPROTO);
}

/* Returns false if there is no room for it yet. */
static bool receive_message(struct kc_conn *conn,
			    const struct nlmsghdr *header)
{
	const unsigned char *payload = NLMSG_DATA(header);
	struct kucomms_bridge *bridge = conn->bridge;
	struct kucomms_message message = { };
	struct kucomms_message *record;
	int err;

	if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(message)))
		memcpy(&message, payload, sizeof(message));
	if (header->nlmsg_len != NLMSG_LENGTH(sizeof(message)) +
				 (__u64)message.length) {
		bridge_gone(conn, -EPROTO);
		return true;
	}
	err = kucomms_producer_reserve(&bridge->in, message.length, &record);
	if (err == -EAGAIN) {
		/* Asks, then looks once more: whoever makes room looks, too. */
		kucomms_store(&bridge->blocked, true);
		kucomms_producer_flush(&bridge->in);
		kucomms_producer_arm(&bridge->in, message.length);
		err = kucomms_producer_reserve(&bridge->in, message.length,
					       &record);
		if (err == -EAGAIN)
			return false;
		kucomms_producer_disarm(&bridge->in);
	}
	if (err) {
		bridge_gone(conn, -EPROTO);
		return true;
	}
	kucomms_record_fill(record, &message, payload + sizeof(message));
	kucomms_producer_commit(&bridge->in, record, KUCOMMS_CONTROL_MESSAGE,
				true);
	return true;
}

static bool receive_one(struct kc_conn *conn, const struct nlmsghdr *header)
{
	switch (header->nlmsg_type) {
	case KUCOMMS_NLMSG_MESSAGE:
		return receive_message(conn, header);
	case NLMSG_ERROR:
		receive_error(conn, header);
		return true;
	case NLMSG_OVERRUN:
		kucomms_store(&conn->lost, true);
		return true;
	default:
		return true;
	}
}

/* Returns false if not all of the datagram could be moved. */
static bool datagram_move(struct kc_conn *conn)
{
	struct kucomms_bridge *bridge = conn->bridge;

	while (NLMSG_OK(bridge->next, bridge->left)) {
		if (!receive_one(conn, bridge->next))
			return false;
		bridge->next = NLMSG_NEXT(bridge->next, bridge->left);
	}
	bridge->left = 0;
	return true;
}

/*
 * The kernel stops when the socket is full, and when it has been emptied looks
 * again by and by, or at once if it is sent something.
 */
static void nudge(const struct kc_conn *conn, __u16 flags)
{
	const struct nlmsghdr noop = {
		.nlmsg_len = sizeof(noop),
		.nlmsg_type = NLMSG_NOOP,
		.nlmsg_flags = NLM_F_REQUEST | flags,
	};

	send(conn->fd, &noop, sizeof(noop), 0);
}

/* Returns false when there is nothing to read, or nobody who would write. */
static bool datagram_read(struct kc_conn *conn)
{
	struct kucomms_bridge *bridge = conn->bridge;
	ssize_t length = recv(conn->fd, bridge->datagram, BUFFER_SIZE,
			      MSG_DONTWAIT | MSG_TRUNC);

	if (length >= 0 && (size_t)length <= BUFFER_SIZE) {
		bridge->next = (const void *)bridge->datagram;
		bridge->left = (int)length;
		bridge->read += (size_t)length;
		return true;
	}
	if (length < 0 && errno == EAGAIN) {
		if (bridge->read >= NUDGE_BYTES) {
			conn->receive_doorbells++;
			nudge(conn, 0);
		}
		bridge->read = 0;
		return false;
	}
	if (length < 0 && (errno == ENOBUFS || errno == EINTR)) {
		if (errno == ENOBUFS)
			kucomms_store(&conn->lost, true);
		return true;
	}
	bridge_gone(conn, -EPROTO);
	return false;
}

static void pull(struct kc_conn *conn)
{
	struct kucomms_bridge *bridge = conn->bridge;

	pthread_mutex_lock(&bridge->receive_lock);
	/* If that is still wanted it will be asked for again. */
	if (bridge->blocked)
		kucomms_producer_disarm(&bridge->in);
	while (datagram_move(conn) && !kucomms_load(&conn->gone))
		if (!datagram_read(conn))
			break;
	kucomms_store(&bridge->blocked, bridge->left > 0);
	kucomms_producer_flush(&bridge->in);
	pthread_mutex_unlock(&bridge->receive_lock);
}

/* Reads what has come, as much as there is room for: all who wait may have theirs. */
void kucomms_bridge_pull(struct kc_conn *conn)
{
	struct kucomms_bridge *bridge = conn->bridge;

	pull(conn);
	pthread_mutex_lock(&bridge->wait_lock);
	if (bridge->polling)
		eventfd_write(bridge->bell, 1);
	kucomms_event_tell(&bridge->pulled);
	pthread_mutex_unlock(&bridge->wait_lock);
}

/* The application has made room, and there is something to go there. */
bool kucomms_bridge_is_blocked(const struct kucomms_bridge *bridge)
{
	return kucomms_load(&bridge->blocked);
}

static bool wait_is_over(struct kc_conn *conn, __u32 event)
{
	return kucomms_load(&conn->gone) ||
	       ((event & KUCOMMS_EVENT_DATA) &&
		(kucomms_consumer_ready(&conn->channel.in) ||
		 kucomms_load(&conn->lost))) ||
	       ((event & KUCOMMS_EVENT_ROOM) &&
		kucomms_consumer_is_awaited(&conn->bridge->out));
}

static int wait_in_poll(struct kc_conn *conn, bool socket, __s64 deadline)
{
	struct pollfd fds[] = {
		{ .fd = conn->bridge->bell, .events = POLLIN },
		{ .fd = conn->fd, .events = POLLIN },
	};
	const __s64 left = deadline - kucomms_now();
	const struct timespec time = kucomms_timespec(left > 0 ? left : 0);
	eventfd_t rings;
	int ret = ppoll(fds, socket ? 2 : 1, deadline < 0 ? NULL : &time, NULL);

	if (ret <= 0)
		return ret ? -errno : -ETIMEDOUT;
	if (fds[0].revents)
		eventfd_read(conn->bridge->bell, &rings);
	if (socket && fds[1].revents)
		pull(conn);
	return 0;
}

/*
 * Has this thread, which waits for room, just read what another one waits for in
 * poll()? Then that is woken by something to read, and left to it for a while.
 */
static bool leave_to_poller(struct kc_conn *conn, __u32 event)
{
	if (!conn->polled || (event & KUCOMMS_EVENT_DATA) ||
	    !kucomms_producer_must_ring(&conn->bridge->in))
		return false;
	nudge(conn, NLM_F_ACK);
	return true;
}

static int wait_for_socket(struct kc_conn *conn, __u32 event,
			   __s64 deadline, __u64 *count)
{
	const __s64 soon = kucomms_now() + LEAVE_NS;
	int err;

	(*count)++;
	/* What is there to read while there is no room says nothing new. */
	if (!leave_to_poller(conn, event))
		return wait_in_poll(conn, !kucomms_bridge_is_blocked(conn->bridge),
				    deadline);
	if (deadline >= 0 && deadline < soon)
		return wait_in_poll(conn, false, deadline);
	err = wait_in_poll(conn, false, soon);
	/* The other one may be this thread itself, at some other time. */
	if (err == -ETIMEDOUT) {
		pull(conn);
		err = 0;
	}
	return err;
}

/*
 * One thread at a time waits for the socket, lest it read what another one waits
 * for, and that sleep on.
 */
int kucomms_bridge_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
			__u64 *count)
{
	struct kucomms_bridge *bridge = conn->bridge;
	int err = 0;

	pthread_mutex_lock(&bridge->wait_lock);
	if (wait_is_over(conn, event)) {
		pthread_mutex_unlock(&bridge->wait_lock);
		return 0;
	}
	if (bridge->polling) {
		/* Another thread waits for the socket, and wakes this one. */
		err = kucomms_event_wait(&bridge->pulled, &bridge->wait_lock,
					 deadline);
		pthread_mutex_unlock(&bridge->wait_lock);
		return err;
	}
	bridge->polling = true;
	pthread_mutex_unlock(&bridge->wait_lock);
	err = wait_for_socket(conn, event, deadline, count);
	/* There may always be something, but never what is wanted. */
	if (!err && deadline >= 0 && kucomms_now() >= deadline &&
	    !wait_is_over(conn, event))
		err = -ETIMEDOUT;
	pthread_mutex_lock(&bridge->wait_lock);
	bridge->polling = false;
	kucomms_event_tell(&bridge->pulled);
	pthread_mutex_unlock(&bridge->wait_lock);
	return err;
}
