// SPDX-License-Identifier: GPL-2.0-only
/*
 * The yardstick: a bare ring in memory that both sides trust. One system call
 * for each batch, or none if a thread of the kernel looks all the time.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

static int file;
static bool polled;
static uint32_t size, mask;
static void *mapping;
static struct bench_ring_control *control;
static char *to_kernel;
static const char *to_user;
static uint32_t head, published, known_tail, tail;

static const char *ring_open(const struct subject *subject,
			     const struct cell *wanted)
{
	(void)wanted;
	file = open("/dev/bench_ring", O_RDWR | O_CLOEXEC);
	if (file < 0)
		return reason("/dev/bench_ring", errno);
	size = ring_size();
	mask = size - 1;
	if (ioctl(file, BENCH_IOC_RING_SIZE, (unsigned long)size))
		die("bench_ring: size", errno);
	mapping = mmap(NULL, BENCH_RING_OFFSET + 4 * (size_t)size,
		       PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (mapping == MAP_FAILED)
		die("bench_ring: mmap", errno);
	control = mapping;
	to_kernel = (char *)mapping + BENCH_RING_OFFSET;
	to_user = to_kernel + 2 * (size_t)size;
	head = 0;
	published = 0;
	known_tail = 0;
	tail = 0;
	polled = subject->busy;
	if (polled && ioctl(file, BENCH_IOC_RING_POLL,
			    (unsigned long)settings.far_cpu))
		die("bench_ring: thread", errno);
	return NULL;
}

static void ring_close(void)
{
	munmap(mapping, BENCH_RING_OFFSET + 4 * (size_t)size);
	close(file);
}

static void publish(void)
{
	published = head;
	__atomic_store_n(&control->to_kernel_head, head, __ATOMIC_RELEASE);
	if (polled)
		return;
	syscalls++;
	if (ioctl(file, BENCH_IOC_RING_DOORBELL, 0))
		die("bench_ring: doorbell", errno);
}

static bool has_room(uint32_t record)
{
	known_tail = __atomic_load_n(&control->to_kernel_tail,
				     __ATOMIC_ACQUIRE);
	return head + record - known_tail <= size;
}

/* Asks how far the kernel is only when there seems to be no room. */
EACH_MESSAGE struct bench_message *reserve(uint32_t length)
{
	uint32_t record = bench_ring_record(length);
	struct bench_message *message;

	if (__builtin_expect(head + record - known_tail > size, 0)) {
		if (!has_room(record) && head != published)
			publish();
		while (!has_room(record))
			__builtin_ia32_pause();
	}
	message = (struct bench_message *)(to_kernel + (head & mask));
	head += record;
	message->length = length;
	return message;
}

EACH_MESSAGE void send(uint64_t type, uint64_t number)
{
	struct bench_message *message = reserve(cell.size);

	message->type = type;
	*(uint64_t *)(message + 1) = number;
}

EACH_MESSAGE const struct bench_message *receive(void)
{
	const struct bench_message *message;

	while (tail == __atomic_load_n(&control->to_user_head,
				       __ATOMIC_ACQUIRE)) {
		if (!polled)
			die("bench_ring: no answer", EPROTO);
		__builtin_ia32_pause();
	}
	message = (const struct bench_message *)(to_user + (tail & mask));
	tail += bench_ring_record(message->length);
	return message;
}

EACH_MESSAGE void receive_batch(void)
{
	uint32_t i;

	for (i = 0; i < cell.batch; i++)
		check(receive() + 1, sequence++);
	__atomic_store_n(&control->to_user_tail, tail, __ATOMIC_RELEASE);
}

static void ring_echo(uint64_t count)
{
	uint32_t i;

	for (; count; count -= cell.batch) {
		for (i = 0; i < cell.batch; i++)
			send(BENCH_ECHO, sequence + i);
		publish();
		receive_batch();
	}
}

static void ring_to_kernel(uint64_t count)
{
	uint32_t i;

	for (; count; count -= cell.batch) {
		for (i = 0; i < cell.batch; i++)
			send(BENCH_SINK, sequence++);
		publish();
	}
}

static void ring_to_user(uint64_t count)
{
	struct bench_message *request;

	for (; count; count -= cell.batch) {
		request = reserve(0);
		request->type = BENCH_BURST;
		request->id = cell.batch;
		request->user = cell.size;
		publish();
		receive_batch();
	}
}

static struct bench_count ring_count(void)
{
	struct bench_message *request = reserve(0);

	request->type = BENCH_COUNT;
	publish();
	return *(const struct bench_count *)(receive() + 1);
}

const struct subject subject_crude_ring = {
	.name = "crude-ring",
	.open = ring_open,
	.close = ring_close,
	.run = { ring_echo, ring_to_kernel, ring_to_user },
	.count = ring_count,
};

const struct subject subject_crude_ring_poll = {
	.name = "crude-ring-poll",
	.busy = true,
	.deferred = true,
	.open = ring_open,
	.close = ring_close,
	.run = { ring_echo, ring_to_kernel, ring_to_user },
	.count = ring_count,
};
