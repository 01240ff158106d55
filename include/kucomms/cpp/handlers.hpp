/* SPDX-License-Identifier: MIT */
/*
 * A part of kucomms.hpp: handlers, and how the C library calls them.
 */
#ifndef KUCOMMS_CPP_HANDLERS_HPP
#define KUCOMMS_CPP_HANDLERS_HPP

#include <kucomms/cpp/endpoint-ref.hpp>

#include <exception>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

namespace kucomms {

/**
 * handler - a lambda, or another object that can be called
 *
 * It is stored when the handler is made, and need not be copyable.
 */
template <class Result, class... Arguments>
class handler {
public:
	handler() noexcept = default;

	template <class Function, class = std::enable_if_t<std::conjunction_v<
			std::negation<std::is_same<std::decay_t<Function>,
						   handler>>,
			std::is_invocable<std::decay_t<Function> &,
					  Arguments...>>>>
	handler(Function &&function)
		: target_(new std::decay_t<Function>(
				  std::forward<Function>(function)),
			  [](void *target) {
				delete as<Function>(target);
			  }),
		  call_([](void *target, Arguments... arguments) {
			return invoke(*as<Function>(target), arguments...);
		  })
	{
	}

	/** Tells whether there is one. */
	explicit operator bool() const noexcept
	{
		return call_;
	}

	Result operator()(Arguments... arguments) const
	{
		return call_(target_.get(), arguments...);
	}

private:
	template <class Function>
	static auto as(void *target) noexcept
	{
		return static_cast<std::decay_t<Function> *>(target);
	}

	/* void becomes 0 or false, an error code the result of a C handler. */
	template <class Function>
	static Result invoke(Function &function, Arguments... arguments)
	{
		using Returned = std::invoke_result_t<Function &, Arguments...>;

		if constexpr (std::is_void_v<Returned>) {
			function(arguments...);
			return Result();
		} else if constexpr (std::is_same_v<Result, int>) {
			static_assert(std::is_same_v<Returned, std::error_code>,
				      "this handler returns nothing, or a "
				      "std::error_code");
			return detail::number(function(arguments...));
		} else {
			return static_cast<Result>(function(arguments...));
		}
	}

	std::unique_ptr<void, void (*)(void *)> target_{nullptr, nullptr};
	Result (*call_)(void *, Arguments...) = nullptr;
};

/**
 * handlers - handlers, as in struct kucomms_ops; each may be empty
 * @message:        [](channel_ref, const message &): called when the other side
 *                  has sent a message, which is valid until the return. It
 *                  returns nothing, or a std::error_code: again to get the same
 *                  message later; any other error breaks the channel
 * @work:           [](endpoint_ref) -> bool: called 100 times per second; it
 *                  returns true if there is more to do
 * @timer:          [](endpoint_ref): called once per second
 * @connect:        [](channel_ref): called when the channel begins. It returns
 *                  nothing, or a std::error_code, which refuses the channel
 * @disconnect:     [](channel_ref): called when the channel has ended
 * @room:           [](channel_ref): called when a message to the channel has
 *                  found no room, and there is room again; not while the
 *                  message handler refuses a message
 * @shared_receive: whether the message handler gets messages of other processes
 *                  without a copy, see KUCOMMS_OPS_SHARED_RECEIVE
 *
 * Exceptions: a kucomms::error that leaves the message or the connect handler
 * has the effect of returning its code, so a handler need not catch again when
 * a ring is full, or gone when a client has ended. Any other exception, and any
 * of another handler, stops the endpoint, and run() or dispatch() throws it; if
 * the message or the connect handler threw it, the channel is broken, too.
 * After start(), and in the endpoint's destructor, the exception cannot be
 * caught and calls std::terminate(), as in a std::thread.
 */
struct handlers {
	handler<int, channel_ref, const kucomms::message &> message;
	handler<bool, endpoint_ref> work;
	handler<void, endpoint_ref> timer;
	handler<int, channel_ref> connect;
	handler<void, channel_ref> disconnect;
	handler<void, channel_ref> room;
	bool shared_receive = false;
};

namespace detail {

#ifdef __cpp_exceptions
/*
 * A run() or dispatch() on this thread's stack. It stores the exceptions of the
 * handlers that it calls until the C library has returned.
 */
class running {
public:
	running(::kucomms_endpoint *endpoint, bool stoppable) noexcept
		: endpoint_(endpoint), stoppable_(stoppable), outer_(innermost_)
	{
		innermost_ = this;
	}

