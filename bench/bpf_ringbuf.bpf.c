// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's side of BPF's rings: the user's is drained when a program is
 * run, and answers go to the other. The verifier wants to know how long a
 * message is, so there are programs for each length.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf_ringbuf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} to_kernel SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} to_user SEC(".maps");

struct data {
	__u64 words[65536 / sizeof(__u64)];
};

/* What is sent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct data);
} data_to_send SEC(".maps");

struct bpf_ringbuf_state state;

#define PROGRAMS(size)							\
static long echo_one_##size(struct bpf_dynptr *message, void *context)	\
{									\
	void *data = bpf_dynptr_data(message, 0, size);			\
									\
	if (data)							\
		bpf_ringbuf_output(&to_user, data, size,		\
				   BPF_RB_NO_WAKEUP);			\
	return 0;							\
}									\
									\
static long sink_one_##size(struct bpf_dynptr *message, void *context)	\
{									\
	__u64 *data = bpf_dynptr_data(message, 0, size);		\
									\
	if (!data)							\
		return 0;						\
	state.received++;						\
	if (*data != state.expected)					\
		state.lost++;						\
	state.expected = *data + 1;					\
	return 0;							\
}									\
									\
SEC("syscall") int echo_##size(void *context)				\
{									\
	return bpf_user_ringbuf_drain(&to_kernel, echo_one_##size, NULL, 0); \
}									\
									\
SEC("syscall") int sink_##size(void *context)				\
{									\
	return bpf_user_ringbuf_drain(&to_kernel, sink_one_##size, NULL, 0); \
}									\
									\
SEC("syscall") int source_##size(void *context)				\
{									\
	__u32 zero = 0, batch = state.batch, i;				\
	struct data *data = bpf_map_lookup_elem(&data_to_send, &zero);	\
									\
	if (!data)							\
		return 0;						\
	for (i = 0; i < 64 && i < batch; i++) {				\
		data->words[0] = state.sequence++;			\
		bpf_ringbuf_output(&to_user, data, size,		\
				   BPF_RB_NO_WAKEUP);			\
	}								\
	return batch;							\
}

PROGRAMS(64)
PROGRAMS(1024)
PROGRAMS(65536)
