#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: cpp-compile.sh
#
# kucomms.hpp and each of its parts in cpp/ compile alone, twice in a row, and so do the tests of it, with each compiler, as C++17 and as C++20, for
# 32 and for 64 bits, without a warning; the header alone does so in more modes. So do the examples of its manual page.
# What must not compile does not. Writes TAP.

set -eu -o pipefail

cd "$(dirname "$0")/../.."
# shellcheck source-path=SCRIPTDIR/../.. source=tests/machine.sh
. tests/machine.sh
# shellcheck source=tests/tap.sh
. tests/tap.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

warnings=(-Wall -Wextra -Wshadow -Wconversion -Wundef -pedantic -Werror -Iinclude)
modes=(
	-std=c++2b
	-std=gnu++17
	-std=gnu++20
	-std=gnu++2b
	'-std=c++17 -fno-exceptions'
	'-std=c++20 -fno-exceptions -fno-rtti'
	'-std=c++17 -fno-rtti'
)
too_old=(-std=c++98 -std=gnu++11 -std=c++14)


compile_all() {
	local file
	for file in "$work"/twice*.cc tests/lib/cpp-*.cc; do
		"$@" "${warnings[@]}" -fsyntax-only "$file" || return
	done
}

# One error, which says what would be right, and not a hundred that do not.
is_too_old() {
	local errors
	errors=$("$@" -Iinclude -fsyntax-only "$work/twice.cc" 2>&1 | grep 'error:')
	echo "$errors"
	[[ $(wc -l <<<"$errors") == 1 && $errors == *'kucomms.hpp needs C++17'* ]]
}

# Who has switched exceptions off has the form with an error code, and is told so where the other one is called.
without_exceptions() {
	local compiler=("$@" -std=c++17 -fno-exceptions "${warnings[@]}" -o /dev/null -c "$work/without.cc") errors
	"${compiler[@]}" -DSEND='channel.send("text"sv, code)' || return
	errors=$("${compiler[@]}" -DSEND='channel.send("text"sv)' 2>&1) && return 1
	echo "$errors"
	[[ $errors == *'call the form that takes a std::error_code'* ]]
}

# The page's examples, one after the other: there is nothing in them that could be there only once.
examples_compile() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' man/kucomms_hpp.3 |
		sed -n '/^\.Bd/,/^\.Ed/p' | sed 's/^\..*//; s/\\e/\\/g' >"$work/examples.cc"
	grep -q 'kucomms::' "$work/examples.cc" &&
		g++ -std=c++17 "${warnings[@]}" -fsyntax-only "$work/examples.cc"
}

# In a program that is right but for LINE, LINE is what does not compile.
refuses() {
	local line=$1
	! sed "s|LINE|$line|" "$work/wrong.cc" | g++ -std=c++17 "${warnings[@]}" -fsyntax-only -x c++ -
}

printf '#include <kucomms/kucomms.hpp>\n%.0s' 1 2 >"$work/twice.cc"
for part in include/kucomms/cpp/*.hpp; do
	printf "#include <${part#include/}>\n%.0s" 1 2 >"$work/twice-$(basename "$part" .hpp).cc"
done
cat >"$work/wrong.cc" <<-'EOF'
	#include <kucomms/kucomms.hpp>
	#include <utility>

	void wrong(kucomms::channel &channel, kucomms::handlers &handlers, kucomms::received &message);
	void wrong(kucomms::channel &channel, kucomms::handlers &handlers, kucomms::received &message)
	{
		(void)channel;
		(void)handlers;
		(void)message;
		LINE
	}
	EOF

cat >"$work/without.cc" <<-'EOF'
	#include <kucomms/kucomms.hpp>
	using namespace std::literals;

	int run(std::error_code &code);
	int run(std::error_code &code)
	{
		kucomms::channel channel("process:echo", code);
		kucomms::handlers handlers;

		handlers.message = [](kucomms::channel_ref from, const kucomms::message &message) {
			std::error_code failed;

			from.reply(message, failed);
			return failed;
		};

		kucomms::endpoint endpoint(std::move(handlers), code);
		kucomms::call get([](std::error_code, const kucomms::message &) {});

		endpoint.listen("process:echo", code);
		get.start(channel, "text"sv, code);
		SEND;
		endpoint.run(code);
		return code.value();
	}
	EOF

for compiler in g++ clang++; do
	if ! command -v "$compiler" >/dev/null; then
		skip "$compiler compiles kucomms.hpp" "$compiler is not installed"
		continue
	fi
	for standard in c++17 c++20; do
		for bits in -m64 -m32; do
			flags=("$bits")
			[ "$bits" = -m64 ] || flags=("${flags32[@]}")
			if [ "$bits" = -m64 ] || compiles32 "$compiler" c++; then
				start "$compiler compiles kucomms.hpp as $standard $bits" \
					compile_all "$compiler" "-std=$standard" "${flags[@]}"
			else
				skip "$compiler compiles kucomms.hpp as $standard $bits" "$lacks"
			fi
		done
	done
	for mode in "${modes[@]}"; do
		read -ra flags <<<"$mode"
		start "$compiler compiles kucomms.hpp with $mode" \
			"$compiler" "${flags[@]}" "${warnings[@]}" -fsyntax-only "$work/twice.cc"
	done
	for mode in "${too_old[@]}"; do
		start "$compiler says that $mode is too old" is_too_old "$compiler" "$mode"
	done
	start "$compiler says what there is without exceptions" without_exceptions "$compiler"
done

start 'the examples of kucomms_hpp(3) compile' examples_compile
start 'what is right compiles' g++ -std=c++17 "${warnings[@]}" -DLINE= -fsyntax-only "$work/wrong.cc"
start 'a channel is not copied' refuses 'kucomms::channel copy = channel;'
start 'a received message is not assigned' refuses 'message = channel.receive();'
start 'a literal, with its NUL, is not sent' refuses 'channel.send("text");'
start 'a view is not made of an object that is about to go' refuses 'kucomms::bytes_of(1);'
start 'a handler does not return just anything' \
	refuses 'handlers.message = [](kucomms::channel_ref, const kucomms::message \&) { return true; };'
done_testing
