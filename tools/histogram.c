// SPDX-License-Identifier: MIT
/*
 * Histograms: quantiles of any number of values. Values below HISTOGRAM_PARTS
 * have a bucket each; above, a bucket is as wide as the last bit that is kept.
 */
#include "histogram.h"

/* How many of the lowest bits of @value do not count. */
static unsigned int dropped_bits(uint64_t value)
{
	const int bits = value ? 64 - __builtin_clzll(value) : 0;

	return bits > HISTOGRAM_PARTS_SHIFT + 1 ?
	       bits - HISTOGRAM_PARTS_SHIFT - 1 : 0;
}

static unsigned int bucket_of(uint64_t value)
{
	const unsigned int dropped = dropped_bits(value);

	return dropped * HISTOGRAM_PARTS + (value >> dropped);
}

/* The smallest value that falls into @bucket. */
static uint64_t bucket_value(unsigned int bucket)
{
	const unsigned int dropped = bucket < 2 * HISTOGRAM_PARTS ? 0 :
				     bucket / HISTOGRAM_PARTS - 1;

	return (uint64_t)(bucket - dropped * HISTOGRAM_PARTS) << dropped;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	if (!histogram->count || value < histogram->least)
		histogram->least = value;
	histogram->count++;
	histogram->buckets[bucket_of(value)]++;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
	const double wanted = share * (double)histogram->count;
	uint64_t seen = 0;
	unsigned int i;

	if (!histogram->count)
		return 0;
	for (i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += histogram->buckets[i];
		if (seen && (double)seen >= wanted)
			break;
	}
	/* A bucket begins below the smallest value in it. */
	return bucket_value(i) < histogram->least ? histogram->least :
						    bucket_value(i);
}
