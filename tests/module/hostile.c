// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that writes what it likes, when it likes, to all that it may write
 * to, breaks its own channel, and nothing else: another client is served all
 * the time, the kernel log stays clean (the runner looks).
 */
#include <pthread.h>

#include "test.h"

struct victim {
	int fd;
	struct kucomms_attach attach;
	struct kucomms_control *user;
	const struct kucomms_control *kernel;
	unsigned char *to_kernel;
	const unsigned char *to_user;
};

static struct victim victim_open(const char *device, __u32 size)
{
	struct victim v = {
		.fd = open(device, O_RDWR | O_CLOEXEC),
		.attach = { .size = sizeof(v.attach), .to_kernel_size = size,
			    .to_user_size = size },
	};
	long page = sysconf(_SC_PAGESIZE);

	assert_true(v.fd >= 0);
	assert_int_equal(t_sys(ioctl(v.fd, KUCOMMS_IOC_ATTACH, &v.attach)), 0);
	v.user = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v.fd, (off_t)v.attach.user_control_offset);
	v.kernel = mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, v.fd,
			(off_t)v.attach.kernel_control_offset);
	v.to_kernel = mmap(NULL, 2 * (size_t)size, PROT_READ | PROT_WRITE,
			   MAP_SHARED, v.fd, (off_t)v.attach.to_kernel_offset);
	v.to_user = mmap(NULL, 2 * (size_t)size, PROT_READ, MAP_SHARED, v.fd,
			 (off_t)v.attach.to_user_offset);
	assert_true(v.user != MAP_FAILED && v.kernel != MAP_FAILED);
	assert_true(v.to_kernel != MAP_FAILED && v.to_user != MAP_FAILED);
	return v;
}

static void victim_close(struct victim *v)
{
	munmap(v->user, (size_t)sysconf(_SC_PAGESIZE));
	munmap((void *)v->kernel, (size_t)sysconf(_SC_PAGESIZE));
	munmap(v->to_kernel, 2 * (size_t)v->attach.to_kernel_size);
	munmap((void *)v->to_user, 2 * (size_t)v->attach.to_user_size);
	close(v->fd);
}

static int ring(struct victim *v)
{
	return (int)t_sys(ioctl(v->fd, KUCOMMS_IOC_DOORBELL, 0));
}

/* One crafted record at position 0, and what the doorbell must say. */
static void craft(const char *device, __u32 length, __u32 control, int expected)
{
	struct victim v = victim_open(device, 4096);
	struct kucomms_message *record = (void *)v.to_kernel;

	record->length = length;
	record->type = TEST_SINK;
	__atomic_store_n(&record->control, control, __ATOMIC_RELEASE);
	assert_int_equal(ring(&v), expected);
	assert_int_equal(v.kernel->state,
			 expected ? KUCOMMS_STATE_BROKEN : KUCOMMS_STATE_OPEN);
	if (expected) {
		assert_int_equal(ring(&v), -EPROTO);
		/* Broken once, broken for good, and the counter says so. */
		record->length = 0;
		assert_int_equal(ring(&v), -EPROTO);
	}
	victim_close(&v);
}

static void check_crafted(const char *device)
{
	craft(device, 0, 1, 0);
	craft(device, KUCOMMS_LENGTH_MAX(4096), 1, 0);
	craft(device, KUCOMMS_LENGTH_MAX(4096) + 1, 1, -EPROTO);
	craft(device, 4096, 1, -EPROTO);
	craft(device, 8192, 1, -EPROTO);
	craft(device, ~0u, 1, -EPROTO);
	craft(device, ~0u - 31, 1, -EPROTO);
	craft(device, 1u << 31, 1, -EPROTO);
	craft(device, 8, 2, -EPROTO);
	craft(device, 8, ~0u, -EPROTO);
	craft(device, 8, 3, 0);
	craft(device, ~0u, 3, -EPROTO);
	craft(device, ~0u, 0, 0);
}

/* Claims to have read what was never sent. */
static void check_positions(const char *device)
{
	static const __u32 lies[] = { 1, 32, 4096, 1u << 31, ~0u, ~0u - 31 };
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct victim v = victim_open(device, 4096);
		struct kucomms_message *record = (void *)v.to_kernel;

		record->length = 0;
		record->type = TEST_FULL;
		v.user->position = lies[i];
		record->control = 1;
		/* The handler finds out; the client is told from then on. */
		assert_int_equal(ring(&v), 0);
		assert_int_equal(ring(&v), lies[i] == 32 ? 0 : -EPROTO);
		assert_int_equal(v.kernel->state, lies[i] == 32 ?
							  KUCOMMS_STATE_OPEN :
							  KUCOMMS_STATE_BROKEN);
		victim_close(&v);
	}
}

