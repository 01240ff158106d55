/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_PIPELINE_H
#define KUCOMMS_ROUTE_PIPELINE_H

#include "manager.h"
#include "print.h"
#include "progress.h"
#include "request.h"

/* So many requests are on their way at most. */
#define PIPELINE_WINDOW	1024

/**
 * struct pipeline_options - where requests come from, and where answers go
 * @manager:  who gets the requests
 * @style:    how answers are printed
 * @progress: told of every answer
 * @source:   what the lines are lines of, for errors
 * @force:    go on after an error
 */
struct pipeline_options {
	const struct manager *manager;
	const struct style *style;
	struct progress *progress;
	const char *source;
	bool force;
};

/*
 * Requests are sent by the thread that calls these functions. Another one
 * receives the answers, prints them, and reports errors, all in the order of
 * the requests. That thread never waits for the one that sends.
 */
struct pipeline;

/* Returns 0, or an errno that has been reported. */
int pipeline_start(struct pipeline **pipeline,
		   const struct pipeline_options *options);

/*
 * Sends the request of line @line, from 1 on; it may be held back for a while.
 * Returns whether to go on.
 */
bool pipeline_send(struct pipeline *pipeline, const struct request *request,
		   __u64 line);

/* To be called before waiting for anything else: holds nothing back. */
void pipeline_flush(struct pipeline *pipeline);

/* A descriptor that becomes readable when there is no sense in going on. */
int pipeline_fd(const struct pipeline *pipeline);

/*
 * Reports that there is something wrong with line @line, after the errors of
 * all before. Returns whether to go on.
 */
bool pipeline_complain(struct pipeline *pipeline, __u64 line,
		       const char *reason);

/* Waits for all answers, and frees. Returns whether all went well. */
bool pipeline_finish(struct pipeline *pipeline);

#endif
