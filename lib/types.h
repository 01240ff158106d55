/* SPDX-License-Identifier: MIT */
#ifndef KC_TYPES_H
#define KC_TYPES_H

/*
 * The library's types, in the order of lib/layers from below, and which of them
 * points at which:
 *
 *	transport	a table of functions, one for each prefix of a name
 *	    ^
 *	    |		 .-> numbers, shared with the listener (numbers.c)
 *	   conn ---------<
 *	   ^ ^ ^	 `-> nlring, if it goes over netlink (netlink-ring.c)
 *	   | | |
 *	   | | `------- listener->waiting, until it is accepted ("local:" only)
 *	   | `--------- endpoint->conns, active, commands, replies;
 *	   |		conn->entry.endpoint points back
 *	   `----------- struct kucomms_channel comes first in it, and is all
 *			that an application sees
 *
 *	endpoint->acceptors -> acceptor (acceptor.c) -> listener -> numbers
 *	endpoint->calls -> struct kucomms_call, the caller's
 *
 * Locks, each of which may be taken while those before it in its line are held:
 *
 *	endpoint->lock, conn->lock, endpoint->calls_lock
 *	conn->lock, nlring->receive_lock, nlring->send_lock
 *	endpoint->lock, kc_self->local_lock (fork.h), numbers->lock
 *	conn->lock, nlring->wait_lock
 *
 * What no lock covers belongs to one thread. A channel has a sending and a
 * receiving thread, which may be the same; both are the endpoint's thread if an
 * endpoint has the channel, and other threads send with conn->lock held.
 * What is said to be any thread's is read and written atomically.
 */
#include <kucomms/endpoint.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/un.h>

#include "queue.h"

#define KUCOMMS_API __attribute__((visibility("default")))

struct kc_nlring;
struct kc_acceptor;
struct kc_conn;
struct kc_numbers;

/* ---- an endpoint's events (event.c) */

/* What epoll tells an endpoint's thread about: calls @handle in that thread. */
struct kc_event_source {
	void (*handle)(struct kc_event_source *source);
};

/* ---- channels (conn.c, receive.c, send.c) */

/* What no errno says, since the other side may answer with any of them. */
#define KC_UNANSWERED	1

/**
 * struct kc_transport - how a channel's memory and doorbells come to be
 * @begin:   connects to conn->path; -ENOENT: nothing is there. Only that of a
 *           device waits, until the deadline, for a kernel module. If this
 *           fails, or @finish does, conn is to be closed
 * @finish:  KC_UNANSWERED: the other side has not answered yet; conn->fd will be
 *           readable; NULL: @begin has done it all
 * @close:   frees what @begin and @finish have made
 * @abandon: frees, in a child, its copy of what @begin has made; NULL: there
 *           is nothing but descriptors
 * @error:   0, or why, as far as is known, the other side is gone
 * @ring:    wakes the other side, which has said in @need how it sleeps
 * @wait:    sleeps for @event, after arming; may return before it came true
 * @ack_event: takes back what makes poll() say that there is something to do;
 *           NULL: poll() looks for itself
 * @refill:  brings what has come into the ring; NULL: it is there already
 * @hangup:  tells the other side that no more will come, whatever the reason
 * @user_space: the other side is in user space, in this process or another one
 * @wait_flags: KUCOMMS_NEED_FUTEX if @wait can sleep on the other side's bell
 * @untrusted: another process could change a message while it is read
 */
struct kc_transport {
	int (*begin)(struct kc_conn *conn, __s64 deadline);
	int (*finish)(struct kc_conn *conn);
	void (*close)(struct kc_conn *conn);
	void (*abandon)(struct kc_conn *conn);
	int (*error)(struct kc_conn *conn);
	int (*ring)(struct kc_conn *conn, __u32 need, __u64 *count);
	int (*wait)(struct kc_conn *conn, __u32 event, __s64 deadline,
		    __u64 *count);
	void (*ack_event)(struct kc_conn *conn);
	void (*refill)(struct kc_conn *conn);
	void (*hangup)(struct kc_conn *conn, __u32 state);
	bool user_space;
	__u32 wait_flags;
	bool untrusted;
};

extern const struct kc_transport kc_device_transport;
extern const struct kc_transport kc_netlink_transport;
extern const struct kc_transport kc_process_transport;
extern const struct kc_transport kc_local_transport;

#define KC_REGIONS	4

struct kc_region {
	void *address;
	size_t length;
};

/*
 * Size of the part of a channel that is zero in a child, in bytes: a multiple of
 * any machine's page size.
 */
#define KC_WIPED	65536

