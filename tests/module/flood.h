/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client that publishes all it can, all the time, and one that watches it.
 * The watcher opens the channel, and the flooder, a child, shares its mappings,
 * so how far the kernel has read of the flood can be seen at any time.
 */
#ifndef KUCOMMS_TEST_FLOOD_H
#define KUCOMMS_TEST_FLOOD_H

#include "raw.h"

#define FLOOD_RING (1u << 20)	/* many turns full of empty messages */

struct flood {
	struct raw raw;
	pid_t pid;
};

/* @batch messages for each doorbell, 0: as many as there is room for. */
static inline void flood_run(struct raw *raw, unsigned int batch)
{
	struct kucomms_message *record;
	unsigned int i;

	for (;;) {
		for (i = 0; !batch || i < batch; i++) {
			if (kucomms_producer_reserve(&raw->out, 0, &record))
				break;
			record->type = TEST_SINK;
			kucomms_producer_commit(&raw->out, record,
						KUCOMMS_CONTROL_MESSAGE, true);
		}
		kucomms_producer_flush(&raw->out);
		if (raw_ring(raw) < 0)
			exit(1);
	}
}

static inline struct flood flood_start(const char *device, unsigned int batch)
{
	struct flood flood = { .raw = raw_open(device, FLOOD_RING) };

	flood.pid = fork();
	if (flood.pid == 0)
		flood_run(&flood.raw, batch);
	return flood;
}

/* Messages that the kernel has handled; may wrap. */
static inline __u32 flood_handled(const struct flood *flood)
{
	return kucomms_load_acquire(&flood->raw.kernel->position) / 32;
}

/* Since @before; positions, and so these, wrap at 2^32 bytes. */
static inline __u32 flood_since(const struct flood *flood, __u32 before)
{
	return (flood_handled(flood) - before) & (~0u / 32);
}

/* Until it is in full flood. */
static inline void flood_await(const struct flood *flood)
{
	__u32 before = flood_handled(flood);

	while (flood_since(flood, before) < 1000)
		;
}

static inline void flood_stop(struct flood *flood)
{
	assert_int_equal(kill(flood->pid, SIGKILL), 0);
	assert_int_equal(t_wait(flood->pid), -SIGKILL);
	raw_close(&flood->raw);
}

#endif
