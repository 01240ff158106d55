/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test programs ask of kucomms_test.ko: the `type` of a message.
 */
#ifndef KUCOMMS_TEST_PROTOCOL_H
#define KUCOMMS_TEST_PROTOCOL_H

#include <linux/types.h>

enum test_type {
	TEST_ECHO,	/* send it back, from the handler */
	TEST_SINK,	/* count it, no answer */
	TEST_REPORT,	/* answer with a struct test_report */
	TEST_BURST,	/* `id` messages from hard interrupts, `user` bytes each */
	TEST_STREAM,	/* `id` messages from the handler, `user` bytes each */
	TEST_FAIL,	/* the handler fails with -EIO */
	TEST_LATER,	/* the handler says -EAGAIN for the first two times */
	TEST_SLOW,	/* the handler sleeps for `user` ms, then sends it back */
	TEST_FULL,	/* fill the ring towards the user; answer never */
	TEST_WHO,	/* answer with the struct test_who of the connect handler */
	TEST_PLACE,	/* `id` messages of `user` bytes, reserved all at once */
	TEST_MORE,	/* `id` messages with KUCOMMS_SEND_MORE, published together */
	TEST_MEET,	/* answer when two handlers have been here at once */
	TEST_HANG_UP,	/* kucomms_channel_shutdown() */
	TEST_BURST_MORE, /* TEST_BURST, every second one with KUCOMMS_SEND_MORE */
	TEST_GATE,	/* the handler waits until `echo 1 >parameters/gate` */
	TEST_HOLD,	/* send it back as somebody else does, with KUCOMMS_SEND_MORE */
	TEST_BROADCAST,	/* `id` broadcasts, `user` bytes each; answer with how many
			   clients got them (`user`), and the last error (`id`) */
	TEST_TOPICS,	/* set the client's topics to `id` */
	TEST_BROADCAST_TOPICS, /* broadcast to topics `id`; answer with the result */
	TEST_REFUSED_SENDS, /* sends that must fail; `user`: that did not */
	TEST_SPACE,	/* answer with the struct kucomms_space, `user`: length_max */
	TEST_WAKE,	/* have the work handler called, from a hard interrupt */
	TEST_MIX,	/* send it back without a lock, whoever else sends */
	TEST_START,	/* for the endpoint `exit`: broadcast without end */
	TEST_FLOW,	/* `id` messages of `user` bytes, also from the room handler */
	TEST_RESERVE,	/* reserve a record; the second time: commit it */

	/* for the proxy, whose threads have no handler */
	TEST_PASS,	/* answer with an empty message */
	TEST_RECEIVE,	/* wait `id` ms for a message; `user` is what it came to */
	TEST_STREAM_STOPPED, /* TEST_STREAM, when kthread_stop() has been called */
	TEST_SEND,	/* fill the ring, wait `id` ms, then the same with `user` */

	/* calls, the other way round; also for the proxy, whom it is refused */
	TEST_CALL,	/* call the client as struct test_call_spec says */
	TEST_CALL_CANCEL, /* cancel call `id`; answer with what it came to in `user` */
	TEST_CALL_KEPT,	/* the same, the one of kind KEPT */
	TEST_CALL_REPORT, /* answer with a struct test_calls */
};

/* What the client gets to see of calls. */
enum {
	TEST_CALLED = 1000, /* a call, number `user`: to be answered with that */
	TEST_CALL_DONE,	/* call `user` came to the error `id` */
};

enum test_call_kind {
	TEST_CALL_PLAIN,	/* from the handler */
	TEST_CALL_INTERRUPT,	/* from a hard interrupt */
	TEST_CALL_KEEP,		/* one that is not freed when it is done */
	TEST_CALL_SLOW,		/* cancelled elsewhere while done() runs */
	TEST_CALL_RACE,		/* cancelled elsewhere at once */
	TEST_CALL_WAIT,		/* a thread waits for the answer */
	TEST_CALL_STOP,		/* a thread that is stopped waits for it */
	TEST_CALL_HANDLER,	/* the handler waits for it, which it must not */
};

/* What the parameter `exit` registers; 0: nothing. */
enum test_exit {
	TEST_EXIT_PLAIN = 1,	/* all handlers; TEST_START starts a timer, TEST_CALL
				   a call that nobody waits for */
	TEST_EXIT_PARALLEL,	/* the same, with KUCOMMS_OPS_PARALLEL */
	TEST_EXIT_CALL,		/* TEST_CALL: a work calls, and waits for ever */
	TEST_EXIT_ACCEPT,	/* no message handler: a work waits for clients */
	TEST_EXIT_RECEIVE,	/* for the second message of the first client */
	TEST_EXIT_ROOM,		/* for room in the ring of the first client */
	TEST_EXIT_SEND,		/* for the end, and then sends where there is room */
	TEST_EXIT_DISCONNECT,	/* for a client; its disconnect handler waits for it */
	TEST_EXIT_CLOSE,	/* for a client that closes until the end has begun */
};

struct test_call_spec {
	__u32 kind;
	__u32 count;
	__s32 timeout_ms;
	__u32 restarts;		/* after an answer, each */
	__u32 capacity;		/* of the buffer of one who waits */
};

/* How all calls ended so far. */
struct test_calls {
	__u64 started;
	__u64 refused;
	__u64 answered;
	__u64 timed_out;
	__u64 shut_down;
	__u64 broken;
	__u64 cancelled;
	__u64 wrong;		/* what must not be: a bug */
};

struct test_report {
	__u64 messages;		/* handled by this endpoint */
	__u64 work;		/* calls of the work handler */
	__u64 timer;		/* calls of the timer handler; proxy: TEST_SENDs */
	__u64 overlaps;		/* handlers that ran when they must not: a bug */
	__u64 connects;
	__u64 disconnects;
	__u64 elapsed;		/* ns since the module was loaded */
	__u64 running;		/* handlers that run now, this one included */
	__u64 together;		/* most message handlers at the same time */
};

struct test_who {
	__u32 uid;
	__u32 gid;
	__u32 pid;
	__u32 to_kernel_size;
	__u32 to_user_size;
};

#endif