static volatile bool stop;

/* Another client, who must not notice. */
static void *bystander(void *arg)
{
	struct kucomms_channel *channel = t_open("test", 65536, 65536);
	long echoes = 0;

	(void)arg;
	while (!stop) {
		assert_int_equal(t_echo(channel, "what is the matter?"), 0);
		echoes++;
	}
	kucomms_channel_close(channel);
	return (void *)echoes;
}

static struct victim scribbled;

/*
 * What a ring has at offset @at is not all garbage: there are records, and some
 * of them are echoed or counted. What else the handler knows is for clients that
 * mean it: it would sleep for weeks if asked to.
 */
static __u32 scribble_word(__u32 at, __u32 garbage)
{
	switch (at % sizeof(struct kucomms_message)) {
	case offsetof(struct kucomms_message, control):
		return KUCOMMS_CONTROL_MESSAGE;
	case offsetof(struct kucomms_message, type):
		if (garbage <= TEST_CALL_DONE)
			return garbage % 2 ? TEST_ECHO : TEST_SINK;
		return garbage;
	default:
		return garbage;
	}
}

/* Writes garbage everywhere while the kernel is reading. */
static void *scribble(void *arg)
{
	uint64_t state = *(uint64_t *)arg;

	while (!stop) {
		uint64_t r = t_random(&state);
		__u32 garbage = (__u32)(r >> 32);
		__u32 at = (__u32)(r & 0x1fff) & ~3u;

		if (r >> 63)
			garbage &= 0xfff;	/* lengths that could be true */
		if ((r & 0xf0000) == 0)
			*(volatile __u32 *)((char *)scribbled.user +
					    (at & 0xfff)) = garbage;
		else
			*(volatile __u32 *)(scribbled.to_kernel + at) =
				scribble_word(at, garbage);
	}
	return NULL;
}

static void check_scribbling(const char *device, uint64_t seed)
{
	pthread_t threads[2];
	uint64_t end = t_now_ns() + 3000000000u;
	unsigned int broken = 0, rounds = 0;
	void *echoes;

	stop = false;
	scribbled = victim_open(device, 4096);
	assert_int_equal(pthread_create(&threads[0], NULL, bystander, NULL), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, scribble, &seed), 0);
	while (t_now_ns() < end || !broken) {
		int err = ring(&scribbled);
		struct victim next;

		assert_true(err >= 0 || err == -EPROTO);
		rounds++;
		if (err != -EPROTO)
			continue;
		broken++;
		/* A fresh channel in the same place, for the scribbler. */
		next = victim_open(device, 4096);
		mremap(next.to_kernel, 8192, 8192,
		       MREMAP_MAYMOVE | MREMAP_FIXED, scribbled.to_kernel);
		mremap(next.user, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
		       scribbled.user);
		munmap((void *)scribbled.kernel, 4096);
		munmap((void *)scribbled.to_user, 8192);
		close(scribbled.fd);
		next.to_kernel = scribbled.to_kernel;
		next.user = scribbled.user;
		scribbled = next;
	}
	stop = true;
	assert_int_equal(pthread_join(threads[0], &echoes), 0);
	assert_int_equal(pthread_join(threads[1], NULL), 0);
	victim_close(&scribbled);
	printf("%s: %u doorbells broke %u channels, %ld echoes beside it\n",
	       device, rounds, broken, (long)echoes);
	assert_true(broken > 0);
	assert_true((long)echoes > 0);
}

/* A handler's own verdict is the client's end, too. */
static void check_handler_error(void)
{
	struct kucomms_channel *channel = t_open("test", 0, 0);
	struct kucomms_message message = { .type = TEST_FAIL };

	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), -EPROTO);
	assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0), -EPROTO);
	assert_int_equal(t_echo(channel, "too late"), -EPROTO);
	kucomms_channel_close(channel);
}

int main(void)
{
	struct kucomms_channel *channel;
	unsigned long long broken;

	t_device("kucomms_test");
	t_device("kucomms_shared");
	check_crafted("/dev/kucomms_test");
	check_crafted("/dev/kucomms_shared");
	check_positions("/dev/kucomms_test");
	broken = t_attribute("kucomms_test", "broken");
	check_handler_error();
	assert_int_equal(t_attribute("kucomms_test", "broken"), broken + 1);
	check_scribbling("/dev/kucomms_test", 4711);
	check_scribbling("/dev/kucomms_shared", 4712);

	channel = t_open("test", 0, 0);
	assert_int_equal(t_echo(channel, "all is well"), 0);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	assert_int_equal(t_remove("kucomms_test"), 0);
	assert_int_equal(t_remove("kucomms_shared"), 0);
	return 0;
}
