/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The ring core: the only code that touches words which two sides share. It is
 * compiled unchanged into the kernel module, the library and the tests; abi.h
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
 * A: the consumer's reads of a record are done before the producer writes over
 *    it. B: the record, and the cleared control word behind it, are there
 *    before the consumer sees the record. C, D: one of the two sides sees what
 *    the other wrote: either the sleeper finds what it waits for, or the waker
 *    finds the flag.
 *
 * A producer or consumer is used by one thread at a time; a ring may have a
 * producer thread and a consumer thread that know nothing of each other.
 * Everything in struct kucomms_producer and kucomms_consumer is private to its
 * side: nothing in it is ever read back from shared memory.
 */
#ifndef KUCOMMS_RING_H
#define KUCOMMS_RING_H

#include <kucomms/abi.h>

/* Not defined: abi.h has reported that the compiler's mode is too old. */
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
 * @size:         of the ring, in bytes
 * @mask:         @size - 1
 * @position:     where the next record begins
 * @released:     the last copy of the consumer's position that was found good
 * @end:          what that leaves to this side ends here
 * @held:         where the record begins whose publication is held back
 * @held_control: its control word; KUCOMMS_CONTROL_EMPTY: none is held back
 * @light:        the consumer executes this side's barriers, too, before it
 *                sleeps (membarrier(2)); never in the kernel
 * @own:          control page of this side
 * @peer:         control page of the other side
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
	const struct kucomms_control *peer;
};

/**
 * struct kucomms_consumer - the reading end of a ring
 * @data:     the data region, its pages mapped twice in a row
 * @size:     of the ring, in bytes
 * @mask:     @size - 1
 * @position: where the next record to look at begins
 * @done:     this side needs nothing before it any more
 * @released: what the producer has been told of @done
 * @end:      no honest producer gets beyond it before it is told more
 * @share:    what is given back at a time: an eighth of the ring
 * @own:      control page of this side
 * @peer:     control page of the other side
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
	const struct kucomms_control *peer;
};

static inline struct kucomms_message *
kucomms_record_at(unsigned char *data, __u32 mask, __u32 position)
{
	return (struct kucomms_message *)(void *)(data + (position & mask));
}

/* Where the successor of the record at @position begins. */
static inline __u32 kucomms_record_after(__u32 position, __u32 length)
{
	return (position + (__u32)sizeof(struct kucomms_message) + length +
		KUCOMMS_RECORD_ALIGN - 1) & ~(KUCOMMS_RECORD_ALIGN - 1);
}

/* All but one unit, which the next control word needs. */
static inline __u32 kucomms_ring_capacity(__u32 size)
{
	return size - KUCOMMS_RECORD_ALIGN;
}

static inline void kucomms_producer_init(struct kucomms_producer *producer,
					 void *data, __u32 size,
					 struct kucomms_control *own,
					 const struct kucomms_control *peer)
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
	producer->peer = peer;
}

/*
 * Takes a fresh look at how far the consumer has got. Its position can only be
 * where a record ends, between what it said last and where this side is;
 * anything else is a lie.
 */
static inline int kucomms_producer_refresh(struct kucomms_producer *producer)
{
	/* A: pairs with kucomms_consumer_tell() */
	__u32 released = kucomms_load_acquire(&producer->peer->position);

	if (kucomms_unlikely(released - producer->released >
			     producer->position - producer->released ||
			     released % KUCOMMS_RECORD_ALIGN))
		return -EPROTO;
	producer->released = released;
	producer->end = released + kucomms_ring_capacity(producer->size);
	return 0;
}

/* Judged by what is known; in 64 bits, so that no length can overflow. */
static inline bool kucomms_producer_fits(const struct kucomms_producer *producer,
					 __u32 length)
{
	/* A multiple of the alignment: if the message fits its padding does. */
	__u32 left = producer->end - producer->position;

	return (__u64)length + sizeof(struct kucomms_message) <= left;
}

/*
 * Is there room for a message of @length bytes? 0: yes; -EMSGSIZE: it can never
 * fit; -EAGAIN: not now; -EPROTO: the other side's position is nonsense.
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
 * The record of a message that fits. The next control word comes first, for it
 * often lies in the next cache line: all other words up to the record's own
 * control are then written in one go, and a consumer that looks for them, or a
 * prefetcher that is ahead of it, takes their line away once less.
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
 * Makes room for a message of @length bytes. On success *@record lies in the
 * ring, its length is set, the rest of the header and the data that follow are
 * the caller's to write before it commits (or discards) the record.
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

/* Publishes what has been held back, if anything; says whether it did. */
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
 * Hands over a reserved record, as a message or to be skipped (@control). With
 * @more it need not be seen before the next commit without, or flush: the
 * consumer gets no further than the first record that is held back, so that
 * one's control word, stored last, publishes all.
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
 * Does the consumer sleep? To be asked after a full barrier only. Returns 0, or
 * need_data, which says for what and how.
 */
