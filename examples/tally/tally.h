/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a tally and its clients say to each other.
 */
#ifndef TALLY_H
#define TALLY_H

#include <kucomms/abi.h>

#define TALLY_COUNTERS	1000u

/*
 * Requests. A TALLY_DONE with the request's id is the last answer to each; its
 * user word is 0 or an errno:
 * EINVAL (data of another size, reserved or user is not 0), ERANGE (there is no
 * such counter), EOVERFLOW (it would not fit), EOPNOTSUPP (no such request).
 */
#define TALLY_ADD	1	/* struct tally_entry: adds a value */
#define TALLY_LIST	2	/* no data; a TALLY_ENTRY for each that is not 0 */

/* Answers. */
#define TALLY_DONE	16	/* no data */
#define TALLY_ENTRY	17	/* struct tally_entry: a counter's value */

/* To all clients: a counter has a new value. id is the number of the change. */
#define TALLY_CHANGED	18	/* struct tally_entry */

struct tally_entry {
	__u32 counter;
	__u32 reserved;		/* 0 */
	__s64 value;
};

KUCOMMS_STATIC_ASSERT(sizeof(struct tally_entry) == 16);

#endif
