// SPDX-License-Identifier: MIT
/*
 * Work and timer handlers keep their rates: of an endpoint that is idle, of one
 * that has messages to handle all the time, and of one beside another whose
 * handler is slow.
 *
 * No machine keeps a rate for certain: a thread may have to wait for a CPU as long
 * as the scheduler likes. So rates are judged twice. By a clock that moves only
 * when an endpoint would sleep, or its handler takes time, there is one right
 * answer. By the machine's clock it is said which calls an endpoint made too early,
 * and how many messages it handled while a call was due: that it had a CPU, then.
 */
#include "long.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#define MS		1000000ll
#define WORK_NS		(10 * MS)
#define TIMER_NS	(1000 * MS)
#define NEVER		INT64_MAX
#define SECONDS		shortened(60)

/* A look at the clock by which the endpoint is not late. */
#define LOOK_NS		20

/* What an endpoint handles between two looks at what is due; see lib/loop.c. */
#define ROUND		64

/* ---- the clock that the endpoint, linked with --wrap, asks */

static bool made_up;
static __s64 made_up_now;
static __s64 made_up_timer;
static __s64 made_up_end;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *new,
			   struct itimerspec *old);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new,
			   struct itimerspec *old);
int __real_epoll_wait(int fd, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int timeout);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!made_up)
		return __real_clock_gettime(clock, now);
	made_up_now += LOOK_NS;
	now->tv_sec = made_up_now / (1000 * MS);
	now->tv_nsec = made_up_now % (1000 * MS);
	return 0;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new,
			   struct itimerspec *old)
{
	if (!made_up)
		return __real_timerfd_settime(fd, flags, new, old);
	assert_int_equal(flags, TFD_TIMER_ABSTIME);
	made_up_timer = new->it_value.tv_sec * (1000 * MS) +
			new->it_value.tv_nsec;
	return 0;
}

/* An endpoint that would sleep until the timer fires wakes up then, or when time ends. */
static void sleep_until_timer(void)
{
	assert_true(made_up_timer != NEVER);
	if (made_up_now < made_up_timer)
		made_up_now = made_up_timer;
	if (made_up_now > made_up_end)
		made_up_now = made_up_end;
	made_up_timer = NEVER;
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	int count = __real_epoll_wait(fd, events, max, made_up ? 0 : timeout);

	if (made_up && !count && timeout)
		sleep_until_timer();
	return count;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int ready = __real_poll(fds, count, made_up ? 0 : timeout);

	if (made_up && !ready && timeout)
		sleep_until_timer();
	return ready;
}

/* SECONDS seconds, and half a work period in which no call is due. */
static void make_up_time(void)
{
	made_up = true;
	made_up_now = TIMER_NS;
	made_up_timer = NEVER;
	made_up_end = made_up_now + (__s64)SECONDS * TIMER_NS + WORK_NS / 2;
}

/* ---- an endpoint, and what its handlers see */

/*
 * Calls that are due at a period, each one period after the last was due. When an
 * endpoint has looked at the clock is not seen from here: the next call is due not
 * before @earliest, and at @latest.
 */
struct rate {
	__s64 period;
	__s64 earliest;
	__s64 latest;
	unsigned long calls;
	unsigned long missed;
	unsigned long handled;
};

struct subject {
	const char *name;
	struct kucomms_endpoint *endpoint;
	struct rate work;
	struct rate timer;
	unsigned long messages;
	unsigned long handled_most;
	__s64 message_ns;
};

