// SPDX-License-Identifier: MIT
/*
 * What stands in for the kernel where a channel goes over netlink: the other side
 * of both rings, which moves messages between them and the datagrams of a socket.
 * So the library sends and receives as over any other transport.
 *
 * kc_nlring_push() sends the messages in the ring towards the kernel, many in a
 * datagram. The kernel has a ring for them that is twice as large, and refuses a
 * message for which that has no room: so no more is sent than fits there, and from
 * time to time a message requests an acknowledgement, which says that the kernel
 * has handled all messages up to that one.
 *
 * kc_nlring_pull() reads datagrams while there is room in the ring towards the
 * user. If there is none the rest of a datagram stays in its buffer.
 *
 * Each of the two has a lock, since different threads may call them. Only pulling
 * takes both, receive_lock first.
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

#include "clock.h"
#include "fd.h"
#include "futex.h"
#include "memory.h"
#include "netlink-ring.h"
#include "send.h"
#include "shm.h"

/* Acknowledgements on their way: one is requested per eighth of the ring. */
#define ACKS	8u

/* Bytes read after which the kernel may wait for an empty socket. */
#define NUDGE_BYTES	65536u

/* Time for a thread in poll() to receive what another thread has read. */
#define LEAVE_NS	(10 * NSEC_PER_MSEC)

/**
 * struct kc_nlring - between the rings of a channel and its socket
 * @send_lock: for the following
 * @out:       the other side of the ring towards the kernel: reads from it
 * @request:   the datagram that is being made
 * @sequence:  of the last message sent
 * @handled:   position in @out up to which the kernel has handled messages
 * @asked:     what @handled will be when all requested acknowledgements have come
 * @window_full: there are messages for which the kernel may have no room
 * @acks:      requested acknowledgements, a queue
 * @first_ack, @ack_count: which entries of @acks are in use
 *
 * @receive_lock: for the following
 * @in:        the other side of the ring towards the user: writes to it
 * @datagram:  the last one read
 * @next:      the first message of @datagram that has not been moved
 * @left:      bytes from @next on
 * @read:      bytes read since the socket was empty
 * @blocked:   the ring has no room for @next; read in any thread
 *
 * @wait_lock: for the following
 * @polling:   a thread waits in poll(); others wait for @pulled
 * @pulled:    condition: something has been read from the socket
 * @bell:      eventfd that tells the thread in poll() the same
 */
struct kc_nlring {
	pthread_mutex_t send_lock;
	struct kucomms_consumer out;
	unsigned char *request;
	__u32 sequence;
	__u32 handled;
	__u32 asked;
	bool window_full;
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

/* Size of the longest datagram: a single message longer than KC_DATAGRAM. */
#define BUFFER_SIZE	(NLMSG_SPACE(sizeof(struct kucomms_message)) + \
			 KUCOMMS_NETLINK_LENGTH_MAX)