/**
 * struct kc_ep_entry - what an endpoint knows of one of its channels
 * @endpoint:  NULL: no endpoint has the channel; does not change once it is set
 *
 * In the endpoint's thread:
 *
 * @source:    of the channel's doorbells
 * @active_node: in endpoint->active, while @awake
 * @next_reply: in endpoint->replies, while @replies
 * @pending:   the channel that is being opened in place of this one
 * @reconnect_due: when to try that again
 * @idle_since: when there was nothing to do any more; 0: there is
 * @connected: between connect and disconnect
 * @awake:     the thread looks at the channel in every turn
 * @refused:   the handler does not want the next message yet
 * @replies:   something has been sent in this round that is neither published
 *             nor rung for
 * @reconnect: KUCOMMS_CONNECT_RETRY
 *
 * Under the endpoint's lock:
 *
 * @node:      in endpoint->conns
 * @command_node: in endpoint->commands, while @queued
 * @queued:    the thread is to take the channel in, or to remove it
 *
 * In any thread:
 *
 * @leaving:   the channel is to be removed
 * @hangup:    a thread of this process has shut the channel down
 */
struct kc_ep_entry {
	struct kucomms_endpoint *endpoint;

	struct kc_event_source source;
	TAILQ_ENTRY(kc_conn) active_node;
	struct kc_conn *next_reply;
	struct kc_conn *pending;
	__s64 reconnect_due;
	__s64 idle_since;
	bool connected;
	bool awake;
	bool refused;
	bool replies;
	bool reconnect;

	TAILQ_ENTRY(kc_conn) node;
	TAILQ_ENTRY(kc_conn) command_node;
	bool queued;

	bool leaving;
	bool hangup;
};

/**
 * struct kc_conn - the private part of a channel
 * @channel:   what the application has a pointer to
 * @wiped:     the part that is zero in a child
 * @creator:   id of the process that created it, see fork.c
 * @refs:      references: one is the application's or the endpoint's, others
 *             are those of kucomms_channel_get(); atomic
 * @transport: what the channel goes through
 * @fd:        the open device, or the socket
 * @number:    of the channel on the device, or of the listener
 * @numbers:   where @number has been taken from; NULL: the other side gave it
 * @name:      of the other side, as it was given
 * @path:      what @name means now: a device, a socket, a listener's name
 * @options:   as kucomms_open() was told
 * @regions:   what is mapped
 * @own:       this side's control page, in one of them; NULL: not open
 * @memory:    between begin and finish: the memfd that this side writes, for
 *             the other side
 * @spin_ns:   how long to look before sleeping
 * @heavy:     executes the other side's barriers before it sleeps
 * @polled:    the caller may sleep in poll(), so a failed try must arm
 * @answers_late: the other side does not answer within the doorbell
 * @closing:   the other side has gone: what is in the ring is all that comes
 * @peer:      credentials of the other side
 * @nlring:    moves messages between the rings and a netlink socket, or NULL
 *
 * In any thread:
 *
 * @gone:      0, or why the other side is gone: -ESHUTDOWN, or -EPROTO if this
 *             side has seen it break the rules
 * @lost:      the kernel says that messages were
 * @looked:    when this side last looked whether the other side is alive
 * @lock:      for sending, and for hanging up, while an endpoint has the channel
 * @room_cond: there may be room to send; under @lock
 * @waiters:   how many threads wait for it; under @lock
 * @call_base: the id of the channel's first call
 * @calls:     how many calls there have been; written under @lock
 *
 * @entry:     what an endpoint knows of the channel
 *
 * In the sending thread:
 *
 * @room_armed: need_room is set
 * @send_bell:  the other side's bell before that
 * @rung:       the other side's need_data when it was rung for last
 * @send_doorbells, @send_waits: system calls
 *
 * In the receiving thread:
 *
 * @armed:        the value of need_data, if it is set
 * @receive_flags: KUCOMMS_NEED_FUTEX if the next wait is on the bell
 * @receive_bell: the other side's bell before need_data was set
 * @receive_doorbells, @receive_waits: system calls
 */
struct kc_conn {
	union {
		struct kucomms_channel channel;
		char wiped[KC_WIPED];
	};
	__u32 creator;
	unsigned int refs;
	const struct kc_transport *transport;
	int fd;
	unsigned int number;
	struct kc_numbers *numbers;
	char name[sizeof("process:") + sizeof(((struct sockaddr_un *)0)->sun_path)];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct kucomms_options options;
	struct kc_region regions[KC_REGIONS];
	struct kucomms_control *own;
	int memory;
	__u32 spin_ns;
	bool heavy;
	bool polled;
	bool answers_late;
	bool closing;
	struct kucomms_peer peer;
	struct kc_nlring *nlring;

	int gone;
	bool lost;
	__s64 looked;
	pthread_mutex_t lock;
	__u32 room_cond;
	unsigned int waiters;
	__u64 call_base;
	__u64 calls;

	struct kc_ep_entry entry;

	bool room_armed __attribute__((aligned(128)));
	__u32 send_bell;
	__u32 rung;
	__u64 send_doorbells;
	__u64 send_waits;

	__u32 armed __attribute__((aligned(128)));
	__u32 receive_flags;
	__u32 receive_bell;
	__u64 receive_doorbells;
	__u64 receive_waits;
};

