/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_CHANNEL_H
#define KUCOMMS_LIB_CHANNEL_H

#include <kucomms/kucomms.h>
#include <kucomms/ring.h>
#include <pthread.h>

#define KUCOMMS_API __attribute__((visibility("default")))

enum kucomms_region_index {
	KUCOMMS_REGION_USER_CONTROL,
	KUCOMMS_REGION_KERNEL_CONTROL,
	KUCOMMS_REGION_TO_KERNEL,
	KUCOMMS_REGION_TO_USER,
	KUCOMMS_REGIONS
};

struct kucomms_region {
	void *address;
	size_t length;
};

/**
 * struct kucomms_channel - the client's end
 * @fd:      the open device
 * @number:  of the channel on the device
 * @polled:  the caller may sleep in poll(), so a failed try must arm
 * @regions: what is mapped
 * @kernel:  the kernel's control page
 * @receiver: the thread that received last
 * @out:     the ring towards the kernel; the sending thread's
 * @room_armed: need_room is set; the sending thread's
 * @sent, @send_doorbells, @send_waits:          the sending thread's
 * @in:      the ring towards the user; the receiving thread's
 * @armed:   what need_data says; the receiving thread's
 * @received, @receive_doorbells, @receive_waits: the receiving thread's
 *
 * The two threads' parts are a pair of cache lines apart.
 */
struct kucomms_channel {
	int fd;
	unsigned int number;
	bool polled;
	struct kucomms_region regions[KUCOMMS_REGIONS];
	const struct kucomms_control *kernel;

	struct kucomms_producer out __attribute__((aligned(128)));
	bool room_armed;
	__u64 sent;
	__u64 send_doorbells;
	__u64 send_waits;

	struct kucomms_consumer in __attribute__((aligned(128)));
	__u32 armed;
	pthread_t receiver;
	__u64 received;
	__u64 receive_doorbells;
	__u64 receive_waits;
};

static inline bool kucomms_channel_open(const struct kucomms_channel *channel)
{
	return kucomms_load_acquire(&channel->kernel->state) ==
	       KUCOMMS_STATE_OPEN;
}

/* doorbell.c */
int kucomms_channel_error(const struct kucomms_channel *channel);
int kucomms_channel_doorbell(struct kucomms_channel *channel, __u64 *count);
__s64 kucomms_deadline(int timeout_ms);

/* receive.c */
void kucomms_channel_give_back(struct kucomms_channel *channel);
int kucomms_channel_wait(struct kucomms_channel *channel, __u32 events,
			 __s64 deadline, __u64 *count);

#endif
