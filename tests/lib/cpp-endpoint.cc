// SPDX-License-Identifier: GPL-2.0-only
/* Endpoints in C++: lambdas, what they throw, and calls. */
#include "cpp.hh"
#include "cpp-new.hh"

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace std::literals;
using kucomms::channel_ref;
using kucomms::endpoint_ref;
using kucomms::errc;
using kucomms::no_wait;

/* An exception that is none of kucomms. */
struct surprise : std::exception {
	const char *what() const noexcept override
	{
		return "surprise";
	}
};

static kucomms::handlers handlers_with(
	decltype(kucomms::handlers::message) message)
{
	kucomms::handlers handlers;

	handlers.message = std::move(message);
	return handlers;
}

static void send_back(channel_ref channel, const kucomms::message &message)
{
	channel.reply(message);
}

/* Everything that is due without waiting, in this thread. */
static void settle(kucomms::endpoint &endpoint)
{
	std::error_code code;

	while (endpoint.dispatch(code), !code)
		;
	assert_true(code == errc::again);
}

/* An endpoint with one channel, without a thread. */
struct served {
	kucomms::endpoint endpoint;
	kucomms::channel channel;

	explicit served(kucomms::handlers &&handlers)
		: endpoint(std::move(handlers))
	{
		endpoint.listen("local:cpp");
		channel = kucomms::channel("local:cpp");
		settle(endpoint);
	}
};

static void a_lambda_answers()
{
	std::error_code code;
	served served(handlers_with(send_back));

	served.channel.send({"hello"sv, 7});
	settle(served.endpoint);
	kucomms::received answer = served.channel.receive(no_wait);

	assert_true(answer.type == 7 && answer.data.text() == "hello");
	assert_true(served.endpoint.stats().messages == 1);
	served.endpoint.dispatch(code, 1us);
	assert_true(code == errc::timed_out);
}

static void every_handler_is_called()
{
	kucomms::handlers handlers;
	kucomms::endpoint_options options;
	std::string calls;
	int ticks = 0;

	handlers.connect = [&](channel_ref channel) {
		channel.set_priv(&calls);
		calls += 'c';
	};
	handlers.message = [&](channel_ref channel, const kucomms::message &) {
		calls += channel.priv() == &calls ? 'm' : '?';
	};
	handlers.disconnect = [&](channel_ref) { calls += 'd'; };
	handlers.timer = [&](endpoint_ref endpoint) {
		ticks++;
		endpoint.stop();
	};
	/* It is not due before this test is over. */
	handlers.work = [&](endpoint_ref) { calls += 'w'; };
	options.work = 1h;
	options.timer = 1us;
	options.thread_name = "cpp";
	kucomms::endpoint endpoint(std::move(handlers), options);

	endpoint.listen("local:cpp");
	kucomms::channel channel("local:cpp");

	channel.send("x"sv);
	while (calls != "cm")
		endpoint.run();
	channel = kucomms::channel();
	while (calls != "cmd")
		endpoint.run();
	assert_true(ticks >= 2);
}

static void work_goes_on_as_long_as_there_is_some()
{
	kucomms::handlers handlers;
	kucomms::endpoint_options options;
	int left = 3;

	handlers.work = [&](endpoint_ref endpoint) {
		if (!--left)
			endpoint.stop();
		return left > 0;
	};
	options.work = 1us;
	kucomms::endpoint endpoint(std::move(handlers), options);

	endpoint.run();
	assert_true(left == 0);
}

static void handlers_live_as_long_as_their_endpoint()
{
	std::weak_ptr<int> watched;
	auto owned = std::make_unique<int>(0);
	auto shared = std::make_shared<int>(1);

	watched = shared;
	{
		served served(handlers_with(
			[owned = std::move(owned), shared = std::move(shared)]
			(channel_ref channel, const kucomms::message &message) {
				++*owned;
				channel.reply({message.data,
					static_cast<unsigned>(*owned)});
			}));
		kucomms::endpoint moved = std::move(served.endpoint);

		assert_true(!served.endpoint && moved);
		served.channel.send("x"sv);
		settle(moved);
		assert_true(served.channel.receive(no_wait).type == 1);
		assert_true(!watched.expired());
		served.endpoint = std::move(moved);
	}
	assert_true(watched.expired());
}

