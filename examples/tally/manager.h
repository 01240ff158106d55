/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What module.c and process.c need of tally.c.
 */
#ifndef TALLY_MANAGER_H
#define TALLY_MANAGER_H

struct kucomms_ops;

/* The priv of the handlers. */
struct tally;

extern const struct kucomms_ops tally_ops;

/* Returns NULL if there is no memory. */
struct tally *tally_create(void);
void tally_destroy(struct tally *tally);

#endif
