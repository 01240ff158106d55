/* SPDX-License-Identifier: MIT */
/*
 * A part of kucomms.hpp: how long to wait.
 */
#ifndef KUCOMMS_CPP_TIME_HPP
#define KUCOMMS_CPP_TIME_HPP

#include <chrono>
#include <climits>
#include <cstdint>
#include <optional>

namespace kucomms {

/**
 * How long to wait: forever, no_wait, or any duration of std::chrono. Rounded
 * up to milliseconds; what is negative does not wait, what is longer than 24
 * days waits for ever.
 */
class timeout {
public:
	template <class Rep, class Period>
	constexpr timeout(std::chrono::duration<Rep, Period> duration) noexcept
		: milliseconds_(round_up(
			std::chrono::duration<double, std::milli>(duration)
				.count()))
	{
	}

	/** As the C functions take it. */
	constexpr int milliseconds() const noexcept
	{
		return milliseconds_;
	}

private:
	static constexpr int round_up(double duration) noexcept
	{
		if (duration >= INT_MAX)
			return -1;
		if (!(duration > 0))
			return 0;
		return static_cast<int>(duration) +
		       (duration > static_cast<int>(duration));
	}

	int milliseconds_;
};

inline constexpr timeout no_wait = std::chrono::milliseconds(0);
inline constexpr timeout forever = std::chrono::milliseconds::max();

namespace detail {

/* Microseconds of an option; what does not fit becomes the nearest. */
inline std::uint32_t clamp(std::chrono::microseconds duration) noexcept
{
	if (duration.count() < 0)
		return 0;
	if (duration > std::chrono::microseconds(UINT32_MAX))
		return UINT32_MAX;
	return static_cast<std::uint32_t>(duration.count());
}

/* How to spin, for structures that have spin_us and flags. */
template <class Options>
void set_spin(Options &options, std::uint32_t no_spin,
	      const std::optional<std::chrono::microseconds> &spin) noexcept
{
	options.spin_us = spin ? clamp(*spin) : 0;
	if (spin && !options.spin_us)
		options.flags |= no_spin;
}

} /* namespace detail */

} /* namespace kucomms */

#endif /* KUCOMMS_CPP_TIME_HPP */
