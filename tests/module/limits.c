// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device or a process may not exceed: refused with an error of its own,
 * nothing lost by it, and nobody killed.
 */
#include <sys/mount.h>
#include <sys/statfs.h>

#include "memory.h"
#include "raw.h"

#define DEVICE "kucomms_test"
#define GROUP "/sys/fs/cgroup/limited"
#define ROUNDS 100

static int create(const char *settings)
{
	char line[128];
	int err = t_remove(DEVICE);

	assert_true(!err || err == -ENODEV);
	snprintf(line, sizeof(line), "%s %s", DEVICE, settings);
	return t_create(line);
}

static int attach(__u32 to_kernel, __u32 to_user)
{
	struct kucomms_attach a = { .size = sizeof(a),
				    .to_kernel_size = to_kernel,
				    .to_user_size = to_user };
	int fd = t_device_fd(DEVICE, 0);
	int err = (int)t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, &a));

	close(fd);
	return err;
}

static void check_settings(void)
{
	static const struct {
		const char *settings;
		int err;
	} settings[] = {
		{ "channels=1", 0 },
		{ "channels=4096 ring_size=8192 ring_size_max=8192", 0 },
		{ "ring_size_max=65536 channels=3", 0 },
		{ "channels=4097", -ERANGE },
		{ "channels=99999999999", -ERANGE },
		{ "ring_size=33554432", -ERANGE },
		{ "ring_size=16384 ring_size_max=8192", -ERANGE },
		{ "channels=0", -EINVAL },
		{ "channels=-1", -EINVAL },
		{ "channels=many", -EINVAL },
		{ "channels=", -EINVAL },
		{ "channels", -EINVAL },
		{ "channels=1  ring_size=8192", -EINVAL },
		{ "colour=red", -EINVAL },
		{ "ring_size=5000", -EINVAL },
		{ "ring_size=2048", -EINVAL },
		{ "dispatch=always", -EINVAL },
	};
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int err = create(settings[i].settings);

		if (err != settings[i].err)
			printf("\"%s\"\n", settings[i].settings);
		assert_int_equal(err, settings[i].err);
	}
}

static void check_ring_sizes(void)
{
	struct raw raw;

	assert_int_equal(create("ring_size=8192 ring_size_max=65536"), 0);
	assert_int_equal(t_attribute(DEVICE, "ring_size"), 8192);
	assert_int_equal(t_attribute(DEVICE, "ring_size_max"), 65536);
	raw = raw_open(DEVICE, 0);
	assert_int_equal(raw.attach.to_kernel_size, 8192);
	assert_int_equal(raw.attach.to_user_size, 8192);
	raw_close(&raw);
	assert_int_equal(attach(65536, 65536), 0);
	assert_int_equal(attach(131072, 65536), -EINVAL);
	assert_int_equal(attach(65536, 131072), -EINVAL);
	assert_int_equal(attach(4096, 4096), 0);
}

static void check_channels(void)
{
	struct raw raws[3], raw;
	int fd, i;

	assert_int_equal(create("channels=3"), 0);
	for (i = 0; i < 3; i++)
		raws[i] = raw_open(DEVICE, 4096);
	fd = t_device_fd(DEVICE, 0);
	for (i = 0; i < ROUNDS; i++)
		assert_int_equal(raw_attach(&raw, fd, 4096), -EUSERS);
	for (i = 0; i < 3; i++) {
		raw_echo(&raws[i], (__u64)i);
		raw_close(&raws[i]);
	}
	assert_int_equal(raw_attach(&raw, fd, 4096), 0);
	raw_map_all(&raw);
	raw_echo(&raw, 3);
	raw_close(&raw);
}

static bool group_make(void)
{
	const char *const limit = "16777216";

	mkdir("/sys/fs/cgroup", 0755);
	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) &&
	    errno != EBUSY)
		return false;
	if (t_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory", 7))
		return false;
	assert_int_equal(mkdir(GROUP, 0700), 0);
	assert_int_equal(t_write(GROUP "/memory.max", limit, strlen(limit)), 0);
	return true;
}

static unsigned long long group_event(const char *key)
{
	FILE *file = fopen(GROUP "/memory.events", "r");
	unsigned long long value, found = ~0ull;
	char word[64];

	assert_true(file);
	while (fscanf(file, "%63s %llu", word, &value) == 2)
		if (!strcmp(word, key))
			found = value;
	fclose(file);
	assert_true(found != ~0ull);
	return found;
}

/* In the group: attaches until no more, which the limit makes a few. */
static void greedy(void)
{
	struct raw raws[64];
	int i, fd, err;

	assert_int_equal(t_write(GROUP "/cgroup.procs", "0", 1), 0);
	for (i = 0; i < 64; i++) {
		err = raw_attach(&raws[i], t_device_fd(DEVICE, 0), 1 << 20);
		if (err)
			break;
		raw_map_all(&raws[i]);
	}
	assert_int_equal(err, -ENOMEM);
	assert_true(i > 0 && i < 8);
	printf("%d channels of 2 MiB in 16 MiB\n", i);
	/* Far too much at once, over and over. */
	fd = t_device_fd(DEVICE, 0);
	for (err = 0; err < ROUNDS; err++)
		assert_int_equal(raw_attach(&raws[63], fd, 16 << 20), -ENOMEM);
	/* What there is, works; and what is given back can be had again. */
	raw_echo(&raws[0], 1);
	while (i--)
		raw_close(&raws[i]);
	while (raw_attach(&raws[0], fd, 1 << 20) == -ENOMEM)
		;
	raw_map_all(&raws[0]);
	raw_echo(&raws[0], 2);
	exit(0);
}

static void check_memory(void)
{
	struct memory before;
	int round;
	pid_t pid;

	if (!group_make()) {
		printf("memory is not limited: this kernel has no memory controller\n");
		return;
	}
	assert_int_equal(create("channels=64"), 0);
	for (round = 0; round < 2; round++) {
		if (round)
			before = memory_settled();
		pid = fork();
		if (pid == 0)
			greedy();
		assert_int_equal(t_wait(pid), 0);
	}
	memory_compare(&before);
	assert_int_equal(group_event("oom_kill"), 0);
	assert_true(group_event("max") > 0);
	assert_int_equal(t_attribute(DEVICE, "channels"), 0);
	assert_int_equal(rmdir(GROUP), 0);
}

int main(void)
{
	check_settings();
	check_ring_sizes();
	check_channels();
	check_memory();
	assert_int_equal(t_remove(DEVICE), 0);
	return 0;
}
