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
 * a std::system_error; the other takes a std::error_code &, before what may be
 * left out, is noexcept, and returns something empty when it fails. On success
 * the error code is 0. What a comment calls the errors of a C function are its
 * errnos, in kucomms::category(): compare with std::errc or kucomms::errc. A
 * program that is compiled with -fno-exceptions has only the second form: a
 * call of the first form is an error of the compiler. None of its handlers
 * throws.
 *
 * Ownership: channel, shared_channel, listener, endpoint, received and record
 * own what their destructors give back. They are moved, not copied, and moving
 * neither throws nor moves what is in shared memory. channel_ref and
 * endpoint_ref are pointers, to be copied freely, and own nothing. One that was
 * default-constructed, or moved from, has nothing: it may be asked (operator
 * bool), assigned to and destroyed, that is all.
 *
 * Threads: as in the C headers. Constness is the owner's, not the channel's.
 *
 * fork(): as in the C headers. In a child the destructors, also those of static
 * objects at exit, close the child's copies and do not affect the parent; the
 * handlers of an endpoint do not run. Every other function that can
 * fail does so with inherited.
 *
 * Nothing here allocates memory for a message: memory is needed to open, to
 * listen, to create an endpoint, and to throw.
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
	again = EAGAIN,		/* nothing to receive, or no room, now */
	timed_out = ETIMEDOUT,
	too_long = EMSGSIZE,	/* a message that can never fit */
	no_buffer = ENOBUFS,	/* the answer is longer than the buffer; or,
				   over netlink, broadcasts were missed */
	gone = ESHUTDOWN,	/* the other side has closed, or ended */
	broken = EPROTO,	/* a message was refused, or a rule broken */
	not_served = ENOTCONN,	/* the device has no kernel module behind it */
	full = EUSERS,		/* the other side has enough channels */
	in_handler = EDEADLK,	/* what waits is not for handlers */
	interrupted = EINTR,	/* a signal handler ran in the waiting thread */
	inherited = ESTALE,	/* it belongs to the parent process */
};

namespace detail {

class error_category final : public std::error_category {
public:
	const char *name() const noexcept override
	{
		return "kucomms";
	}

	/* Where strerror() speaks of sockets, or says too little. */
	std::string message(int value) const override
	{
		switch (value) {
		case ESHUTDOWN:
			return "the other side has gone";
		case EPROTO:
			return "the channel is broken: a side refused a "
			       "message or broke the rules";
		case ENOTCONN:
			return "no kernel module serves the device";
		case EUSERS:
			return "the other side has all the channels it may "
			       "have";
		case EDEADLK:
			return "a handler must not wait";
		case ETIMEDOUT:
			return "the time is up";
		case ESTALE:
			return "it belongs to the parent process: open after "
			       "fork()";
		default:
			return std::generic_category().message(value);
		}
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
 * view - bytes that somebody else owns: std::span<T> for C++17
 *
 * Made of anything with data() and size() whose elements are char, unsigned
 * char or std::byte: strings and string_views, vectors, arrays, spans. A
 * literal has neither: write "text"sv. In C++20 it turns into a std::span<T> by
 * itself.
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

	/** At most @count of the first bytes. */
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
	 * Return: false if there are too few, and then @object is as before.
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

/** The bytes of an object: what view::copy_to() copies back. */
template <class Object>
const_bytes bytes_of(const Object &object) noexcept
{
	static_assert(std::is_trivially_copyable_v<Object>);
	return {reinterpret_cast<const std::byte *>(&object), sizeof(object)};
}

template <class Object>
const_bytes bytes_of(const Object &&object) = delete;

/**
 * message - what is sent, or what has been received
 * @data: someone else's: the sender's, or in the ring
 * @type: the user's own, like @id and @user
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

	/** As the C functions give it. */
	message(const ::kucomms_message &header, const void *content) noexcept
		: data(static_cast<const std::byte *>(content), header.length),
		  type(header.type), id(header.id), user(header.user)
	{
	}
};

namespace detail {

/* 0, or -EMSGSIZE: more bytes than a header can tell. */
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

/* How records and received messages are given back. */
struct discard {
	::kucomms_channel *channel = nullptr;

	void operator()(::kucomms_message *header) const noexcept
	{
		kucomms_discard(channel, header);
	}
};

/* All that have been received go together: with the last that is held. */
struct release {
	std::size_t *held = nullptr;

