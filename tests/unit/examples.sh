#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: examples.sh
#
# The examples that run in processes, under ASan and UBSan, and under TSan. The dictionary has to pass the same test as
# in the kernel (tests/vm/guest/dictionary.sh). Writes TAP.

set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# What does not come in this time, in seconds, does not come.
patience=60
number=0
failures=0

# die WHAT: ends a test, which runs in a subshell.
die() {
	echo "$*" >&2
	exit 1
}

# open_pipe NAME: a pipe that nobody need wait for to be opened; its descriptor is $NAME.
open_pipe() {
	mkfifo "$work/$1"
	eval "exec {$1}<>$work/$1"
	rm "$work/$1"
}

# expect LINE DESCRIPTOR: the next line there.
expect() {
	local line
	IFS= read -r -t $patience line <&"$2" || die "no line came instead of: $1"
	[ "$line" = "$1" ] || die "expected '$1', got '$line'"
}

# finish SIGNAL PROCESS: it ends, and has nothing to complain of.
finish() {
	kill "-$1" "$2"
	wait "$2" || die "exit status $?"
}

dictionary() {
	local name=process:$work/dictionary server watcher from_server from_watcher
	local client=$programs/dictionary/client
	open_pipe from_server
	"$programs/dictionary/process" "$name" >&"$from_server" &
	server=$!
	expect "serving $name" "$from_server"
	"$programs/dictionary/test" "$name" || die "the test failed"

	"$client" "$name" put colour green || die "cannot put"
	"$client" "$name" put shape round || die "cannot put"
	[ "$("$client" "$name" get colour)" = green ] || die "colour is not green"
	[ "$("$client" "$name" list)" = $'colour\nshape' ] || die "the list is wrong"
	"$client" "$name" get nosuch && die "there is no such key"

	open_pipe from_watcher
	"$client" "$name" watch >&"$from_watcher" &
	watcher=$!
	expect 'watching ' "$from_watcher"
	"$client" "$name" put taste sweet || die "cannot put"
	expect 'put taste' "$from_watcher"
	kill -9 $watcher
	wait $watcher
	"$client" "$name" delete colour || die "cannot delete after a client was killed"
	finish TERM $server
}

# run SANITIZERS DIRECTORY
run() {
	local programs=$PWD/build/$2/examples log=$work/log example
	local -x LD_LIBRARY_PATH=$PWD/build/$2/lib
	# TSan does not know the fences that doorbells take; what they protect is not memory.
	make --no-print-directory -s SANITIZE="$1" CFLAGS="-O2 -g -Wno-tsan" example-programs >&2 || exit 1
	for example in dictionary; do
		number=$((number + 1))
		if (trap 'jobs -p | xargs -r kill -9' EXIT; "$example") >"$log" 2>&1; then
			echo "ok $number - $example ($1)"
		else
			sed 's/^/# /' "$log"
			echo "not ok $number - $example ($1)"
			failures=$((failures + 1))
		fi
	done
}

run address,undefined asan
run thread tsan
echo "1..$number"
[ $failures = 0 ]
