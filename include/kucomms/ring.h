/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The ring: the only code that accesses words which two sides share. The kernel
 * module, the library and the tests compile the same code; docs/protocol.md
 * describes the protocol.
 *
 *     producer                              consumer
 *
 *     reserve: LOAD.acquire position   (A)  release: STORE.release position
 *              clear next control
 *     write the record
 *     commit:  STORE.release control   (B)  receive: LOAD.acquire control
 *                                                    read the record
 *     publish                               set need_data
 *     FULL BARRIER                     (C)  FULL BARRIER
 *     load need_data: ring?                 receive: look again, sleep
 *
 *     set need_room                         release
 *     FULL BARRIER                     (D)  FULL BARRIER
 *     reserve: look again, sleep            load need_room: ring?
 *
 * A: the consumer has read a record before the producer overwrites it. B: the
 *    record and the cleared control word behind it are written before the
 *    consumer sees the record. C, D: one of the two sides sees what the other
 *    side wrote: either the sleeper finds what it waits for, or the waker finds
 *    the flag.
 *
 * One thread at a time uses a producer, and one a consumer; the two threads of
 * a ring need no lock. struct kucomms_producer and struct kucomms_consumer are
 * private to their side: no side reads them back from shared memory.
 */
#ifndef KUCOMMS_RING_H
#define KUCOMMS_RING_H

#include <kucomms/abi.h>

/* abi.h defines this macro unless the compiler's mode is too old. */
#ifdef KUCOMMS_ABI_VERSION

#ifdef __KERNEL__
#include <linux/compiler.h>
#include <linux/errno.h>
#include <asm/barrier.h>
#define kucomms_load(p)			READ_ONCE(*(p))
#define kucomms_store(p, v)		WRITE_ONCE(*(p), (v))
#define kucomms_load_acquire(p)		smp_load_acquire(p)
#define kucomms_store_release(p, v)	smp_store_release((p), (v))
#define kucomms_full_barrier()		smp_mb()
#define kucomms_light_barrier()		smp_mb()
#define kucomms_likely(x)		likely(x)
#define kucomms_unlikely(x)		unlikely(x)
#else
#include <errno.h>
#include <stdbool.h>
#define kucomms_load(p)			__atomic_load_n((p), __ATOMIC_RELAXED)
#define kucomms_store(p, v)		__atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define kucomms_load_acquire(p)		__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define kucomms_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define kucomms_full_barrier()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define kucomms_light_barrier()		__atomic_signal_fence(__ATOMIC_SEQ_CST)
#define kucomms_likely(x)		__builtin_expect(!!(x), 1)
#define kucomms_unlikely(x)		__builtin_expect(!!(x), 0)
#endif

/**
 * struct kucomms_producer - the writing end of a ring
 * @data:         the data region, its pages mapped twice in a row
 * @size:         size of the ring, in bytes
 * @mask:         @size - 1
 * @position:     position at which the next record begins
 * @released:     the last valid copy of the consumer's position
 * @end:          position at which the room that @released leaves ends
 * @held:         offset of the record whose publication is held back
 * @held_control: its control word; KUCOMMS_CONTROL_EMPTY: none is held back
 * @light:        the consumer executes this side's barriers, too, before it
 *                sleeps (membarrier(2)); never in the kernel
 * @own:          control page of this side
 * @remote:       control page of the other side
 * @reserved:     unused; programs compile in the size of this structure
 */
struct kucomms_producer {
	unsigned char *data;
	__u32 size;
	__u32 mask;
	__u32 position;
	__u32 released;
	__u32 end;
	__u32 held;
	__u32 held_control;
	bool light;
	struct kucomms_control *own;
	const struct kucomms_control *remote;
	__u32 reserved[8];
};

/**
 * struct kucomms_consumer - the reading end of a ring
 * @data:     the data region, its pages mapped twice in a row
 * @size:     size of the ring, in bytes
 * @mask:     @size - 1
 * @position: position at which the next record to receive begins
 * @done:     position up to which this side has released the records
 * @released: the value of @done that this side has published
 * @end:      position that an honest producer does not pass until this side
 *            publishes more
 * @share:    bytes that are published together: an eighth of the ring
 * @own:      control page of this side
 * @remote:   control page of the other side
 * @reserved: unused; programs compile in the size of this structure
 */
