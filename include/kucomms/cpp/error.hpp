/* SPDX-License-Identifier: MIT */
/*
 * A part of kucomms.hpp: the errors that functions throw, or report in a std::error_code.
 */
#ifndef KUCOMMS_CPP_ERROR_HPP
#define KUCOMMS_CPP_ERROR_HPP

#include <kucomms/kucomms.h>

#include <string>
#include <system_error>

namespace kucomms {

/** The errors that programs tell apart most; std::errc has no name for some. */
enum class errc {
	again = EAGAIN,		/* nothing to receive, or no room */
	timed_out = ETIMEDOUT,
	too_long = EMSGSIZE,	/* a message that can never fit */
	no_buffer = ENOBUFS,	/* the answer is longer than the buffer; or,
				   over netlink, broadcasts were missed */
	gone = ESHUTDOWN,	/* the other side has closed, or ended */
	broken = EPROTO,	/* a refused message, or a protocol error */
	not_served = ENOTCONN,	/* no kernel module serves the device */
	full = EUSERS,		/* the other side has all its channels */
	in_handler = EDEADLK,	/* a handler must not wait */
	interrupted = EINTR,	/* a signal handler ran in the waiting thread */
	inherited = ESTALE,	/* the object belongs to the parent process */
};

namespace detail {

class error_category final : public std::error_category {
public:
	const char *name() const noexcept override
	{
		return "kucomms";
	}

	std::string message(int value) const override
	{
		return kucomms_strerror(value);
	}

	std::error_condition
	default_error_condition(int value) const noexcept override
	{
		return {value, std::generic_category()};
	}
};

} /* namespace detail */

/**
 * What kucomms errors belong to: their values are errnos, and so they are equal
 * to conditions of std::errc.
 */
inline const std::error_category &category() noexcept
{
	static const detail::error_category instance;

	return instance;
}

inline std::error_code make_error_code(errc error) noexcept
{
	return {static_cast<int>(error), category()};
}

/** What the functions here throw. */
class error : public std::system_error {
public:
	/** @number: an errno; @what: what failed */
	error(int number, const std::string &what)
		: std::system_error(number, category(), what)
	{
	}
};

namespace detail {

#ifdef __cpp_exceptions
[[noreturn]] inline void fail(int err, const char *what,
			      const char *name = nullptr)
{
	std::string text = "kucomms: cannot ";

	text += what;
	if (name) {
		text += ' ';
		text += name;
		if (const char *mistake = kucomms_name_error(name)) {
			text += ", for ";
			text += mistake;
		}
	}
	throw error(-err, text);
}
#else
/*
 * The compiler reports a call only where the calling inline function is used.
 */
[[noreturn]]
#if __has_attribute(error)
__attribute__((error("without exceptions call the form that takes a std::error_code")))
#endif
void fail(int err, const char *what, const char *name = nullptr);
#endif

/* What the C functions return becomes an exception, */
inline void check(int err, const char *what, const char *name = nullptr)
{
	if (kucomms_unlikely(err < 0))
		fail(err, what, name);
}

/* or an error code: one that is clear already costs nothing. */
inline void report(int err, std::error_code &code) noexcept
{
	if (kucomms_unlikely(err < 0))
		code.assign(-err, category());
	else if (kucomms_unlikely(static_cast<bool>(code)))
		code.clear();
}

/* The reverse, for what handlers return. */
inline int number(const std::error_code &code) noexcept
{
	if (!code)
		return 0;
	if (code.category() == category() ||
	    code.category() == std::system_category())
		return -code.value();

	std::error_condition condition = code.default_error_condition();

	return condition.category() == std::generic_category() ?
	       -condition.value() : -EPROTO;
}

} /* namespace detail */

} /* namespace kucomms */

template <>
struct std::is_error_code_enum<kucomms::errc> : std::true_type {
};

#endif /* KUCOMMS_CPP_ERROR_HPP */
