// SPDX-License-Identifier: MIT
/*
 * Requests in one direction and answers in the other, with a thread for each.
 *
 * The id of an answer tells the line of its request, so nothing is kept of a
 * request that has been sent. The number of requests under way is bounded only
 * so that few of them are executed after an error.
 *
 * The receiver waits for answers only. So when both rings are full, the
 * receiver makes room for answers, the manager for requests, and the sender
 * goes on.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "answer.h"
#include "error.h"
#include "interface.h"
#include "interrupt.h"
#include "pipeline.h"

/* Most requests that are held back, so that the manager has work in time. */
#define HELD_MAX	64

/* Most answers of which the sender has not been told. */
#define UNTOLD_MAX	64

/* Milliseconds without an answer until the output is flushed. */
#define LINGER_MS	1

/* An id is the line, and a bit that says that flushing nothing is an error. */
#define ID_NEEDS_SOME	1u

/* The id of the last request, whose answer ends the receiver: no line is 0. */
#define ID_END		0u

/**
 * struct pipeline - see pipeline.h
 * @options:  the options of the caller
 * @receiver: the receiving thread
 * @stop:     no more requests are to be sent; both threads set and read it
 * @stop_fd:  becomes readable when @stop is set, for a thread that waits
 *
 * The sender's members:
 * @sent:     requests that have been sent
 * @held:     requests among them that are held back
 * @line:     line of the last request; a signal handler reads it
 * @known:    answers of which the sender knows
 *
 * @lock:     protects the next members, and standard error, where the receiver
 *            may show progress
 * @told:     condition: @answered or @ended has changed
 * @answered: requests that have been answered
 * @ended:    the receiver has ended
 * @error:    why the channel is unusable, as a negated errno; or 0
 *
 * The receiver's members:
 * @received: answers that have been received; a signal handler reads it
 * @failures: answers among them that are errors
 * @failed:   line of the first error
 */
struct pipeline {
	struct pipeline_options options;
	pthread_t receiver;
	bool stop;
	int stop_fd;

	__u64 sent;
	__u64 held;
	__u64 line;
	__u64 known;

	pthread_mutex_t lock;
	pthread_cond_t told;
	__u64 answered;
	bool ended;
	int error;

	__u64 received;
	__u64 failures;
	__u64 failed;
};

static bool stopping(const struct pipeline *pipeline)
{
	return __atomic_load_n(&pipeline->stop, __ATOMIC_RELAXED);
}

static void stop(struct pipeline *pipeline)
{
	__atomic_store_n(&pipeline->stop, true, __ATOMIC_RELAXED);
	eventfd_write(pipeline->stop_fd, 1);
}

/* Stores a value that one thread writes, and a signal handler may read. */
static void advance(__u64 *extent, __u64 value)
{
	__atomic_store_n(extent, value, __ATOMIC_RELAXED);
}

/* Notes an error of the channel, unless there is one already. */
static void set_error(struct pipeline *pipeline, int err)
{
	stop(pipeline);
	pthread_mutex_lock(&pipeline->lock);
	if (!pipeline->error)
		pipeline->error = err;
	pthread_mutex_unlock(&pipeline->lock);
}

/* ---- the receiver */

static void tell(struct pipeline *pipeline, bool ended)
{
	pthread_mutex_lock(&pipeline->lock);
	pipeline->answered = pipeline->received;
	pipeline->ended = ended;
	pthread_cond_signal(&pipeline->told);
	pthread_mutex_unlock(&pipeline->lock);
}

/* Reports an error; after the error that ends a batch it is only counted. */
static void fail(struct pipeline *pipeline, __u64 line, int error,
		 const char *reason, int length)
{
	const bool first = !pipeline->failures++;

	if (first)
		pipeline->failed = line;
	else if (!pipeline->options.force)
		return;
	if (!pipeline->options.force)
		stop(pipeline);
	progress_hide(pipeline->options.progress);
	report("%s:%llu: %s: %.*s", pipeline->options.source, line,
	       error_name(error), length, reason);
}

static void take_done(struct pipeline *pipeline, const struct answer *answer)
{
	static const char nothing[] = "there is no such route";
	const __u64 line = answer->id >> 1;

	if (answer->error)
		fail(pipeline, line, answer->error, answer->reason,
		     answer->length);
	else if (answer->id & ID_NEEDS_SOME && !answer->count)
		fail(pipeline, line, ENOENT, nothing, sizeof(nothing) - 1);
	progress_step(pipeline->options.progress);
	advance(&pipeline->received, pipeline->received + 1);
	if (pipeline->received % UNTOLD_MAX == 0)
		tell(pipeline, false);
}

/* Flushes the output, for which a reader may wait; interfaces may change. */
static void linger(struct pipeline *pipeline)
{
	fflush(stdout);
	interface_forget_numbers();
	pthread_mutex_lock(&pipeline->lock);
	progress_tick(pipeline->options.progress);
	pthread_mutex_unlock(&pipeline->lock);
}

/* The sender may have met an error, and then nobody sends the last request. */
static int sender_error(struct pipeline *pipeline)
{
	int err;

	pthread_mutex_lock(&pipeline->lock);
	err = pipeline->error;
	pthread_mutex_unlock(&pipeline->lock);
	return err;
}

