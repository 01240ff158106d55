// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device counts is what was done, for every way to use a channel.
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "raw.h"

#define N 50u

/* In the order of their names below. */
enum {
	TO_KERNEL, TO_USER, DOORBELLS, WAKEUPS, THREAD_WAKEUPS, FULL, LATE, BROKEN,
	COUNTERS
};

static const char *const counter_names[COUNTERS] = {
	"messages_to_kernel", "messages_to_user", "doorbells", "wakeups",
	"thread_wakeups", "to_user_full", "late_answers", "broken",
};

typedef unsigned long long counts[COUNTERS];

static void count(const char *device, counts into)
{
	int i;

	for (i = 0; i < COUNTERS; i++)
		into[i] = t_attribute(device, counter_names[i]);
}

/* Off its processor, and where; not just about to look once more. */
static bool is_asleep(const char *task)
{
	char path[300], where[100] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/wchan", task);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(where, sizeof(where), file))
		where[0] = '\0';
	fclose(file);
	return where[0] && strcmp(where, "0");
}

/*
 * Whether a task is awake whose name begins with this one, of which a task has 15
 * characters at most; with @to_come also if there is none yet.
 */
static bool is_awake(const char *task, bool to_come)
{
	const size_t length = strlen(task) < 15 ? strlen(task) : 15;
	DIR *proc = opendir("/proc");
	bool found = false, awake = false;
	char name[100], number[16];
	int pid;

	assert_true(proc);
	while ((pid = t_next_task(proc, name, sizeof(name)))) {
		if (strncmp(name, task, length))
			continue;
		found = true;
		snprintf(number, sizeof(number), "%d", pid);
		awake |= !is_asleep(number);
	}
	closedir(proc);
	return awake || (to_come && !found);
}

/*
 * Whoever looks at the ring, if anybody does, has done all up to @position, and
 * sleeps. The proxy has a thread for each client, which it creates when it accepts one.
 */
static void wait_until_asleep(const char *device,
			      const struct kucomms_control *kernel,
			      __u32 position)
{
	const bool proxy = !strcmp(device, "kucomms_proxy");

	while (proxy ? kucomms_load(&kernel->need_data) !=
			       (position | KUCOMMS_NEED) :
		       !(kucomms_load(&kernel->need_data) & KUCOMMS_NEED))
		;
	while (is_awake(proxy ? "proxy/" : device, proxy))
		;
}

static void take_raw(struct raw *raw)
{
	struct kucomms_message message;
	const void *data;

	while (!kucomms_consumer_ready(&raw->in))
		;
	assert_int_equal(kucomms_consumer_receive(&raw->in, &message, &data),
			 1);
	kucomms_consumer_release(&raw->in);
	kucomms_consumer_tell(&raw->in);
}

/* One doorbell for each message, and nobody on this side sleeps. */
static void ring_for_each(const char *device, __u64 type)
{
	struct raw raw = raw_open(device, 0);
	unsigned int i;

	for (i = 0; i < N; i++) {
		wait_until_asleep(device, raw.kernel, raw.out.position);
		raw_send(&raw, type, i);
		assert_int_equal(raw_ring(&raw), 0);
		if (type == TEST_ECHO)
			take_raw(&raw);
	}
	wait_until_asleep(device, raw.kernel, raw.out.position);
	raw_close(&raw);
}

static void by_echoes(const char *device)
{
	ring_for_each(device, TEST_ECHO);
}

static void by_messages(const char *device)
{
	ring_for_each(device, TEST_SINK);
}

/* One for all. */
static void by_a_batch(const char *device)
{
	struct raw raw = raw_open(device, 0);
	unsigned int i;

	for (i = 0; i < N; i++)
		raw_send(&raw, TEST_SINK, i);
	assert_int_equal(raw_ring(&raw), 0);
	raw_close(&raw);
}

/* Discarded records are no messages, neither from here nor from there. */
static void by_records(const char *device)
{
	const struct kucomms_message request = {
		.type = TEST_PLACE, .id = 16, .user = 8,
	};
	struct kucomms_channel *channel = t_open(device, 0, 0);
	struct kucomms_message message, *record;
	char data[8];
	int i;

	assert_int_equal(kucomms_reserve(channel, 100, &record, 0), 0);
	assert_int_equal(kucomms_discard(channel, record), 0);
	assert_int_equal(kucomms_send(channel, &request, NULL, 0, 0), 0);
	for (i = 0; i < 8; i++)
		assert_int_equal(kucomms_receive_copy(channel, &message, data,
						      sizeof(data), 0), 0);
	assert_int_equal(kucomms_receive_copy(channel, &message, data,
					      sizeof(data), 0), -EAGAIN);
	kucomms_channel_close(channel);
}

