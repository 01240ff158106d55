// SPDX-License-Identifier: MIT
/*
 * Echo in C++, both sides. One process listens and sends every message back;
 * the other sends its argument and prints the answer.
 *
 *	cpp-echo process:echo &
 *	cpp-echo process:echo "hello, process"
 */
#include <exception>
#include <iostream>
#include <string_view>
#include <utility>

#include <kucomms/kucomms.hpp>

using namespace std::literals;

static void serve(const char *name)
{
	kucomms::handlers handlers;

	/* Without room this throws, and the same message is delivered again. */
	handlers.message = [](kucomms::channel_ref channel,
			      const kucomms::message &message) {
		channel.reply(message);
	};
	kucomms::endpoint endpoint(std::move(handlers));

	endpoint.listen(name);
	endpoint.run();
}

static void ask(const char *name, std::string_view text)
{
	kucomms::options options;

	options.wait = 1s;
	kucomms::channel channel(name, options);

	std::cout << channel.exchange(text, 1s).data.text() << '\n';
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		std::cerr << "usage: cpp-echo NAME [TEXT]\n";
		return 2;
	}
	try {
		if (argc > 2)
			ask(argv[1], argv[2]);
		else
			serve(argv[1]);
	} catch (const std::exception &error) {
		std::cerr << error.what() << '\n';
		return 1;
	}
	return 0;
}
