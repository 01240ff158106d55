/* SPDX-License-Identifier: MIT */
/*
 * A part of kucomms.hpp: bytes and messages.
 */
#ifndef KUCOMMS_CPP_DATA_HPP
#define KUCOMMS_CPP_DATA_HPP

#include <kucomms/kucomms.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>
#if __cplusplus >= 202002L
#include <ranges>
#endif

namespace kucomms {

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

} /* namespace kucomms */

#ifdef __cpp_lib_ranges
template <class T>
inline constexpr bool std::ranges::enable_borrowed_range<kucomms::view<T>> =
	true;
template <class T>
inline constexpr bool std::ranges::enable_view<kucomms::view<T>> = true;
#endif

#endif /* KUCOMMS_CPP_DATA_HPP */