/*
 * Answers take twice the room of questions: the handler fails, in one way or
 * the other, and gets the question again.
 */
static void expect_nothing_lost(kucomms::handlers &&handlers)
{
	kucomms::options options;
	kucomms::endpoint endpoint(std::move(handlers));
	std::error_code code;
	std::uint64_t sent = 0, received = 0;

	options.send_size = 4096;
	options.receive_size = 4096;
	endpoint.listen("local:cpp");
	kucomms::channel channel("local:cpp", options);

	while (received < 100) {
		while (channel.send({"question"sv, sent}, code, no_wait), !code)
			sent++;
		assert_true(code == errc::again);
		settle(endpoint);
		assert_true(endpoint.stats().messages < sent);
		while (kucomms::received answer = channel.receive(code, no_wait))
			assert_true(answer.type == received++);
	}
}

static const std::string long_answer(200, 'x');

static void a_full_ring_delays_a_handler_that_throws()
{
	expect_nothing_lost(handlers_with([](channel_ref channel,
					     const kucomms::message &message) {
		channel.reply({long_answer, message.type});
	}));
}

static void a_full_ring_delays_a_handler_that_returns_it()
{
	expect_nothing_lost(handlers_with([](channel_ref channel,
					     const kucomms::message &message) {
		std::error_code code;

		channel.reply({long_answer, message.type}, code);
		return code;
	}));
}

static void a_ring_that_was_full_has_room_again()
{
	kucomms::handlers handlers;
	int sent = 0, rooms = 0;
	std::error_code full;

	handlers.connect = [&](channel_ref channel) {
		while (channel.reply(long_answer, full), !full)
			sent++;
	};
	handlers.room = [&](channel_ref channel) {
		channel.reply(long_answer);
		rooms++;
	};
	served served(std::move(handlers));

	assert_true(full == errc::again && rooms == 0);
	for (int i = 0; i < sent; i++) {
		served.channel.receive(no_wait);
		settle(served.endpoint);
	}
	assert_true(rooms == 1);
	served.channel.receive(no_wait);
	assert_true(throws(errc::again,
			   [&] { served.channel.receive(no_wait); }));
}

static void an_error_of_a_handler_breaks_one_channel()
{
	served served(handlers_with([](channel_ref channel,
				       const kucomms::message &message) {
		if (message.type)
			throw kucomms::error(EBADMSG, "no");
		channel.reply(message);
	}));
	kucomms::channel good("local:cpp");

	served.channel.send({"bad"sv, 1});
	good.send("good"sv);
	settle(served.endpoint);
	assert_true(throws(errc::broken,
			   [&] { served.channel.receive(no_wait); }));
	assert_true(good.receive(no_wait).data.text() == "good");
	assert_true(served.endpoint.stats().channels == 1);
}

static void an_error_that_is_returned_breaks_one_channel()
{
	served served(handlers_with([](channel_ref, const kucomms::message &) {
		return std::make_error_code(std::errc::bad_message);
	}));

	served.channel.send("bad"sv);
	settle(served.endpoint);
	assert_true(throws(errc::broken,
			   [&] { served.channel.receive(no_wait); }));
}

template <class Function>
static bool surprises(Function function)
{
	try {
		function();
	} catch (const surprise &) {
		return true;
	}
	return false;
}

