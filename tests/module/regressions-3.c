// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the third review found, each as it was shown: clients that do what no
 * library would, and moments that are rare.
 */
#include <poll.h>
#include <sched.h>

#include "flood.h"

#define PARAMETERS "/sys/module/kucomms_test/parameters/"
#define PREEMPT "/sys/kernel/debug/sched/preempt"
#define ROUNDS 10
#define BURST 2000000000
#define BURST_SEEN 200000

static void parameter(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	assert_int_equal(t_write(path, text, strlen(text)), 0);
}

static void stay_on_first_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	assert_int_equal(t_sys(sched_setaffinity(0, sizeof(cpus), &cpus)), 0);
}

/* A ring full of empty records that nobody will ever write again. */
static void fill(struct raw *raw, __u32 control)
{
	__u32 at;

	for (at = 0; at < raw->out.size; at += KUCOMMS_RECORD_ALIGN) {
		struct kucomms_message *record = (void *)(raw->out.data + at);

		record->length = 0;
		record->type = TEST_SINK;
		record->control = control;
	}
}

/* Whether there was any. */
static bool take_answers(struct raw *raw)
{
	struct kucomms_message message;
	const void *data;

	while (kucomms_consumer_receive(&raw->in, &message, &data) == 1)
		kucomms_consumer_release(&raw->in);
	return kucomms_consumer_tell(&raw->in);
}

/* Handlers that take their time: most of the time it is inside of one. */
static void ring_until_hang_up(int ready)
{
	const struct sched_param param = { .sched_priority = 10 };
	struct raw raw = raw_open("kucomms_late", 4096);
	struct pollfd polled = { .fd = raw.fd, .events = POLLIN };

	assert_int_equal(t_sys(sched_setscheduler(0, SCHED_FIFO, &param)), 0);
	assert_int_equal(write(ready, "r", 1), 1);
	do {
		raw_send(&raw, TEST_SLOW, 0);
		assert_true(raw_ring(&raw) >= 0 || errno == ESHUTDOWN);
	} while (take_answers(&raw));
	/* Lets the other one go on, which is to hang up. */
	assert_int_equal(poll(&polled, 1, t_patience_ms()), 1);
	assert_true(polled.revents & POLLHUP);
	exit(0);
}

/*
 * The client of a parallel endpoint waits for its own turn while disconnect
 * runs, and of two on one CPU a real-time client goes on first: it has the turn
 * before it has been hung up.
 */
static void no_message_after_disconnect(void)
{
	bool preempt = !t_write(PREEMPT, "full", 4);
	struct kucomms_channel *channel;
	int i, ends[2];
	pid_t pid;
	char byte;

	if (!preempt)
		printf("the kernel's preemption cannot be changed\n");
	t_device("kucomms_late");
	for (i = 0; i < ROUNDS; i++) {
		parameter("late", "2");
		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0) {
			stay_on_first_cpu();
			ring_until_hang_up(ends[1]);
		}
		assert_int_equal(read(ends[0], &byte, 1), 1);
		close(ends[0]);
		close(ends[1]);
		stay_on_first_cpu();
		parameter("late", "0");
		assert_int_equal(t_wait(pid), 0);
	}
	parameter("late", "1");
	channel = t_open("late", 0, 0);
	assert_int_equal(t_report(channel).overlaps, 0);
	kucomms_channel_close(channel);
	parameter("late", "0");
	assert_int_equal(t_remove("kucomms_late"), 0);
	if (preempt)
		assert_true(!t_write(PREEMPT, "voluntary", 9) ||
			    !t_write(PREEMPT, "lazy", 4));
}

/*
 * Interrupts hold every second message back, while turns end in which room was
 * made but nothing sent: what those publish is not theirs.
 */
