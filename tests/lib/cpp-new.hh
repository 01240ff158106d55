/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts allocations; to be included by one file of a program. Not inline: GCC
 * would see free() of what operator new returned, and warn.
 */
#ifndef TESTS_UNIT_CPP_NEW_HH
#define TESTS_UNIT_CPP_NEW_HH

#include <atomic>
#include <cstdlib>
#include <new>

static std::atomic<unsigned long> allocations;

[[gnu::noinline]] void *operator new(std::size_t size)
{
	void *memory = std::malloc(size);

	allocations++;
	if (!memory)
		throw std::bad_alloc();
	return memory;
}

[[gnu::noinline]] void *operator new(std::size_t size,
				     const std::nothrow_t &) noexcept
{
	allocations++;
	return std::malloc(size);
}

[[gnu::noinline]] void operator delete(void *memory) noexcept
{
	std::free(memory);
}

[[gnu::noinline]] void operator delete(void *memory, std::size_t) noexcept
{
	std::free(memory);
}

#endif
