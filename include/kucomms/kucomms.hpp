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

#include <kucomms/endpoint.h>
#include <kucomms/kucomms.h>

#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#if __cplusplus >= 202002L
#include <ranges>
#endif

namespace kucomms {

/* ---- errors */

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

/* ---- time */

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

/* ---- data */

/**
 * view - bytes that another object owns: std::span<T> for C++17
 *
 * A view can be made of anything with data() and size() whose elements are
 * char, unsigned char or std::byte: strings, string_views, vectors, arrays,
 * spans. A literal has neither function: "text"sv has. In C++20 a view converts
 * to a std::span<T>.
 */
template <class T>
class view {
	template <class Element>
	static constexpr bool is_byte =
		std::is_same_v<std::remove_cv_t<Element>, char> ||
		std::is_same_v<std::remove_cv_t<Element>, unsigned char> ||
		std::is_same_v<std::remove_cv_t<Element>, std::byte>;

	template <class Element>
	static constexpr bool is_source =
		is_byte<Element> &&
		(std::is_const_v<T> || !std::is_const_v<Element>);

	template <class Container>
	using element_of = std::remove_pointer_t<
		decltype(std::declval<Container &>().data())>;

public:
	using element_type = T;
	using value_type = std::remove_cv_t<T>;
	using iterator = T *;

	constexpr view() noexcept = default;

	constexpr view(T *data, std::size_t size) noexcept
		: data_(data), size_(size)
	{
	}

	template <class Container,
		  class = std::enable_if_t<is_source<element_of<Container>>>,
		  class = decltype(std::declval<Container &>().size())>
	view(Container &&container) noexcept
		: data_(reinterpret_cast<T *>(container.data())),
		  size_(container.size())
	{
	}

	constexpr T *data() const noexcept
	{
		return data_;
	}

	constexpr std::size_t size() const noexcept
	{
		return size_;
	}

	constexpr bool empty() const noexcept
	{
		return !size_;
	}

	constexpr T *begin() const noexcept
	{
		return data_;
	}

	constexpr T *end() const noexcept
	{
		return data_ + size_;
	}

	constexpr T &operator[](std::size_t index) const noexcept
	{
		return data_[index];
	}

	/** The first @count bytes, or all if there are fewer. */
	constexpr view first(std::size_t count) const noexcept
	{
		return {data_, count < size_ ? count : size_};
	}

	/** The same bytes as characters. */
	std::string_view text() const noexcept
	{
		return {reinterpret_cast<const char *>(data_), size_};
	}

	/**
	 * Copies the first bytes into @object.
	 *
	 * Return: false if there are too few; then @object is unchanged.
	 */
	template <class Object>
	[[nodiscard]] bool copy_to(Object &object) const noexcept
	{
		static_assert(std::is_trivially_copyable_v<Object>);
		if (size_ < sizeof(object))
			return false;
		std::memcpy(&object, data_, sizeof(object));
		return true;
	}

private:
	T *data_ = nullptr;
	std::size_t size_ = 0;
};

using bytes = view<std::byte>;
using const_bytes = view<const std::byte>;

/** The bytes of an object; view::copy_to() copies them back. */
template <class Object>
const_bytes bytes_of(const Object &object) noexcept
{
	static_assert(std::is_trivially_copyable_v<Object>);
	return {reinterpret_cast<const std::byte *>(&object), sizeof(object)};
}

template <class Object>
const_bytes bytes_of(const Object &&object) = delete;

/**
 * message - a message to be sent, or one that has been received
 * @data: bytes of the sender, or in the ring
 * @type: meaning chosen by the program, as of @id and @user
 */
struct message {
	const_bytes data;
	std::uint64_t type = 0;
	std::uint64_t id = 0;
	std::uint64_t user = 0;

	message() noexcept = default;

	template <class Data, class = std::enable_if_t<
			std::is_convertible_v<const Data &, const_bytes>>>
	message(const Data &content, std::uint64_t message_type = 0,
		std::uint64_t message_id = 0,
		std::uint64_t message_user = 0) noexcept
		: data(content), type(message_type), id(message_id),
		  user(message_user)
	{
	}

