/* SPDX-License-Identifier: MIT */
/*
 * A part of kucomms.hpp: what others connect to.
 */
#ifndef KUCOMMS_CPP_LISTENER_HPP
#define KUCOMMS_CPP_LISTENER_HPP

#include <kucomms/cpp/channel.hpp>

#include <cstdint>
#include <memory>
#include <system_error>

namespace kucomms {

/**
 * listen_options - options of listener, as in struct kucomms_listen_options
 * @mode:          permissions of the socket; 0: 0600
 * @channels_max:  the most channels that may be open at a time; 0: 65536
 * @ring_size:     bytes of a ring for which the client chose no size: at most
 *                 16 MiB; 0: 128 KiB
 * @ring_size_max: the most bytes that a client may choose for a ring; 0: 16 MiB
 */
struct listen_options {
	std::uint32_t mode = 0;
	std::uint32_t channels_max = 0;
	std::uint32_t ring_size = 0;
	std::uint32_t ring_size_max = 0;
};

namespace detail {

inline ::kucomms_listen_options to_c(const listen_options &from) noexcept
{
	::kucomms_listen_options to = {};

	to.size = sizeof(to);
	to.mode = from.mode;
	to.channels_max = from.channels_max;
	to.ring_size = from.ring_size;
	to.ring_size_max = from.ring_size_max;
	return to;
}

} /* namespace detail */

/** listener - a name under which others connect, until the destructor runs */
class listener {
public:
	listener() noexcept = default;

	/**
	 * Listens as "process:NAME" or "local:NAME".
	 *
	 * Errors: those of kucomms_listen().
	 */
	explicit listener(const char *name, const listen_options &options = {})
	{
		detail::check(listen(name, options), "listen on", name);
	}

	listener(const char *name, std::error_code &code,
		 const listen_options &options = {}) noexcept
	{
		detail::report(listen(name, options), code);
	}

	/** The pointer for the C functions; this object still owns it. */
	::kucomms_listener *native() const noexcept
	{
		return handle_.get();
	}

	explicit operator bool() const noexcept
	{
		return static_cast<bool>(handle_);
	}

	/**
	 * Waits for a client to connect. One thread at a time may call it. The
	 * channel outlives the listener.
	 *
	 * Errors: those of kucomms_accept(): again, timed_out, interrupted,
	 * ENOMEM, EMFILE, ENFILE.
	 */
	channel accept(timeout wait = forever) const
	{
		channel accepted;

		detail::check(do_accept(accepted, wait), "accept");
		return accepted;
	}

	channel accept(std::error_code &code,
		       timeout wait = forever) const noexcept
	{
		channel accepted;

		detail::report(do_accept(accepted, wait), code);
		return accepted;
	}

	/** The listener's descriptor, readable when a client waits. */
	int fd() const noexcept
	{
		return kucomms_listener_fd(handle_.get());
	}

private:
	struct close {
		void operator()(::kucomms_listener *handle) const noexcept
		{
			kucomms_listener_close(handle);
		}
	};

	int listen(const char *name, const listen_options &options) noexcept
	{
		::kucomms_listen_options c_options = detail::to_c(options);
		::kucomms_listener *handle = nullptr;
		int err = kucomms_listen(name, &c_options, &handle);

		if (!err)
			handle_.reset(handle);
		return err;
	}

	int do_accept(channel &accepted, timeout wait) const noexcept
	{
		int err = accepted.count_held();

		return err ? err : kucomms_accept(handle_.get(),
						  &accepted.handle_,
						  wait.milliseconds());
	}

	std::unique_ptr<::kucomms_listener, close> handle_;
};

} /* namespace kucomms */

#endif /* KUCOMMS_CPP_LISTENER_HPP */
