// SPDX-License-Identifier: GPL-2.0-only
/* Channels in C++: who owns what, what is thrown, what is not allocated. */
#include "cpp.hh"
#include "cpp-new.hh"

#include <array>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

using namespace std::literals;
using kucomms::errc;
using kucomms::no_wait;

template <class Owner>
constexpr bool is_moved_only = std::is_nothrow_move_constructible_v<Owner> &&
			       std::is_nothrow_destructible_v<Owner> &&
			       !std::is_copy_constructible_v<Owner> &&
			       !std::is_copy_assignable_v<Owner>;

static_assert(is_moved_only<kucomms::channel>);
static_assert(is_moved_only<kucomms::shared_channel>);
static_assert(is_moved_only<kucomms::listener>);
static_assert(is_moved_only<kucomms::endpoint>);
static_assert(is_moved_only<kucomms::record>);
static_assert(is_moved_only<kucomms::received>);
static_assert(std::is_nothrow_move_assignable_v<kucomms::channel>);
static_assert(std::is_nothrow_move_assignable_v<kucomms::endpoint>);
static_assert(!std::is_move_assignable_v<kucomms::received>);
static_assert(std::is_trivially_copyable_v<kucomms::channel_ref>);
static_assert(!std::is_convertible_v<const char *, kucomms::const_bytes>);
static_assert(!std::is_constructible_v<kucomms::bytes, const std::string &>);

static_assert(kucomms::timeout(0ms).milliseconds() == 0);
static_assert(kucomms::timeout(1ns).milliseconds() == 1);
static_assert(kucomms::timeout(1001us).milliseconds() == 2);
static_assert(kucomms::timeout(-1s).milliseconds() == 0);
static_assert(kucomms::timeout(std::chrono::hours::max()).milliseconds() == -1);

/* Both ends of a channel inside this process. */
struct pair {
	kucomms::listener listener{"local:cpp"};
	kucomms::channel near;
	kucomms::channel far;

	explicit pair(std::uint32_t size = 4096)
	{
		kucomms::options options;

		options.send_size = size;
		options.receive_size = size;
		near = kucomms::channel("local:cpp", options);
		far = listener.accept(no_wait);
	}
};

/* How many messages of @length still fit? They are sent. */
static unsigned int fill(kucomms::channel &channel, std::size_t length)
{
	const std::vector<char> data(length);
	std::error_code code;
	unsigned int sent;

	for (sent = 0; channel.send(data, code, no_wait), !code; sent++)
		;
	assert_true(code == errc::again);
	return sent;
}

static void both_forms_tell_the_same_error()
{
	std::error_code code;
	kucomms::channel channel("local:nobody", code);

	assert_true(!channel);
	assert_true(code == std::errc::no_such_file_or_directory);
	assert_true(code.category() == kucomms::category());
	assert_true(throws(code, [] { kucomms::channel("local:nobody"); }));
	try {
		kucomms::channel("local:nobody");
	} catch (const std::system_error &error) {
		assert_true(error.what() ==
			    "kucomms: cannot open local:nobody: No such file or directory"s);
	}
}

static void success_clears_the_error_code()
{
	std::error_code code = errc::gone;
	pair pair;

	pair.near.send("x"sv, code);
	assert_true(!code);
	code = errc::gone;
	assert_true(pair.far.receive(code, no_wait));
	assert_true(!code);
	assert_true(!pair.far.receive(code, no_wait));
	assert_true(code == errc::again);
	assert_true(!pair.far.receive(code, 1us));
	assert_true(code == errc::timed_out && code == std::errc::timed_out);
}

static void a_message_arrives_whole()
{
	pair pair;

	pair.near.send({"hello"sv, 1, ~0ull, 3});
	kucomms::received message = pair.far.receive(no_wait);

	assert_true(message.data.text() == "hello");
	assert_true(message.type == 1 && message.id == ~0ull &&
		    message.user == 3);
	assert_true(pair.near.stats().sent == 1);
	assert_true(pair.far.stats().received == 1);
	assert_true(pair.near.peer().pid == getpid());
}

static void whatever_has_bytes_can_be_sent()
{
	struct point {
		int x, y;
	} to = {0, 0}, from = {3, 4};
	const std::array<unsigned char, 2> array = {1, 2};
	const std::vector<std::byte> empty;
	pair pair;

	pair.near.send(kucomms::bytes_of(from));
	pair.near.send(std::string("text"));
	pair.near.send(array);
	pair.near.send(empty);
	assert_true(pair.far.receive(no_wait).data.copy_to(to));
	assert_true(to.x == 3 && to.y == 4);
	{
		kucomms::received message = pair.far.receive(no_wait);

		assert_true(!message.data.copy_to(to));
		assert_true(message.data.text() == "text");
		assert_true(message.data.first(3).text() == "tex");
	}
	assert_true(pair.far.receive(no_wait).data[1] == std::byte{2});
	assert_true(pair.far.receive(no_wait).data.empty());
#ifdef __cpp_lib_span
	const std::array<std::byte, 3> bytes = {};

	pair.near.send(std::span(bytes));
	kucomms::received message = pair.far.receive(no_wait);
	std::span<const std::byte> span = message.data;

	assert_true(span.size() == 3);
#endif
}