	/** Makes a message of the header and data of the C functions. */
	message(const ::kucomms_message &header, const void *content) noexcept
		: data(static_cast<const std::byte *>(content), header.length),
		  type(header.type), id(header.id), user(header.user)
	{
	}
};

namespace detail {

/* 0, or -EMSGSIZE: more bytes than the length of a header can say. */
inline int to_length(std::size_t from, __u32 &to) noexcept
{
	to = static_cast<__u32>(from);
	return to == from ? 0 : -EMSGSIZE;
}

inline int to_header(const message &from, ::kucomms_message &to) noexcept
{
	int err = to_length(from.data.size(), to.length);

	if (kucomms_unlikely(err))
		return err;
	to.control = 0;
	to.type = from.type;
	to.id = from.id;
	to.user = from.user;
	return 0;
}

} /* namespace detail */

namespace detail {

/* The destructors of records and received messages. */
struct discard {
	::kucomms_channel *channel = nullptr;

	void operator()(::kucomms_message *header) const noexcept
	{
		kucomms_discard(channel, header);
	}
};

/* All received messages are released together, with the last of them. */
struct release {
	std::size_t *held = nullptr;

	void operator()(::kucomms_channel *channel) const noexcept
	{
		if (!--*held)
			kucomms_release(channel);
	}
};

} /* namespace detail */

/** When a message is published: at once, or with the next one of that kind. */
enum class publish : unsigned int {
	now = 0,
	later = KUCOMMS_SEND_MORE,
};

/* ---- channels */

/**
 * record - room in the ring, for a message that is written in place
 * @data: room for as many bytes as were asked for
 * @type: member of the header, as are @id and @user
 *
 * The program commits a record, or the destructor discards it. A record must
 * not outlive its channel, and only the thread that sends uses it.
 */
class record {
public:
	bytes data;
	std::uint64_t type = 0;
	std::uint64_t id = 0;
	std::uint64_t user = 0;

	record() noexcept = default;

	/** Tells whether there is a record that has not been committed. */
	explicit operator bool() const noexcept
	{
		return static_cast<bool>(record_);
	}

	/**
	 * Sends the record, which is then empty, also after an error.
	 *
	 * Errors: gone, broken: the other side may not take the message.
	 */
	void commit(publish when = publish::now)
	{
		detail::check(do_commit(when), "commit");
	}

	void commit(std::error_code &code,
		    publish when = publish::now) noexcept
	{
		detail::report(do_commit(when), code);
	}

private:
	friend class channel_ref;

	int do_commit(publish when) noexcept
	{
		::kucomms_message *header = record_.release();

		header->type = type;
		header->id = id;
		header->user = user;
		data = {};
		return kucomms_commit(record_.get_deleter().channel, header,
				      static_cast<unsigned int>(when));
	}

	std::unique_ptr<::kucomms_message, detail::discard> record_;
};

class endpoint_ref;

/**
 * channel_ref - pointer to a channel, with the functions that all channels have
 *
 * The channel_ref that handlers get is valid until the disconnect handler has
 * returned; a shared_channel keeps the channel longer.
 */
class channel_ref {
public:
	constexpr channel_ref() noexcept = default;

	explicit constexpr channel_ref(::kucomms_channel *handle) noexcept
		: handle_(handle)
	{
	}

	/** The pointer for the C functions; its owner stays the same. */
	::kucomms_channel *native() const noexcept
	{
		return handle_;
	}

	explicit operator bool() const noexcept
	{
		return handle_;
	}

	friend bool operator==(channel_ref a, channel_ref b) noexcept
	{
		return a.handle_ == b.handle_;
	}

	friend bool operator!=(channel_ref a, channel_ref b) noexcept
	{
		return a.handle_ != b.handle_;
	}

	/**
	 * Sends a message; its data is copied. @wait: time to wait for room.
	 *
	 * Errors: those of kucomms_send(): again, timed_out, too_long, gone,
	 * broken, interrupted, in_handler (a handler would have to wait).
	 */
	void send(const message &message, timeout wait = forever,
		  publish when = publish::now) const
	{
		detail::check(do_send(message, wait, when), "send");
	}

