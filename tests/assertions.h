/* SPDX-License-Identifier: MIT */
/*
 * cmocka's words for tests that cannot use cmocka's own, which may only fail in
 * the thread that began the test: for any thread and process, and for a guest.
 * An assertion that does not hold ends the process.
 */
#ifndef KUCOMMS_TESTS_ASSERTIONS_H
#define KUCOMMS_TESTS_ASSERTIONS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef assert_true
#undef assert_int_equal

#define assert_true(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: %s is false (errno: %s)\n", \
				__FILE__, __LINE__, #condition,		\
				strerror(errno));			\
			abort();					\
		}							\
	} while (0)

#define assert_int_equal(is, should)					\
	do {								\
		long long is_ = (long long)(is);			\
		long long should_ = (long long)(should);		\
									\
		if (is_ != should_) {					\
			fprintf(stderr, "%s:%d: %s is %lld, not %s (%lld)\n", \
				__FILE__, __LINE__, #is, is_, #should,	\
				should_);				\
			abort();					\
		}							\
	} while (0)

#endif