/* ---- what others connect to (listener.c, process-listener.c, local.c) */

/* Connections of a listener on which the client has not said what it wants. */
#define KC_PENDING_MAX	64

/**
 * struct kucomms_listener - what others connect to
 * @creator:   id of the process that created it, see fork.c
 * @fd:        readable when there may be a channel to accept: the epoll of
 *             @socket and @pending, or an eventfd
 * @socket:    for other processes; -1: "local:"
 * @path:      of the socket, or the name
 * @options:   with all defaults filled in
 * @numbers:   of the channels
 * @pending:   sockets on which the client has not said yet what it wants
 * @next_place: the place in @pending that the next connection takes
 *
 * Of "local:", under kc_self->local_lock:
 *
 * @next:      the next listener of this process
 * @waiting:   channels to be accepted
 */
struct kucomms_listener {
	__u32 creator;
	int fd;
	int socket;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct kucomms_listen_options options;
	struct kc_numbers *numbers;
	int pending[KC_PENDING_MAX];
	unsigned int next_place;
	struct kucomms_listener *next;
	TAILQ_HEAD(, kc_conn) waiting;
};

/* ---- endpoints (call.c, ep_entry.c, loop.c, acceptor.c, endpoint.c) */

/**
 * struct kucomms_endpoint - handlers, and the channels they are for
 * @creator: id of the process that created it, see fork.c
 * @ops:     the handlers
 * @priv:    the argument of the handlers
 * @options: with all defaults filled in
 * @name:    of the thread
 * @spin_ns: how long to look before sleeping
 * @epoll:   what the thread sleeps on
 * @wake:    eventfd: there is something to do of which no other descriptor tells
 * @timer:   timerfd: of what is due first
 *
 * Under @lock:
 *
 * @stopped:  signalled when a thread leaves the endpoint
 * @conns:    all channels
 * @conn_count: how many there are
 * @commands: channels that the thread is to take in, or to remove
 * @acceptors: of kucomms_endpoint_listen()
 * @thread:   of kucomms_endpoint_start(), if @started: then it is to be joined
 *
 * Written under @lock, read in any thread:
 *
 * @commanded: @commands is not empty
 * @owner:    the thread that runs the endpoint, or 0
 * @stop:     @owner is to leave
 *
 * In any thread:
 *
 * @hangup:   a thread has shut down one of the channels
 *
 * Under @calls_lock:
 *
 * @call_done:  signalled when the done function of a call has returned
 * @calls:      table of the calls in flight, by id
 * @calls_size: of the table, a power of two
 * @calls_count: calls in flight
 * @first_call, @last_call: list of those with a deadline, the first one first
 * @running:    the call whose done function is running
 *
 * In the endpoint's thread:
 *
 * @active:  channels that are awake
 * @replies: channels that handlers have sent to in this round
 * @refused: channels whose handler has refused a message
 * @now:     time of this turn
 * @looked:  when events were last asked for
 * @work_due, @timer_due, @reconnect_due: when the handlers and attempts are due
 * @timer_set: what @timer is set to
 * @more:    the work handler has more to do
 * @budget:  messages in a round
 * @buffer:  for a private copy of a message
 * @capacity: of @buffer
 *
 * Written in the endpoint's thread, read in any thread:
 *
 * @armed:   when @timer fires at the latest, calls not counted
 * @stats:   counters
 */
struct kucomms_endpoint {
	__u32 creator;
	struct kucomms_ops ops;
	void *priv;
	struct kucomms_endpoint_options options;
	char name[16];
	__u32 spin_ns;
	int epoll;
	int wake;
	int timer;

	pthread_mutex_t lock;
	pthread_cond_t stopped;
	TAILQ_HEAD(, kc_conn) conns;
	__u64 conn_count;
	TAILQ_HEAD(, kc_conn) commands;
	TAILQ_HEAD(, kc_acceptor) acceptors;
	pthread_t thread;
	bool started;

	bool commanded;
	uintptr_t owner;
	bool stop;

	bool hangup;

	pthread_mutex_t calls_lock;
	pthread_cond_t call_done;
	struct kucomms_call **calls;
	__u32 calls_size;
	__u32 calls_count;
	struct kucomms_call *first_call;
	struct kucomms_call *last_call;
	struct kucomms_call *running;

	TAILQ_HEAD(, kc_conn) active;
	struct kc_conn *replies;
	unsigned int refused;
	__s64 now;
	__s64 looked;
	__s64 work_due;
	__s64 timer_due;
	__s64 reconnect_due;
	__s64 timer_set;
	bool more;
	unsigned int budget;
	void *buffer;
	size_t capacity;

	__s64 armed;
	struct kucomms_endpoint_stats stats;
};

/* Increments a counter that one thread writes and any thread may read. */
static inline void kc_count(__u64 *counter)
{
	kucomms_store(counter, *counter + 1);
}

#endif