	void send(const message &message, std::error_code &code,
		  timeout wait = forever,
		  publish when = publish::now) const noexcept
	{
		detail::report(do_send(message, wait, when), code);
	}

	/**
	 * Sends a message from a handler, without a lock. It is published at
	 * the end of the handlers' round. No other thread may use send() on the
	 * channel, or broadcast(), at the same time.
	 *
	 * Errors: those of kucomms_reply(). If the message handler returns or
	 * throws again, it gets the same message again when there is room.
	 */
	void reply(const message &message, publish when = publish::now) const
	{
		detail::check(do_reply(message, when), "send");
	}

	void reply(const message &message, std::error_code &code,
		   publish when = publish::now) const noexcept
	{
		detail::report(do_reply(message, when), code);
	}

	/**
	 * Makes room for a message of @length bytes that is written in place.
	 * There may be several records at a time; one that is neither committed
	 * nor discarded holds up those that were reserved later. @wait: time to
	 * wait for room; no_wait in handlers.
	 *
	 * Errors: those of kucomms_reserve(): again, timed_out, too_long, gone,
	 * broken, interrupted.
	 */
	record reserve(std::size_t length, timeout wait = forever) const
	{
		record made;

		detail::check(do_reserve(made, length, wait), "reserve");
		return made;
	}

	record reserve(std::size_t length, std::error_code &code,
		       timeout wait = forever) const noexcept
	{
		record made;

		detail::report(do_reserve(made, length, wait), code);
		return made;
	}

	/**
	 * Publishes the messages that publish::later has delayed.
	 *
	 * Errors: gone, broken.
	 */
	void flush() const
	{
		detail::check(kucomms_flush(handle_), "flush");
	}

	void flush(std::error_code &code) const noexcept
	{
		detail::report(kucomms_flush(handle_), code);
	}

	/**
	 * Sends a message on a channel of an endpoint, and waits for the answer
	 * with the same id, which the function chooses. Any thread but the
	 * endpoint's may call it. @buffer: memory for the answer's data; @wait:
	 * time to wait in all, for room and for the answer.
	 *
	 * Errors: those of kucomms_call_wait(): again, timed_out, too_long,
	 * no_buffer (the answer does not fit: its first bytes are in @buffer,
	 * and returned), in_handler, interrupted, gone, broken, EINVAL (the
	 * channel belongs to no endpoint).
	 *
	 * Return: the answer; its data is in @buffer.
	 */
	message call(const message &request, bytes buffer,
		     timeout wait = forever) const
	{
		message answer;

		detail::check(do_call(answer, request, buffer, wait), "call");
		return answer;
	}

	message call(const message &request, bytes buffer,
		     std::error_code &code,
		     timeout wait = forever) const noexcept
	{
		message answer;

		detail::report(do_call(answer, request, buffer, wait), code);
		return answer;
	}

	/** Hangs up, as kucomms_channel_shutdown(); any thread may call it. */
	void shutdown() const noexcept
	{
		kucomms_channel_shutdown(handle_);
	}

	/** The channel's number on its device or listener. */
	unsigned int number() const noexcept
	{
		return kucomms_channel_number(handle_);
	}

	/** Bytes that a message may have. */
	std::uint32_t length_max() const noexcept
	{
		return kucomms_channel_length_max(handle_);
	}

	/** The counters of the channel. */
	::kucomms_channel_stats stats() const noexcept
	{
		::kucomms_channel_stats stats = {};

		stats.size = sizeof(stats);
		kucomms_channel_get_stats(handle_, &stats);
		return stats;
	}

	/**
	 * The process on the other side: pid, uid and gid.
	 *
	 * Errors: EOPNOTSUPP (a kernel module).
	 */
	::kucomms_peer peer() const
	{
		::kucomms_peer peer = {};

		detail::check(kucomms_channel_get_peer(handle_, &peer),
			      "tell the peer");
		return peer;
	}

	::kucomms_peer peer(std::error_code &code) const noexcept
	{
		::kucomms_peer peer = {};

		detail::report(kucomms_channel_get_peer(handle_, &peer), code);
		return peer;
	}