struct kucomms_consumer {
	unsigned char *data;
	__u32 size;
	__u32 mask;
	__u32 position;
	__u32 done;
	__u32 released;
	__u32 end;
	__u32 share;
	struct kucomms_control *own;
	const struct kucomms_control *remote;
	__u32 reserved[8];
};

static inline struct kucomms_message *
kucomms_record_at(unsigned char *data, __u32 mask, __u32 position)
{
	return (struct kucomms_message *)(void *)(data + (position & mask));
}

/* Position of the record after the one at @position. */
static inline __u32 kucomms_record_after(__u32 position, __u32 length)
{
	return (position + (__u32)sizeof(struct kucomms_message) + length +
		KUCOMMS_RECORD_ALIGN - 1) & ~(KUCOMMS_RECORD_ALIGN - 1);
}

/* Bytes for records: all but one unit, which the next control word needs. */
static inline __u32 kucomms_ring_capacity(__u32 size)
{
	return size - KUCOMMS_RECORD_ALIGN;
}

static inline void kucomms_producer_init(struct kucomms_producer *producer,
					 void *data, __u32 size,
					 struct kucomms_control *own,
					 const struct kucomms_control *remote)
{
	producer->data = (unsigned char *)data;
	producer->size = size;
	producer->mask = size - 1;
	producer->position = 0;
	producer->released = 0;
	producer->end = kucomms_ring_capacity(size);
	producer->held = 0;
	producer->held_control = KUCOMMS_CONTROL_EMPTY;
	producer->light = false;
	producer->own = own;
	producer->remote = remote;
}

/*
 * Reads the consumer's position again. A valid one is the end of a record,
 * between the last valid position and the producer's own.
 */
static inline int kucomms_producer_refresh(struct kucomms_producer *producer)
{
	/* A: pairs with kucomms_consumer_tell() */
	__u32 released = kucomms_load_acquire(&producer->remote->position);

	if (kucomms_unlikely(released - producer->released >
			     producer->position - producer->released ||
			     released % KUCOMMS_RECORD_ALIGN))
		return -EPROTO;
	producer->released = released;
	producer->end = released + kucomms_ring_capacity(producer->size);
	return 0;
}

/* Looks only at private words. In 64 bits no length can overflow. */
static inline bool kucomms_producer_fits(const struct kucomms_producer *producer,
					 __u32 length)
{
	/* A multiple of the alignment: the padding of a message fits, too. */
	__u32 left = producer->end - producer->position;

	return (__u64)length + sizeof(struct kucomms_message) <= left;
}

/*
 * Tells whether there is room for a message of @length bytes: 0 if there is,
 * -EMSGSIZE if the ring is too small for it, -EAGAIN if there is none now,
 * -EPROTO if the other side's position is invalid.
 */
static inline int kucomms_producer_room(struct kucomms_producer *producer,
					__u32 length)
{
	int err;

	if (kucomms_likely(kucomms_producer_fits(producer, length)))
		return 0;
	if (length > KUCOMMS_LENGTH_MAX(producer->size))
		return -EMSGSIZE;
	err = kucomms_producer_refresh(producer);
	if (kucomms_unlikely(err))
		return err;
	return kucomms_producer_fits(producer, length) ? 0 : -EAGAIN;
}

/*
 * Takes the record of a message that fits. It clears the next control word
 * first, which often lies in the next cache line: the other words, up to the
 * control word of the record, are then written one after the other, and the
 * consumer, or a prefetcher, takes their cache line away once less.
 */
static inline struct kucomms_message *
kucomms_producer_take(struct kucomms_producer *producer, __u32 length)
{
	struct kucomms_message *record, *next;

	record = kucomms_record_at(producer->data, producer->mask,
				   producer->position);
	producer->position = kucomms_record_after(producer->position, length);

	next = kucomms_record_at(producer->data, producer->mask,
				 producer->position);
	kucomms_store(&next->control, KUCOMMS_CONTROL_EMPTY);
	record->length = length;
	return record;
}

