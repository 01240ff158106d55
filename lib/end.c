// SPDX-License-Identifier: MIT
/*
 * What all channels are made of, and how they end.
 */
#define _GNU_SOURCE	/* CPU_COUNT() */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "end.h"
#include "fd.h"
#include "numbers.h"

/* About what it costs to be put to sleep and woken. */
#define SPIN_US		20

/*
 * Programs may know fewer options than the library, at least the first @least
 * bytes, or more if they are 0.
 */
int kucomms_options_read(void *own, size_t own_size, const void *options,
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

/* Looking is of no use to those who keep the only CPU from everybody else. */
__u32 kucomms_spin_ns(bool sleep_at_once, __u32 spin_us)
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

struct kucomms_end *kucomms_end_alloc(const struct kucomms_transport *transport)
{
	struct kucomms_end *end;
	__u32 mark;

	if (kucomms_mark(&mark))
		return NULL;
	end = kucomms_alloc_wiped(sizeof(*end), sizeof(end->wiped));
	if (!end)
		return NULL;
	end->mark = mark;
	end->channel.awake = true;
	end->transport = transport;
	end->fd = -1;
	end->memory = -1;
	end->receive_how = transport->how;
	end->member.refs = 1;
	pthread_mutex_init(&end->member.lock, NULL);
	return end;
}

void kucomms_end_unmap(struct kucomms_end *end)
{
	struct kucomms_region *region;

	for (region = end->regions; region < end->regions + KUCOMMS_REGIONS;
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
void kucomms_end_abandon(struct kucomms_end *end)
{
	if (end->transport->abandon)
		end->transport->abandon(end);
	end->own = NULL;
	kucomms_fd_close(&end->memory);
	kucomms_fd_close(&end->fd);
}

/*
 * Frees an end. In a child this touches no lock: a thread of the parent may
 * have held it.
 */
void kucomms_end_free(struct kucomms_end *end)
{
	if (end_is_inherited(end)) {
		kucomms_end_abandon(end);
		kucomms_numbers_put(end->numbers);
	} else {
		end->transport->close(end);
		kucomms_numbers_give(end->numbers, end->number);
		pthread_mutex_destroy(&end->member.lock);
	}
	munmap(end, sizeof(*end));
}

/*
 * Hangs up where the other side is the kernel, which learns of it when the
 * descriptor is closed.
 */
void kucomms_end_gone(struct kucomms_end *end, __u32 state)
{
	kucomms_store(&end->gone,
		      state == KUCOMMS_STATE_BROKEN ? -EPROTO : -ESHUTDOWN);
}

/* The other side has broken the rules, or its message has been refused. */
void kucomms_end_break(struct kucomms_end *end)
{
	end->transport->hangup(end, KUCOMMS_STATE_BROKEN);
}

/* Tells whether messages have been missed since this was asked last. */
bool kucomms_end_take_lost(struct kucomms_end *end)
{
	return kucomms_load(&end->lost) &&
	       __atomic_exchange_n(&end->lost, false, __ATOMIC_RELAXED);
}

KUCOMMS_API void kucomms_channel_close(struct kucomms_channel *channel)
{
	if (channel)
		kucomms_end_free(end_of(channel));
}