	/** Stores a pointer with the channel, which does not own its target. */
	void set_priv(void *priv) const noexcept
	{
		kucomms_channel_set_priv(handle_, priv);
	}

	/** The pointer that was stored last; nullptr at first. */
	void *priv() const noexcept
	{
		return kucomms_channel_priv(handle_);
	}

	/** The channel's endpoint; empty if it has none. */
	endpoint_ref endpoint() const noexcept;

protected:
	::kucomms_channel *handle_ = nullptr;

private:
	int do_send(const message &message, timeout wait,
		    publish when) const noexcept
	{
		::kucomms_message header;
		int err = detail::to_header(message, header);

		if (kucomms_unlikely(err))
			return err;
		return kucomms_send(handle_, &header, message.data.data(),
				    static_cast<unsigned int>(when),
				    wait.milliseconds());
	}

	int do_reply(const message &message, publish when) const noexcept
	{
		::kucomms_message header;
		int err = detail::to_header(message, header);

		if (kucomms_unlikely(err))
			return err;
		return kucomms_reply(handle_, &header, message.data.data(),
				     static_cast<unsigned int>(when));
	}

	int do_reserve(record &made, std::size_t length,
		       timeout wait) const noexcept
	{
		::kucomms_message *header;
		__u32 c_length;
		int err = detail::to_length(length, c_length);

		if (kucomms_unlikely(err))
			return err;
		err = kucomms_reserve(handle_, c_length, &header,
				      wait.milliseconds());
		if (kucomms_unlikely(err))
			return err;
		made.record_ = {header, detail::discard{handle_}};
		made.data = {reinterpret_cast<std::byte *>(header + 1),
			     length};
		return 0;
	}

	int do_call(message &answer, const message &request, bytes buffer,
		    timeout wait) const noexcept
	{
		::kucomms_message header, reply = {};
		int err = detail::to_header(request, header);

		if (err)
			return err;
		err = kucomms_call_wait(handle_, &header, request.data.data(),
					&reply, buffer.data(), buffer.size(),
					wait.milliseconds());
		if (err && err != -ENOBUFS)
			return err;
		answer = message(reply, buffer.data());
		answer.data = answer.data.first(buffer.size());
		return err;
	}
};

namespace detail {

/* An owner: @free releases what it owns. */
template <class Reference, auto free>
class owner : public Reference {
public:
	constexpr owner() noexcept = default;

	owner(owner &&other) noexcept
		: Reference(std::exchange(other.handle_, nullptr))
	{
	}

	owner &operator=(owner &&other) noexcept
	{
		owner old(std::move(*this));

		this->handle_ = std::exchange(other.handle_, nullptr);
		return *this;
	}

	~owner()
	{
		if (this->handle_)
			free(this->handle_);
	}

protected:
	using Reference::Reference;
};

} /* namespace detail */

/**
 * shared_channel - a reference to a channel of an endpoint
 *
 * It keeps the channel from being freed. Sending to a channel that has been
 * disconnected fails with gone.
 */
class shared_channel
	: public detail::owner<channel_ref, &kucomms_channel_put> {
public:
	shared_channel() noexcept = default;

	/** Takes a reference; the caller is a handler, or has one. */
	explicit shared_channel(channel_ref channel) noexcept
		: owner(kucomms_channel_get(channel.native()))
	{
	}

private:
	friend class endpoint_ref;

	using owner::owner;
};

/**
 * received - a message in the ring
 *
 * Its data are valid while this object lives. There may be several at a time;
 * their room is given back when the last of them is destroyed, so the ring
 * fills up if there is always one. For that reason an object cannot be assigned
 * to: the old message would still exist while the new one is received. A
 * received message must not outlive its channel, and only the thread that
 * receives uses it.
 */
class received : public message {
public:
	received() noexcept = default;
	received(received &&) noexcept = default;
	received &operator=(received &&) = delete;

	/** Tells whether there is a message. */
	explicit operator bool() const noexcept
	{
		return static_cast<bool>(hold_);
	}

	/** Releases the message now. */
	void release() noexcept
	{
		hold_.reset();
		data = {};
	}

private:
	friend class channel;

