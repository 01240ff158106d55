/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one peer has received, and which of it did not come in order.
 */
#ifndef KUCOMMS_BENCH_COUNT_H
#define KUCOMMS_BENCH_COUNT_H

#include <linux/string.h>
#include "protocol.h"

struct count {
	struct bench_count sum;
	u64 expected;
};

static inline void count_message(struct count *count, const void *data)
{
	u64 sequence = *(const u64 *)data;

	count->sum.received++;
	if (unlikely(sequence != count->expected))
		count->sum.lost++;
	count->expected = sequence + 1;
}

/* The sum so far; counting begins anew. */
static inline struct bench_count count_take(struct count *count)
{
	struct bench_count sum = count->sum;

	memset(count, 0, sizeof(*count));
	return sum;
}

#endif /* KUCOMMS_BENCH_COUNT_H */