static void a_surprise_leaves_dispatch()
{
	std::error_code code;
	served served(handlers_with([](channel_ref, const kucomms::message &) {
		throw surprise();
	}));
	kucomms::channel other("local:cpp");

	served.channel.send("x"sv);
	assert_true(surprises([&] { settle(served.endpoint); }));
	assert_true(throws(errc::broken,
			   [&] { served.channel.receive(no_wait); }));
	/* It goes on: nothing else is the worse for it. */
	settle(served.endpoint);
	other.send("y"sv, code);
	assert_true(!code);
	assert_true(surprises([&] { served.endpoint.dispatch(code); }));
}

static void a_surprise_leaves_run()
{
	kucomms::handlers handlers;
	kucomms::endpoint_options options;
	int calls = 0;

	handlers.timer = [&](endpoint_ref endpoint) {
		if (!calls++)
			throw surprise();
		endpoint.stop();
	};
	options.timer = 1us;
	kucomms::endpoint endpoint(std::move(handlers), options);

	assert_true(surprises([&] { endpoint.run(); }));
	assert_true(calls == 1);
	endpoint.run();
	assert_true(calls > 1);
}

/* Even an error of kucomms is one, where it cannot be returned. */
static void an_error_leaves_handlers_that_may_not_fail()
{
	kucomms::handlers handlers;

	handlers.disconnect = [](channel_ref) {
		throw kucomms::error(ENOENT, "no");
	};
	served served(std::move(handlers));

	served.channel = kucomms::channel();
	assert_true(throws(std::errc::no_such_file_or_directory,
		     [&] { settle(served.endpoint); }));
}

[[noreturn]] static void surprise_thread()
{
	std::set_terminate([] { _exit(42); });
	kucomms::endpoint endpoint(handlers_with(
		[](channel_ref, const kucomms::message &) {
			throw surprise();
		}));
	endpoint.listen("local:cpp");
	endpoint.start();
	kucomms::channel channel("local:cpp");

	channel.send("x"sv);
	for (;;)
		pause();
}