	void hold(::kucomms_channel *channel, std::size_t *held,
		  const ::kucomms_message &header, const void *content) noexcept
	{
		static_cast<message &>(*this) = message(header, content);
		hold_ = {channel, detail::release{held}};
		++*held;
	}

	std::unique_ptr<::kucomms_channel, detail::release> hold_;
};

/** Value of options::number: any free number. */
inline constexpr std::uint32_t any_number = UINT32_MAX;

/**
 * options - options of the constructor of channel, as in struct kucomms_options
 * @send_size:    bytes of the ring that this side sends in; 0: the other side's
 *                default
 * @receive_size: bytes of the ring that this side receives from, likewise
 * @number:       number that the channel is to have on its device or listener
 * @wait:         time to wait for what is missing: the device, a module that
 *                serves it, a process that listens, a free channel
 * @spin:         time, at most one second, for which calls poll the ring before
 *                they sleep; 0: they sleep at once; none: the library's choice
 */
struct options {
	std::uint32_t send_size = 0;
	std::uint32_t receive_size = 0;
	std::uint32_t number = any_number;
	timeout wait = no_wait;
	std::optional<std::chrono::microseconds> spin = std::nullopt;
};

namespace detail {

inline ::kucomms_options to_c(const options &from) noexcept
{
	::kucomms_options to = {};

	to.size = sizeof(to);
	to.send_size = from.send_size;
	to.receive_size = from.receive_size;
	to.timeout_ms = from.wait.milliseconds();
	if (from.number != any_number) {
		to.flags |= KUCOMMS_OPEN_NUMBER;
		to.number = from.number;
	}
	set_spin(to, KUCOMMS_OPEN_NO_SPIN, from.spin);
	return to;
}

} /* namespace detail */

/**
 * channel - this side's end of a channel; closed by the destructor
 *
 * One thread may send while another receives.
 */
class channel : public detail::owner<channel_ref, &kucomms_channel_close> {
public:
	channel() noexcept = default;

	/**
	 * Opens a channel: NAME, "kernel:NAME" or "netlink:NAME" of a device,
	 * "process:NAME", "local:NAME".
	 *
	 * Errors: those of kucomms_open().
	 */
	explicit channel(const char *name, const options &options = {})
	{
		detail::check(open(name, options), "open", name);
	}

	channel(const char *name, std::error_code &code,
		const options &options = {}) noexcept
	{
		detail::report(open(name, options), code);
	}

	/**
	 * Opens the channel again when the other side has gone. The program has
	 * destroyed received messages and records before.
	 *
	 * Errors: those of kucomms_channel_reattach().
	 */
	void reattach(timeout wait = no_wait)
	{
		detail::check(kucomms_channel_reattach(handle_,
						       wait.milliseconds()),
			      "reattach");
	}

	void reattach(std::error_code &code, timeout wait = no_wait) noexcept
	{
		detail::report(kucomms_channel_reattach(handle_,
							wait.milliseconds()),
			       code);
	}

	/**
	 * Receives the next message without copying its data. @wait: time to
	 * wait for one.
	 *
	 * Errors: again, timed_out, gone, broken, interrupted.
	 */
	received receive(timeout wait = forever)
	{
		received message;

		detail::check(do_receive(message, wait), "receive");
		return message;
	}

	received receive(std::error_code &code,
			 timeout wait = forever) noexcept
	{
		received message;

		detail::report(do_receive(message, wait), code);
		return message;
	}

	/**
	 * Sends a message and receives the next that arrives. @wait: time to
	 * wait for room, and again for the answer.
	 *
	 * Errors: those of kucomms_exchange(): again, timed_out, too_long,
	 * gone, broken, interrupted.
	 */
	received exchange(const message &request, timeout wait = forever)
	{
		received answer;

		detail::check(do_exchange(answer, request, wait), "exchange");
		return answer;
	}

	received exchange(const message &request, std::error_code &code,
			  timeout wait = forever) noexcept
	{
		received answer;

		detail::report(do_exchange(answer, request, wait), code);
		return answer;
	}

