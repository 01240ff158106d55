/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_PIPELINE_H
#define KUCOMMS_ROUTE_PIPELINE_H

#include "manager.h"
#include "print.h"
#include "progress.h"
#include "request.h"

/* Most requests that are under way. */
#define PIPELINE_WINDOW	1024

/**
 * struct pipeline_options - where requests come from, and where answers go
 * @manager:  who gets the requests
 * @style:    how answers are printed
 * @progress: counts the answers
 * @source:   name of the file with the lines, for error messages
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

/* Returns 0, or an errno after reporting the error. */
int pipeline_start(struct pipeline **pipeline,
		   const struct pipeline_options *options);

/*
 * Sends the request of line @line, counted from 1, or holds it back for a
 * while. Returns whether to go on.
 */
bool pipeline_send(struct pipeline *pipeline, const struct request *request,
		   __u64 line);

/* Sends what is held back; to be called before the caller waits. */
void pipeline_flush(struct pipeline *pipeline);

/* Returns a descriptor that becomes readable when no more is to be sent. */
int pipeline_fd(const struct pipeline *pipeline);

/*
 * Reports an error in line @line, after the errors of all earlier lines.
 * Returns whether to go on.
 */
bool pipeline_complain(struct pipeline *pipeline, __u64 line,
		       const char *reason);

/* Waits for all answers, and frees. Returns whether there was no error. */
bool pipeline_finish(struct pipeline *pipeline);

#endif