static unsigned long load(const unsigned long *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* What is over is over, but one missed call is made up for: it is due at once. */
static void count_call(struct rate *rate)
{
	const __s64 now = now_ns();
	__s64 next;

	assert_true(now >= rate->earliest);
	rate->earliest += rate->period;
	if (rate->latest > now)
		rate->latest = now;
	next = rate->latest + rate->period;
	if (next <= now)
		rate->missed += (unsigned long)((now - next) / rate->period);
	rate->latest = next > now ? next : now;
	rate->handled = 0;
	__atomic_store_n(&rate->calls, rate->calls + 1, __ATOMIC_RELAXED);
}

static bool count_work(struct kucomms_endpoint *endpoint, void *priv)
{
	struct subject *subject = priv;

	(void)endpoint;
	count_call(&subject->work);
	return false;
}

static void count_timer(struct kucomms_endpoint *endpoint, void *priv)
{
	struct subject *subject = priv;

	(void)endpoint;
	count_call(&subject->timer);
}

static void count_handled(struct subject *subject, struct rate *rate, __s64 now)
{
	if (now < rate->latest)
		return;
	if (++rate->handled > subject->handled_most)
		subject->handled_most = rate->handled;
}

static int count_message(struct kucomms_channel *channel,
			 const struct kucomms_message *message, const void *data,
			 void *priv)
{
	struct subject *subject = priv;
	const __s64 now = now_ns();

	(void)channel;
	(void)message;
	(void)data;
	count_handled(subject, &subject->work, now);
	count_handled(subject, &subject->timer, now);
	if (made_up)
		made_up_now += subject->message_ns;
	else if (subject->message_ns)
		pause_us(subject->message_ns / 1000);
	__atomic_store_n(&subject->messages, subject->messages + 1,
			 __ATOMIC_RELAXED);
	return 0;
}

static void create(struct subject *subject, const char *name, __s64 message_ns)
{
	const struct kucomms_ops ops = {
		.message = count_message, .work = count_work,
		.timer = count_timer,
	};

	*subject = (struct subject){
		.name = name, .message_ns = message_ns,
		.work = { WORK_NS, now_ns() + WORK_NS, NEVER },
		.timer = { TIMER_NS, now_ns() + TIMER_NS, NEVER },
	};
	assert_int_equal(kucomms_endpoint_create(&ops, subject, NULL,
						 &subject->endpoint), 0);
	assert_int_equal(kucomms_endpoint_listen(subject->endpoint, name, NULL),
			 0);
}

static void print(const struct subject *subject)
{
	printf("# %s: work %lu (%lu missed), timer %lu (%lu missed), %lu messages, at most %lu while a call was due\n",
	       subject->name, load(&subject->work.calls), subject->work.missed,
	       load(&subject->timer.calls), subject->timer.missed,
	       load(&subject->messages), subject->handled_most);
}

/* ---- by the clock that is made up */

static void send_all_that_fit(struct kucomms_channel *channel)
{
	const struct kucomms_message message = { .length = 8 };
	int err;

	while (!(err = kucomms_send(channel, &message, "message", 0, 0)))
		;
	assert_int_equal(err, -EAGAIN);
}

static void run_made_up(struct subject *subject, const char *name,
			__s64 message_ns, bool messages, __s64 stall_ns)
{
	struct kucomms_channel *channel;

	make_up_time();
	create(subject, name, message_ns);
	assert_int_equal(kucomms_open(name, NULL, &channel), 0);
	while (made_up_now < made_up_end) {
		if (messages)
			send_all_that_fit(channel);
		kucomms_endpoint_dispatch(subject->endpoint, -1);
		if (subject->work.calls == 10) {
			made_up_now += stall_ns;
			stall_ns = 0;
		}
	}
	made_up = false;
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(subject->endpoint);
	print(subject);
}

static void an_idle_endpoint_keeps_its_periods(void **state)
{
	struct subject subject;

	(void)state;
	run_made_up(&subject, "local:idle", 0, false, 0);
	assert_int_equal(subject.work.calls, 100 * SECONDS);
	assert_int_equal(subject.work.missed, 0);
	assert_int_equal(subject.timer.calls, SECONDS);
}

/* The machine stands still for 50 periods: of the calls missed one is made up for. */
static void missed_calls_are_made_up_for_once(void **state)
{
	struct subject subject;

	(void)state;
	run_made_up(&subject, "local:stalled", 0, false, 50 * WORK_NS);
	assert_int_equal(subject.work.calls, 100 * SECONDS - 50 + 2);
	assert_int_equal(subject.timer.calls, SECONDS);
}

/* A microsecond a message, and there is always one: no call is late by a round. */
static void a_busy_endpoint_keeps_its_periods(void **state)
{
	struct subject subject;

	(void)state;
	run_made_up(&subject, "local:busy", MS / 1000, true, 0);
	assert_int_equal(subject.work.calls, 100 * SECONDS);
	assert_int_equal(subject.work.missed, 0);
	assert_int_equal(subject.timer.calls, SECONDS);
	assert_true(subject.messages > SECONDS * 900 * 1000);
	assert_true(subject.handled_most <= ROUND);
}

/* Handlers that take 25 periods of work: it is called between any two of them. */
static void slow_handlers_leave_room_for_work(void **state)
{
	struct subject subject;

	(void)state;
	run_made_up(&subject, "local:slow", 25 * WORK_NS, true, 0);
	assert_int_equal(subject.messages, 4 * SECONDS + 1);
	assert_int_equal(subject.work.calls, subject.messages - 1);
	assert_int_equal(subject.timer.calls, SECONDS);
	assert_int_equal(subject.handled_most, 1);
}

/* ---- by the machine's clock, in threads */

static bool over;

/* As fast as they are taken. */
static void *send_messages(void *arg)
{
	const struct kucomms_message message = { .length = 8 };
	const struct subject *subject = arg;
	struct kucomms_channel *channel;
	int err;

	assert_int_equal(kucomms_open(subject->name, NULL, &channel), 0);
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		err = kucomms_send(channel, &message, "message", 0, 100);
		assert_true(!err || err == -ETIMEDOUT || err == -ESHUTDOWN);
	}
	kucomms_channel_close(channel);
	return NULL;
}

