// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls: the kernel asks, the client answers, or does not.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "test.h"

/**
 * struct test_call - a call of any kind
 * @ran:      how often done() was called
 * @finished: and has come to its end
 */
struct test_call {
	struct kucomms_call call;
	struct list_head node;
	struct test_endpoint *test;
	struct kucomms_channel *channel;
	u64 index;
	int timeout_ms;
	unsigned int restarts;
	atomic_t ran;
	bool finished;
};

/* What a thread does, and its calls. */
struct test_call_job {
	struct work_struct work;
	struct kucomms_channel *channel;
	struct test_call_spec spec;
	struct completion begun;
	struct test_call calls[];
};

static DEFINE_RAW_SPINLOCK(count_lock);
static struct test_calls counts;
static struct test_call *kept;

static void count(u64 *counter)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&count_lock, flags);
	++*counter;
	raw_spin_unlock_irqrestore(&count_lock, flags);
}

static void count_end(int err)
{
	switch (err) {
	case 0:
		count(&counts.answered);
		break;
	case -ETIMEDOUT:
		count(&counts.timed_out);
		break;
	case -ESHUTDOWN:
		count(&counts.shut_down);
		break;
	case -EPROTO:
		count(&counts.broken);
		break;
	default:
		count(&counts.wrong);
	}
}

static void must(bool condition)
{
	if (!condition)
		count(&counts.wrong);
}

/* The answer says which call it is for, twice. */
static bool answer_fits(const struct test_call *call, int err,
			const struct kucomms_message *answer, const void *data)
{
	if (err)
		return !answer;
	return answer->user == call->index &&
	       answer->length == sizeof(call->index) &&
	       !memcmp(data, &call->index, sizeof(call->index));
}

static int start(struct test_call *call)
{
	const struct kucomms_message request = {
		.type = TEST_CALLED,
		.length = sizeof(call->index),
		.user = call->index,
	};
	int err;

	/* First, since it may end at once. */
	count(&counts.started);
	err = kucomms_call_start(call->channel, &call->call, &request,
				 &call->index, call->timeout_ms);
	if (err)
		count(&counts.refused);
	return err;
}

/* Interrupts start calls, too. */
struct interrupt {
	struct irq_work work;
	struct test_call *call;
	int err;
};

static void interrupt_start(struct irq_work *work)
{
	struct interrupt *interrupt =
		container_of(work, struct interrupt, work);

	must(hardirq_count());
	interrupt->err = start(interrupt->call);
}

static int start_in_interrupt(struct test_call *call)
{
	struct interrupt interrupt = { .call = call };

	test_init_interrupt(&interrupt.work, interrupt_start);
	irq_work_queue(&interrupt.work);
	irq_work_sync(&interrupt.work);
	return interrupt.err;
}

/* The client hears of it, unless it has gone. */
static void tell(const struct test_call *call, int err)
{
	const struct kucomms_message message = {
		.type = TEST_CALL_DONE,
		.id = -err,
		.user = call->index,
	};

	test_send(call->channel, &message, NULL, 0);
}

/* Tells whether no call of the client that still waits has an earlier deadline. */
static bool is_due_first(const struct test_call *call,
			 const struct test_client *client)
{
	const struct test_call *other;

	list_for_each_entry(other, &client->calls, node)
		if (other->call.deadline.expires < call->call.deadline.expires)
			return false;
	return true;
}

static void plain_end(struct test_call *call)
{
	list_del(&call->node);
	/* From here on it is its owner's, or nobody's. */
	if (call != kept)
		kfree(call);
}

static void plain_done(struct kucomms_call *base, int err,
		       const struct kucomms_message *answer, const void *data)
{
	struct test_call *call = container_of(base, struct test_call, call);
	struct test_client *client = kucomms_channel_priv(call->channel);
	struct test_endpoint *test = call->test;

	test_enter(test, client);
	must(answer_fits(call, err, answer, data));
	must(kucomms_call_cancel(base) == -ENOENT);
	must(err != -ETIMEDOUT || is_due_first(call, client));
	count_end(err);
	if (!err && call->restarts) {
		call->restarts--;
		must(!start(call));
	} else {
		tell(call, err);
		plain_end(call);
	}
	test_leave(test, client);
}