static void a_turn_publishes_its_own_only(void)
{
	struct raw raw = raw_open("kucomms_test", 4096);
	struct kucomms_message message, *record;
	unsigned int seen = 0;
	const void *data;
	uint64_t last;
	pid_t pid;

	assert_int_equal(kucomms_producer_reserve(&raw.out, 0, &record), 0);
	record->type = TEST_BURST_MORE;
	record->id = BURST;
	record->user = 8;
	kucomms_producer_commit(&raw.out, record, KUCOMMS_CONTROL_MESSAGE,
				false);
	assert_int_equal(raw_ring(&raw), 0);
	pid = fork();
	if (pid == 0)
		flood_run(&raw, 0);
	for (last = t_now_ns(); seen < BURST_SEEN;) {
		if (kucomms_consumer_receive(&raw.in, &message, &data) == 1) {
			kucomms_consumer_release(&raw.in);
			kucomms_consumer_tell(&raw.in);
			seen++;
			last = t_now_ns();
		} else {
			assert_true(t_now_ns() - last <
				    t_patience_ms() * 1000000ull);
			sched_yield();
		}
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(t_wait(pid), -SIGKILL);
	raw_close(&raw);
}

/* One CPU for both: if the one in the kernel keeps it, nobody kills it. */
static void an_endless_ring_does_not_keep_the_cpu(void)
{
	struct raw raw = raw_open("kucomms_shared", 4096);
	struct kucomms_wait wait = {
		.size = sizeof(wait),
		.events = KUCOMMS_EVENT_RING | KUCOMMS_EVENT_DATA,
	};
	unsigned long long before;
	pid_t pid;

	fill(&raw, KUCOMMS_CONTROL_DISCARDED);
	before = t_attribute("kucomms_shared", "doorbells");
	pid = fork();
	if (pid == 0) {
		stay_on_first_cpu();
		/* Ends the test where only an interrupt gets through. */
		alarm(t_patience_ms() / 1000);
		ioctl(raw.fd, KUCOMMS_IOC_WAIT, &wait);
		exit(1);
	}
	stay_on_first_cpu();
	while (t_attribute("kucomms_shared", "doorbells") - before < 1000)
		;
	kill(pid, SIGKILL);
	assert_int_equal(t_wait(pid), -SIGKILL);
	raw_close(&raw);
}

/*
 * A thread takes one lap of a ring that nobody writes into. It serves its
 * clients one after the other, so each answer to another one is a turn more.
 */
static void a_static_ring_is_read_once(const char *name, __u32 control)
{
	struct kucomms_channel *other = t_open(name, 0, 0);
	char device[64];
	struct raw raw;
	int i;

	snprintf(device, sizeof(device), "kucomms_%s", name);
	raw = raw_open(device, 4096);
	fill(&raw, control);
	assert_int_equal(raw_ring(&raw), 0);
	for (i = 0; i < ROUNDS; i++)
		assert_int_equal(t_echo(other, "served in between"), 0);
	assert_int_equal(kucomms_load(&raw.kernel->position), raw.out.size);
	assert_int_equal(raw.kernel->state, KUCOMMS_STATE_OPEN);
	raw_close(&raw);
	kucomms_channel_close(other);
}

/* A thread of the module's own is asleep when it has read what there was. */
static void a_thread_reads_a_static_ring_once(void)
{
	unsigned long long before;
	struct raw raw;

	raw = raw_open("kucomms_proxy", 4096);
	before = t_attribute("kucomms_proxy", "messages_to_kernel");
	fill(&raw, KUCOMMS_CONTROL_MESSAGE);
	assert_int_equal(raw_ring(&raw), 0);
	while (kucomms_load(&raw.kernel->need_data) !=
	       (raw.out.size | KUCOMMS_NEED))
		;
	assert_int_equal(t_attribute("kucomms_proxy",
				     "messages_to_kernel") - before,
			 raw.out.size / sizeof(struct kucomms_message));
	assert_int_equal(raw.kernel->state, KUCOMMS_STATE_OPEN);
	raw_close(&raw);

	/* More to be skipped than the ring can hold. */
	raw = raw_open("kucomms_proxy", 4096);
	fill(&raw, KUCOMMS_CONTROL_DISCARDED);
	assert_int_equal(raw_ring(&raw), 0);
	while (kucomms_load(&raw.kernel->state) == KUCOMMS_STATE_OPEN)
		;
	assert_int_equal(raw_ring(&raw), -EPROTO);
	raw_close(&raw);
}

static void static_rings_are_read_once(void)
{
	static const char *const names[] = { "threaded", "polling", "shared" };
	unsigned int i;

	assert_int_equal(t_adjust("kucomms_shared", "dispatch", "thread"), 0);
	for (i = 0; i < 3; i++) {
		a_static_ring_is_read_once(names[i], KUCOMMS_CONTROL_MESSAGE);
		a_static_ring_is_read_once(names[i],
					   KUCOMMS_CONTROL_DISCARDED);
	}
	assert_int_equal(t_adjust("kucomms_shared", "dispatch", "default"), 0);
	a_thread_reads_a_static_ring_once();
}

/* Fills the ring again and again, whatever the kernel wipes. */
static void fill_for_ever(struct raw *raw)
{
	for (;;)
		fill(raw, KUCOMMS_CONTROL_MESSAGE);
}

/*
 * A thread that serves a ring which is always full when the administrator switches to
 * adaptive: it comes to its end when nobody writes any more, a lap later at most.
 */
static void a_static_ring_ends_after_a_switch(void)
{
	struct kucomms_channel *other;
	struct raw raw;
	__u32 position;
	pid_t pid;
	int i;

	assert_int_equal(t_adjust("kucomms_shared", "dispatch", "thread"), 0);
	other = t_open("kucomms_shared", 0, 0);
	raw = raw_open("kucomms_shared", 4096);
	pid = fork();
	if (pid == 0)
		fill_for_ever(&raw);
	while (kucomms_load(&raw.kernel->position) < 10 * raw.out.size)
		raw_ring(&raw);
	assert_int_equal(t_adjust("kucomms_shared", "dispatch", "default"), 0);
	for (i = 0; i < ROUNDS; i++)
		assert_int_equal(t_echo(other, "after the switch"), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(t_wait(pid), -SIGKILL);
	position = kucomms_load(&raw.kernel->position);
	for (i = 0; i < 100; i++)
		assert_int_equal(t_echo(other, "served in between"), 0);
	assert_true(kucomms_load(&raw.kernel->position) - position <=
		    raw.out.size);
	raw_close(&raw);
	kucomms_channel_close(other);
}

static const char *const devices[] = {
	"kucomms_test", "kucomms_shared", "kucomms_threaded", "kucomms_polling",
	"kucomms_proxy",
};
#define DEVICES 5

int main(void)
{
	int i;

	for (i = 0; i < DEVICES; i++)
		t_device(devices[i]);
	static_rings_are_read_once();
	a_static_ring_ends_after_a_switch();
	a_turn_publishes_its_own_only();
	an_endless_ring_does_not_keep_the_cpu();
	no_message_after_disconnect();
	for (i = 0; i < DEVICES; i++)
		assert_int_equal(t_remove(devices[i]), 0);
	return 0;
}