static bool has_come(const struct subject *subject, unsigned long seconds)
{
	return load(&subject->work.calls) >= 100 * seconds &&
	       load(&subject->timer.calls) >= seconds;
}

static void end(struct subject *subject)
{
	kucomms_endpoint_stop(subject->endpoint);
	kucomms_endpoint_destroy(subject->endpoint);
	print(subject);
}

static void senders_do_not_delay_work(void **state)
{
	const unsigned long seconds = shortened(20);
	struct subject idle, busy, slow;
	pthread_t senders[3];

	(void)state;
	create(&idle, "local:idle", 0);
	create(&busy, "local:busy", 0);
	create(&slow, "local:slow", 250 * MS);
	assert_int_equal(kucomms_endpoint_start(idle.endpoint), 0);
	assert_int_equal(kucomms_endpoint_start(busy.endpoint), 0);
	assert_int_equal(kucomms_endpoint_start(slow.endpoint), 0);
	senders[0] = run_thread(send_messages, &busy);
	senders[1] = run_thread(send_messages, &slow);
	senders[2] = run_thread(send_messages, &slow);
	while (!has_come(&idle, seconds) || !has_come(&busy, seconds) ||
	       load(&slow.timer.calls) < seconds || !load(&slow.messages))
		pause_us(10000);
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	end(&idle);
	end(&busy);
	end(&slow);
	pthread_join(senders[0], NULL);
	pthread_join(senders[1], NULL);
	pthread_join(senders[2], NULL);
	assert_true(busy.messages > busy.work.calls);
	assert_true(busy.handled_most <= ROUND);
	/* One for each of two channels. */
	assert_true(slow.handled_most <= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_endpoint_keeps_its_periods),
		cmocka_unit_test(missed_calls_are_made_up_for_once),
		cmocka_unit_test(a_busy_endpoint_keeps_its_periods),
		cmocka_unit_test(slow_handlers_leave_room_for_work),
		cmocka_unit_test(senders_do_not_delay_work),
	};

	return run_program("lib-rates", tests);
}
