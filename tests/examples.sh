# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# For tests of examples that are several processes. Sourced, in the top directory, with `set -u -o pipefail` in force.
# A test is a function, run in a subshell that has
#
#   $work      an empty directory
#   $programs  where the examples are
#
# and what it leaves running is killed.

. tests/tap.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# What does not come in this time, in seconds, does not come.
patience=${KUCOMMS_TEST_PATIENCE:-900}

# die WHAT: ends a test.
die() {
	echo "$*" >&2
	exit 1
}

# open_pipe NAME: a pipe that nobody need wait for to be opened; its descriptor is $NAME, its path $work/NAME.
open_pipe() {
	mkfifo "$work/$1"
	eval "exec {$1}<>$work/$1"
}

# expect LINE DESCRIPTOR: the next line there.
expect() {
	local line
	IFS= read -r -t "$patience" line <&"$2" || die "no line came instead of: $1"
	[ "$line" = "$1" ] || die "expected '$1', got '$line'"
}

# finish SIGNAL PROCESS: it ends, and has nothing to complain of.
finish() {
	kill "-$1" "$2"
	wait "$2" || die "exit status $?"
}

# run_one TEST: a script may have one of its own.
run_one() {
	trap 'jobs -p | xargs -r kill -9 2>/dev/null' EXIT
	"$@"
}

# run_all SANITIZERS DIRECTORY TEST...: each with examples that are built in build/DIRECTORY.
run_all() {
	local sanitizers=$1 directory=$PWD/build/$2 top=$work test
	# shellcheck disable=SC2034  # for the tests
	local programs=$directory/examples log=$top/log work=$top/test
	local -x LD_LIBRARY_PATH=$directory/lib
	# TSan does not know the fences that doorbells take; what they protect is not memory.
	make --no-print-directory -s SANITIZE="$sanitizers" CFLAGS="-O2 -g -Wno-tsan" example-programs >&2 || exit 1
	for test in "${@:3}"; do
		mkdir "$work"
		if (run_one "$test") >"$log" 2>&1; then
			verdict ok "$test ($sanitizers)"
		else
			sed 's/^/# /' "$log"
			verdict 'not ok' "$test ($sanitizers)"
		fi
		rm -r "$work"
	done
}

# run_examples TEST...: under ASan and UBSan, and then under TSan. Writes TAP; the exit status is a test script's.
run_examples() {
	run_all address,undefined asan "$@"
	run_all thread tsan "$@"
	done_testing
}