static void a_surprise_in_a_thread_terminates()
{
	int status;
	pid_t pid;

	std::fflush(nullptr);
	pid = fork();
	if (!pid)
		surprise_thread();
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

/* A child that waits, and is disturbed whenever it sleeps. */
class disturbed {
public:
	template <class Function>
	explicit disturbed(Function wait)
	{
		std::fflush(nullptr);
		pid_ = fork();
		if (pid_)
			return;
		struct sigaction action = {};

		action.sa_handler = [](int) {};
		sigaction(SIGUSR1, &action, nullptr);
		_exit(wait());
	}

	/* false: it has ended. */
	bool sleeps() const
	{
		const std::string path = "/proc/" + std::to_string(pid_) +
					 "/stat";
		std::string line;
		char state;

		do {
			std::getline(std::ifstream(path), line);
			state = line[line.rfind(')') + 2];
		} while (state != 'S' && state != 'Z');
		return state == 'S';
	}

	void stop_and_continue() const
	{
		int status;

		assert_true(sleeps());
		kill(pid_, SIGSTOP);
		assert_true(waitpid(pid_, &status, WUNTRACED) == pid_);
		assert_true(WIFSTOPPED(status));
		kill(pid_, SIGCONT);
	}

	int end()
	{
		int status;

		while (sleeps())
			kill(pid_, SIGUSR1);
		assert_true(waitpid(pid_, &status, 0) == pid_);
		assert_true(WIFEXITED(status));
		return WEXITSTATUS(status);
	}

private:
	pid_t pid_;
};

/* 0 if @wait throws that a handler ran. */
template <class Function>
static int expect_interruption(Function wait)
{
	return throws(errc::interrupted, wait) ? 0 : 1;
}

static void a_wait_ends_when_a_handler_runs_not_when_it_is_stopped()
{
	disturbed runs([] {
		kucomms::endpoint endpoint{kucomms::handlers()};

		return expect_interruption([&] { endpoint.run(); });
	});
	disturbed dispatches([] {
		kucomms::endpoint endpoint{kucomms::handlers()};

		settle(endpoint);
		return expect_interruption([&] {
			endpoint.dispatch(kucomms::forever);
		});
	});
	disturbed receives([] {
		kucomms::listener listener("local:cpp");
		kucomms::channel channel("local:cpp");

		return expect_interruption([&] { channel.receive(); });
	});
	disturbed accepts([] {
		kucomms::listener listener("local:cpp");

		return expect_interruption([&] { listener.accept(); });
	});

	for (disturbed *child : {&runs, &dispatches, &receives, &accepts}) {
		for (int i = 0; i < 5; i++)
			child->stop_and_continue();
		assert_true(child->end() == 0);
	}
}

/* Objects that are alive until exit(), which a child calls, too. */
[[noreturn]] static void parent_with_static_objects()
{
	static kucomms::endpoint endpoint(handlers_with(send_back));
	static kucomms::channel channel;
	static kucomms::listener listener("local:nobody");
	std::error_code code;
	int status;
	pid_t pid;

	endpoint.listen("local:cpp");
	endpoint.start();
	channel = kucomms::channel("local:cpp");
	pid = fork();
	if (!pid) {
		channel.send("x"sv, code);
		assert_true(code == errc::inherited);
		endpoint.run(code);
		assert_true(code == errc::inherited);
		listener.accept(code);
		assert_true(code == errc::inherited);
		std::exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		_exit(1);
	std::exit(channel.exchange("still"sv).data.text() != "still");
}

static void a_child_that_exits_leaves_static_objects_alone()
{
	int status;
	pid_t pid;

	std::fflush(nullptr);
	pid = fork();
	if (!pid)
		parent_with_static_objects();
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void who_connects_can_be_refused()
{
	const std::string name = "process:/tmp/kucomms-cpp-endpoint-" +
				 std::to_string(getpid());
	kucomms::handlers handlers;
	int connects = 0;

	/* Each handler is called by one thread, which open() waits for. */
	handlers.connect = [&](channel_ref) -> std::error_code {
		switch (connects++) {
		case 0:
			return errc::full;
		case 1:
			throw kucomms::error(EACCES, "connect");
		default:
			return {};
		}
	};
	kucomms::endpoint endpoint(std::move(handlers));

	endpoint.listen(name.c_str());
	endpoint.start();
	assert_true(throws(errc::full,
			   [&] { kucomms::channel(name.c_str()); }));
	assert_true(throws(std::errc::permission_denied,
		     [&] { kucomms::channel(name.c_str()); }));
	assert_true(kucomms::channel(name.c_str()));
}

static void a_reference_outlives_the_channel()
{
	std::error_code code;
	kucomms::shared_channel kept;
	kucomms::handlers handlers;

	handlers.connect = [&](channel_ref channel) {
		kept = kucomms::shared_channel(channel);
		assert_true(kept.endpoint() == channel.endpoint());
	};
	{
		served served(std::move(handlers));

		kept.send("from anywhere"sv);
		assert_true(served.channel.receive(no_wait).data.text() ==
		      "from anywhere");
		served.channel = kucomms::channel();
		settle(served.endpoint);
		kept.send("x"sv, code, no_wait);
		assert_true(code == errc::gone);
	}
	kept.send("x"sv, code, no_wait);
	assert_true(code == errc::gone);
}

static void a_broadcast_reaches_all_it_can()
{
	served served(handlers_with(send_back));
	kucomms::options options;

	options.receive_size = 4096;
	kucomms::channel small("local:cpp", options);

	settle(served.endpoint);
	assert_true(served.endpoint.broadcast("short"sv) == 2);
	assert_true(small.receive(no_wait).data.text() == "short");
	assert_true(served.endpoint.broadcast(std::string(5000, 'x')) == 1);
	assert_true(served.channel.receive(no_wait).data.text() == "short");
	assert_true(served.channel.receive(no_wait).data.size() == 5000);
	assert_true(kucomms::endpoint(handlers_with(send_back))
			    .broadcast("x"sv) == 0);
}

static void channels_are_added_and_removed()
{
	std::error_code code;
	kucomms::listener listener("local:cpp");
	kucomms::channel near("local:cpp");
	kucomms::channel far = listener.accept(no_wait);
	kucomms::endpoint endpoint(handlers_with(send_back));
	channel_ref ref = far;

	near.send("held"sv);
	{
		kucomms::received held = far.receive(no_wait);

		endpoint.add(std::move(far), code);
		assert_true(far && code == std::errc::device_or_resource_busy);
	}
	endpoint.add(std::move(far));
	assert_true(!far);
	near.send("x"sv);
	settle(endpoint);
	assert_true(near.receive(no_wait).data.text() == "x");
	endpoint.remove(ref);
	settle(endpoint);
	assert_true(throws(errc::gone, [&] { near.receive(no_wait); }));
	assert_true(throws(std::errc::no_such_file_or_directory,
		     [&] { endpoint.remove(channel_ref()); }));
}

/* Two endpoints in this process, the client's without a thread. */
struct caller {
	kucomms::endpoint server;
	kucomms::endpoint client{kucomms::handlers()};
	kucomms::shared_channel channel;

	explicit caller(kucomms::handlers &&handlers)
		: server(std::move(handlers))
	{
		server.listen("local:cpp");
		channel = client.connect("local:cpp");
		settle();
	}

	void settle()
	{
		::settle(client);
		::settle(server);
		::settle(client);
	}
};

static void a_call_gets_its_answer()
{
	caller caller(handlers_with(send_back));
	std::string answers;
	kucomms::call call([&](std::error_code code,
			       const kucomms::message &answer) {
		assert_true(!code);
		answers += answer.data.text();
	});

	assert_true(!call.cancel());
	call.start(caller.channel, "one "sv);
	caller.settle();
	call.start(caller.channel, "two"sv, 1h);
	caller.settle();
	assert_true(answers == "one two");
	assert_true(!call.cancel());
	assert_true(caller.client.stats().calls == 2);
}

static void a_call_that_has_gone_is_not_answered()
{
	caller caller(handlers_with(send_back));
	bool done = false;

	{
		kucomms::call call([&](std::error_code,
				       const kucomms::message &) {
			done = true;
		});
		call.start(caller.channel, "x"sv);
	}
	caller.settle();
	assert_true(!done);
	assert_true(caller.client.stats().late == 1);
}

static void a_call_says_why_there_is_no_answer()
{
	caller caller(handlers_with([](channel_ref, const kucomms::message &) {
	}));
	std::error_code why;
	kucomms::call call([&](std::error_code code,
			       const kucomms::message &answer) {
		assert_true(answer.data.empty());
		why = code;
	});

	call.start(caller.channel, "x"sv, no_wait);
	caller.settle();
	assert_true(why == errc::timed_out);
	call.start(caller.channel, "x"sv);
	caller.server = kucomms::endpoint();
	settle(caller.client);
	assert_true(why == errc::gone);
	assert_true(throws(errc::gone,
			   [&] { call.start(caller.channel, "x"sv); }));
}

/* A lambda that knows its own call. */
struct again {
	kucomms::call<again> *&self;
	channel_ref channel;
	int &left;

	void operator()(std::error_code, const kucomms::message &) const
	{
		if (--left)
			self->start(channel, "again"sv);
	}
};

static void a_call_may_start_itself_again()
{
	caller caller(handlers_with(send_back));
	kucomms::call<again> *self = nullptr;
	int left = 3;
	kucomms::call<again> call(again{self, caller.channel, left});

	self = &call;
	call.start(caller.channel, "first"sv);
	while (left)
		caller.settle();
	assert_true(caller.client.stats().calls == 3);
}

struct destroy {
	std::unique_ptr<kucomms::call<destroy>> &owner;

	void operator()(std::error_code, const kucomms::message &) const
	{
		owner.reset();
	}
};

static void a_call_may_destroy_itself()
{
	caller caller(handlers_with(send_back));
	std::unique_ptr<kucomms::call<destroy>> owner;

	owner = std::make_unique<kucomms::call<destroy>>(destroy{owner});
	owner->start(caller.channel, "x"sv);
	caller.settle();
	assert_true(!owner);
}

static void what_a_call_throws_leaves_dispatch()
{
	caller caller(handlers_with(send_back));
	kucomms::call call([](std::error_code, const kucomms::message &) {
		throw surprise();
	});

	call.start(caller.channel, "x"sv);
	assert_true(surprises([&] { caller.settle(); }));
}

static void a_call_waits_in_another_thread()
{
	std::error_code code;
	std::array<std::byte, 5> buffer;
	kucomms::endpoint server(handlers_with(send_back));
	kucomms::endpoint client{kucomms::handlers()};

	server.listen("local:cpp");
	server.start();
	kucomms::shared_channel channel = client.connect("local:cpp");

	client.start();
	kucomms::message answer = channel.call({"hello"sv, 3}, buffer);

	assert_true(answer.type == 3 && answer.data.text() == "hello");
	assert_true(answer.data.data() == buffer.data());
	answer = channel.call("hello, world"sv, buffer, code);
	assert_true(code == errc::no_buffer && answer.data.text() == "hello");
	assert_true(throws(std::errc::device_or_resource_busy,
		     [&] { client.run(); }));
	client.stop();
	server.stop();
}

static void waiting_in_a_handler_is_refused()
{
	std::error_code code;
	std::array<std::byte, 5> buffer;
	served served(handlers_with([&](channel_ref channel,
					const kucomms::message &) {
		channel.call("x"sv, buffer, code);
	}));

	served.channel.send("x"sv);
	settle(served.endpoint);
	assert_true(code == errc::in_handler);
}

static void messages_and_calls_need_no_memory()
{
	caller caller(handlers_with(send_back));
	unsigned long before = 0;
	int answers = 0;
	kucomms::call call([&](std::error_code, const kucomms::message &) {
		answers++;
	});

	for (int i = 0; i < 1000; i++) {
		call.start(caller.channel, "x"sv, 1h);
		caller.settle();
		/* The first has made the table of calls. */
		if (!i)
			before = allocations;
	}
	assert_true(answers == 1000);
	assert_true(allocations == before);
}

int main()
{
	return run_tests({
		TEST(a_lambda_answers),
		TEST(every_handler_is_called),
		TEST(work_goes_on_as_long_as_there_is_some),
		TEST(handlers_live_as_long_as_their_endpoint),
		TEST(a_full_ring_delays_a_handler_that_throws),
		TEST(a_full_ring_delays_a_handler_that_returns_it),
		TEST(a_ring_that_was_full_has_room_again),
		TEST(an_error_of_a_handler_breaks_one_channel),
		TEST(an_error_that_is_returned_breaks_one_channel),
		TEST(a_surprise_leaves_dispatch),
		TEST(a_surprise_leaves_run),
		TEST(an_error_leaves_handlers_that_may_not_fail),
		TEST(a_surprise_in_a_thread_terminates),
		TEST(a_wait_ends_when_a_handler_runs_not_when_it_is_stopped),
		TEST(a_child_that_exits_leaves_static_objects_alone),
		TEST(who_connects_can_be_refused),
		TEST(a_reference_outlives_the_channel),
		TEST(a_broadcast_reaches_all_it_can),
		TEST(channels_are_added_and_removed),
		TEST(a_call_gets_its_answer),
		TEST(a_call_that_has_gone_is_not_answered),
		TEST(a_call_says_why_there_is_no_answer),
		TEST(a_call_may_start_itself_again),
		TEST(a_call_may_destroy_itself),
		TEST(what_a_call_throws_leaves_dispatch),
		TEST(a_call_waits_in_another_thread),
		TEST(waiting_in_a_handler_is_refused),
		TEST(messages_and_calls_need_no_memory),
	});
}