static void by_files(const char *device)
{
	struct kucomms_message message;
	char path[80];
	unsigned int i;
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", device);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (i = 0; i < N; i++) {
		message = (struct kucomms_message){ .type = TEST_ECHO, .id = i };
		assert_int_equal(write(fd, &message, sizeof(message)),
				 sizeof(message));
		assert_int_equal(read(fd, &message, sizeof(message)),
				 sizeof(message));
		assert_int_equal(message.id, i);
	}
	close(fd);
}

/*
 * Neither are acknowledgements, which the library asks for now and then. Each datagram
 * rings, also the one that attaches.
 */
static void by_netlink(const char *device)
{
	struct kucomms_message message = { .type = TEST_ECHO, .length = 500 };
	struct kucomms_channel *channel;
	static char data[500];
	char name[80];
	unsigned int i;

	snprintf(name, sizeof(name), "netlink:%s", device);
	channel = t_open(name, 4096, 4096);
	for (i = 0; i < N; i++) {
		message.id = i;
		assert_int_equal(kucomms_send(channel, &message, data, 0, -1),
				 0);
		assert_int_equal(kucomms_receive_copy(channel, &message, data,
						      sizeof(data), -1), 0);
		assert_int_equal(message.id, i);
	}
	kucomms_channel_close(channel);
}

/* To two, one of whom has no room for the last ones. */
static void by_broadcasts(const char *device)
{
	const struct kucomms_message request = {
		.type = TEST_BROADCAST, .id = N, .user = 100,
	};
	struct kucomms_channel *large = t_open(device, 0, 65536);
	struct kucomms_channel *small = t_open(device, 0, 4096);
	const unsigned int fit = (4096 - 32) / 160;
	struct kucomms_message message;
	char data[100];
	unsigned int i;

	assert_int_equal(kucomms_send(large, &request, NULL, 0, 0), 0);
	for (i = 0; i < N; i++)
		assert_int_equal(kucomms_receive_copy(large, &message, data,
						      sizeof(data), 0), 0);
	assert_int_equal(kucomms_receive_copy(large, &message, data,
					      sizeof(data), 0), 0);
	assert_int_equal(message.user, N + fit);
	kucomms_channel_close(large);
	kucomms_channel_close(small);
}

static void by_filling(const char *device)
{
	struct raw raw = raw_open(device, 4096);

	raw_send(&raw, TEST_FULL, 0);
	assert_int_equal(raw_ring(&raw), 0);
	raw_close(&raw);
}

static char sleeper[32];

static void *receive_one(void *channel)
{
	struct kucomms_message message;

	snprintf(sleeper, sizeof(sleeper), "self/task/%ld",
		 (long)syscall(SYS_gettid));
	assert_int_equal(kucomms_receive_copy(channel, &message, NULL, 0, -1),
			 0);
	return NULL;
}

/* The one thread sleeps when the other one asks for an answer. */
static void by_sleeping(const char *device)
{
	const struct kucomms_message message = { .type = TEST_ECHO };
	const struct kucomms_options sleep_at_once = {
		.size = sizeof(sleep_at_once), .flags = KUCOMMS_OPEN_NO_SPIN,
	};
	struct kucomms_channel *channel;
	pthread_t thread;
	int i;

	assert_int_equal(kucomms_open(device, &sleep_at_once, &channel), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&thread, NULL, receive_one,
						channel), 0);
		while (!(kucomms_load(&channel->out.own->need_data) &
			 KUCOMMS_NEED) || !is_asleep(sleeper))
			;
		wait_until_asleep(device, channel->in.remote,
				  channel->out.position);
		assert_int_equal(kucomms_send(channel, &message, NULL, 0, 0),
				 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	kucomms_channel_close(channel);
}

/* The second answer to a call is late. */
static void by_calls(const char *device)
{
	const struct test_call_spec spec = {
		.kind = TEST_CALL_PLAIN, .count = 1, .timeout_ms = -1,
	};
	struct kucomms_message message = {
		.type = TEST_CALL, .length = sizeof(spec),
	};
	struct kucomms_channel *channel = t_open(device, 0, 0);
	char data[256];

	assert_int_equal(kucomms_send(channel, &message, &spec, 0, 0), 0);
	do {
		assert_int_equal(kucomms_receive_copy(channel, &message, data,
						      sizeof(data), -1), 0);
	} while (message.type != TEST_CALLED);
	assert_int_equal(kucomms_send(channel, &message, data, 0, 0), 0);
	assert_int_equal(kucomms_send(channel, &message, data, 0, 0), 0);
	kucomms_channel_close(channel);
}