/* In the handler, the client's turn. */
static int start_plain(struct test_client *client,
		       const struct test_call *like, u32 kind)
{
	struct test_call *call = kmemdup(like, sizeof(*like), GFP_KERNEL);
	int err;

	if (!call)
		return -ENOMEM;
	call->call.done = plain_done;
	list_add_tail(&call->node, &client->calls);
	if (kind == TEST_CALL_KEEP)
		kept = call;
	err = kind == TEST_CALL_INTERRUPT ? start_in_interrupt(call) :
					    start(call);
	if (err)
		plain_end(call);
	return err;
}

/* Calls that a thread cancels while this runs; it sees whether it has. */
static void raced_done(struct kucomms_call *base, int err,
		       const struct kucomms_message *answer, const void *data)
{
	struct test_call *call = container_of(base, struct test_call, call);
	struct test_call_job *job = base->priv;
	struct test_client *client = kucomms_channel_priv(call->channel);

	test_enter(call->test, client);
	must(answer_fits(call, err, answer, data));
	must(atomic_inc_return(&call->ran) == 1);
	count_end(err);
	if (job->spec.kind == TEST_CALL_SLOW) {
		if (call->restarts)
			must(!start(call));
		queue_work(system_unbound_wq, &job->work);
		msleep(100);
	}
	test_leave(call->test, client);
	WRITE_ONCE(call->finished, true);
}

/* Withdrawn, or done with: one of the two, and for good. */
static void race_cancel(struct test_call *call, bool restarted)
{
	int err = kucomms_call_cancel(&call->call);
	bool ran = atomic_read(&call->ran);

	must(READ_ONCE(call->finished) == ran);
	if (!err)
		count(&counts.cancelled);
	else
		must(err == -ENOENT);
	must(ran == (err || restarted));
	must(kucomms_call_cancel(&call->call) == -ENOENT);
}

static void race_work(struct work_struct *work)
{
	struct test_call_job *job =
		container_of(work, struct test_call_job, work);
	u32 i;

	for (i = 0; i < job->spec.count; i++)
		race_cancel(&job->calls[i], job->spec.restarts);
}

static int start_race(struct test_call_job *job)
{
	u32 i;
	int err;

	INIT_WORK(&job->work, race_work);
	for (i = 0; i < job->spec.count; i++) {
		job->calls[i].call.done = raced_done;
		job->calls[i].call.priv = job;
		err = start(&job->calls[i]);
		if (err)
			return err;
	}
	if (job->spec.kind == TEST_CALL_RACE)
		queue_work(system_unbound_wq, &job->work);
	return 0;
}

/* What the answer is said to be comes with what it came to. */
static int wait_for_answer(struct test_call_job *job)
{
	const struct test_call *call = &job->calls[0];
	const struct kucomms_message request = {
		.type = TEST_CALLED,
		.length = sizeof(call->index),
		.user = call->index,
	};
	struct kucomms_message answer = { };
	u64 data = ~0ull, expected = ~0ull;
	size_t capacity = min_t(size_t, job->spec.capacity, sizeof(data));
	int err;

	err = kucomms_call_wait(job->channel, &request, &call->index, &answer,
				&data, capacity, job->spec.timeout_ms);
	if (!err || err == -ENOBUFS) {
		must(answer.length == sizeof(data));
		must(answer.user == call->index);
		/* So much, and nothing behind it. */
		memcpy(&expected, &call->index, capacity);
		must(data == expected);
	}
	return err;
}

static void wait_tell(struct test_call_job *job, int err)
{
	const struct kucomms_message message = {
		.type = TEST_CALL_DONE,
		.id = -err,
	};

	kucomms_send(job->channel, &message, NULL, 0, 0);
}

static void wait_work(struct work_struct *work)
{
	struct test_call_job *job =
		container_of(work, struct test_call_job, work);
	int err = wait_for_answer(job);

	if (err == -ESHUTDOWN) {
		count(&counts.started);
		count(&counts.shut_down);
	}
	wait_tell(job, err);
}

static int wait_thread(void *arg)
{
	struct test_call_job *job = arg;

	complete(&job->begun);
	return wait_for_answer(job);
}

static int wait_and_stop(struct test_call_job *job)
{
	struct task_struct *thread;

	init_completion(&job->begun);
	thread = kthread_run(wait_thread, job, "test_call");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wait_for_completion(&job->begun);
	wait_tell(job, kthread_stop(thread));
	return 0;
}

