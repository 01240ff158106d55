// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPDK's ring with one producer and one consumer, with messages by value in its
 * slots, in bursts of a batch. None of DPDK's environment is needed for that.
 */
#include "native.h"

#if __has_include(<rte_ring.h>)
#include <rte_ring.h>

#define BURST_MAX	32

static struct rte_ring *rings[SIDES];
/* The side's own: where bursts come together, and are taken apart. */
static uint64_t out[BURST_MAX * SIZE_MAX_BYTES / 8];
static uint64_t in[BURST_MAX * SIZE_MAX_BYTES / 8];
static unsigned int out_number, in_number, in_next;

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	out[out_number * (size / 8)] = number;
	out_number++;
	if (more)
		return;
	while (!rte_ring_sp_enqueue_bulk_elem(rings[side], out, size,
					      out_number, NULL))
		relax();
	out_number = 0;
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	while (in_next == in_number) {
		in_number = rte_ring_sc_dequeue_burst_elem(rings[!side], in,
							   size, cell.batch,
							   NULL);
		in_next = 0;
		if (!in_number)
			relax();
	}
	return in[in_next++ * (size / 8)];
}

LOOPS(copied, push, pop);

static const char *ring_open(void)
{
	/* A power of two. */
	unsigned int slots = RING_BYTES / (cell.size < 32 ? 32 : cell.size);
	ssize_t size = rte_ring_get_memsize_elem(cell.size, slots);
	int i;

	for (i = 0; i < SIDES; i++) {
		rings[i] = shared_memory(size);
		if (rte_ring_init(rings[i], "bench", slots,
				  RING_F_SP_ENQ | RING_F_SC_DEQ))
			return "rte_ring_init: failed";
	}
	out_number = 0;
	in_number = 0;
	in_next = 0;
	return NULL;
}

static bool ring_fits(const struct cell *wanted)
{
	return fits_busy(wanted) ||
	       (wanted->kind == STREAM && wanted->batch == BURST_MAX);
}

const struct subject subject_rte_ring = {
	.name = "dpdk-rte_ring",
	.alone = true,
	.copied = &copied,
	.fits = ring_fits,
	.open = ring_open,
	.syscalls = syscalls_none,
};

#else

MISSING(rte_ring, "dpdk-rte_ring", "libdpdk-dev");

#endif
