// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring full of records that its client does not write again, as no library
 * would leave it: all of it is read once, and then it is empty.
 */
#include <sched.h>

#include "raw.h"

#define ROUNDS 10

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
		t_stay_on_first_cpu();
		/* Ends the test where only an interrupt gets through. */
		alarm(t_patience_ms() / 1000);
		ioctl(raw.fd, KUCOMMS_IOC_WAIT, &wait);
		exit(1);
	}
	t_stay_on_first_cpu();
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
	"kucomms_shared", "kucomms_threaded", "kucomms_polling",
	"kucomms_proxy",
};
#define DEVICES 4

int main(void)
{
	int i;

	for (i = 0; i < DEVICES; i++)
		t_device(devices[i]);
	static_rings_are_read_once();
	a_static_ring_ends_after_a_switch();
	an_endless_ring_does_not_keep_the_cpu();
	for (i = 0; i < DEVICES; i++)
		assert_int_equal(t_remove(devices[i]), 0);
	return 0;
}
