/* SPDX-License-Identifier: MIT */
/*
 * A part of kucomms.hpp: what can be done with an endpoint, whoever owns it.
 */
#ifndef KUCOMMS_CPP_ENDPOINT_REF_HPP
#define KUCOMMS_CPP_ENDPOINT_REF_HPP

#include <kucomms/cpp/listener.hpp>

#include <system_error>

namespace kucomms {

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

} /* namespace kucomms */

#endif /* KUCOMMS_CPP_ENDPOINT_REF_HPP */
