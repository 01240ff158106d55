/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_INTERFACE_H
#define KUCOMMS_ROUTE_INTERFACE_H

#include <linux/types.h>

/*
 * Network interfaces have a name and a number. To ask for either takes system
 * calls, so answers are remembered until they are to be forgotten, since
 * interfaces come and go.
 *
 * What is remembered of names is used by one thread, what of numbers by one,
 * which may be another.
 */

/* The number of the interface @name, 0: there is none. */
__u32 interface_number(const char *name);
void interface_forget_names(void);

/* The name of an interface; the number itself if there is none. */
const char *interface_name(__u32 number);
void interface_forget_numbers(void);

#endif
