/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_ERROR_H
#define KUCOMMSCTL_ERROR_H

#include "kucommsctl.h"

/**
 * struct problem - what an errno means to somebody who wanted something
 * @error:       the errno; 0, in the last row of a table, stands for all others
 * @status:      the exit code
 * @explanation: what is wrong; NULL: what the C library says
 * @hint:        one next step
 *
 * In explanations and hints, as in what report() is told, NAME stands for the
 * device's name.
 */
struct problem {
	int error;
	int status;
	const char *explanation;
	const char *hint;
};

/*
 * "kucommsctl: cannot WHAT: ERRNAME: explanation", and a hint. Both return the
 * exit code. @name may be NULL if nothing mentions it.
 */
int report(const struct problem *problems, int error, const char *what,
	   const char *name);
int report_problem(const struct problem *problem, const char *what,
		   const char *name);

/* Returns the name of an error, such as "EINVAL". */
const char *error_name(int error);

/* For mistakes in the arguments of @command, NULL before it is known. */
__attribute__((format(printf, 2, 3)))
int usage_error(const struct command *command, const char *format, ...);

/* @memory, unless it is NULL because there is no more: then it says so and exits. */
void *must_have(void *memory);

/*
 * @text in quotes, with what could disturb a terminal escaped. Good until the
 * next call.
 */
const char *quote(const char *text);

#endif