static void what_is_too_long_is_not_cut()
{
	pair pair;
	const std::byte byte{};
	const std::size_t max = pair.near.length_max();

	assert_true(throws(errc::too_long, [&] {
		pair.near.send(std::vector<char>(max + 1));
	}));
	assert_true(throws(errc::too_long,
			   [&] { pair.near.reserve(max + 1); }));
	if (SIZE_MAX > UINT32_MAX) {
		/* One byte, were it cut to 32 bits. */
		const std::size_t huge = std::size_t(UINT32_MAX) + 2;

		assert_true(throws(errc::too_long, [&] {
			pair.near.send(kucomms::const_bytes(&byte, huge));
		}));
		assert_true(throws(errc::too_long,
				   [&] { pair.near.reserve(huge); }));
	}
	assert_true(fill(pair.near, max) == 1);
}

static void room_is_given_back_with_the_last_of_several()
{
	pair pair;
	std::error_code code;
	const unsigned int room = fill(pair.near, 100);

	{
		kucomms::received first = pair.far.receive(no_wait);
		std::vector<kucomms::received> rest;

		while (kucomms::received next = pair.far.receive(code, no_wait))
			rest.push_back(std::move(next));
		assert_true(rest.size() == room - 1);
		rest.clear();
		assert_true(fill(pair.near, 100) == 0);
		assert_true(first.data.size() == 100);
	}
	assert_true(!pair.far.receive(code, no_wait));
	assert_true(fill(pair.near, 100) == room);
}

static void a_message_can_be_given_back_early()
{
	pair pair;

	assert_true(fill(pair.near, 4000) == 1);
	kucomms::received message = pair.far.receive(no_wait);

	assert_true(fill(pair.near, 4000) == 0);
	message.release();
	assert_true(!message && message.data.empty());
	assert_true(fill(pair.near, 4000) == 1);
}

static void messages_stay_where_they_are_when_their_channel_moves()
{
	pair pair;

	assert_true(fill(pair.near, 4000) == 1);
	{
		kucomms::received message = pair.far.receive(no_wait);
		kucomms::channel moved = std::move(pair.far);
		kucomms::received also = std::move(message);

		assert_true(!pair.far && moved);
		assert_true(!message && also);
		assert_true(also.data.size() == 4000);
		pair.far = std::move(moved);
	}
	assert_true(fill(pair.near, 4000) == 1);
}

static void a_record_is_sent_when_it_is_committed()
{
	pair pair;
	kucomms::record record = pair.near.reserve(2);

	record.data[0] = std::byte{'o'};
	record.data[1] = std::byte{'k'};
	record.type = 7;
	assert_true(record && record.data.size() == 2);
	record.commit();
	assert_true(!record && record.data.empty());

	kucomms::received message = pair.far.receive(no_wait);

	assert_true(message.data.text() == "ok");
	assert_true(message.type == 7 && message.id == 0 && message.user == 0);
}

static void a_record_is_discarded_when_it_is_forgotten()
{
	pair pair;
	std::error_code code;

	try {
		kucomms::record record = pair.near.reserve(1000);

		throw std::runtime_error("while it is written");
	} catch (const std::runtime_error &) {
	}
	{
		kucomms::record first = pair.near.reserve(100);
		kucomms::record second = pair.near.reserve(100);

		second.type = 2;
		second.commit();
		assert_true(!pair.far.receive(code, no_wait));
		first = kucomms::record();
	}
	assert_true(pair.far.receive(no_wait).type == 2);
	assert_true(!pair.far.receive(code, no_wait));
}

static void what_may_be_published_later_is()
{
	pair pair;
	std::error_code code;

	pair.near.send("1"sv, kucomms::forever, kucomms::publish::later);
	pair.near.send("2"sv, code, no_wait, kucomms::publish::later);
	assert_true(!code && !pair.far.receive(code, no_wait));
	pair.near.flush();
	assert_true(pair.far.receive(no_wait).data.text() == "1");
	assert_true(pair.far.receive(no_wait).data.text() == "2");
}

static void who_goes_is_missed()
{
	pair pair;

	pair.near.send("last"sv);
	pair.near = kucomms::channel();
	assert_true(pair.far.receive(no_wait).data.text() == "last");
	assert_true(throws(errc::gone, [&] { pair.far.receive(); }));
}

