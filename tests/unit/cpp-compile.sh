#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: cpp-compile.sh
#
# kucomms.hpp compiles alone, twice in a row, and so do the tests of it, with each compiler, as C++17 and as C++20, for
# 32 and for 64 bits, without a warning. So do the examples of its manual page. What must not compile does not. Writes
# TAP.

set -eu -o pipefail

cd "$(dirname "$0")/../.."
# shellcheck source-path=SCRIPTDIR/../.. source=tests/machine.sh
. tests/machine.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

warnings=(-Wall -Wextra -Wshadow -Wconversion -pedantic -Werror -Iinclude)
number=0
failures=0

# Runs a command; its name goes before it.
verdict() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$work/log"
		failures=$((failures + 1))
	fi
}

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

compile_all() {
	local file
	for file in "$work/twice.cc" tests/unit/cpp-*.cc; do
		"$@" "${warnings[@]}" -fsyntax-only "$file" || return
	done
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
	sed "s|LINE|$line|" "$work/wrong.cc" >"$work/refused.cc"
	! g++ -std=c++17 "${warnings[@]}" -fsyntax-only "$work/refused.cc"
}

printf '#include <kucomms/kucomms.hpp>\n%.0s' 1 2 >"$work/twice.cc"
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
				verdict "$compiler compiles kucomms.hpp as $standard $bits" \
					compile_all "$compiler" "-std=$standard" "${flags[@]}"
			else
				skip "$compiler compiles kucomms.hpp as $standard $bits" "$lacks"
			fi
		done
	done
done

verdict 'the examples of kucomms_hpp(3) compile' examples_compile
verdict 'what is right compiles' g++ -std=c++17 "${warnings[@]}" -DLINE= -fsyntax-only "$work/wrong.cc"
verdict 'a channel is not copied' refuses 'kucomms::channel copy = channel;'
verdict 'a received message is not assigned' refuses 'message = channel.receive();'
verdict 'a literal, with its NUL, is not sent' refuses 'channel.send("text");'
verdict 'a view is not made of an object that is about to go' refuses 'kucomms::bytes_of(1);'
verdict 'a handler does not return just anything' \
	refuses 'handlers.message = [](kucomms::channel_ref, const kucomms::message \&) { return true; };'
echo "1..$number"
[ "$failures" -eq 0 ]
