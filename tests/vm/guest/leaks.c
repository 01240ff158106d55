// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels that come and go, in every way that an attach can end, give all
 * their memory back: pages, slab objects, kernel address space.
 */
#include "test.h"

#define ROUNDS 1500

struct memory {
	long available;		/* kB */
	long slab;		/* kB that cannot be reclaimed */
	long vmalloc;		/* kB of kernel address space */
};

static struct memory memory_now(void)
{
	struct memory memory = { 0 };
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");

	t_assert(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "MemAvailable: %ld", &memory.available);
		sscanf(line, "SUnreclaim: %ld", &memory.slab);
		sscanf(line, "VmallocUsed: %ld", &memory.vmalloc);
	}
	fclose(file);
	return memory;
}

static void attach_and_close(void)
{
	struct kucomms_channel *channel = t_open("test", 65536, 65536);

	t_equal(t_echo(channel, "in use"), 0);
	kucomms_close(channel);
}

/* Refused by the module when all its memory has been allocated; tried again. */
static void attach_refused(void)
{
	struct kucomms_attach attach;
	int fd = open("/dev/kucomms_picky", O_RDWR | O_CLOEXEC);
	int i;

	t_assert(fd >= 0);
	for (i = 0; i < 2; i++) {
		attach = (struct kucomms_attach){ .size = sizeof(attach),
						  .to_kernel_size = 65536,
						  .to_user_size = 65536 };
		t_equal(t_sys(ioctl(fd, KUCOMMS_IOC_ATTACH, &attach)), -EDQUOT);
	}
	close(fd);
}

static void attach_broken(void)
{
	struct kucomms_channel *channel = t_open("test", 65536, 65536);
	struct kucomms_message message = { .type = TEST_FAIL };

	t_equal(kucomms_send(channel, &message, NULL, 0, 0), -EPROTO);
	kucomms_close(channel);
}

static void open_only(void)
{
	int fd = open("/dev/kucomms_test", O_RDWR | O_CLOEXEC);

	t_assert(fd >= 0);
	close(fd);
}

static void round_trip(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		attach_and_close();
		attach_refused();
		attach_broken();
		open_only();
	}
}

/*
 * Channels are freed a grace period after they are closed, so it may take a
 * moment; a leak of one page or object a channel would be ten times as much.
 */
static bool is_back(const struct memory *before, const struct memory *now)
{
	return before->available - now->available < 2048 &&
	       now->slab - before->slab < 256 &&
	       now->vmalloc - before->vmalloc < 512;
}

int main(void)
{
	uint64_t end;
	struct memory before, now;

	t_device("kucomms_test");
	t_device("kucomms_picky");
	round_trip();
	before = memory_now();
	round_trip();
	end = t_now_ns() + 20000000000u;
	do {
		now = memory_now();
	} while (!is_back(&before, &now) && t_now_ns() < end);
	printf("available %ld to %ld kB, slab %ld to %ld kB, vmalloc %ld to %ld kB\n",
	       before.available, now.available, before.slab, now.slab,
	       before.vmalloc, now.vmalloc);
	t_assert(!t_memory_is_exact() || is_back(&before, &now));
	t_equal(t_attribute("kucomms_test", "opens"), 0);
	t_equal(t_attribute("kucomms_picky", "channels"), 0);
	t_equal(t_remove("kucomms_test"), 0);
	t_equal(t_remove("kucomms_picky"), 0);
	return 0;
}
