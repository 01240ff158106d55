/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_INTERFACE_H
#define KUCOMMS_ROUTE_INTERFACE_H

#include <linux/types.h>

/*
 * Names and numbers of network interfaces. Either lookup takes system calls, so
 * results are cached, until the caller has the caches emptied, since interfaces
 * come and go.
 *
 * One thread may look up names, and one thread, which may be another, numbers.
 */

/* Returns the number of the interface @name, 0: there is none. */
__u32 interface_number(const char *name);
void interface_forget_names(void);

/* Returns the name of an interface, or its number if it does not exist. */
const char *interface_name(__u32 number);
void interface_forget_numbers(void);

#endif