	/**
	 * Makes the channel report its events to poll(2); to be called once,
	 * before polling.
	 *
	 * Errors: inherited.
	 *
	 * Return: the descriptor of fd().
	 */
	int poll_start()
	{
		int fd = kucomms_channel_poll_start(handle_);

		detail::check(fd, "poll");
		return fd;
	}

	int poll_start(std::error_code &code) noexcept
	{
		int fd = kucomms_channel_poll_start(handle_);

		detail::report(fd, code);
		return fd;
	}

	/** The channel's descriptor, see kucomms_channel_fd(). */
	int fd() const noexcept
	{
		return kucomms_channel_fd(handle_);
	}

private:
	friend class listener;
	friend class endpoint_ref;

	/* Number of received messages; its address is fixed when this moves. */
	int count_held() noexcept
	{
		held_.reset(new (std::nothrow) std::size_t(0));
		return held_ ? 0 : -ENOMEM;
	}

	int open(const char *name, const options &options) noexcept
	{
		::kucomms_options c_options = detail::to_c(options);
		int err = count_held();

		return err ? err : kucomms_open(name, &c_options, &handle_);
	}

	int do_receive(received &message, timeout wait) noexcept
	{
		::kucomms_message header;
		const void *data;
		int err = kucomms_receive(handle_, &header, &data,
					  wait.milliseconds());

		if (kucomms_unlikely(err))
			return err;
		message.hold(handle_, held_.get(), header, data);
		return 0;
	}

	int do_exchange(received &answer, const message &request,
			timeout wait) noexcept
	{
		::kucomms_message header, reply;
		const void *data;
		int err = detail::to_header(request, header);

		if (kucomms_unlikely(err))
			return err;
		err = kucomms_exchange(handle_, &header, request.data.data(),
				       &reply, &data, wait.milliseconds());
		if (kucomms_unlikely(err))
			return err;
		answer.hold(handle_, held_.get(), reply, data);
		return 0;
	}

	std::unique_ptr<std::size_t> held_;
};

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

/* ---- endpoints */

/** Whether connect() tries again if the other side is missing, or goes. */
enum class reconnect : unsigned int {
	no = 0,
	yes = KUCOMMS_CONNECT_RETRY,
};

/**
 * endpoint_ref - pointer to an endpoint, with the functions for handlers
 *
 * Any thread may call all functions.
 */
class endpoint_ref {
public:
	constexpr endpoint_ref() noexcept = default;

	explicit constexpr endpoint_ref(::kucomms_endpoint *handle) noexcept
		: handle_(handle)
	{
	}

	/** The pointer for the C functions; its owner stays the same. */
	::kucomms_endpoint *native() const noexcept
	{
		return handle_;
	}

	explicit operator bool() const noexcept
	{
		return handle_;
	}

	friend bool operator==(endpoint_ref a, endpoint_ref b) noexcept
	{
		return a.handle_ == b.handle_;
	}

	friend bool operator!=(endpoint_ref a, endpoint_ref b) noexcept
	{
		return a.handle_ != b.handle_;
	}

	/**
	 * Opens a channel for the endpoint. With reconnect::yes the library
	 * tries until the other side is there, and again after it has gone.
	 *
	 * Errors: those of kucomms_endpoint_connect().
	 */
	shared_channel connect(const char *name,
			       reconnect again = reconnect::no,
			       const options &options = {}) const
	{
		shared_channel made;

		detail::check(do_connect(made, name, again, options),
			      "connect to", name);
		return made;
	}

	shared_channel connect(const char *name, std::error_code &code,
			       reconnect again = reconnect::no,
			       const options &options = {}) const noexcept
	{
		shared_channel made;

		detail::report(do_connect(made, name, again, options), code);
		return made;
	}

	/**
	 * Lets others connect to "process:NAME" or "local:NAME", until the
	 * endpoint is destroyed.
	 *
	 * Errors: those of kucomms_endpoint_listen().
	 */
	void listen(const char *name, const listen_options &options = {}) const
	{
		detail::check(do_listen(name, options), "listen on", name);
	}

	void listen(const char *name, std::error_code &code,
		    const listen_options &options = {}) const noexcept
	{
		detail::report(do_listen(name, options), code);
	}

