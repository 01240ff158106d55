// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boost's wait-free queue for one producer and one consumer, with messages by
 * value in its slots, which are as many as it is told by a type.
 */
#include "native.h"

#if __has_include(<boost/lockfree/spsc_queue.hpp>)
#include <boost/lockfree/spsc_queue.hpp>
#include <new>

namespace {

template <uint32_t size> struct bytes {
	uint64_t words[size / 8];
};

template <uint32_t size>
using queue = boost::lockfree::spsc_queue<
	bytes<size>,
	boost::lockfree::capacity<RING_BYTES / (size < 32 ? 32 : size)>>;

void *queues[SIDES];

template <uint32_t size>
EACH_MESSAGE bool enqueue(enum side side, const uint64_t *words)
{
	auto message = reinterpret_cast<const bytes<size> *>(words);

	return static_cast<queue<size> *>(queues[side])->push(*message);
}

template <uint32_t size> EACH_MESSAGE bool dequeue(enum side side)
{
	auto message = reinterpret_cast<bytes<size> *>(incoming[side]);

	return static_cast<queue<size> *>(queues[!side])->pop(*message);
}

EACH_MESSAGE bool try_push(enum side side, const uint64_t *message,
			   uint32_t size)
{
	switch (size) {
	case 24:
		return enqueue<24>(side, message);
	case 64:
		return enqueue<64>(side, message);
	default:
		return enqueue<1024>(side, message);
	}
}

EACH_MESSAGE bool try_pop(enum side side, uint32_t size)
{
	switch (size) {
	case 24:
		return dequeue<24>(side);
	case 64:
		return dequeue<64>(side);
	default:
		return dequeue<1024>(side);
	}
}

EACH_MESSAGE void push(enum side side, uint64_t number, uint32_t size,
		       bool more)
{
	uint64_t *message = to_send(side, number);

	(void)more;
	while (!try_push(side, message, size))
		relax();
	has_been_sent(message);
}

EACH_MESSAGE uint64_t pop(enum side side, uint32_t size)
{
	while (!try_pop(side, size))
		relax();
	return incoming[side][0];
}

LOOPS(copied, push, pop);

template <uint32_t size> void make_queues()
{
	for (auto &each : queues)
		each = new (shared_memory(sizeof(queue<size>))) queue<size>;
}

const char *spsc_open()
{
	switch (cell.size) {
	case 24:
		make_queues<24>();
		break;
	case 64:
		make_queues<64>();
		break;
	default:
		make_queues<1024>();
	}
	return NULL;
}

} /* namespace */

extern "C" const struct subject subject_boost_spsc = {
	.name = "boost-spsc",
	.alone = true,
	.copied = &copied,
	.fits = fits_busy,
	.open = spsc_open,
	.syscalls = syscalls_none,
};

#else

extern "C" MISSING(boost_spsc, "boost-spsc", "libboost-dev");

#endif
