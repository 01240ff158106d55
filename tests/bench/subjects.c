// SPDX-License-Identifier: GPL-2.0-only
/*
 * All subjects, in the order in which they are shown.
 */
#include "bench.h"

extern const struct subject subject_ioctl;
extern const struct subject subject_crude_ring;
extern const struct subject subject_crude_ring_poll;
extern const struct subject subject_kucomms_adaptive;
extern const struct subject subject_kucomms_adaptive_copy;

const struct subject *const subjects[] = {
	&subject_ioctl,
	&subject_crude_ring,
	&subject_crude_ring_poll,
	&subject_kucomms_adaptive,
	&subject_kucomms_adaptive_copy,
	NULL,
};
