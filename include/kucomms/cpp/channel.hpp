/* SPDX-License-Identifier: MIT */
/*
 * A part of kucomms.hpp: channels, what is sent on them and what has been received.
 */
#ifndef KUCOMMS_CPP_CHANNEL_HPP
#define KUCOMMS_CPP_CHANNEL_HPP

#include <kucomms/cpp/data.hpp>
#include <kucomms/cpp/error.hpp>
#include <kucomms/cpp/time.hpp>
#include <kucomms/endpoint.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

namespace kucomms {

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

	/* The name that reply() had in 0.1; goes with the next version. */
	[[deprecated("use reply()")]]
	void send_unlocked(const message &message,
			   publish when = publish::now) const
	{
		reply(message, when);
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

} /* namespace kucomms */

#endif /* KUCOMMS_CPP_CHANNEL_HPP */
