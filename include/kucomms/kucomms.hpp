/* SPDX-License-Identifier: MIT */
/*
 * kucomms for C++17 and later: kucomms.h and endpoint.h, whose comments are the
 * reference, with owners, exceptions and lambdas. Link with libkucomms; nothing
 * else is needed.
 *
 *	using namespace std::literals;
 *
 *	kucomms::channel channel("process:echo");
 *	channel.send("hello"sv);
 *	std::cout << channel.receive(1s).data.text() << '\n';
 *
 * and on the other side
 *
 *	kucomms::handlers handlers;
 *	handlers.message = [](kucomms::channel_ref channel,
 *			      const kucomms::message &message) {
 *		channel.reply(message);
 *	};
 *
 *	kucomms::endpoint endpoint(std::move(handlers));
 *	endpoint.listen("process:echo");
 *	endpoint.run();
 *
 * Errors: each function that can fail exists twice. One throws kucomms::error,
 * a std::system_error; the other takes a std::error_code & before the optional
 * arguments, is noexcept, and returns something empty when it fails. On success
 * the error code is 0. The errors of a C function, which comments refer to, are
 * its errnos in kucomms::category(), and can be compared with std::errc and
 * kucomms::errc. A program that is compiled with -fno-exceptions has only the
 * second form: a call of the first form is an error of the compiler. None of
 * its handlers throws.
 *
 * Ownership: channel, shared_channel, listener, endpoint, received and record
 * own what their destructors release. They can be moved, not copied; moving
 * does not throw, and moves nothing in shared memory. channel_ref and
 * endpoint_ref are pointers, which own nothing and can be copied. An object
 * that was default-constructed or moved from is empty: only operator bool,
 * assignment and destruction are allowed.
 *
 * Threads: as in the C headers. const refers to the owner, not to the channel.
 *
 * fork(): as in the C headers. In a child the destructors, also those of static
 * objects at exit, close the child's copies and do not affect the parent; the
 * handlers of an endpoint do not run. Every other function that can fail does
 * so with inherited.
 *
 * No function allocates memory for a message; opening, listening, creating an
 * endpoint and throwing do allocate.
 */
#ifndef KUCOMMS_KUCOMMS_HPP
#define KUCOMMS_KUCOMMS_HPP

/* An older mode of the compiler gets this one error, and none of the rest. */
#if __cplusplus < 201703L
#error "kucomms.hpp needs C++17: compile with -std=c++17 or newer"
#else

#include <kucomms/cpp/call.hpp>
#include <kucomms/cpp/channel.hpp>
#include <kucomms/cpp/data.hpp>
#include <kucomms/cpp/endpoint.hpp>
#include <kucomms/cpp/endpoint-ref.hpp>
#include <kucomms/cpp/error.hpp>
#include <kucomms/cpp/handlers.hpp>
#include <kucomms/cpp/listener.hpp>
#include <kucomms/cpp/time.hpp>

#endif

#endif /* KUCOMMS_KUCOMMS_HPP */