static int wait_answer(struct pipeline *pipeline, struct answer *answer)
{
	struct kucomms_channel *channel = pipeline->options.manager->channel;
	int err = answer_receive(answer, channel, 0);

	if (err != -EAGAIN)
		return err;
	tell(pipeline, false);
	err = answer_receive(answer, channel, LINGER_MS);
	while (err == -ETIMEDOUT || err == -EINTR) {
		linger(pipeline);
		err = sender_error(pipeline);
		if (!err)
			err = answer_receive(answer, channel, PROGRESS_MS);
	}
	return err;
}

static void *receive(void *data)
{
	struct pipeline *pipeline = data;
	struct answer answer = { .kept = 0 };
	bool last = false;
	int err;

	while (!last) {
		err = wait_answer(pipeline, &answer);
		if (err) {
			set_error(pipeline, err);
			break;
		}
		last = answer.type == ROUTE_DONE && answer.id == ID_END;
		if (answer.type == ROUTE_ENTRY) {
			progress_yield(pipeline->options.progress);
			print_route(pipeline->options.style, &answer.route);
		} else if (answer.type == ROUTE_DONE && !last) {
			take_done(pipeline, &answer);
		}
	}
	tell(pipeline, true);
	return NULL;
}

/* ---- the sender */

/* Waits until so many requests have been answered, or the receiver ended. */
static void wait_answered(struct pipeline *pipeline, __u64 count)
{
	pipeline_flush(pipeline);
	pthread_mutex_lock(&pipeline->lock);
	while (pipeline->answered < count && !pipeline->ended)
		pthread_cond_wait(&pipeline->told, &pipeline->lock);
	pipeline->known = pipeline->answered;
	pthread_mutex_unlock(&pipeline->lock);
}

/* Returns 0 or an errno. */
static int start(struct pipeline *pipeline)
{
	int error;

	pipeline->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (pipeline->stop_fd < 0)
		return errno;
	pthread_mutex_init(&pipeline->lock, NULL);
	pthread_cond_init(&pipeline->told, NULL);
	error = pthread_create(&pipeline->receiver, NULL, receive, pipeline);
	if (error)
		close(pipeline->stop_fd);
	else
		interrupt_begin(&pipeline->line, &pipeline->received);
	return error;
}

int pipeline_start(struct pipeline **pipeline,
		   const struct pipeline_options *options)
{
	struct pipeline *new = calloc(1, sizeof(*new));
	int error = ENOMEM;

	if (new) {
		new->options = *options;
		error = start(new);
	}
	if (error) {
		report("cannot start a batch: %s: %s", error_name(error),
		       strerror(error));
		free(new);
		return error;
	}
	*pipeline = new;
	return 0;
}

static void send_request(struct pipeline *pipeline,
			 const struct request *request, __u64 id,
			 unsigned int flags)
{
	int err;

	do {
		err = request_send(request, pipeline->options.manager->channel,
				   id, flags);
	} while (err == -EINTR);
	if (err)
		set_error(pipeline, err);
}

bool pipeline_send(struct pipeline *pipeline, const struct request *request,
		   __u64 line)
{
	const __u64 id = line << 1 | (request->needs_some ? ID_NEEDS_SOME : 0);
	bool full;

	/* Waits for half of them, so that this thread seldom has to wake up. */
	if (pipeline->sent - pipeline->known == PIPELINE_WINDOW)
		wait_answered(pipeline, pipeline->sent - PIPELINE_WINDOW / 2);
	if (stopping(pipeline))
		return false;
	full = ++pipeline->held == HELD_MAX;
	if (full)
		pipeline->held = 0;
	pipeline->sent++;
	advance(&pipeline->line, line);
	send_request(pipeline, request, id, full ? 0 : KUCOMMS_SEND_MORE);
	return true;
}

void pipeline_flush(struct pipeline *pipeline)
{
	int err = kucomms_flush(pipeline->options.manager->channel);

	pipeline->held = 0;
	if (err && err != -EINTR)
		set_error(pipeline, err);
}

int pipeline_fd(const struct pipeline *pipeline)
{
	return pipeline->stop_fd;
}

bool pipeline_complain(struct pipeline *pipeline, __u64 line,
		       const char *reason)
{
	wait_answered(pipeline, pipeline->sent);
	if (stopping(pipeline))
		return false;
	pthread_mutex_lock(&pipeline->lock);
	progress_hide(pipeline->options.progress);
	report("%s:%llu: %s", pipeline->options.source, line, reason);
	pthread_mutex_unlock(&pipeline->lock);
	return pipeline->options.force;
}

static void report_end(const struct pipeline *pipeline)
{
	if (pipeline->error) {
		manager_lost(pipeline->options.manager, pipeline->error);
		report("%s: of %llu requests %llu have been answered",
		       pipeline->options.source, pipeline->sent,
		       pipeline->received);
	} else if (stopping(pipeline) && pipeline->line > pipeline->failed) {
		report("%s: stopped after line %llu; lines up to %llu had been "
		       "sent by then, and %llu of them failed, too",
		       pipeline->options.source, pipeline->failed,
		       pipeline->line, pipeline->failures - 1);
		hint("-force goes on after errors");
	}
}

bool pipeline_finish(struct pipeline *pipeline)
{
	const struct request end = { .type = ROUTE_STATUS };
	bool good;

	send_request(pipeline, &end, ID_END, 0);
	pthread_join(pipeline->receiver, NULL);
	interrupt_end();
	progress_hide(pipeline->options.progress);
	report_end(pipeline);
	good = !pipeline->error && !pipeline->failures;
	pthread_cond_destroy(&pipeline->told);
	pthread_mutex_destroy(&pipeline->lock);
	close(pipeline->stop_fd);
	free(pipeline);
	return good;
}
