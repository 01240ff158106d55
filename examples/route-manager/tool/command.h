/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_COMMAND_H
#define KUCOMMS_ROUTE_COMMAND_H

#include "answer.h"
#include "manager.h"
#include "print.h"
#include "request.h"

/*
 * Sends @request and prints the answer; @quiet: shows no progress. Returns the
 * exit status.
 */
int command_run(const struct manager *manager, const struct style *style,
		const struct request *request, bool quiet);

/* Bytes for changes that come faster than they are printed: some 40,000. */
#define MONITOR_ROOM	(4u << 20)

/* Executes monitor, which ends by SIGINT, SIGTERM or its count. */
int monitor_run(const struct manager *manager, const struct style *style,
		const struct request *request);

/* Sends @request. Returns 0, or EXIT_FAILURE after reporting the error. */
int command_send(const struct manager *manager, const struct request *request);

/* Reports the error of a ROUTE_DONE, if any. Returns the exit status. */
int command_done(const struct request *request, const struct answer *answer);

#endif
