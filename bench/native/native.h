/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmark of user space and its subjects have in common. A subject
 * is one way to exchange messages between two sides, in a file of its own.
 */
#ifndef KUCOMMS_BENCH_NATIVE_H
#define KUCOMMS_BENCH_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of all subjects that have rings, each way. */
#define RING_BYTES	(128u * 1024)
#define SIZE_MAX_BYTES	1024u

#define CACHE_LINE	64

enum kind {
	STREAM,			/* one way */
	STREAM_IN_PLACE,	/* without copies */
	STREAM_BY_CALL,		/* with functions that are not inline */
	ROUND_TRIP,		/* looking all the time, if the subject can */
	ROUND_TRIP_ASLEEP,	/* without looking; may be too quick to sleep */
	ROUND_TRIP_ONE_CPU,	/* so on one processor, where all must sleep */
	KINDS,
};

/* What is measured: messages of @size bytes, published @batch at a time. */
struct cell {
	enum kind kind;
	uint32_t size;
	uint32_t batch;
};

/* The near side begins, the far side answers. */
enum side {
	NEAR,
	FAR,
	SIDES,
};

/*
 * What a side does with @count messages, the first of which has the number
 * @first. Returns how many came with a number that was not expected.
 */
typedef uint64_t (*run_t)(uint64_t first, uint64_t count);

struct loops {
	run_t send;		/* near, for @receive on the far side */
	run_t receive;
	run_t ping;		/* near, for @pong on the far side */
	run_t pong;
	run_t both;		/* one thread is both: sends and receives */
};

struct subject {
	const char *name;

	/* Not built, for want of this package. */
	const char *missing;
	/* The two sides are threads, not processes. */
	bool threads;
	/* Both ends may be had by one process: see struct loops, @both. */
	bool alone;
	/* Other threads have to run, too, while the sides do. */
	bool helped;
	/* With copies, without, and by functions that copy; NULL: cannot. */
	const struct loops *copied;
	const struct loops *in_place;
	const struct loops *called;

	/* Does this cell make sense? */
	bool (*fits)(const struct cell *cell);
	/*
	 * Before there is a far side. Returns NULL, or why this subject cannot
	 * be measured here. This and the next three may be NULL.
	 */
	const char *(*open)(void);
	void (*attach)(enum side side);
	void (*detach)(enum side side);
	/* On the near side, when the far side is no more. */
	void (*close)(void);
	/* How many @side has made. NULL: nobody knows. */
	uint64_t (*syscalls)(enum side side);
};

/* NULL-terminated. */
extern const struct subject *const subjects[];

/* Of the subject that is open: what it exchanges. */
extern struct cell cell;

/* Calls of this process, of subjects that count them. */
extern uint64_t syscalls;
uint64_t syscalls_counted(enum side side);
/* Of subjects that make none. */
uint64_t syscalls_none(enum side side);

/*
 * Each side's own messages; the first word is the number. A processor that has
 * just written a word and copies more than the word at a time waits until it
 * has reached the cache, so numbers are written that many messages ahead.
 */
#define AHEAD	16
extern uint64_t outgoing[SIDES][AHEAD][(SIZE_MAX_BYTES + CACHE_LINE) / 8];
extern uint64_t incoming[SIDES][SIZE_MAX_BYTES / 8];

/* fits() of those that only look all the time, and publish each message. */
bool fits_busy(const struct cell *wanted);
/* Of those that look all the time, publish batches, and need no copies. */
bool fits_batches(const struct cell *wanted);
/* Of those that the kernel puts to sleep. */
bool fits_kernel(const struct cell *wanted);
/* Of those that carry nothing but a number, and sleep. */
bool fits_pingpong(const struct cell *wanted);

/* Is this for sides that sleep between messages? */
bool sleeps_between(void);

/*
 * Memory for both sides, zeroed, in whole pages, until the subject is closed;
 * or the program ends.
 */
void *shared_memory(size_t size);
/* The same twice in a row: what begins near the end goes on without a seam. */
void *shared_ring(size_t size);

/* What others use of the processors meanwhile is written in the end. */
void load_begin(void);
void load_end(double elapsed_seconds);

/* Ends the program. */
void die(const char *what, int err) __attribute__((noreturn));