	void operator()(::kucomms_channel *channel) const noexcept
	{
		if (!--*held)
			kucomms_release(channel);
	}
};

} /* namespace detail */

/** When what is sent must be seen: at once, or with the next that must. */
enum class publish : unsigned int {
	now = 0,
	later = KUCOMMS_SEND_MORE,
};

/* ---- channels */

/**
 * record - room in the ring, for a message that is written in place
 * @data: the room, for as many bytes as were asked for
 * @type: sent with it, like @id and @user
 *
 * Committed, or discarded by the destructor. Must not outlive its channel, and
 * is used by the thread that sends.
 */
class record {
public:
	bytes data;
	std::uint64_t type = 0;
	std::uint64_t id = 0;
	std::uint64_t user = 0;

	record() noexcept = default;

	/** Is there a record that has not been committed? */
	explicit operator bool() const noexcept
	{
		return static_cast<bool>(record_);
	}

	/**
	 * Sends it; afterwards it is empty, whatever happened.
	 *
	 * Errors: gone, broken: nobody may take it any more.
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
 * channel_ref - what can be done with any channel, whoever owns it
 *
 * A pointer. Handlers get one, good until the disconnect handler has returned:
 * to keep it longer make a shared_channel of it.
 */
class channel_ref {
public:
	constexpr channel_ref() noexcept = default;

	explicit constexpr channel_ref(::kucomms_channel *handle) noexcept
		: handle_(handle)
	{
	}

	/** For the C functions; it stays whose it is. */
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
	 * Sends a message; its data is copied. @wait: for room.
	 *
	 * Errors: those of kucomms_send(): again, timed_out, too_long, gone,
	 * broken, interrupted; in_handler (it would have had to wait there).
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
	 * Sends a message from a handler, without a lock: published when the
	 * handlers' round is over. Not while another thread uses send() on the
	 * channel, or broadcast().
	 *
	 * Errors: those of kucomms_reply(). again: return it, or let it
	 * leave the handler, and the same message is delivered again when there
	 * is room.
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
	 * Makes room for a message of @length bytes, to be written in place.
	 * Several records may be had at a time; what is reserved later waits
	 * behind what is neither committed nor discarded. @wait: for room;
	 * no_wait in handlers.
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
	 * Publishes what publish::later has held back.
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
	 * Sends a message on a channel that an endpoint has, and waits for the
	 * answer with the same id (which is given here). From any thread but
	 * the endpoint's. @buffer: for the answer's data; @wait: for room, and
	 * for the answer.
	 *
	 * Errors: those of kucomms_call_wait(): again, timed_out, too_long,
	 * no_buffer (the answer does not fit: its beginning is in @buffer, and
	 * returned), in_handler, interrupted, gone, broken, EINVAL (no endpoint
	 * has the channel).
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

	/** Hangs up, as kucomms_channel_shutdown(). From any thread. */
	void shutdown() const noexcept
	{
		kucomms_channel_shutdown(handle_);
	}

	/** Which of its device's or listener's channels this is. */
	unsigned int number() const noexcept
	{
		return kucomms_channel_number(handle_);
	}

	/** Bytes of the longest message that can be sent. */
	std::uint32_t length_max() const noexcept
	{
		return kucomms_channel_length_max(handle_);
	}

	/** What the channel has cost so far. */
	::kucomms_channel_stats stats() const noexcept
	{
		::kucomms_channel_stats stats = {};

		stats.size = sizeof(stats);
		kucomms_channel_get_stats(handle_, &stats);
		return stats;
	}

	/**
	 * Who is on the other side: pid, uid and gid.
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

	/** Remembers something with the channel, which does not own it. */
	void set_priv(void *priv) const noexcept
	{
		kucomms_channel_set_priv(handle_, priv);
	}

	/** What was remembered last; nullptr at first. */
	void *priv() const noexcept
	{
		return kucomms_channel_priv(handle_);
	}