static void job_end(struct test_client *client)
{
	if (!client->job)
		return;
	flush_work(&client->job->work);
	kvfree(client->job);
	client->job = NULL;
}

static int start_job(struct test_client *client, const struct test_call *like,
		     const struct test_call_spec *spec)
{
	struct test_call_job *job;
	u32 i;

	job_end(client);
	job = kvzalloc(struct_size(job, calls, spec->count), GFP_KERNEL);
	if (!job)
		return -ENOMEM;
	client->job = job;
	job->channel = like->channel;
	job->spec = *spec;
	for (i = 0; i < spec->count; i++) {
		job->calls[i] = *like;
		job->calls[i].index = i;
	}
	INIT_WORK(&job->work, wait_work);
	switch (spec->kind) {
	case TEST_CALL_SLOW:
	case TEST_CALL_RACE:
		return start_race(job);
	case TEST_CALL_WAIT:
		queue_work(system_unbound_wq, &job->work);
		return 0;
	case TEST_CALL_STOP:
		return wait_and_stop(job);
	case TEST_CALL_HANDLER:
		wait_tell(job, wait_for_answer(job));
		return 0;
	}
	return -EINVAL;
}

int test_calls_start(struct test_endpoint *test, struct test_client *client,
		     struct kucomms_channel *channel,
		     const struct kucomms_message *message, const void *data)
{
	struct test_call like = { .test = test, .channel = channel };
	struct test_call_spec spec;
	int err = 0;

	if (message->length != sizeof(spec))
		return -EINVAL;
	memcpy(&spec, data, sizeof(spec));
	like.timeout_ms = spec.timeout_ms;
	like.restarts = spec.restarts;
	/* Interrupts and threads call as well, which is sending. */
	client->shared |= spec.kind != TEST_CALL_PLAIN;
	if (spec.kind > TEST_CALL_KEEP)
		return start_job(client, &like, &spec);
	for (; !err && like.index < spec.count; like.index++)
		err = start_plain(client, &like, spec.kind);
	return err;
}

static int answer_with(struct kucomms_channel *channel,
		       const struct kucomms_message *message, int err)
{
	struct kucomms_message out = *message;

	out.user = -err;
	return test_send(channel, &out, NULL, 0);
}

int test_calls_cancel(struct test_client *client,
		      struct kucomms_channel *channel,
		      const struct kucomms_message *message)
{
	struct test_call *call;
	int err = -ENOENT;

	list_for_each_entry(call, &client->calls, node) {
		if (call->index != message->id)
			continue;
		err = kucomms_call_cancel(&call->call);
		must(!err);
		count(&counts.cancelled);
		plain_end(call);
		break;
	}
	return answer_with(channel, message, err);
}

/* Its channel may have gone long ago. */
int test_calls_cancel_kept(struct kucomms_channel *channel,
			   const struct kucomms_message *message)
{
	struct test_call *call = kept;
	int err = call ? kucomms_call_cancel(&call->call) : -EINVAL;

	kept = NULL;
	kfree(call);
	return answer_with(channel, message, err);
}

int test_calls_report(struct kucomms_channel *channel,
		      const struct kucomms_message *message)
{
	struct kucomms_message out = *message;
	struct test_calls report;

	raw_spin_lock_irq(&count_lock);
	report = counts;
	raw_spin_unlock_irq(&count_lock);
	out.length = sizeof(report);
	return test_send(channel, &out, &report, 0);
}

static void refused_done(struct kucomms_call *base, int err,
			 const struct kucomms_message *answer, const void *data)
{
	must(!answer);
	count_end(err);
	kfree(container_of(base, struct test_call, call));
}

/* Of a client that is refused then: its deadline comes before that. */
int test_calls_connect(struct kucomms_channel *channel)
{
	struct test_call *call = kzalloc(sizeof(*call), GFP_KERNEL);
	int err;

	if (!call)
		return -ENOMEM;
	call->call.done = refused_done;
	call->channel = channel;
	call->timeout_ms = 1;
	err = start(call);
	if (err)
		kfree(call);
	else
		msleep(5);
	return err;
}

/* All have been told of it before. */
void test_calls_disconnect(struct test_client *client)
{
	must(list_empty(&client->calls));
	job_end(client);
}
