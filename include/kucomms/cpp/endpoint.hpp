/* SPDX-License-Identifier: MIT */
/*
 * A part of kucomms.hpp: endpoints.
 */
#ifndef KUCOMMS_CPP_ENDPOINT_HPP
#define KUCOMMS_CPP_ENDPOINT_HPP

#include <kucomms/cpp/handlers.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace kucomms {

/**
 * endpoint_options - options of endpoint, as in struct kucomms_endpoint_options
 * @work:        period of the work handler; 0: 10 ms
 * @timer:       period of the timer handler; 0: 1 s
 * @spin:        time, at most one second, for which the thread polls before it
 *               sleeps; 0: it sleeps at once; none: the library's choice
 * @reconnect:   time between two attempts to connect; 0: 200 ms
 * @thread_name: name of the thread, for ps and top, copied; nullptr: "kucomms"
 */
struct endpoint_options {
	std::chrono::microseconds work{0};
	std::chrono::microseconds timer{0};
	std::optional<std::chrono::microseconds> spin = std::nullopt;
	std::chrono::milliseconds reconnect{0};
	const char *thread_name = nullptr;
};

namespace detail {

inline ::kucomms_endpoint_options to_c(const endpoint_options &from) noexcept
{
	::kucomms_endpoint_options to = {};

	to.size = sizeof(to);
	to.work_us = clamp(from.work);
	to.timer_us = clamp(from.timer);
	to.reconnect_ms = static_cast<std::uint32_t>(
		timeout(from.reconnect).milliseconds());
	to.name = from.thread_name;
	set_spin(to, KUCOMMS_ENDPOINT_NO_SPIN, from.spin);
	return to;
}

} /* namespace detail */

/**
 * endpoint - handlers, their channels, and the thread that calls them
 *
 * The destructor stops the endpoint and closes its channels, whose disconnect
 * handlers it calls. A handler must not destroy its endpoint.
 */
class endpoint : public endpoint_ref {
public:
	endpoint() noexcept = default;

	/**
	 * Makes an endpoint without channels.
	 *
	 * Errors: those of kucomms_endpoint_create().
	 */
	explicit endpoint(handlers &&handlers,
			  const endpoint_options &options = {})
	{
		detail::check(create(std::move(handlers), options),
			      "create an endpoint");
	}

	endpoint(handlers &&handlers, std::error_code &code,
		 const endpoint_options &options = {}) noexcept
	{
		detail::report(create(std::move(handlers), options), code);
	}

	endpoint(endpoint &&other) noexcept
		: endpoint_ref(std::exchange(other.handle_, nullptr)),
		  served_(std::move(other.served_))
	{
	}

	endpoint &operator=(endpoint &&other) noexcept
	{
		endpoint old(std::move(*this));

		handle_ = std::exchange(other.handle_, nullptr);
		served_ = std::move(other.served_);
		return *this;
	}

	~endpoint()
	{
		kucomms_endpoint_destroy(handle_);
	}

	/**
	 * Calls the handlers in a thread of its own.
	 *
	 * Errors: those of kucomms_endpoint_start(): EBUSY, EAGAIN, ENOMEM.
	 */
	void start() const
	{
		detail::check(kucomms_endpoint_start(handle_),
			      "start an endpoint");
	}

	void start(std::error_code &code) const noexcept
	{
		detail::report(kucomms_endpoint_start(handle_), code);
	}

	/**
	 * Calls the handlers in this thread, until stopped. Both forms throw
	 * the exceptions of handlers.
	 *
	 * Errors: EBUSY (another thread runs the endpoint), interrupted (the
	 * program may call it again).
	 */
	void run() const
	{
		detail::check(do_run(), "run an endpoint");
	}

	void run(std::error_code &code) const
	{
		detail::report(do_run(), code);
	}

	/**
	 * Calls the handlers that are due, in this thread. @wait: time to wait
	 * if none is. Both forms throw the first exception of a handler, after
	 * the other handlers have been called.
	 *
	 * Errors: again, timed_out (nothing was due), interrupted, EBUSY
	 * (another thread runs the endpoint).
	 */
	void dispatch(timeout wait = no_wait) const
	{
		detail::check(do_dispatch(wait), "dispatch");
	}

	void dispatch(std::error_code &code, timeout wait = no_wait) const
	{
		detail::report(do_dispatch(wait), code);
	}

private:
	int create(handlers &&handlers,
		   const endpoint_options &options) noexcept
	{
		::kucomms_endpoint_options c_options = detail::to_c(options);
		::kucomms_ops ops;
		int err;

		served_.reset(new (std::nothrow)
			      detail::served(std::move(handlers)));
		if (!served_)
			return -ENOMEM;
		ops = served_->ops();
		err = kucomms_endpoint_create(&ops, served_.get(), &c_options,
					      &handle_);
		served_->endpoint = handle_;
		return err;
	}

	int do_run() const
	{
		detail::running running(handle_, true);
		int err = kucomms_endpoint_run(handle_);

		running.rethrow();
		return err;
	}

	int do_dispatch(timeout wait) const
	{
		detail::running running(handle_, false);
		int err = kucomms_endpoint_dispatch(handle_,
						    wait.milliseconds());

		running.rethrow();
		return err;
	}

	std::unique_ptr<detail::served> served_;
};

} /* namespace kucomms */

#endif /* KUCOMMS_CPP_ENDPOINT_HPP */