static void by_breaking(const char *device)
{
	struct raw raw = raw_open(device, 4096);
	struct kucomms_message *record = (void *)raw.out.data;

	record->length = 4096;
	kucomms_store_release(&record->control, KUCOMMS_CONTROL_MESSAGE);
	assert_int_equal(raw_ring(&raw), -EPROTO);
	assert_int_equal(raw_ring(&raw), -EPROTO);
	raw_close(&raw);
}

static const struct row {
	const char *device;
	void (*use)(const char *device);
	const char *what;
	counts counts;
} rows[] = {
	{ "kucomms_test", by_echoes, "echoes",
	  { [TO_KERNEL] = N, [TO_USER] = N, [DOORBELLS] = N } },
	{ "kucomms_shared", by_echoes, "echoes",
	  { [TO_KERNEL] = N, [TO_USER] = N, [DOORBELLS] = N } },
	{ "kucomms_parallel", by_echoes, "echoes",
	  { [TO_KERNEL] = N, [TO_USER] = N, [DOORBELLS] = N } },
	{ "kucomms_threaded", by_echoes, "echoes",
	  { [TO_KERNEL] = N, [TO_USER] = N, [DOORBELLS] = N,
	    [THREAD_WAKEUPS] = N } },
	{ "kucomms_polling", by_echoes, "echoes",
	  { [TO_KERNEL] = N, [TO_USER] = N, [DOORBELLS] = N,
	    [THREAD_WAKEUPS] = N } },
	{ "kucomms_proxy", by_echoes, "echoes",
	  { [TO_KERNEL] = N, [TO_USER] = N, [DOORBELLS] = N,
	    [THREAD_WAKEUPS] = N } },
	{ "kucomms_proxy", by_messages, "messages",
	  { [TO_KERNEL] = N, [DOORBELLS] = N, [THREAD_WAKEUPS] = N } },
	{ "kucomms_test", by_a_batch, "a batch",
	  { [TO_KERNEL] = N, [DOORBELLS] = 1 } },
	{ "kucomms_test", by_records, "records",
	  { [TO_KERNEL] = 1, [TO_USER] = 8, [DOORBELLS] = 2 } },
	{ "kucomms_test", by_files, "files",
	  { [TO_KERNEL] = N, [TO_USER] = N, [DOORBELLS] = N } },
	{ "kucomms_test", by_netlink, "netlink",
	  { [TO_KERNEL] = N, [TO_USER] = N, [DOORBELLS] = N + 1 } },
	{ "kucomms_test", by_broadcasts, "broadcasts",
	  { [TO_KERNEL] = 1, [TO_USER] = N + 1 + (4096 - 32) / 160,
	    [DOORBELLS] = 1, [FULL] = N - (4096 - 32) / 160 } },
	{ "kucomms_test", by_filling, "filling",
	  { [TO_KERNEL] = 1, [TO_USER] = (4096 - 32) / 32, [DOORBELLS] = 1,
	    [FULL] = 1 } },
	{ "kucomms_threaded", by_sleeping, "sleeping",
	  { [TO_KERNEL] = 2, [TO_USER] = 2, [DOORBELLS] = 2, [WAKEUPS] = 2,
	    [THREAD_WAKEUPS] = 2 } },
	{ "kucomms_proxy", by_sleeping, "sleeping",
	  { [TO_KERNEL] = 2, [TO_USER] = 2, [DOORBELLS] = 2, [WAKEUPS] = 2,
	    [THREAD_WAKEUPS] = 2 } },
	{ "kucomms_test", by_calls, "calls",
	  { [TO_KERNEL] = 3, [TO_USER] = 2, [DOORBELLS] = 3, [LATE] = 1 } },
	{ "kucomms_test", by_breaking, "breaking",
	  { [DOORBELLS] = 1, [BROKEN] = 1 } },
};

static int check(const struct row *row)
{
	counts before, after;
	int i, wrong = 0;

	printf("%s, %s\n", row->device, row->what);
	t_device(row->device);
	count(row->device, before);
	row->use(row->device);
	count(row->device, after);
	for (i = 0; i < COUNTERS; i++) {
		if (after[i] - before[i] == row->counts[i])
			continue;
		printf("%s, %s: %s is %llu, not %llu\n", row->device, row->what,
		       counter_names[i], after[i] - before[i], row->counts[i]);
		wrong++;
	}
	assert_int_equal(t_remove(row->device), 0);
	return wrong;
}

int main(void)
{
	int wrong = 0;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		wrong += check(&rows[i]);
	assert_int_equal(wrong, 0);
	return 0;
}
