/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the program and the BPF programs have in common.
 */
#ifndef KUCOMMS_BENCH_BPF_RINGBUF_H
#define KUCOMMS_BENCH_BPF_RINGBUF_H

#include <linux/types.h>

struct bpf_ringbuf_state {
	__u64 received;
	__u64 lost;
	__u64 expected;
	__u64 sequence;
	__u64 batch;
};

#endif /* KUCOMMS_BENCH_BPF_RINGBUF_H */