static void who_hangs_up_is_missed()
{
	std::error_code code;
	pair pair;

	pair.far.shutdown();
	assert_true(throws(errc::gone, [&] { pair.near.receive(); }));
	pair.near.send("too late"sv, code);
	assert_true(code == errc::gone);
	assert_true(code.message() == "the other side has gone");
}

static void a_listener_has_limits()
{
	kucomms::listen_options options;
	std::error_code code;

	options.channels_max = 1;
	kucomms::listener listener("local:cpp", options);

	assert_true(throws(std::errc::address_in_use, [] {
		kucomms::listener("local:cpp");
	}));
	assert_true(!kucomms::listener("local:cpp", code));
	assert_true(code == std::errc::address_in_use);
	assert_true(!listener.accept(code, no_wait) && code == errc::again);

	kucomms::channel one("local:cpp");

	assert_true(throws(errc::full, [] { kucomms::channel("local:cpp"); }));
	assert_true(listener.accept(no_wait).number() == one.number());
}

static void options_reach_the_library()
{
	kucomms::listener listener("local:cpp");
	kucomms::options options;
	std::error_code code;

	options.send_size = 8192;
	options.receive_size = 16384;
	options.number = 5;
	options.spin = 0us;
	kucomms::channel near("local:cpp", options);
	kucomms::channel far = listener.accept();

	assert_true(near.number() == 5);
	assert_true(near.length_max() == KUCOMMS_LENGTH_MAX(8192));
	assert_true(far.length_max() == KUCOMMS_LENGTH_MAX(16384));
	assert_true(!kucomms::channel("local:cpp", code, options));
	assert_true(code == std::errc::address_in_use);
	options.send_size = 4097;
	options.number = kucomms::any_number;
	assert_true(!kucomms::channel("local:cpp", code, options));
	assert_true(code == std::errc::invalid_argument);
}

static void a_descriptor_tells_of_messages()
{
	pair pair;
	struct pollfd poll_for = {pair.far.poll_start(), POLLIN, 0};

	assert_true(poll(&poll_for, 1, 0) == 0);
	pair.near.send("x"sv);
	assert_true(poll(&poll_for, 1, 0) == 1);
}

static void a_message_needs_no_memory()
{
	pair pair;
	std::error_code code;
	const unsigned long before = allocations;

	for (int i = 0; i < 1000; i++) {
		pair.near.send({"hello"sv, 1}, kucomms::forever);
		pair.near.send("hello"sv, code);
		kucomms::record record = pair.near.reserve(100);
		record.commit();
		kucomms::received one = pair.far.receive(no_wait);
		kucomms::received two = pair.far.receive(code, no_wait);
		kucomms::received three = pair.far.receive(no_wait);
		pair.far.send(three);
		assert_true(pair.near.receive(no_wait).data.size() == 100);
	}
	assert_true(!pair.near.receive(code, no_wait));
	assert_true(allocations == before);
}

[[noreturn]] static void echo(const std::string &name)
{
	try {
		kucomms::listener listener(name.c_str());
		kucomms::channel channel = listener.accept();

		listener = kucomms::listener();

		for (;;)
			channel.send(channel.receive());
	} catch (const kucomms::error &error) {
		_exit(error.code() == errc::gone ? 0 : 1);
	}
}

static void another_process_answers()
{
	const std::string name = "process:/tmp/kucomms-cpp-test-" +
				 std::to_string(getpid());
	kucomms::options options;
	int status;
	pid_t pid;

	std::fflush(nullptr);
	pid = fork();
	if (!pid)
		echo(name);
	options.wait = kucomms::forever;
	{
		kucomms::channel channel(name.c_str(), options);

		assert_true(channel.peer().pid == pid);
		for (std::uint64_t i = 0; i < 1000; i++)
			assert_true(channel.exchange({"hello"sv, i}).type == i);
		channel.send("bye"sv);
		assert_true(channel.receive().data.text() == "bye");
	}
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main()
{
	return run_tests({
		TEST(both_forms_tell_the_same_error),
		TEST(success_clears_the_error_code),
		TEST(a_message_arrives_whole),
		TEST(whatever_has_bytes_can_be_sent),
		TEST(what_is_too_long_is_not_cut),
		TEST(room_is_given_back_with_the_last_of_several),
		TEST(a_message_can_be_given_back_early),
		TEST(messages_stay_where_they_are_when_their_channel_moves),
		TEST(a_record_is_sent_when_it_is_committed),
		TEST(a_record_is_discarded_when_it_is_forgotten),
		TEST(what_may_be_published_later_is),
		TEST(who_goes_is_missed),
		TEST(who_hangs_up_is_missed),
		TEST(a_listener_has_limits),
		TEST(options_reach_the_library),
		TEST(a_descriptor_tells_of_messages),
		TEST(a_message_needs_no_memory),
		TEST(another_process_answers),
	});
}
