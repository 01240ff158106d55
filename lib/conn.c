// SPDX-License-Identifier: MIT
/*
 * What all channels are made of, and what becomes of it.
 */
#define _GNU_SOURCE	/* CPU_COUNT() */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "fd.h"
#include "numbers.h"

/* Time to look for a message before sleeping: about that of a wake-up. */
#define SPIN_US		20

/*
 * Copies the options of a program, which may know fewer of them than the
 * library does: at least the first @least bytes, and more only if those are 0.
 */
int kc_options_read(void *own, size_t own_size, const void *options,
		    size_t least)
{
	size_t size, i;

	if (!options)
		return 0;
	memcpy(&size, options, sizeof(size));
	if (size < least)
		return -EINVAL;
	for (i = own_size; i < size; i++)
		if (((const char *)options)[i])
			return -E2BIG;
	memcpy(own, options, size < own_size ? size : own_size);
	return 0;
}

/*
 * Returns how long to look for a message before sleeping: not at all with one
 * CPU, which the other side needs for sending.
 */
__u32 kc_spin_ns(bool sleep_at_once, __u32 spin_us)
{
	cpu_set_t cpus;

	if (sleep_at_once)
		return 0;
	if (spin_us)
		return spin_us * NSEC_PER_USEC;
	if (!sched_getaffinity(0, sizeof(cpus), &cpus) &&
	    CPU_COUNT(&cpus) == 1)
		return 0;
	return SPIN_US * NSEC_PER_USEC;
}

struct kc_conn *kc_conn_alloc(const struct kc_transport *transport)
{
	struct kc_conn *conn;
	__u32 creator;

	if (kc_creator(&creator))
		return NULL;
	conn = kc_alloc_wiped(sizeof(*conn), sizeof(conn->wiped));
	if (!conn)
		return NULL;
	conn->creator = creator;
	conn->channel.awake = true;
	conn->transport = transport;
	conn->fd = -1;
	conn->memory = -1;
	conn->receive_flags = transport->wait_flags;
	conn->refs = 1;
	pthread_mutex_init(&conn->lock, NULL);
	return conn;
}

void kc_conn_unmap(struct kc_conn *conn)
{
	struct kc_region *region;

	for (region = conn->regions; region < conn->regions + KC_REGIONS;
	     region++) {
		if (region->address)
			munmap(region->address, region->length);
		region->address = NULL;
	}
}

/*
 * Closes a child's copies of the descriptors. Does not unmap the rings: the
 * child has not inherited them, and may have mapped something of its own in
 * their place.
 */
void kc_conn_abandon(struct kc_conn *conn)
{
	if (conn->transport->abandon)
		conn->transport->abandon(conn);
	conn->own = NULL;
	kc_fd_close(&conn->memory);
	kc_fd_close(&conn->fd);
}

/* Frees a channel; in a child without its lock, which may be held. */
void kc_conn_free(struct kc_conn *conn)
{
	if (conn_is_inherited(conn)) {
		kc_conn_abandon(conn);
		kc_numbers_put(conn->numbers);
	} else {
		conn->transport->close(conn);
		kc_numbers_give(conn->numbers, conn->number);
		pthread_mutex_destroy(&conn->lock);
	}
	munmap(conn, sizeof(*conn));
}

/* Hangs up towards the kernel, which notices when the descriptor is closed. */
void kc_conn_set_gone(struct kc_conn *conn, __u32 state)
{
	kucomms_store(&conn->gone,
		      state == KUCOMMS_STATE_BROKEN ? -EPROTO : -ESHUTDOWN);
}

/* Returns what the other side's state says: 0, -ESHUTDOWN, or -EPROTO. */
int kc_conn_state_error(const struct kc_conn *conn)
{
	switch (kucomms_load_acquire(&conn->channel.in.remote->state)) {
	case KUCOMMS_STATE_OPEN:
		return 0;
	case KUCOMMS_STATE_HANGUP:
		return -ESHUTDOWN;
	default:
		return -EPROTO;
	}
}

/*
 * Hangs up because the other side has broken the rules, or because the handler
 * has refused its message for good.
 */
void kc_conn_break(struct kc_conn *conn)
{
	conn->transport->hangup(conn, KUCOMMS_STATE_BROKEN);
}

/* Tells whether messages have been lost since the last call. */
bool kc_conn_take_lost(struct kc_conn *conn)
{
	return kucomms_load(&conn->lost) &&
	       __atomic_exchange_n(&conn->lost, false, __ATOMIC_RELAXED);
}

KUCOMMS_API void kucomms_channel_close(struct kucomms_channel *channel)
{
	if (channel)
		kc_conn_free(conn_of(channel));
}
