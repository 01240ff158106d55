// SPDX-License-Identifier: MIT
/*
 * One command: a request, and all its answers.
 */
#include <errno.h>
#include <stdlib.h>

#include "command.h"
#include "error.h"
#include "interrupt.h"
#include "progress.h"

/* The id of the only request. */
#define ID	1u

static void hint_done(const struct request *request, int error)
{
	switch (error) {
	case EEXIST:
		hint("replace takes its place, change gives it this gateway "
		     "and interface, another metric puts one beside it");
		break;
	case ENOENT:
		hint("kucomms-route show table all shows what there is");
		break;
	case ENETUNREACH:
		hint("a route to default, or another table, may be missing");
		break;
	case ENOSPC:
		hint("kucomms-route status tells the limit; load the manager "
		     "with a higher one, or delete routes");
		break;
	case EOPNOTSUPP:
		hint("is it a route manager, and of this version?");
		break;
	default:
		hint("see kucomms-route(8) for what %s takes", request->verb);
	}
}

int command_done(const struct request *request, const struct answer *answer)
{
	static const char nothing[] = "there is no such route";

	if (answer->error)
		report("cannot %s: %s: %.*s", request->verb,
		       error_name(answer->error), answer->length,
		       answer->reason);
	else if (request->needs_some && !answer->count)
		report("cannot %s: ENOENT: %s", request->verb, nothing);
	else
		return EXIT_SUCCESS;
	hint_done(request, answer->error ? answer->error : ENOENT);
	return EXIT_FAILURE;
}

int command_send(const struct manager *manager, const struct request *request)
{
	int err = request_send(request, manager->channel, ID, 0);

	if (!err)
		return EXIT_SUCCESS;
	manager_lost(manager, err);
	return EXIT_FAILURE;
}

static int wait_answer(struct answer *answer, const struct manager *manager,
		       struct progress *progress)
{
	int err;

	for (;;) {
		err = answer_receive(answer, manager->channel, PROGRESS_MS);
		if (err != -ETIMEDOUT && err != -EINTR)
			return err;
		progress_tick(progress);
	}
}

static void print_entry(const struct style *style,
			const struct request *request,
			const struct answer *answer, struct progress *progress)
{
	progress_yield(progress);
	if (answer->type == ROUTE_COUNTS)
		print_counts(style, &answer->counts);
	else if (answer->type == ROUTE_ENTRY && request->type == ROUTE_LIST)
		print_list_route(style, &answer->route, !progress->done);
	else if (answer->type == ROUTE_ENTRY)
		print_route(style, &answer->route);
	progress_step(progress);
}

static void print_end(const struct style *style, const struct request *request,
		      const struct answer *answer, bool empty)
{
	if (request->type == ROUTE_LIST)
		print_list_end(style, empty);
	else if (request->type == ROUTE_FLUSH && !request->needs_some &&
		 !answer->error)
		print_flushed(style, answer->count);
}

static int receive(const struct manager *manager, const struct style *style,
		   const struct request *request, struct progress *progress)
{
	struct answer answer = { .kept = 0 };
	int err;

	for (;;) {
		err = wait_answer(&answer, manager, progress);
		if (err || answer.type == ROUTE_DONE)
			break;
		print_entry(style, request, &answer, progress);
	}
	progress_hide(progress);
	if (err) {
		manager_lost(manager, err);
		return EXIT_FAILURE;
	}
	print_end(style, request, &answer, !progress->done);
	return command_done(request, &answer);
}

int command_run(const struct manager *manager, const struct style *style,
		const struct request *request, bool quiet)
{
	struct progress progress;
	int status;

	progress_begin(&progress, "routes", quiet);
	/* Only a flush may take long, and be interrupted halfway. */
	if (request->type == ROUTE_FLUSH)
		interrupt_begin(NULL, NULL);
	status = command_send(manager, request);
	if (!status)
		status = receive(manager, style, request, &progress);
	interrupt_end();
	return status;
}
