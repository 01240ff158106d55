// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating and removing devices: every wrong name and every wrong time has its
 * exact error, and nothing is left behind.
 */
#include <dirent.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "test.h"

#define LONGEST "kucomms_9_123456789_123456789_123456789_123456789_123456789_1234"

static const struct {
	const char *text;
	int err;
} names[] = {
	{ "", 0 },	/* the kernel has no say: nothing is written */
	{ "\n", -EINVAL },
	{ "kucomms_", -EINVAL },
	{ "kucomms_\n", -EINVAL },
	{ "mymodule", -EINVAL },
	{ "kucomms", -EINVAL },
	{ "KUCOMMS_x", -EINVAL },
	{ "kucomms_X", -EINVAL },
	{ "kucomms_a-b", -EINVAL },
	{ "kucomms_a b", -EINVAL },
	{ " kucomms_a", -EINVAL },
	{ "kucomms_a ", -EINVAL },
	{ "kucomms_../../etc/passwd", -EINVAL },
	{ "../kucomms_a", -EINVAL },
	{ "kucomms_a/b", -EINVAL },
	{ "kucomms_a\nkucomms_b", -EINVAL },
	{ "kucomms_a\n\n", -EINVAL },
	{ "kucomms_caf\xc3\xa9", -EINVAL },
	{ "kucomms_%s%n", -EINVAL },
	{ "kucomms_a", 0 },
	{ "kucomms_a", -EEXIST },
	{ "kucomms_a\n", -EEXIST },
	{ "kucomms_0", 0 },
	{ "kucomms__", 0 },
	{ "kucomms_kucomms_a\n", 0 },
};

static int count_devices(void)
{
	DIR *dir = opendir(T_CLASS);
	struct dirent *entry;
	int count = 0;

	assert_true(dir);
	while ((entry = readdir(dir)))
		count += !strncmp(entry->d_name, "kucomms_", 8);
	closedir(dir);
	return count;
}

static void check_length(void)
{
	char name[65] = LONGEST;

	assert_int_equal(strlen(name), 64);
	assert_int_equal(t_create(name), -EINVAL);
	name[63] = '\0';
	assert_int_equal(t_create(name), 0);
	assert_int_equal(t_create(name), -EEXIST);
	assert_int_equal(t_remove(name), 0);
}

/* What fgets() would take for the end is part of the name here. */
static void check_nul(void)
{
	assert_int_equal(t_write(T_CONTROL "create_device", "kucomms_a\0b", 11),
			 -EINVAL);
	assert_int_equal(t_write(T_CONTROL "create_device", "kucomms_n\0", 10),
			 -EINVAL);
}

static void check_busy(void)
{
	int fd = t_device_fd("kucomms_a", 0);

	assert_int_equal(t_attribute("kucomms_a", "opens"), 1);
	assert_int_equal(t_remove("kucomms_a"), -EBUSY);
	close(fd);
	assert_int_equal(t_attribute("kucomms_a", "opens"), 0);
}

/* Only root manages devices, and the control files say so. */
static void check_permission(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		assert_int_equal(setuid(1002), 0);
		assert_int_equal(t_create("kucomms_mine"), -EACCES);
		assert_int_equal(t_remove("kucomms_a"), -EACCES);
		assert_int_equal(t_sys(open("/dev/kucomms_a", O_RDWR)),
				 -EACCES);
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
}

/* Root's identity alone, as in a container, is not enough. */
static void drop_admin(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	assert_int_equal(t_sys(syscall(SYS_capget, &header, data)), 0);
	data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &=
		~CAP_TO_MASK(CAP_SYS_ADMIN);
	assert_int_equal(t_sys(syscall(SYS_capset, &header, data)), 0);
}

static void check_capability(void)
{
	const char *const tool[][5] = {
		{ "kucommsctl", "create", "mine" },
		{ "kucommsctl", "remove", "test" },
		{ "kucommsctl", "set", "-d", "poll", "test" },
	};
	size_t i;
	pid_t pid;

	t_device("kucomms_test");
	for (i = 0; i < sizeof(tool) / sizeof(tool[0]); i++) {
		pid = fork();
		if (pid == 0) {
			assert_int_equal(t_sys(prctl(PR_CAPBSET_DROP,
						     CAP_SYS_ADMIN)), 0);
			execlp(tool[i][0], tool[i][0], tool[i][1], tool[i][2],
			       tool[i][3], tool[i][4], NULL);
			exit(1);
		}
		assert_int_equal(t_wait(pid), 4);
	}
	pid = fork();
	if (pid == 0) {
		drop_admin();
		assert_int_equal(t_create("kucomms_mine"), -EPERM);
		assert_int_equal(t_remove("kucomms_test"), -EPERM);
		assert_int_equal(t_adjust("kucomms_test", "dispatch", "poll"),
				 -EPERM);
		assert_int_equal(t_adjust("kucomms_test", "poll_idle_us", "5"),
				 -EPERM);
		assert_int_equal(t_adjust("kucomms_test", "cpus", "0"), -EPERM);
		/* What everybody may, it may. */
		assert_true(t_reads("kucomms_test", "dispatch", "adaptive"));
		exit(0);
	}
	assert_int_equal(t_wait(pid), 0);
	assert_int_equal(t_remove("kucomms_test"), 0);
}

/* A node that somebody has kept of a device that is gone is nobody else's. */
static void check_stale_node(void)
{
	const char *const old = "/dev/kept";
	struct stat node;
	char name[32];
	int i, fd;

	t_device("kucomms_old");
	assert_int_equal(stat("/dev/kucomms_old", &node), 0);
	assert_int_equal(t_sys(mknod(old, S_IFCHR | 0600, node.st_rdev)), 0);
	fd = open(old, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(t_remove("kucomms_old"), 0);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "kucomms_new%d", i);
		assert_int_equal(t_create(name), 0);
		assert_int_equal(t_sys(open(old, O_RDWR | O_CLOEXEC)), -ENXIO);
		if (i % 2)
			assert_int_equal(t_remove(name), 0);
	}
	for (i = 0; i < 100; i += 2) {
		snprintf(name, sizeof(name), "kucomms_new%d", i);
		assert_int_equal(t_remove(name), 0);
	}
	assert_int_equal(unlink(old), 0);
}

int main(void)
{
	int before = count_devices();
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int err = t_create(names[i].text);

		if (err != names[i].err) {
			printf("creating \"%s\": %d, not %d\n", names[i].text,
			       err, names[i].err);
			return 1;
		}
	}
	assert_int_equal(count_devices(), before + 4);
	check_length();
	check_nul();
	check_busy();
	check_permission();
	check_capability();
	check_stale_node();

	assert_int_equal(t_remove("kucomms_missing"), -ENODEV);
	assert_int_equal(t_remove("a"), -EINVAL);
	assert_int_equal(t_remove("kucomms_a"), 0);
	assert_int_equal(t_remove("kucomms_a"), -ENODEV);
	assert_int_equal(t_sys(access("/dev/kucomms_a", F_OK)), -ENOENT);
	assert_int_equal(t_remove("kucomms_0"), 0);
	assert_int_equal(t_remove("kucomms__"), 0);
	assert_int_equal(t_remove("kucomms_kucomms_a"), 0);
	assert_int_equal(count_devices(), before);
	return 0;
}
