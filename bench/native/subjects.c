// SPDX-License-Identifier: GPL-2.0-only
/*
 * All subjects, in the order in which they are shown.
 */
#include "native.h"

#define ALL(each)		\
	each(kucomms_process)	\
	each(kucomms_local)	\
	each(kucomms_process_full) \
	each(kucomms_local_full) \
	each(pipe)		\
	each(unix_seqpacket)	\
	each(posix_mq)		\
	each(zeromq)		\
	each(ck_ring)		\
	each(boost_spsc)	\
	each(rte_ring)		\
	each(crude_ring)	\
	each(cache_line)	\
	each(eventfd)		\
	each(futex)

#define DECLARE(name)	extern const struct subject subject_##name;
#define POINT_TO(name)	&subject_##name,

ALL(DECLARE)

const struct subject *const subjects[] = { ALL(POINT_TO) NULL };