static int make_ring(__u32 size, struct kc_region *region)
{
	int fd = kc_memory_create(size, region);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Makes both rings. In place of the kernel @nlring is their other side. */
static int nlring_make_rings(struct kc_nlring *nlring,
			     struct kc_conn *conn, __u32 to_kernel,
			     __u32 to_user)
{
	const struct kc_region *out = &conn->regions[KC_MINE];
	const struct kc_region *in = &conn->regions[KC_THEIRS];
	int err = make_ring(to_kernel, &conn->regions[KC_MINE]);

	if (!err)
		err = make_ring(to_user, &conn->regions[KC_THEIRS]);
	if (err)
		return err;
	kc_shm_init(conn, to_kernel, to_user);
	kucomms_consumer_init(&nlring->out, kc_memory_data(out), to_kernel,
			      in->address, out->address);
	kucomms_producer_init(&nlring->in, kc_memory_data(in), to_user,
			      in->address, out->address);
	/* Every message that is sent rings, and so is pushed at once. */
	kucomms_consumer_arm(&nlring->out);
	return 0;
}

int kc_nlring_create(struct kc_conn *conn, __u32 to_kernel,
		     __u32 to_user)
{
	struct kc_nlring *nlring = calloc(1, sizeof(*nlring));

	if (!nlring)
		return -ENOMEM;
	pthread_mutex_init(&nlring->send_lock, NULL);
	pthread_mutex_init(&nlring->receive_lock, NULL);
	pthread_mutex_init(&nlring->wait_lock, NULL);
	conn->nlring = nlring;
	nlring->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (nlring->bell < 0)
		return -errno;
	nlring->request = malloc(BUFFER_SIZE);
	nlring->datagram = malloc(BUFFER_SIZE);
	if (!nlring->request || !nlring->datagram)
		return -ENOMEM;
	return nlring_make_rings(nlring, conn, to_kernel, to_user);
}

/* Frees a child's copy, but for the locks, which may be held. */
void kc_nlring_abandon(struct kc_conn *conn)
{
	struct kc_nlring *nlring = conn->nlring;

	if (!nlring)
		return;
	conn->nlring = NULL;
	kc_fd_close(&nlring->bell);
	free(nlring->request);
	free(nlring->datagram);
	free(nlring);
}

void kc_nlring_free(struct kc_conn *conn)
{
	struct kc_nlring *nlring = conn->nlring;

	if (!nlring)
		return;
	pthread_mutex_destroy(&nlring->wait_lock);
	pthread_mutex_destroy(&nlring->receive_lock);
	pthread_mutex_destroy(&nlring->send_lock);
	kc_nlring_abandon(conn);
}

/* Notes that the kernel has ended the channel, or sends what it never would. */
static void nlring_gone(struct kc_conn *conn, int why)
{
	if (!kucomms_load(&conn->gone))
		kucomms_store(&conn->gone, why);
}

/*
 * Tells whether messages up to position @after may be on their way: half of the
 * ring, or one message of any length and those before it for which no
 * acknowledgement has been requested. Either way the kernel's ring, which is
 * twice as large, has room.
 */
static bool window_admits(const struct kc_nlring *nlring, __u32 after)
{
	return after - nlring->handled <= nlring->out.size / 2 ||
	       nlring->asked == nlring->handled;
}

static bool window_asks(struct kc_nlring *nlring, __u32 after)
{
	unsigned int last = (nlring->first_ack + nlring->ack_count) % ACKS;

	if (after - nlring->asked < nlring->out.size / ACKS)
		return false;
	nlring->asked = after;
	nlring->acks[last].sequence = nlring->sequence;
	nlring->acks[last].position = after;
	nlring->ack_count++;
	return true;
}

/* Adds a message to the datagram, which has room for it. */
static size_t request_add(struct kc_nlring *nlring, size_t length,
			  const struct kucomms_message *message,
			  const void *data)
{
	struct nlmsghdr *header = (void *)(nlring->request + length);
	unsigned char *payload = NLMSG_DATA(header);

	header->nlmsg_len = (__u32)NLMSG_LENGTH(sizeof(*message)) +
			    message->length;
	header->nlmsg_type = KUCOMMS_NLMSG_MESSAGE;
	header->nlmsg_seq = ++nlring->sequence;
	header->nlmsg_pid = 0;
	header->nlmsg_flags = NLM_F_REQUEST;
	if (window_asks(nlring, nlring->out.position))
		header->nlmsg_flags |= NLM_F_ACK;
	/* The payload is aligned to 4 bytes, the structure to 8. */
	memcpy(payload, message, sizeof(*message));
	if (message->length)
		memcpy(payload + sizeof(*message), data, message->length);
	return length + NLMSG_ALIGN(header->nlmsg_len);
}

/* Makes a datagram. Returns its length; 0: no message may go. */
static size_t request_fill(struct kc_nlring *nlring)
{
	struct kucomms_message message = { .control = KUCOMMS_CONTROL_MESSAGE };
	size_t length = 0;
	const void *data;
	int ret;

	nlring->window_full = false;
	for (;;) {
		ret = kucomms_consumer_receive(&nlring->out, &message, &data);
		if (ret == -ENOMSG)
			continue;
		if (ret != 1)
			return length;
		nlring->window_full =
			!window_admits(nlring, nlring->out.position);
		if (nlring->window_full ||
		    (length && length + NLMSG_SPACE(sizeof(message)) +
			       message.length > KC_DATAGRAM)) {
			kucomms_consumer_unreceive(&nlring->out,
						   message.length);
			return length;
		}
		length = request_add(nlring, length, &message, data);
	}
}

/* With the send_lock held. If it fails the messages and the socket are lost. */
static int push(struct kc_conn *conn, __u64 *count)
{
	struct kc_nlring *nlring = conn->nlring;
	size_t length;

	while (!kucomms_load(&conn->gone)) {
		length = request_fill(nlring);
		kucomms_consumer_release(&nlring->out);
		kucomms_consumer_tell(&nlring->out);
		if (!length)
			return 0;
		(*count)++;
		if (send(conn->fd, nlring->request, length, 0) < 0)
			nlring_gone(conn, -ESHUTDOWN);
	}
	return kucomms_load(&conn->gone);
}

/* Sends what has been published. @count: of system calls. */
int kc_nlring_push(struct kc_conn *conn, __u64 *count)
{
	int err;

	pthread_mutex_lock(&conn->nlring->send_lock);
	err = push(conn, count);
	pthread_mutex_unlock(&conn->nlring->send_lock);
	return err;
}

/*
 * Handles an acknowledgement: the kernel has handled all messages up to that
 * one, so there may be room for more.
 */
static void receive_ack(struct kc_conn *conn, __u32 sequence)
{
	struct kc_nlring *nlring = conn->nlring;
	unsigned int first;

	pthread_mutex_lock(&nlring->send_lock);
	first = nlring->first_ack;
	if (nlring->ack_count && nlring->acks[first].sequence == sequence) {
		nlring->handled = nlring->acks[first].position;
		nlring->first_ack = (first + 1) % ACKS;
		nlring->ack_count--;
		if (nlring->window_full)
			push(conn, &conn->receive_doorbells);
	}
	pthread_mutex_unlock(&nlring->send_lock);
}

/*
 * Handles an error: of an acknowledgement 0, otherwise the reason for which the
 * channel has ended or will end.
 */
static void receive_error(struct kc_conn *conn, const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = NLMSG_DATA(header);

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)))
		nlring_gone(conn, -EPROTO);
	else if (!error->error)
		receive_ack(conn, header->nlmsg_seq);
	else
		nlring_gone(conn, error->error == -ESHUTDOWN ? -ESHUTDOWN :
							      -EPROTO);
}

