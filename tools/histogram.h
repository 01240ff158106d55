/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_HISTOGRAM_H
#define KUCOMMSCTL_HISTOGRAM_H

#include <stdint.h>

/*
 * Each power of two is cut into this many parts, so a quantile is less than one
 * percent too small; a measurement of any length needs the same memory.
 */
#define HISTOGRAM_PARTS_SHIFT	7
#define HISTOGRAM_PARTS		(1u << HISTOGRAM_PARTS_SHIFT)
#define HISTOGRAM_BUCKETS	((64 - HISTOGRAM_PARTS_SHIFT + 1) * \
				 HISTOGRAM_PARTS)

/**
 * struct histogram - how often values were seen; begins as all zeros
 * @count:   of all values
 * @least:   the smallest of them, exact
 * @buckets: how many values fell into each
 */
struct histogram {
	uint64_t count;
	uint64_t least;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* The value that @share (0 to 1) of all values do not exceed; 0 if none. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