/*
 * Makes room for a message of @length bytes. On success *@record points into
 * the ring, with the length set; the caller writes the rest of the header and
 * the data that follow before it commits or discards the record.
 *
 * Fails as kucomms_producer_room() does.
 */
static inline int kucomms_producer_reserve(struct kucomms_producer *producer,
					   __u32 length,
					   struct kucomms_message **record)
{
	int err = kucomms_producer_room(producer, length);

	if (kucomms_unlikely(err))
		return err;
	*record = kucomms_producer_take(producer, length);
	return 0;
}

/* Gives back the record that was taken last, which has not been published. */
static inline void kucomms_producer_untake(struct kucomms_producer *producer,
					   __u32 length)
{
	producer->position -= kucomms_record_after(0, length);
}

/* Publishes the record that is held back; tells whether there was one. */
static inline bool kucomms_producer_flush(struct kucomms_producer *producer)
{
	struct kucomms_message *record;

	if (producer->held_control == KUCOMMS_CONTROL_EMPTY)
		return false;
	record = kucomms_record_at(producer->data, producer->mask,
				   producer->held);
	/* B: pairs with kucomms_consumer_receive() */
	kucomms_store_release(&record->control, producer->held_control);
	producer->held_control = KUCOMMS_CONTROL_EMPTY;
	return true;
}

/*
 * Commits a reserved record as a message, or as one to be skipped (@control).
 * With @more its publication may wait for the next commit without @more, or for
 * a flush: the consumer cannot pass the first record that is held back, so the
 * control word of that record, stored last, publishes all.
 */
static inline void kucomms_producer_commit(struct kucomms_producer *producer,
					   struct kucomms_message *record,
					   __u32 control, bool more)
{
	if (more && producer->held_control == KUCOMMS_CONTROL_EMPTY) {
		producer->held = (__u32)((unsigned char *)record - producer->data);
		producer->held_control = control;
		return;
	}
	/* B: pairs with kucomms_consumer_receive() */
	kucomms_store_release(&record->control, control);
	if (!more)
		kucomms_producer_flush(producer);
}

/*
 * Tells, after a full barrier, whether the consumer sleeps: returns 0, or
 * need_data, which says what it waits for and how.
 */
static inline __u32
kucomms_producer_is_awaited(const struct kucomms_producer *producer)
{
	__u32 need_data = kucomms_load(&producer->remote->need_data);

	return need_data & KUCOMMS_NEED ? need_data : 0;
}

/*
 * Tells, after a publication, whether the consumer sleeps. The barrier is the
 * most expensive part of sending a short message; with @light the consumer,
 * which sleeps less often, makes this side execute the barrier before it
 * sleeps.
 */
static inline __u32
kucomms_producer_must_ring(const struct kucomms_producer *producer)
{
	/* C: pairs with kucomms_consumer_arm() */
	if (producer->light)
		kucomms_light_barrier();
	else
		kucomms_full_barrier();
	return kucomms_producer_is_awaited(producer);
}

/*
 * Asks the consumer to ring when there is room for @length bytes, which the
 * ring must be able to hold. @need is KUCOMMS_NEED and flags that say how the
 * caller sleeps. The caller sleeps only if reserve fails again after this.
 */
static inline void kucomms_producer_arm_as(struct kucomms_producer *producer,
					   __u32 length, __u32 need)
{
	__u32 position = kucomms_record_after(producer->position, length) -
			 kucomms_ring_capacity(producer->size);

	kucomms_store(&producer->own->need_room, position | need);
	/* D: pairs with kucomms_consumer_must_ring() */
	kucomms_full_barrier();
}

static inline void kucomms_producer_arm(struct kucomms_producer *producer,
					__u32 length)
{
	kucomms_producer_arm_as(producer, length, KUCOMMS_NEED);
}

/*
 * Tells whether the consumer has released the position that the word @need_room
 * asks for. The answer is only a hint.
 */
static inline bool
kucomms_producer_has_room(const struct kucomms_producer *producer,
			  __u32 need_room)
{
	__u32 released = kucomms_load(&producer->remote->position);

	return (__s32)(released - (need_room & -KUCOMMS_RECORD_ALIGN)) >= 0;
}