	running(const running &) = delete;

	~running()
	{
		innermost_ = outer_;
	}

	/*
	 * Stores the exception that is being handled, or only the first of
	 * several. Without a run() or dispatch() it is thrown again, and the
	 * callers, which are noexcept, end the program.
	 */
	static void keep(::kucomms_endpoint *endpoint)
	{
		running *here = innermost_;

		if (!here || here->endpoint_ != endpoint)
			throw;
		if (!here->exception_)
			here->exception_ = std::current_exception();
		if (here->stoppable_)
			kucomms_endpoint_stop(endpoint);
	}

	void rethrow() const
	{
		if (exception_)
			std::rethrow_exception(exception_);
	}

private:
	static inline thread_local running *innermost_ = nullptr;

	::kucomms_endpoint *endpoint_;
	bool stoppable_;
	running *outer_;
	std::exception_ptr exception_;
};
#else
struct running {
	running(::kucomms_endpoint *, bool) noexcept
	{
	}

	void rethrow() const noexcept
	{
	}
};
#endif

/* The handlers for the C library, which call the handlers of the program. */
struct served {
	handlers call;
	::kucomms_endpoint *endpoint = nullptr;

	explicit served(handlers &&given) noexcept : call(std::move(given))
	{
	}

	/* @priv is always an object of this class. */
	static served &of(void *priv) noexcept
	{
		return *static_cast<served *>(priv);
	}

	/* Calls a handler that may fail: errors of kucomms are returned. */
	template <class Call>
	int attempt(Call call_it) const noexcept
	{
#ifdef __cpp_exceptions
		try {
			return call_it();
		} catch (const error &failed) {
			return -failed.code().value();
		} catch (...) {
			running::keep(endpoint);
			return -EPROTO;
		}
#else
		return call_it();
#endif
	}

	/* Calls a handler that cannot fail, or the lambda of a call. */
	template <class Call>
	static auto attempt_only(::kucomms_endpoint *endpoint,
				 Call call_it) noexcept
	{
#ifdef __cpp_exceptions
		try {
			return call_it();
		} catch (...) {
			running::keep(endpoint);
			return decltype(call_it())();
		}
#else
		(void)endpoint;
		return call_it();
#endif
	}

	static int message(::kucomms_channel *channel,
			   const ::kucomms_message *header, const void *data,
			   void *priv) noexcept
	{
		const served &self = of(priv);

		return self.attempt([&] {
			return self.call.message(channel_ref(channel),
						 {*header, data});
		});
	}

	static bool work(::kucomms_endpoint *endpoint, void *priv) noexcept
	{
		const served &self = of(priv);

		return attempt_only(self.endpoint, [&] {
			return self.call.work(endpoint_ref(endpoint));
		});
	}

	static void timer(::kucomms_endpoint *endpoint, void *priv) noexcept
	{
		const served &self = of(priv);

		attempt_only(self.endpoint, [&] {
			self.call.timer(endpoint_ref(endpoint));
		});
	}

	static int connect(::kucomms_channel *channel, void *priv) noexcept
	{
		const served &self = of(priv);

		return self.attempt([&] {
			return self.call.connect(channel_ref(channel));
		});
	}

	static void disconnect(::kucomms_channel *channel, void *priv) noexcept
	{
		const served &self = of(priv);

		attempt_only(self.endpoint, [&] {
			self.call.disconnect(channel_ref(channel));
		});
	}

	static void room(::kucomms_channel *channel, void *priv) noexcept
	{
		const served &self = of(priv);

		attempt_only(self.endpoint, [&] {
			self.call.room(channel_ref(channel));
		});
	}

	/* Makes the C handlers for those that are not empty. */
	::kucomms_ops ops() const noexcept
	{
		::kucomms_ops ops = {};

		ops.message = call.message ? message : nullptr;
		ops.work = call.work ? work : nullptr;
		ops.timer = call.timer ? timer : nullptr;
		ops.connect = call.connect ? connect : nullptr;
		ops.disconnect = call.disconnect ? disconnect : nullptr;
		ops.room = call.room ? room : nullptr;
		ops.flags =
			call.shared_receive ? KUCOMMS_OPS_SHARED_RECEIVE : 0;
		return ops;
	}
};

} /* namespace detail */

} /* namespace kucomms */

#endif /* KUCOMMS_CPP_HANDLERS_HPP */