	/** Whose channel this is; empty: no endpoint's. */
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

/* A reference that owns: @free gives back what it refers to. */
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
 * shared_channel - a reference to a channel that an endpoint has
 *
 * Keeps it from being freed. Sending to one that has been disconnected fails:
 * gone.
 */
class shared_channel
	: public detail::owner<channel_ref, &kucomms_channel_put> {
public:
	shared_channel() noexcept = default;

	/** For handlers, and those who have a reference. */
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
 * Its data is good while this object lives. Several may be had at a time; their
 * room is given back when the last of them goes, so one who always holds some
 * fills the ring in the end. That is why one cannot be assigned: the old
 * message would still be there while the new one is received. Must not outlive
 * its channel, and is used by the thread that receives.
 */
class received : public message {
public:
	received() noexcept = default;
	received(received &&) noexcept = default;
	received &operator=(received &&) = delete;

	/** Is there a message? */
	explicit operator bool() const noexcept
	{
		return static_cast<bool>(hold_);
	}

	/** Gives it back now. */
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

/** For options: whichever number is free. */
inline constexpr std::uint32_t any_number = UINT32_MAX;

/**
 * options - how to open a channel
 * @send_size:    bytes of the ring towards the other side: a power of two, at
 *                least one page; 0: what the other side thinks best
 * @receive_size: the same for the other ring
 * @number:       that the channel is to have on its device, or with its
 *                listener
 * @wait:         how long to wait for whatever is missing: the device, a module
 *                that serves it, a process that listens, a free channel
 * @spin:         how long calls look before they sleep, at most a second; 0:
 *                not at all; without: what is best
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
	to.to_kernel_size = from.send_size;
	to.to_user_size = from.receive_size;
	to.timeout_ms = from.wait.milliseconds();
	if (from.number != any_number) {
		to.flags |= KUCOMMS_OPEN_NUMBER;
		to.channel = from.number;
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
	 * Attaches again when the other side is gone. What was received, and
	 * what was reserved, must have been given back.
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
	 * Receives the next message, without copying its data. @wait: for one.
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
	 * Sends a message and receives the next that arrives. @wait: for room,
	 * and once more for the answer.
	 *
	 * Errors: those of kucomms_exchange(): again, timed_out, too_long, gone,
	 * broken, interrupted.
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
	 * Has poll(2) told of the channel from now on. Once, before polling.
	 *
	 * Errors: inherited.
	 *
	 * Return: the descriptor to poll, as fd() has it.
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

	/** The channel's descriptor, as kucomms_channel_fd() has it. */
	int fd() const noexcept
	{
		return kucomms_channel_fd(handle_);
	}

private:
	friend class listener;
	friend class endpoint_ref;

	/* How many received messages there are; it stays when this moves. */
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
 * listen_options - how to listen
 * @mode:          who may connect, as the permissions of a file; 0: 0600
 * @channels_max:  how many channels may be open at a time; 0: 65536
 * @ring_size:     bytes of the ring towards who connects, if that one does not
 *                 say: at most 16 MiB; 0: 128 KiB
 * @ring_size_max: the most they may ask for; 0: 16 MiB
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

/** listener - what others connect to; the destructor stops listening */
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

	/** For the C functions; it stays this object's. */
	::kucomms_listener *native() const noexcept
	{
		return handle_.get();
	}

	explicit operator bool() const noexcept
	{
		return static_cast<bool>(handle_);
	}

	/**
	 * Waits for somebody to connect. For one thread at a time. The channel
	 * stays when the listener goes.
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

	/** A descriptor to poll: readable when to accept; not to close. */
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

/** What connect() does when the other side is not there, or goes. */
enum class reconnect : unsigned int {
	no = 0,
	yes = KUCOMMS_CONNECT_RETRY,
};

/**
 * endpoint_ref - what can be done with an endpoint, also by its handlers
 *
 * A pointer. All functions may be called from any thread.
 */
class endpoint_ref {
public:
	constexpr endpoint_ref() noexcept = default;

	explicit constexpr endpoint_ref(::kucomms_endpoint *handle) noexcept
		: handle_(handle)
	{
	}

	/** For the C functions; it stays whose it is. */
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
	 * Opens a channel for the endpoint. With reconnect::yes the other side
	 * need not be there yet, and may come again.
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
	 * Lets others connect: to "process:NAME" or "local:NAME", until the
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
	 * Gives an open channel to the endpoint. On failure it stays
	 * @channel's.
	 *
	 * Errors: EBUSY (some endpoint has it, or what was received from it has
	 * not been given back).
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
	 * Takes a channel away, and closes it, soon.
	 *
	 * Errors: ENOENT (it is not this endpoint's).
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
	 * Errors: too_long (for every ring there can be).
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
	 * Stops what start() started, or run() runs; waits for a handler that
	 * runs, unless called from one.
	 */
	void stop() const noexcept
	{
		kucomms_endpoint_stop(handle_);
	}

	/** What the endpoint has done so far. */
	::kucomms_endpoint_stats stats() const noexcept
	{
		::kucomms_endpoint_stats stats = {};

		stats.size = sizeof(stats);
		kucomms_endpoint_get_stats(handle_, &stats);
		return stats;
	}

	/** Readable when dispatch() has something to do; the endpoint's own. */
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
 * handler - a lambda, or whatever else can be called
 *
 * Stored once, when it is made; may be one that can only be moved.
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

	/** Is there one? */
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

	/* void is 0 or false; an error code is what a C handler returns. */
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
 * handlers - of an endpoint; what is left out costs nothing
 * @message:        [](channel_ref, const message &): the other side has sent a
 *                  message, which is gone after the return. Returns nothing, or
 *                  a std::error_code: again delivers the same message later,
 *                  another error breaks the channel
 * @work:           [](endpoint_ref) -> bool: called 100 times a second; true:
 *                  at once again, there is more to do
 * @timer:          [](endpoint_ref): called once a second
 * @connect:        [](channel_ref): the channel is there. Returns nothing, or a
 *                  std::error_code, which refuses it
 * @disconnect:     [](channel_ref): it has gone
 * @room:           [](channel_ref): a send to the channel found no room, and there
 *                  is room again; not called while the message handler refuses
 *                  a message
 * @shared_receive: messages of other processes are not copied before the
 *                  handler gets them: see KUCOMMS_OPS_SHARED_RECEIVE
 *
 * Exceptions. A kucomms::error that leaves the message or the connect handler
 * is what returning its code is: so full rings need not be thought of, and who
 * has gone harms nobody else. Any other exception, and any from another
 * handler, stops the endpoint, and run() or dispatch() throw it on; a channel
 * whose message or connect handler it was is broken, the other side sees that
 * (broken). Where nobody can catch it, after start() or in the endpoint's
 * destructor, it ends in std::terminate(), as in a std::thread.
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
 * A run() or dispatch() on this thread's stack: where exceptions of the
 * handlers that it calls wait until the C library has returned.
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
	 * Keeps the exception that is being handled; the first, if one comes
	 * before the library has returned. Without a place for it this throws
	 * it on: callers are noexcept, that is the end.
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

/* What the C library is given: its handlers, which call those of C++. */
struct served {
	handlers call;
	::kucomms_endpoint *endpoint = nullptr;

	explicit served(handlers &&given) noexcept : call(std::move(given))
	{
	}

	/* @priv is always one of these. */
	static served &of(void *priv) noexcept
	{
		return *static_cast<served *>(priv);
	}

	/* For handlers that may fail: errors of kucomms are returned. */
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

	/* For handlers that may not fail, and for the lambdas of calls. */
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

	/* Of the handlers that there are. */
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
 * endpoint_options - how to make an endpoint
 * @work:        period of the work handler; 0: 10 ms
 * @timer:       period of the timer handler; 0: 1 s
 * @spin:        how long to look before sleeping, at most a second; 0: not at
 *               all; without: what is best
 * @reconnect:   how long to wait between two tries to connect; 0: 200 ms
 * @thread_name: for ps and top, copied; nullptr: "kucomms"
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
 * The destructor stops it and closes its channels; their disconnect handlers
 * run there. Not to be destroyed by handlers.
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
	 * Calls the handlers in this thread, until stopped. What they throw
	 * leaves both forms.
	 *
	 * Errors: EBUSY (another thread runs the endpoint), interrupted (call
	 * this again to go on).
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
	 * Calls the handlers that are due, in this thread. @wait: for the
	 * first. What they throw leaves both forms when the others have been
	 * called.
	 *
	 * Errors: again, timed_out (nothing was due), interrupted, EBUSY
	 * (another thread does).
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
 * call - a message that expects an answer, and what to do with it
 *
 *	kucomms::call get([](std::error_code code,
 *			     const kucomms::message &answer) { ... });
 *
 *	get.start(channel, request, 100ms);
 *
 * The lambda is called once for each start, in the endpoint's thread: with the
 * answer, the first message on the channel with the id of the request, which is
 * gone after the return; or with why there is none (timed_out, gone, broken).
 * It may start the call again, or destroy it. What it throws is treated as if
 * the timer handler had thrown it.
 *
 * The destructor expects the answer no more; the endpoint must still be there. A
 * call stays where it is, for the library knows it by its address, and needs no
 * memory but its own.
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
	 * Sends the request, whose id is given here. @wait: for the answer.
	 * From any thread; not while the call is under way.
	 *
	 * Errors: those of kucomms_call_start(): again, too_long, gone, broken,
	 * EINVAL (no endpoint has the channel). Then the lambda is not called.
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
	 * Expects the answer no more: the lambda will not be called, and does
	 * not run when this returns, unless it is who called.
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
