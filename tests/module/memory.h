/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether what a test did has given all its memory back: pages, slab objects,
 * kernel address space. Do it once, settle, do it again, compare.
 */
#ifndef KUCOMMS_TEST_MEMORY_H
#define KUCOMMS_TEST_MEMORY_H

#include "test.h"

struct memory {
	long available;		/* kB */
	long slab;		/* kB that cannot be reclaimed */
	long vmalloc;		/* kB of kernel address space */
};

static inline struct memory memory_now(void)
{
	struct memory memory = { 0 };
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");

	assert_true(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "MemAvailable: %ld", &memory.available);
		sscanf(line, "SUnreclaim: %ld", &memory.slab);
		sscanf(line, "VmallocUsed: %ld", &memory.vmalloc);
	}
	fclose(file);
	return memory;
}

static inline bool memory_is_back(const struct memory *before,
				  const struct memory *now)
{
	return before->available - now->available < 2048 &&
	       now->slab - before->slab < 1024 &&
	       now->vmalloc - before->vmalloc < 512;
}

/*
 * What the kernel has put aside to free, grace period after grace period, is
 * not in use: waits until nothing has been given back for a second, so that what
 * is compared with this later cannot hide behind it.
 */
static inline struct memory memory_settled(void)
{
	struct memory least = memory_now(), now;
	uint64_t since = t_now_ns();

	while (t_now_ns() - since < 1000000000u) {
		now = memory_now();
		if (now.slab < least.slab) {
			least = now;
			since = t_now_ns();
		}
	}
	return least;
}

/*
 * Channels are freed a grace period after they are closed, so it may take a
 * moment; a test makes so many that a leak of one page or object each would be
 * ten times what is let through.
 */
static inline void memory_compare(const struct memory *before)
{
	uint64_t end = t_now_ns() + t_patience_ms() * 1000000ull;
	struct memory now;

	do {
		now = memory_now();
	} while (!memory_is_back(before, &now) && t_now_ns() < end);
	printf("available %ld to %ld kB, slab %ld to %ld kB, vmalloc %ld to %ld kB\n",
	       before->available, now.available, before->slab, now.slab,
	       before->vmalloc, now.vmalloc);
	assert_true(!t_memory_is_exact() || memory_is_back(before, &now));
}

#endif
