// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three thousand devices: each there, each usable, all gone in the end, the
 * memory with them.
 */
#include "test.h"

#define DEVICES 3000

static long memory_kb(void)
{
	long slab = 0, available = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");

	assert_true(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "MemAvailable: %ld", &available);
		sscanf(line, "SUnreclaim: %ld", &slab);
	}
	fclose(file);
	printf("available %ld kB, slab %ld kB\n", available, slab);
	return slab;
}

static void name_of(char *name, size_t size, int i)
{
	snprintf(name, size, "kucomms_many%d", i);
}

static void round_trip(void)
{
	char name[64];
	int i;

	for (i = 0; i < DEVICES; i++) {
		name_of(name, sizeof(name), i);
		assert_int_equal(t_create(name), 0);
	}
	for (i = 0; i < DEVICES; i += 250) {
		char path[80];
		int fd;

		name_of(name, sizeof(name), i);
		snprintf(path, sizeof(path), "/dev/%s", name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(t_attribute(name, "opens"), 1);
		assert_int_equal(t_remove(name), -EBUSY);
		close(fd);
	}
	for (i = DEVICES - 1; i >= 0; i--) {
		name_of(name, sizeof(name), i);
		assert_int_equal(t_remove(name), 0);
	}
}

int main(void)
{
	int rounds = 5;
	long before;

	round_trip();
	before = memory_kb();
	/*
	 * A leak of one small object a device would be more than this, and more
	 * with every round; what is only freed late is not.
	 */
	do {
		assert_true(rounds--);
		round_trip();
	} while (memory_kb() - before >= DEVICES / 8 && t_memory_is_exact());
	return 0;
}
