/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_BATCH_H
#define KUCOMMS_ROUTE_BATCH_H

#include "manager.h"
#include "print.h"

/**
 * struct batch_options - how a batch is executed
 * @file:   name of the file, "-": standard input
 * @family: as for request_parse()
 * @force:  go on after an error
 * @quiet:  show no progress
 */
struct batch_options {
	const char *file;
	__u8 family;
	bool force;
	bool quiet;
};

/* Executes the lines. Returns the exit status. */
int batch_run(const struct manager *manager, const struct style *style,
	      const struct batch_options *options);

#endif
