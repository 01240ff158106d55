// SPDX-License-Identifier: GPL-2.0-only
/*
 * The work and timer handlers have the periods that the module says, and a work
 * handler is called when an interrupt asks for it, at least once after each time.
 */
#include "test.h"

/* The calls of the timer handlers while that of one second was called thrice. */
static void check_periods(void)
{
	struct kucomms_channel *seconds = t_open("ticker", 0, 1 << 20);
	struct kucomms_channel *quick = t_open("quick", 0, 1 << 20);
	struct test_report before = t_report(seconds), then = t_report(quick);
	struct test_report after, now;
	double elapsed;

	do {
		now = t_report(quick);
		after = t_report(seconds);
	} while (after.timer < before.timer + 3);
	elapsed = (double)(now.elapsed - then.elapsed) / 1e9;
	printf("%.2f s: timer %llu and %llu, work %llu and %llu\n", elapsed,
	       (unsigned long long)(after.timer - before.timer),
	       (unsigned long long)(now.timer - then.timer),
	       (unsigned long long)(after.work - before.work),
	       (unsigned long long)(now.work - then.work));
	/* Both have the same machine; neither is called more often than asked for. */
	assert_true(now.timer - then.timer > after.timer - before.timer);
	assert_true(now.timer - then.timer <= (__u64)(elapsed * 50) + 2);
	assert_true(now.work - then.work > after.work - before.work);
	assert_true(now.work - then.work <= (__u64)(elapsed * 500) + 2);
	assert_int_equal(now.overlaps, 0);
	kucomms_channel_close(seconds);
	kucomms_channel_close(quick);
}

static void check_wake(const char *name)
{
	const struct kucomms_message wake = { .type = TEST_WAKE };
	struct kucomms_channel *channel = t_open(name, 0, 0);
	struct test_report report = t_report(channel);
	__u64 before;
	int i;

	for (i = 0; i < 1000; i++) {
		before = report.work;
		assert_int_equal(kucomms_send(channel, &wake, NULL, 0, -1), 0);
		do {
			report = t_report(channel);
		} while (report.work == before);
	}
	assert_int_equal(report.overlaps, 0);
	kucomms_channel_close(channel);
}

/* The interrupt asks twice, so two calls for each are the most. */
static void check_demand(void)
{
	struct kucomms_channel *channel = t_open("demand", 0, 0);
	const __u64 before = t_report(channel).work;

	check_wake("demand");
	assert_true(t_report(channel).work - before <= 2000);
	kucomms_channel_close(channel);
}

int main(void)
{
	t_device("kucomms_ticker");
	t_device("kucomms_quick");
	t_device("kucomms_demand");
	check_periods();
	check_demand();
	check_wake("quick");
	assert_int_equal(t_remove("kucomms_ticker"), 0);
	assert_int_equal(t_remove("kucomms_quick"), 0);
	assert_int_equal(t_remove("kucomms_demand"), 0);
	return 0;
}
