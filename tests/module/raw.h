/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A channel in the raw, for what the library would not do: nothing is checked
 * for the caller, and every system call is the caller's own.
 */
#ifndef KUCOMMS_TEST_RAW_H
#define KUCOMMS_TEST_RAW_H

#include <kucomms/ring.h>

#include "test.h"

struct raw {
	int fd;
	struct kucomms_attach attach;
	struct kucomms_control *user;
	struct kucomms_control *kernel;
	struct kucomms_producer out;
	struct kucomms_consumer in;
};

/* 0 or -errno; both rings of @size bytes, 0 for the default. */
static inline int raw_attach(struct raw *raw, int fd, __u32 size)
{
	*raw = (struct raw){ .fd = fd };
	raw->attach.size = sizeof(raw->attach);
	raw->attach.to_kernel_size = size;
	raw->attach.to_user_size = size;
	return (int)t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, &raw->attach));
}

static inline void *raw_map(const struct raw *raw, __u64 offset, size_t length,
			    int protection)
{
	void *address = mmap(NULL, length, protection, MAP_SHARED, raw->fd,
			     (off_t)offset);

	assert_true(address != MAP_FAILED);
	return address;
}

/* Needs @fd and @attach only, so any process that got them can. */
static inline void raw_map_all(struct raw *raw)
{
	const struct kucomms_attach *attach = &raw->attach;
	const int rw = PROT_READ | PROT_WRITE;

	raw->user = raw_map(raw, attach->user_control_offset, 4096, rw);
	raw->kernel = raw_map(raw, attach->kernel_control_offset, 4096,
			      PROT_READ);
	kucomms_producer_init(&raw->out,
			      raw_map(raw, attach->to_kernel_offset,
				      2 * (size_t)attach->to_kernel_size, rw),
			      attach->to_kernel_size, raw->user, raw->kernel);
	kucomms_consumer_init(&raw->in,
			      raw_map(raw, attach->to_user_offset,
				      2 * (size_t)attach->to_user_size,
				      PROT_READ),
			      attach->to_user_size, raw->user, raw->kernel);
}

static inline struct raw raw_open(const char *device, __u32 size)
{
	struct raw raw;

	assert_int_equal(raw_attach(&raw, t_device_fd(device, 0), size), 0);
	raw_map_all(&raw);
	return raw;
}

static inline void raw_unmap(struct raw *raw)
{
	munmap(raw->user, 4096);
	munmap(raw->kernel, 4096);
	munmap(raw->out.data, 2 * (size_t)raw->out.size);
	munmap(raw->in.data, 2 * (size_t)raw->in.size);
}

static inline void raw_close(struct raw *raw)
{
	raw_unmap(raw);
	close(raw->fd);
}

static inline void raw_send(struct raw *raw, __u64 type, __u64 id)
{
	struct kucomms_message *record;

	assert_int_equal(kucomms_producer_reserve(&raw->out, 0, &record), 0);
	record->type = type;
	record->id = id;
	kucomms_producer_commit(&raw->out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
}

static inline int raw_ring(const struct raw *raw)
{
	return (int)t_sys(ioctl(raw->fd, KUCOMMS_IOC_DOORBELL, 0));
}

/* There and back, through whatever the regions are mapped as now. */
static inline void raw_echo(struct raw *raw, __u64 id)
{
	struct kucomms_message message;
	const void *data;

	raw_send(raw, TEST_ECHO, id);
	assert_true(raw_ring(raw) >= 0);
	assert_int_equal(kucomms_consumer_receive(&raw->in, &message, &data),
			 1);
	assert_int_equal(message.id, id);
	kucomms_consumer_release(&raw->in);
}

#endif
