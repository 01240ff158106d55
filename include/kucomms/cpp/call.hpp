/* SPDX-License-Identifier: MIT */
/*
 * A part of kucomms.hpp: messages that expect an answer.
 */
#ifndef KUCOMMS_CPP_CALL_HPP
#define KUCOMMS_CPP_CALL_HPP

#include <kucomms/cpp/handlers.hpp>

#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

namespace kucomms {

/**
 * call - a message that expects an answer, with a lambda for it
 *
 *	kucomms::call get([](std::error_code code,
 *			     const kucomms::message &answer) { ... });
 *
 *	get.start(channel, request, 100ms);
 *
 * The lambda is called once for each start, in the endpoint's thread: with the
 * answer, the first message on the channel with the id of the request, which is
 * valid until the return; or with the reason why there is none (timed_out,
 * gone, broken). It may start the call again, or destroy it. Its exceptions are
 * those of a timer handler.
 *
 * The destructor cancels the call; the endpoint must still exist. A call cannot
 * be moved, since the library knows it by its address. It allocates no memory.
 */
template <class Function>
class call {
	static_assert(std::is_invocable_v<Function &, std::error_code,
					  const message &>,
		      "a call's function takes (std::error_code, const "
		      "kucomms::message &)");

public:
	explicit call(Function done) : done_(std::move(done))
	{
		call_.done = on_done;
		call_.priv = this;
	}

	call(const call &) = delete;

	~call()
	{
		cancel();
	}

	/**
	 * Sends the request, whose id the function chooses. @wait: time to wait
	 * for the answer. Any thread may call it, but not while the call is in
	 * flight.
	 *
	 * Errors: those of kucomms_call_start(): again, too_long, gone,
	 * broken, EINVAL (the channel belongs to no endpoint). After an error
	 * the lambda is not called.
	 */
	void start(channel_ref channel, const message &request,
		   timeout wait = forever)
	{
		detail::check(do_start(channel, request, wait),
			      "start a call");
	}

	void start(channel_ref channel, const message &request,
		   std::error_code &code, timeout wait = forever) noexcept
	{
		detail::report(do_start(channel, request, wait), code);
	}

	/**
	 * Cancels the call: the lambda is not called any more, and does not run
	 * when the function returns, unless the lambda itself calls it.
	 *
	 * Return: false if there was nothing to cancel.
	 */
	bool cancel() noexcept
	{
		return !kucomms_call_cancel(&call_);
	}

private:
	/* The lambda may run, and destroy this, before start has returned. */
	int do_start(channel_ref channel, const message &request,
		     timeout wait) noexcept
	{
		::kucomms_message header;
		int err = detail::to_header(request, header);

		if (err)
			return err;
		endpoint_ = channel.endpoint().native();
		return kucomms_call_start(channel.native(), &call_, &header,
					  request.data.data(),
					  wait.milliseconds());
	}

	static void on_done(struct ::kucomms_call *c_call, int err,
			    const ::kucomms_message *header,
			    const void *data) noexcept
	{
		call &self = *static_cast<call *>(c_call->priv);
		std::error_code code;

		detail::report(err, code);
		/*
		 * The lambda may destroy @self, so nothing uses it afterwards.
		 */
		detail::served::attempt_only(self.endpoint_, [&] {
			self.done_(code, header ? message(*header, data) :
						  message());
		});
	}

	Function done_;
	struct ::kucomms_call call_ = {};
	::kucomms_endpoint *endpoint_ = nullptr;
};

} /* namespace kucomms */

#endif /* KUCOMMS_CPP_CALL_HPP */