	/**
	 * Gives an open channel to the endpoint. After an error @channel still
	 * owns it.
	 *
	 * Errors: EBUSY (the channel belongs to an endpoint, or there are
	 * received messages of it).
	 */
	void add(channel &&channel) const
	{
		detail::check(do_add(channel), "add a channel");
	}

	void add(channel &&channel, std::error_code &code) const noexcept
	{
		detail::report(do_add(channel), code);
	}

	/**
	 * Takes a channel away and closes it; the disconnect handler follows.
	 *
	 * Errors: ENOENT (the channel does not belong to this endpoint).
	 */
	void remove(channel_ref channel) const
	{
		detail::check(do_remove(channel), "remove a channel");
	}

	void remove(channel_ref channel, std::error_code &code) const noexcept
	{
		detail::report(do_remove(channel), code);
	}

	/**
	 * Sends a message on every connected channel.
	 *
	 * Errors: too_long (no ring can hold the message).
	 *
	 * Return: the number of channels on which the message was sent; 0 (all
	 * rings are full, or there is no channel) is no error.
	 */
	unsigned int broadcast(const message &message,
			       publish when = publish::now) const
	{
		int reached = do_broadcast(message, when);

		detail::check(reached, "broadcast");
		return static_cast<unsigned int>(reached);
	}

	unsigned int broadcast(const message &message, std::error_code &code,
			       publish when = publish::now) const noexcept
	{
		int reached = do_broadcast(message, when);

		detail::report(reached, code);
		return reached < 0 ? 0 : static_cast<unsigned int>(reached);
	}

	/**
	 * Ends the thread of start(), or run(), and waits until no handler
	 * runs, unless a handler calls it.
	 */
	void stop() const noexcept
	{
		kucomms_endpoint_stop(handle_);
	}

	/** The counters of the endpoint. */
	::kucomms_endpoint_stats stats() const noexcept
	{
		::kucomms_endpoint_stats stats = {};

		stats.size = sizeof(stats);
		kucomms_endpoint_get_stats(handle_, &stats);
		return stats;
	}

	/** The endpoint's descriptor, readable when dispatch() has work. */
	int fd() const noexcept
	{
		return kucomms_endpoint_fd(handle_);
	}

protected:
	::kucomms_endpoint *handle_ = nullptr;

private:
	int do_connect(shared_channel &made, const char *name, reconnect again,
		       const options &options) const noexcept
	{
		::kucomms_options c_options = detail::to_c(options);

		return kucomms_endpoint_connect(handle_, name, &c_options,
						static_cast<unsigned>(again),
						&made.handle_);
	}

	int do_listen(const char *name,
		      const listen_options &options) const noexcept
	{
		::kucomms_listen_options c_options = detail::to_c(options);

		return kucomms_endpoint_listen(handle_, name, &c_options);
	}

	int do_add(channel &channel) const noexcept
	{
		int err;

		if (*channel.held_)
			return -EBUSY;
		err = kucomms_endpoint_add(handle_, channel.handle_);
		if (!err)
			channel.handle_ = nullptr;
		return err;
	}

	int do_remove(channel_ref channel) const noexcept
	{
		return kucomms_endpoint_remove(handle_, channel.native());
	}

	int do_broadcast(const message &message, publish when) const noexcept
	{
		::kucomms_message header;
		int err = detail::to_header(message, header);

		if (err)
			return err;
		err = kucomms_broadcast(handle_, &header, message.data.data(),
					static_cast<unsigned int>(when));
		return err == -ESRCH ? 0 : err;
	}
};

inline endpoint_ref channel_ref::endpoint() const noexcept
{
	return endpoint_ref(kucomms_channel_endpoint(handle_));
}

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

template <>
struct std::is_error_code_enum<kucomms::errc> : std::true_type {
};

#ifdef __cpp_lib_ranges
template <class T>
inline constexpr bool std::ranges::enable_borrowed_range<kucomms::view<T>> =
	true;
template <class T>
inline constexpr bool std::ranges::enable_view<kucomms::view<T>> = true;
#endif

#endif

#endif /* KUCOMMS_KUCOMMS_HPP */