static inline void kucomms_producer_disarm(struct kucomms_producer *producer)
{
	kucomms_store(&producer->own->need_room, 0);
}

static inline void kucomms_consumer_init(struct kucomms_consumer *consumer,
					 void *data, __u32 size,
					 struct kucomms_control *own,
					 const struct kucomms_control *remote)
{
	consumer->data = (unsigned char *)data;
	consumer->size = size;
	consumer->mask = size - 1;
	consumer->position = 0;
	consumer->done = 0;
	consumer->released = 0;
	consumer->end = kucomms_ring_capacity(size);
	consumer->share = size / 8;
	consumer->own = own;
	consumer->remote = remote;
}

/* Also bounds the length of a record. In 64 bits no length can overflow. */
static inline bool
kucomms_consumer_covers(const struct kucomms_consumer *consumer, __u32 length)
{
	__u32 left = consumer->end - consumer->position;

	return (__u64)length + sizeof(struct kucomms_message) <= left;
}

/*
 * Handles a control word that is no message's: there is no record yet, or one
 * to skip, or the word is invalid. The caller does not release a skipped
 * record; if all records before it have been released, it is released here.
 */
static inline int kucomms_consumer_skip(struct kucomms_consumer *consumer,
					const struct kucomms_message *record,
					__u32 control)
{
	__u32 length, next;

	if (control == KUCOMMS_CONTROL_EMPTY)
		return 0;
	length = kucomms_load(&record->length);
	if (control != KUCOMMS_CONTROL_DISCARDED ||
	    !kucomms_consumer_covers(consumer, length))
		return -EPROTO;
	next = kucomms_record_after(consumer->position, length);
	if (consumer->done == consumer->position)
		consumer->done = next;
	consumer->position = next;
	return -ENOMSG;
}

/*
 * Loads 64 bits whose two halves need not be of the same store. On some 32-bit
 * machines one atomic access would be a call of libatomic, and every program
 * that includes this header would have to be linked with it.
 */
static inline __u64 kucomms_load_u64(const __u64 *word)
{
#if defined(__KERNEL__) || defined(__LP64__)
	return kucomms_load(word);
#else
	return *(const __volatile__ __u64 *)word;
#endif
}

/*
 * Receives the next record: *@message becomes a private copy of its header,
 * except @control, which is not written, and *@data points to its data in the
 * ring, which an honest producer does not change until
 * kucomms_consumer_release().
 *
 * Returns 1 for a message, 0 if there is none, -EPROTO if the header is
 * invalid, and -ENOMSG after it has skipped a discarded record, so that callers
 * can bound their work.
 */
static inline int kucomms_consumer_receive(struct kucomms_consumer *consumer,
					   struct kucomms_message *message,
					   const void **data)
{
	const struct kucomms_message *record =
		kucomms_record_at(consumer->data, consumer->mask,
				  consumer->position);
	/* B: pairs with kucomms_producer_commit() and _flush() */
	__u32 control = kucomms_load_acquire(&record->control);
	__u32 length;

	if (kucomms_unlikely(control != KUCOMMS_CONTROL_MESSAGE))
		return kucomms_consumer_skip(consumer, record, control);

	/* Each word once: the other side may change it at any time. */
	length = kucomms_load(&record->length);
	if (kucomms_unlikely(!kucomms_consumer_covers(consumer, length)))
		return -EPROTO;
	message->length = length;
	message->type = kucomms_load_u64(&record->type);
	message->id = kucomms_load_u64(&record->id);
	message->user = kucomms_load_u64(&record->user);
	*data = record + 1;
	consumer->position = kucomms_record_after(consumer->position, length);
	return 1;
}

/* Puts the record that was received last back, to be received again. */
static inline void kucomms_consumer_unreceive(struct kucomms_consumer *consumer,
					      __u32 length)
{
	consumer->position -= kucomms_record_after(0, length);
}

/*
 * Clears the control word of the record at @position, which has been received
 * and not released: a dishonest producer has to publish another record.
 */
static inline void kucomms_consumer_wipe(struct kucomms_consumer *consumer,
					 __u32 position)
{
	struct kucomms_message *record =
		kucomms_record_at(consumer->data, consumer->mask, position);

	kucomms_store(&record->control, KUCOMMS_CONTROL_EMPTY);
}

