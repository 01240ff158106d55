// SPDX-License-Identifier: MIT
/*
 * Work and timer handlers keep their rates over a minute: of an endpoint that is
 * idle, of one that has messages to handle all the time, and of one beside
 * another whose handler is slow.
 *
 * Judged are numbers of calls, and by what this machine can do: a call that was
 * missed while the thread was ready to run and got no CPU, which the kernel tells
 * (schedstat), or while the whole machine stood still, which a thread of this
 * program that only waits for a timer sees, too, is not the endpoint's fault.
 */
#include "user.h"

#include <fcntl.h>
#include <sys/timerfd.h>

#define SECONDS		60ul
#define WORK_NS		10000000ll
#define SLOW_US		250000

/* Calls at a period, and how many it cannot help having missed. */
struct rate {
	__s64 last;
	__s64 waited;
	unsigned long calls;
	unsigned long missed;
	unsigned long excused;
};

struct subject {
	const char *name;
	struct kucomms_endpoint *endpoint;
	struct rate work;
	unsigned long timers;
	unsigned long messages;
	int schedstat;
};

static bool over;

/* How long this thread has waited for a CPU; 0 if the kernel does not count. */
static __s64 waited_for_cpu(struct subject *subject)
{
	unsigned long long ran, waited = 0;
	char text[128];
	ssize_t length;

	if (subject->schedstat < 0)
		subject->schedstat = open("/proc/thread-self/schedstat",
					  O_RDONLY | O_CLOEXEC);
	length = pread(subject->schedstat, text, sizeof(text) - 1, 0);
	text[length > 0 ? length : 0] = '\0';
	if (sscanf(text, "%llu %llu", &ran, &waited) != 2)
		return 0;
	return (__s64)waited;
}

static void count_call(struct rate *rate, __s64 now, __s64 waited)
{
	const __s64 gap = rate->last ? now - rate->last : 0;
	__s64 periods = gap / WORK_NS - 1;
	__s64 excused = (waited - rate->waited + WORK_NS / 2) / WORK_NS;

	rate->calls++;
	if (periods > 0) {
		rate->missed += (unsigned long)periods;
		rate->excused += (unsigned long)(excused < periods ? excused :
						 periods);
	}
	rate->last = now;
	rate->waited = waited;
}

static bool count_work(struct kucomms_endpoint *endpoint, void *priv)
{
	struct subject *subject = priv;

	(void)endpoint;
	count_call(&subject->work, now_ns(), waited_for_cpu(subject));
	return false;
}

static void count_timer(struct kucomms_endpoint *endpoint, void *priv)
{
	struct subject *subject = priv;

	(void)endpoint;
	subject->timers++;
}

static int count_message(struct kucomms_channel *channel,
			 const struct kucomms_message *message, const void *data,
			 void *priv)
{
	struct subject *subject = priv;

	(void)channel;
	(void)message;
	(void)data;
	subject->messages++;
	return 0;
}

static int slow_message(struct kucomms_channel *channel,
			const struct kucomms_message *message, const void *data,
			void *priv)
{
	pause_us(SLOW_US);
	return count_message(channel, message, data, priv);
}

static void create(struct subject *subject, const char *name,
		   int (*message)(struct kucomms_channel *channel,
				  const struct kucomms_message *message,
				  const void *data, void *priv))
{
	const struct kucomms_ops ops = {
		.message = message, .work = count_work, .timer = count_timer,
	};

	*subject = (struct subject){ .name = name, .schedstat = -1 };
	subject->endpoint = serve(&ops, subject, name);
}

/* As fast as they are taken. */
static void *send_messages(void *arg)
{
	const struct kucomms_message message = { .length = 8 };
	const struct subject *subject = arg;
	struct kucomms_channel *channel;
	int err;

	must_be(kucomms_open(subject->name, NULL, &channel), 0);
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		err = kucomms_send(channel, &message, "message", 0, 100);
		must(!err || err == -ETIMEDOUT || err == -ESHUTDOWN);
	}
	kucomms_close(channel);
	return NULL;
}

/* What a thread gets that does nothing but wait for its time. */
static void reference(struct rate *rate, unsigned long seconds)
{
	const struct itimerspec period = { { 0, WORK_NS }, { 0, WORK_NS } };
	const __s64 end = now_ns() + (__s64)seconds * 1000000000ll;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	__u64 expired;

	must_be(timerfd_settime(fd, 0, &period, NULL), 0);
	while (now_ns() < end) {
		must_be(read(fd, &expired, sizeof(expired)), sizeof(expired));
		count_call(rate, now_ns(), 0);
		if (!(rate->calls % 1000))
			fprintf(stderr, "# rates: %lu s\n", rate->calls / 100);
	}
	close(fd);
}

/* Within 2 % of @expected calls, but for those that it could not have had. */
static void judge(const struct subject *subject, const struct rate *reference,
		  unsigned long seconds)
{
	const unsigned long expected = seconds * 100, some = expected / 50 + 1;
	const struct rate *work = &subject->work;
	const unsigned long excused = work->excused + reference->missed;

	printf("# %s: work %lu of %lu (%lu missed, %lu without a CPU), timer %lu of %lu, %lu messages\n",
	       subject->name, work->calls, expected, work->missed,
	       work->excused, subject->timers, seconds, subject->messages);
	must(work->calls <= expected + some);
	must(work->calls + excused + some >= expected);
	must(subject->timers <= seconds + 1 + seconds / 50);
	must(subject->timers + excused / 100 + 1 + seconds / 50 >= seconds);
}

static void test_rates(void **state)
{
	const unsigned long seconds = shortened(SECONDS);
	struct rate timer = { .calls = 0 };
	struct subject idle, busy, fast, slow;
	pthread_t senders[3];

	(void)state;
	create(&idle, "local:idle", count_message);
	create(&busy, "local:busy", count_message);
	create(&fast, "local:fast", count_message);
	create(&slow, "local:slow", slow_message);
	senders[0] = run_thread(send_messages, &busy);
	senders[1] = run_thread(send_messages, &slow);
	senders[2] = run_thread(send_messages, &slow);
	reference(&timer, seconds);
	kucomms_endpoint_stop(idle.endpoint);
	kucomms_endpoint_stop(busy.endpoint);
	kucomms_endpoint_stop(fast.endpoint);
	kucomms_endpoint_stop(slow.endpoint);
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	kucomms_endpoint_destroy(slow.endpoint);
	kucomms_endpoint_destroy(fast.endpoint);
	kucomms_endpoint_destroy(busy.endpoint);
	kucomms_endpoint_destroy(idle.endpoint);
	pthread_join(senders[0], NULL);
	pthread_join(senders[1], NULL);
	pthread_join(senders[2], NULL);
	printf("# a timer: %lu, %lu missed\n", timer.calls, timer.missed);
	judge(&idle, &timer, seconds);
	judge(&fast, &timer, seconds);
	judge(&busy, &timer, seconds);
	must(busy.messages > busy.work.calls);
	must(slow.messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
	};

	begin_program();
	return end_program(cmocka_run_group_tests_name("user-rates", tests,
						       NULL, NULL));
}
