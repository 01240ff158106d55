// SPDX-License-Identifier: GPL-2.0-only
/*
 * All subjects, in the order in which they are shown.
 */
#include "bench.h"

#define ALL(each)			\
	each(kucomms_adaptive)		\
	each(kucomms_adaptive_copy)	\
	each(kucomms_thread)		\
	each(kucomms_poll)		\
	each(kucomms_adaptive_full)	\
	each(kucomms_thread_full)	\
	each(kucomms_read_write)	\
	each(ioctl)			\
	each(read_write)		\
	each(netlink)			\
	each(genetlink)			\
	each(eventfd)			\
	each(futex)			\
	each(bpf_ringbuf)		\
	each(crude_ring)		\
	each(crude_ring_poll)		\
	each(memcpy)

#define DECLARE(name)	extern const struct subject subject_##name;
#define POINT_TO(name)	&subject_##name,

ALL(DECLARE)

const struct subject *const subjects[] = { ALL(POINT_TO) NULL };
