/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_CHANNEL_H
#define KUCOMMS_LIB_CHANNEL_H

#include <kucomms/kucomms.h>
#include <stddef.h>

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
 * struct kucomms_client - a channel, and what not every message takes
 * @channel: what the application has a pointer to
 * @fd:      the open device
 * @number:  of the channel on the device
 * @path:    of the device
 * @options: as kucomms_open() was told
 * @regions: what is mapped
 * @kernel:  the kernel's control page
 * @spin_ns: how long to look before sleeping
 * @polled:  the caller may sleep in poll(), so a failed try must arm
 * @answers_late: the kernel's side does not answer within the doorbell
 * @room_armed: need_room is set; the sending thread's
 * @send_doorbells, @send_waits:       system calls; the sending thread's
 * @receive_doorbells, @receive_waits: system calls; the receiving thread's
 */
struct kucomms_client {
	struct kucomms_channel channel;
	int fd;
	unsigned int number;
	char path[sizeof("/dev/") + KUCOMMS_NAME_MAX];
	struct kucomms_options options;
	struct kucomms_region regions[KUCOMMS_REGIONS];
	const struct kucomms_control *kernel;
	__u32 spin_ns;
	bool polled;
	bool answers_late;

	bool room_armed __attribute__((aligned(128)));
	__u64 send_doorbells;
	__u64 send_waits;

	__u64 receive_doorbells __attribute__((aligned(128)));
	__u64 receive_waits;
};

static inline struct kucomms_client *
client_of(const struct kucomms_channel *channel)
{
	return (struct kucomms_client *)channel;
}

/* doorbell.c */
int kucomms_client_error(const struct kucomms_client *client);
int kucomms_client_doorbell(struct kucomms_client *client, __u64 *count);
int kucomms_client_wait(struct kucomms_client *client, __u32 events,
			__s64 deadline, __u64 *count);
__s64 kucomms_deadline(int timeout_ms);
__s64 kucomms_now(void);

/* receive.c */
void kucomms_client_give_back(struct kucomms_client *client);
void kucomms_client_arm(struct kucomms_client *client);

#endif