/* A reason why a subject cannot be measured; kept until the next call. */
const char *reason(const char *what, int err);

/* What every message goes through costs its subject no calls of ours. */
#define EACH_MESSAGE	static inline __attribute__((always_inline))

EACH_MESSAGE void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

EACH_MESSAGE uint64_t *to_send(enum side side, uint64_t number)
{
	return outgoing[side][number % AHEAD];
}

EACH_MESSAGE void has_been_sent(uint64_t *message)
{
	*message += AHEAD;
}

/* In place a word is written, and read, in each cache line of the data. */
EACH_MESSAGE void write_in_place(void *data, uint64_t number, uint32_t size)
{
	uint64_t *words = (uint64_t *)data;
	uint32_t i;

	for (i = 0; i < size / 8; i += CACHE_LINE / 8)
		words[i] = number;
}

/* The number, or another if it is not in every line. */
EACH_MESSAGE uint64_t read_in_place(const void *data, uint32_t size)
{
	const uint64_t *words = (const uint64_t *)data;
	uint64_t differences = 0;
	uint32_t i;

	for (i = CACHE_LINE / 8; i < size / 8; i += CACHE_LINE / 8)
		differences |= words[i] ^ words[0];
	return words[0] + differences;
}

/*
 * A function of the type run_t, made of the body that follows. The body knows
 * @size when it is compiled.
 */
#define LOOP(name)							\
EACH_MESSAGE uint64_t name##_of(uint64_t first, uint64_t count,		\
				uint32_t size);				\
									\
static uint64_t name(uint64_t first, uint64_t count)			\
{									\
	switch (cell.size) {						\
	case 24:							\
		return name##_of(first, count, 24);			\
	case 64:							\
		return name##_of(first, count, 64);			\
	default:							\
		return name##_of(first, count, 1024);			\
	}								\
}									\
									\
EACH_MESSAGE uint64_t name##_of(uint64_t first, uint64_t count,		\
				uint32_t size)

/*
 * Makes a struct loops @name of
 *
 *	void push(enum side side, uint64_t number, uint32_t size, bool more);
 *	uint64_t pop(enum side side, uint32_t size);
 *
 * which send a message of @size bytes from a side, not the last of a batch if
 * @more, and receive one there and return the number that it came with.
 */
#define LOOPS(name, push, pop)						\
LOOP(name##_send)							\
{									\
	uint64_t end = first + count;					\
	uint64_t mask = cell.batch - 1;					\
									\
	for (; first != end; first++)					\
		push(NEAR, first, size, (first + 1) & mask);		\
	return 0;							\
}									\
									\
LOOP(name##_receive)							\
{									\
	uint64_t end = first + count, wrong = 0;			\
									\
	for (; first != end; first++)					\
		wrong += pop(FAR, size) != first;			\
	return wrong;							\
}									\
									\
LOOP(name##_ping)							\
{									\
	uint64_t end = first + count, wrong = 0;			\
									\
	for (; first != end; first++) {					\
		push(NEAR, first, size, false);				\
		wrong += pop(NEAR, size) != first;			\
	}								\
	return wrong;							\
}									\
									\
LOOP(name##_pong)							\
{									\
	uint64_t end = first + count, wrong = 0;			\
									\
	for (; first != end; first++) {					\
		uint64_t number = pop(FAR, size);			\
									\
		push(FAR, number, size, false);				\
		wrong += number != first;				\
	}								\
	return wrong;							\
}									\
									\
LOOP(name##_both)							\
{									\
	uint64_t end = first + count, wrong = 0;			\
									\
	for (; first != end; first++) {					\
		push(NEAR, first, size, false);				\
		wrong += pop(FAR, size) != first;			\
	}								\
	return wrong;							\
}									\
									\
static const struct loops name = {					\
	name##_send, name##_receive, name##_ping, name##_pong,		\
	name##_both,							\
}

/* In place of a subject whose library is not installed. */
#define MISSING(identifier, shown, package)				\
const struct subject subject_##identifier = {				\
	.name = shown,							\
	.missing = "not built; install " package,			\
	.fits = fits_busy,						\
}

#ifdef __cplusplus
}
#endif

#endif /* KUCOMMS_BENCH_NATIVE_H */