static inline __u32
kucomms_producer_is_awaited(const struct kucomms_producer *producer)
{
	__u32 need_data = kucomms_load(&producer->peer->need_data);

	return need_data & KUCOMMS_NEED ? need_data : 0;
}

/*
 * After publication: does the consumer sleep? The barrier is what costs most in
 * sending a short message; so one that sleeps seldom makes all others execute one
 * instead, when it does.
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
 * Before sleeping for room for @length bytes (which must be possible in this
 * ring), with KUCOMMS_NEED and what else says how: reserve must fail once more
 * after this, else do not sleep.
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
	__u32 released = kucomms_load(&producer->peer->position);

	return (__s32)(released - (need_room & -KUCOMMS_RECORD_ALIGN)) >= 0;
}

static inline void kucomms_producer_disarm(struct kucomms_producer *producer)
{
	kucomms_store(&producer->own->need_room, 0);
}

static inline void kucomms_consumer_init(struct kucomms_consumer *consumer,
					 void *data, __u32 size,
					 struct kucomms_control *own,
					 const struct kucomms_control *peer)
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
	consumer->peer = peer;
}

/* Bounds the length of a record, too: in 64 bits nothing overflows. */
static inline bool
kucomms_consumer_covers(const struct kucomms_consumer *consumer, __u32 length)
{
	__u32 left = consumer->end - consumer->position;

	return (__u64)length + sizeof(struct kucomms_message) <= left;
}

/*
 * No message: nothing yet, a record to skip, or nonsense. Nobody will release
 * what is skipped, so if all before it has been, it is done with at once.
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
 * Takes the next record off the ring: *@message becomes a private copy of its
 * header, but for @control, which is left alone, and *@data points to its bytes
 * in the ring, which stay as they are (as far as the other side plays fair)
 * until kucomms_consumer_release().
 *
 * Returns 1 for a message, 0 when there is nothing to read, -EPROTO when what
 * is there cannot be a record. A discarded record counts as read and comes
 * back as -ENOMSG, so that callers can bound what they do in one go.
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

/* Puts the record that was received last back: it will be received again. */
static inline void kucomms_consumer_unreceive(struct kucomms_consumer *consumer,
					      __u32 length)
{
	consumer->position -= kucomms_record_after(0, length);
}

/*
 * Nothing is left of the record at @position, which has been received and not
 * released yet: a dishonest producer will have to publish another one.
 */
static inline void kucomms_consumer_wipe(struct kucomms_consumer *consumer,
					 __u32 position)
{
	struct kucomms_message *record =
		kucomms_record_at(consumer->data, consumer->mask, position);

	kucomms_store(&record->control, KUCOMMS_CONTROL_EMPTY);
}

/* Is there something to receive? May be asked by any thread, as a hint. */
static inline bool
kucomms_consumer_ready(const struct kucomms_consumer *consumer)
{
	const struct kucomms_message *record =
		kucomms_record_at(consumer->data, consumer->mask,
				  kucomms_load(&consumer->position));

	return kucomms_load(&record->control) != KUCOMMS_CONTROL_EMPTY;
}

/* Lets the producer know; says whether there was anything to tell. */
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
 * Gives back everything received so far. The producer is told once per eighth
 * of the ring, and by kucomms_consumer_tell() when there is nothing to read:
 * a word that it reads is a cache line that moves twice. A producer that sleeps
 * for room is told no more often: woken for each message, it would fill the
 * room of one message, and sleep again. Returns whether the producer has been
 * told, so that the caller asks kucomms_consumer_must_ring().
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
 * left to read. Then the caller tells the producer now, as this may be the last
 * release for a long time.
 */
static inline bool
kucomms_consumer_is_last(const struct kucomms_consumer *consumer)
{
	return (kucomms_load(&consumer->peer->need_room) & KUCOMMS_NEED) &&
	       !kucomms_consumer_ready(consumer);
}

/*
 * Has the position that the word @need_room asks for been released? May be
 * asked by any thread.
 */
static inline bool
kucomms_consumer_has_room(const struct kucomms_consumer *consumer,
			  __u32 need_room)
{
	__u32 released = kucomms_load(&consumer->released);

	return (__s32)(released - (need_room & -KUCOMMS_RECORD_ALIGN)) >= 0;
}

/*
 * Does the producer sleep for what it now has? To be asked after a full barrier
 * only.
 */
static inline bool
kucomms_consumer_is_awaited(const struct kucomms_consumer *consumer)
{
	__u32 need_room = kucomms_load(&consumer->peer->need_room);

	return (need_room & KUCOMMS_NEED) &&
	       kucomms_consumer_has_room(consumer, need_room);
}

/* After the producer has been told: does it sleep for what it now has? */
static inline bool
kucomms_consumer_must_ring(const struct kucomms_consumer *consumer)
{
	/* D: pairs with kucomms_producer_arm() */
	kucomms_full_barrier();
	return kucomms_consumer_is_awaited(consumer);
}

/*
 * Before sleeping for data, with KUCOMMS_NEED and what else says how: receive
 * must find nothing once more after this, else do not sleep.
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

/* Awake, but says how far it has read, for one who looks from outside. */
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
