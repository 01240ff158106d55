/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmark's main file and its subjects have in common. A subject is
 * one way to exchange messages with the kernel, in a file of its own.
 */
#ifndef KUCOMMS_BENCH_H
#define KUCOMMS_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "kmod/protocol.h"

enum direction {
	ECHO,			/* there and back */
	TO_KERNEL,
	TO_USER,
	DIRECTIONS,
};

/* What is measured of a subject: messages of @size bytes, @batch at a time. */
struct cell {
	enum direction direction;
	uint32_t size;
	uint32_t batch;
};

struct subject {
	const char *name;

	/* One side looks all the time, so that one processor is not enough. */
	bool busy;
	/* Whoever has sent does not know yet that it has been received. */
	bool deferred;
	/* The subject's own. */
	const void *variant;

	/* Does this cell make sense? NULL: all do. */
	bool (*fits)(const struct cell *cell);
	/* Returns NULL, or why this subject cannot be measured here. */
	const char *(*open)(const struct subject *subject,
			    const struct cell *cell);
	void (*close)(void);
	/* What comes before measuring @count messages. NULL: nothing. */
	void (*begin)(uint64_t count);
	/* Exchange @count messages, a multiple of the batch. NULL: cannot. */
	void (*run[DIRECTIONS])(uint64_t count);
	/* What the kernel has received since last asked. */
	struct bench_count (*count)(void);
	/* System calls and wake-ups so far. NULL: those of this program. */
	uint64_t (*syscalls)(void);
	uint64_t (*wakeups)(void);
};

/* NULL-terminated. */
extern const struct subject *const subjects[];

/* How this run is made. */
struct settings {
	bool instructions;	/* the time stamp counter counts instructions */
	int near_cpu;		/* where the program runs */
	int far_cpu;		/* where the other side should, if it can */
};

extern struct settings settings;

/* Of the subject that is open: what it exchanges. */
extern struct cell cell;
/* Of the next message: each receiver expects this number. */
extern uint64_t sequence;
/* Messages that came with a number that was not expected. */
extern uint64_t disordered;
/* System calls that subjects have made, if they count them themselves. */
extern uint64_t syscalls;

/* Attaches up to @most channels to a device and writes what each costs. */
void measure_channels(unsigned int most, unsigned int idle_seconds);

/*
 * Where instructions are counted, what the kernel does later for the subject
 * before is not for this one to pay; and there sleeping takes no time.
 */
void settle(void);

/* Nanoseconds, or instructions. */
uint64_t now(void);

double median(double *values, size_t number);

/* Ends the program. */
void die(const char *what, int err) __attribute__((noreturn));

/* A reason why a subject cannot be measured; kept until the next call. */
const char *reason(const char *what, int err);

/* Bytes of a ring in which a batch has room, and one message more. */
uint32_t ring_size(void);

/* Memory for messages that are copied, zeroed, or the program ends. */
void *buffer(size_t size);

/* What every message goes through costs its subject no calls of ours. */
#define EACH_MESSAGE	static inline __attribute__((always_inline))

/* The number that a message came with is the one that was expected. */
static inline void check(const void *data, uint64_t expected)
{
	if (__builtin_expect(*(const uint64_t *)data != expected, 0))
		disordered++;
}

#endif /* KUCOMMS_BENCH_H */
