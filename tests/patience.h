/* SPDX-License-Identifier: MIT */
/*
 * A test waits for an event as long as it takes. Only one that has come to a stop
 * is ended, after this; nothing else depends on it.
 */
#ifndef KUCOMMS_TESTS_PATIENCE_H
#define KUCOMMS_TESTS_PATIENCE_H

#include <errno.h>
#include <kucomms/kucomms.h>
#include <stdlib.h>

/* In seconds; KUCOMMS_TEST_PATIENCE in the environment is for slow machines. */
static inline unsigned int patience(void)
{
	const char *given = getenv("KUCOMMS_TEST_PATIENCE");

	return given ? (unsigned int)strtoul(given, NULL, 10) : 900;
}

/* Without a timeout a listener has one second to answer, in which it may not get a CPU. */
static inline int open_patiently(const char *name,
				 const struct kucomms_options *options,
				 struct kucomms_channel **channel)
{
	int err;

	do {
		err = kucomms_open(name, options, channel);
	} while (err == -ETIMEDOUT);
	return err;
}

#endif
