/* SPDX-License-Identifier: MIT */
/*
 * A test waits for an event as long as it takes. Only one that has come to a stop
 * is ended, after this; nothing else depends on it.
 */
#ifndef KUCOMMS_TESTS_PATIENCE_H
#define KUCOMMS_TESTS_PATIENCE_H

#include <stdlib.h>

/* In seconds; KUCOMMS_TEST_PATIENCE in the environment is for slow machines. */
static inline unsigned int patience(void)
{
	const char *given = getenv("KUCOMMS_TEST_PATIENCE");

	return given ? (unsigned int)strtoul(given, NULL, 10) : 900;
}

#endif
