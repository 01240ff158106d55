/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kucomms

#if !defined(KUCOMMS_SRC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KUCOMMS_SRC_TRACE_H

#include <linux/tracepoint.h>

/* A channel broke: which one, and what it was accused of. */
TRACE_EVENT(kucomms_broken,
	TP_PROTO(int minor, unsigned int number, int reason, u32 position),
	TP_ARGS(minor, number, reason, position),
	TP_STRUCT__entry(
		__field(int, minor)
		__field(unsigned int, number)
		__field(int, reason)
		__field(u32, position)
	),
	TP_fast_assign(
		__entry->minor = minor;
		__entry->number = number;
		__entry->reason = reason;
		__entry->position = position;
	),
	TP_printk("minor=%d channel=%u reason=%s position=%u",
		  __entry->minor, __entry->number,
		  __print_symbolic(__entry->reason,
				   { KC_BREAK_RECORD, "record" },
				   { KC_BREAK_POSITION, "position" },
				   { KC_BREAK_HANDLER, "handler" }),
		  __entry->position)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