/* Tells whether there is a record. Any thread may ask; the answer is a hint. */
static inline bool
kucomms_consumer_ready(const struct kucomms_consumer *consumer)
{
	const struct kucomms_message *record =
		kucomms_record_at(consumer->data, consumer->mask,
				  kucomms_load(&consumer->position));

	return kucomms_load(&record->control) != KUCOMMS_CONTROL_EMPTY;
}

/* Publishes the released position; tells whether it had changed. */
static inline bool kucomms_consumer_tell(struct kucomms_consumer *consumer)
{
	if (consumer->released == consumer->done)
		return false;
	kucomms_store(&consumer->released, consumer->done);
	consumer->end = consumer->done + kucomms_ring_capacity(consumer->size);
	/* A: pairs with kucomms_producer_refresh() */
	kucomms_store_release(&consumer->own->position, consumer->released);
	return true;
}

/*
 * Releases all records received so far. The position is published after each
 * eighth of the ring, and by kucomms_consumer_tell() when there is nothing to
 * read: a word that the producer reads is a cache line that moves twice. The
 * same holds for a producer that sleeps for room: woken for each message, it
 * would fill the room of one message and sleep again. Returns whether the
 * position was published; then the caller asks kucomms_consumer_must_ring().
 */
static inline bool kucomms_consumer_release(struct kucomms_consumer *consumer)
{
	kucomms_store(&consumer->done, consumer->position);
	if (consumer->done - consumer->released < consumer->share)
		return false;
	return kucomms_consumer_tell(consumer);
}

/*
 * Tells, after a release, whether the producer sleeps for room and nothing is
 * left to read. Then the caller publishes the position now, as this may be the
 * last release for a long time.
 */
static inline bool
kucomms_consumer_is_last(const struct kucomms_consumer *consumer)
{
	return (kucomms_load(&consumer->remote->need_room) & KUCOMMS_NEED) &&
	       !kucomms_consumer_ready(consumer);
}

/*
 * Tells whether the position that the word @need_room asks for has been
 * published. Any thread may ask.
 */
static inline bool
kucomms_consumer_has_room(const struct kucomms_consumer *consumer,
			  __u32 need_room)
{
	__u32 released = kucomms_load(&consumer->released);

	return (__s32)(released - (need_room & -KUCOMMS_RECORD_ALIGN)) >= 0;
}

/*
 * Tells, after a full barrier, whether the producer sleeps for room that it now
 * has.
 */
static inline bool
kucomms_consumer_is_awaited(const struct kucomms_consumer *consumer)
{
	__u32 need_room = kucomms_load(&consumer->remote->need_room);

	return (need_room & KUCOMMS_NEED) &&
	       kucomms_consumer_has_room(consumer, need_room);
}

/* Tells, after a publication, whether the producer sleeps for that room. */
static inline bool
kucomms_consumer_must_ring(const struct kucomms_consumer *consumer)
{
	/* D: pairs with kucomms_producer_arm() */
	kucomms_full_barrier();
	return kucomms_consumer_is_awaited(consumer);
}

/*
 * Asks the producer to ring when it publishes a record. @need is KUCOMMS_NEED
 * and flags that say how the caller sleeps. The caller sleeps only if receive
 * finds nothing again after this.
 */
static inline void kucomms_consumer_arm_as(struct kucomms_consumer *consumer,
					   __u32 need)
{
	kucomms_store(&consumer->own->need_data, consumer->position | need);
	/* C: pairs with kucomms_producer_must_ring() */
	kucomms_full_barrier();
}

static inline void kucomms_consumer_arm(struct kucomms_consumer *consumer)
{
	kucomms_consumer_arm_as(consumer, KUCOMMS_NEED);
}

/* Tells observers how far this side has read, without asking for a doorbell. */
static inline void kucomms_consumer_mark(struct kucomms_consumer *consumer)
{
	kucomms_store(&consumer->own->need_data, consumer->position);
}

static inline void kucomms_consumer_disarm(struct kucomms_consumer *consumer)
{
	kucomms_store(&consumer->own->need_data, 0);
}

#endif

#endif /* KUCOMMS_RING_H */
