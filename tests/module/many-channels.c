// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four thousand channels on one device: each usable, each as cheap as the
 * first, none more than the device may have; and channels by number.
 */
#include "memory.h"
#include "raw.h"

#define DEVICE "kucomms_test"
#define PROCESSES 8
#define STEPS 3
#define MANY 4096
#define RING 4096

/* How many channels there are after each step: a few, half of all, all. */
static const int marks[STEPS] = { 64, 2080, MANY };

/*
 * Two rings, two control pages and the copy buffer are 20 kB; with what the
 * process needs to map them, and the kernel to know them, kB:
 */
#define CHANNEL_KB 32

static void create(const char *settings)
{
	char line[128];
	int err = t_remove(DEVICE);

	assert_true(!err || err == -ENODEV);
	snprintf(line, sizeof(line), "%s%s", DEVICE, settings);
	assert_int_equal(t_create(line), 0);
}

struct holder {
	pid_t pid;
	int ready[2];
	int go[2];
};

/* Takes its share of the channels step by step, each when told to. */
static void hold(const struct holder *holder)
{
	struct raw *raws = calloc(MANY / PROCESSES, sizeof(*raws));
	int step, have = 0, i;

	assert_true(raws);
	for (step = 0; step < STEPS; step++) {
		assert_int_equal(read(holder->go[0], &(char){ 0 }, 1), 1);
		for (; have < marks[step] / PROCESSES; have++) {
			raws[have] = raw_open(DEVICE, RING);
			raw_echo(&raws[have], (__u64)have);
		}
		assert_int_equal(write(holder->ready[1], "x", 1), 1);
	}
	assert_int_equal(read(holder->go[0], &(char){ 0 }, 1), 1);
	for (i = have - 1; i >= 0; i--)
		raw_echo(&raws[i], (__u64)i);
	exit(0);
}

static void start(struct holder *holder)
{
	assert_int_equal(pipe(holder->ready), 0);
	assert_int_equal(pipe(holder->go), 0);
	holder->pid = fork();
	if (holder->pid == 0)
		hold(holder);
}

static void tell(const struct holder *holders)
{
	int i;

	for (i = 0; i < PROCESSES; i++)
		assert_int_equal(write(holders[i].go[1], "x", 1), 1);
}

/* All at the same time; says how much memory is left. */
static long step(const struct holder *holders)
{
	int i;

	tell(holders);
	for (i = 0; i < PROCESSES; i++)
		assert_int_equal(read(holders[i].ready[0], &(char){ 0 }, 1), 1);
	return memory_now().available;
}

static void check_flat(const long *available)
{
	double first = (double)(available[0] - available[1]) /
		       (marks[1] - marks[0]);
	double second = (double)(available[1] - available[2]) /
			(marks[2] - marks[1]);

	printf("the first half: %.2f kB a channel, the second half: %.2f kB\n",
	       first, second);
	if (!t_memory_is_exact())
		return;
	assert_true(first < CHANNEL_KB);
	assert_true(second < first * 1.1);
}

static void round_trip(void)
{
	struct holder holders[PROCESSES];
	long available[STEPS];
	struct raw raw;
	int i, fd;

	for (i = 0; i < PROCESSES; i++)
		start(&holders[i]);
	for (i = 0; i < STEPS; i++)
		available[i] = step(holders);
	assert_int_equal(t_attribute(DEVICE, "channels"), MANY);
	fd = t_device_fd(DEVICE, 0);
	assert_int_equal(raw_attach(&raw, fd, RING), -EUSERS);
	close(fd);
	tell(holders);
	for (i = 0; i < PROCESSES; i++) {
		assert_int_equal(t_wait(holders[i].pid), 0);
		close(holders[i].ready[0]);
		close(holders[i].ready[1]);
		close(holders[i].go[0]);
		close(holders[i].go[1]);
	}
	assert_int_equal(t_attribute(DEVICE, "channels"), 0);
	assert_int_equal(t_attribute(DEVICE, "opens"), 0);
	check_flat(available);
}

static void check_many(void)
{
	struct memory before;

	create(" channels=4096");
	assert_int_equal(t_attribute(DEVICE, "channels_max"), MANY);
	round_trip();
	before = memory_settled();
	round_trip();
	memory_compare(&before);
}

/* By number: any that is free, and nobody else gets it. */
static void check_numbers(void)
{
	struct raw raw = { 0 }, first;
	int fd;

	create(" channels=10");
	assert_int_equal(t_attribute(DEVICE, "channels_max"), 10);
	fd = t_device_fd(DEVICE, 0);
	raw.attach.size = sizeof(raw.attach);
	raw.attach.flags = KUCOMMS_ATTACH_NUMBER;
	raw.attach.channel = 10;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, &raw.attach)),
			 -EINVAL);
	raw.attach.channel = ~0u;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, &raw.attach)),
			 -EINVAL);
	first = raw_open(DEVICE, 0);
	assert_int_equal(first.attach.channel, 0);
	raw.attach.channel = 0;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, &raw.attach)),
			 -EADDRINUSE);
	/* Refused, the file can still be attached otherwise. */
	raw.attach.channel = 1;
	assert_int_equal(t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, &raw.attach)), 0);
	assert_int_equal(raw.attach.channel, 1);
	raw.fd = fd;
	raw_map_all(&raw);
	raw_echo(&raw, 1);
	raw_close(&first);
	first = raw_open(DEVICE, 0);
	assert_int_equal(first.attach.channel, 0);
	raw_close(&first);
	raw_close(&raw);
}

int main(void)
{
	check_many();
	check_numbers();
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