/* Moves a message to the ring. Returns false if there is no room for it. */
static bool receive_message(struct kc_conn *conn,
			    const struct nlmsghdr *header)
{
	const unsigned char *payload = NLMSG_DATA(header);
	struct kc_nlring *nlring = conn->nlring;
	struct kucomms_message message = { };
	struct kucomms_message *record;
	int err;

	if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(message)))
		memcpy(&message, payload, sizeof(message));
	if (header->nlmsg_len != NLMSG_LENGTH(sizeof(message)) +
				 (__u64)message.length) {
		nlring_gone(conn, -EPROTO);
		return true;
	}
	err = kucomms_producer_reserve(&nlring->in, message.length, &record);
	if (err == -EAGAIN) {
		/* A receiver that makes room looks after that. */
		kucomms_store(&nlring->blocked, true);
		kucomms_producer_flush(&nlring->in);
		kucomms_producer_arm(&nlring->in, message.length);
		err = kucomms_producer_reserve(&nlring->in, message.length,
					       &record);
		if (err == -EAGAIN)
			return false;
		kucomms_producer_disarm(&nlring->in);
	}
	if (err) {
		nlring_gone(conn, -EPROTO);
		return true;
	}
	kc_record_fill(record, &message, payload + sizeof(message));
	kucomms_producer_commit(&nlring->in, record, KUCOMMS_CONTROL_MESSAGE,
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

/* Moves messages to the ring. Returns false if some are left. */
static bool datagram_move(struct kc_conn *conn)
{
	struct kc_nlring *nlring = conn->nlring;

	while (NLMSG_OK(nlring->next, nlring->left)) {
		if (!receive_one(conn, nlring->next))
			return false;
		nlring->next = NLMSG_NEXT(nlring->next, nlring->left);
	}
	nlring->left = 0;
	return true;
}

/*
 * Makes the kernel look at the socket at once. The kernel stops sending when
 * the socket is full, and by itself looks again later and later.
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

/* Reads a datagram. Returns false if none comes. */
static bool datagram_read(struct kc_conn *conn)
{
	struct kc_nlring *nlring = conn->nlring;
	ssize_t length = recv(conn->fd, nlring->datagram, BUFFER_SIZE,
			      MSG_DONTWAIT | MSG_TRUNC);

	if (length >= 0 && (size_t)length <= BUFFER_SIZE) {
		nlring->next = (const void *)nlring->datagram;
		nlring->left = (int)length;
		nlring->read += (size_t)length;
		return true;
	}
	if (length < 0 && errno == EAGAIN) {
		if (nlring->read >= NUDGE_BYTES) {
			conn->receive_doorbells++;
			nudge(conn, 0);
		}
		nlring->read = 0;
		return false;
	}
	if (length < 0 && (errno == ENOBUFS || errno == EINTR)) {
		if (errno == ENOBUFS)
			kucomms_store(&conn->lost, true);
		return true;
	}
	nlring_gone(conn, -EPROTO);
	return false;
}

static void pull(struct kc_conn *conn)
{
	struct kc_nlring *nlring = conn->nlring;

	pthread_mutex_lock(&nlring->receive_lock);
	/* If the room is still needed it will be asked for again. */
	if (nlring->blocked)
		kucomms_producer_disarm(&nlring->in);
	while (datagram_move(conn) && !kucomms_load(&conn->gone))
		if (!datagram_read(conn))
			break;
	kucomms_store(&nlring->blocked, nlring->left > 0);
	kucomms_producer_flush(&nlring->in);
	pthread_mutex_unlock(&nlring->receive_lock);
}

/* Reads datagrams while the ring has room, and wakes all waiters. */
void kc_nlring_pull(struct kc_conn *conn)
{
	struct kc_nlring *nlring = conn->nlring;

	pull(conn);
	pthread_mutex_lock(&nlring->wait_lock);
	if (nlring->polling)
		eventfd_write(nlring->bell, 1);
	kc_cond_broadcast(&nlring->pulled);
	pthread_mutex_unlock(&nlring->wait_lock);
}

/* Tells whether the last datagram waits for room in the ring. */
bool kc_nlring_is_blocked(const struct kc_nlring *nlring)
{
	return kucomms_load(&nlring->blocked);
}

static bool wait_is_over(struct kc_conn *conn, __u32 event)
{
	return kucomms_load(&conn->gone) ||
	       ((event & KUCOMMS_EVENT_DATA) &&
		(kucomms_consumer_ready(&conn->channel.in) ||
		 kucomms_load(&conn->lost))) ||
	       ((event & KUCOMMS_EVENT_ROOM) &&
		kucomms_consumer_is_awaited(&conn->nlring->out));
}

static int wait_in_poll(struct kc_conn *conn, bool socket, __s64 deadline)
{
	struct pollfd fds[] = {
		{ .fd = conn->nlring->bell, .events = POLLIN },
		{ .fd = conn->fd, .events = POLLIN },
	};
	const __s64 left = deadline - kc_now();
	const struct timespec time = kc_timespec(left > 0 ? left : 0);
	eventfd_t rings;
	int ret = ppoll(fds, socket ? 2 : 1, deadline < 0 ? NULL : &time, NULL);

	if (ret <= 0)
		return ret ? -errno : -ETIMEDOUT;
	if (fds[0].revents)
		eventfd_read(conn->nlring->bell, &rings);
	if (socket && fds[1].revents)
		pull(conn);
	return 0;
}

/*
 * If this thread, waiting for room, has drained data for which another one
 * waits in poll(): makes the socket readable again (a NOOP with NLM_F_ACK), and
 * returns true.
 */
static bool leave_to_poller(struct kc_conn *conn, __u32 event)
{
	if (!conn->polled || (event & KUCOMMS_EVENT_DATA) ||
	    !kucomms_producer_must_ring(&conn->nlring->in))
		return false;
	nudge(conn, NLM_F_ACK);
	return true;
}

static int wait_for_socket(struct kc_conn *conn, __u32 event,
			   __s64 deadline, __u64 *count)
{
	const __s64 soon = kc_now() + LEAVE_NS;
	int err;

	(*count)++;
	/* Without room in the ring a readable socket is nothing new. */
	if (!leave_to_poller(conn, event))
		return wait_in_poll(conn, !kc_nlring_is_blocked(conn->nlring),
				    deadline);
	if (deadline >= 0 && deadline < soon)
		return wait_in_poll(conn, false, deadline);
	err = wait_in_poll(conn, false, soon);
	/* The thread that polls may be this one, later. */
	if (err == -ETIMEDOUT) {
		pull(conn);
		err = 0;
	}
	return err;
}

/*
 * Waits until @event may have come true. One thread at a time waits in poll()
 * and reads for all, since it could read what another one waits for; the others
 * wait until something has been read.
 */
int kc_nlring_wait(struct kc_conn *conn, __u32 event, __s64 deadline,
		   __u64 *count)
{
	struct kc_nlring *nlring = conn->nlring;
	int err = 0;

	pthread_mutex_lock(&nlring->wait_lock);
	if (wait_is_over(conn, event)) {
		pthread_mutex_unlock(&nlring->wait_lock);
		return 0;
	}
	if (nlring->polling) {
		/* Another thread waits for the socket, and wakes this one. */
		err = kc_cond_wait(&nlring->pulled, &nlring->wait_lock,
				   deadline);
		pthread_mutex_unlock(&nlring->wait_lock);
		return err;
	}
	nlring->polling = true;
	pthread_mutex_unlock(&nlring->wait_lock);
	err = wait_for_socket(conn, event, deadline, count);
	/* A socket that is always readable must not prolong the wait. */
	if (!err && deadline >= 0 && kc_now() >= deadline &&
	    !wait_is_over(conn, event))
		err = -ETIMEDOUT;
	pthread_mutex_lock(&nlring->wait_lock);
	nlring->polling = false;
	kc_cond_broadcast(&nlring->pulled);
	pthread_mutex_unlock(&nlring->wait_lock);
	return err;
}
