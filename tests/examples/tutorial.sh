#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: tutorial.sh
#
# What docs/tutorial.md tells to do in a process, with build/lib as it would be installed; and that examples/tally has the
# files that the tutorial shows. The rest needs a kernel: tests/packages/60-tutorial.sh, and step 10 tests/vm/selftest.
# Writes TAP.

set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
. tests/tap.sh
readme=$PWD/docs/tutorial.md example=$PWD/examples/tally tutorial=$PWD/tests/examples/tutorial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export PKG_CONFIG_PATH=$work/usr/lib/pkgconfig LD_LIBRARY_PATH=$work/usr/lib

tutorial() {
	(cd "$work/here" && "$tutorial" "$readme" "$@")
}

builds() {
	make -s install-lib install-dev PREFIX="$work/usr" && mkdir "$work/here" && tutorial files || return
	tutorial commands 4 || return
	! grep -F warning: "$work/log"
}

# same_files SHOWN FILES: each file in SHOWN, a directory that the tutorial has written, is in FILES, with its SPDX line in
# the place of the comment with its path; and FILES has no other but the Makefile.
same_files() {
	local file
	diff <(cd "$1" && find . -type f | sort) <(cd "$2" && find . -type f ! -name Makefile | sort) || return
	for file in "$1"/*; do
		diff <(grep -vxE "(# |/\* )tally/${file##*/}( \*/)?" "$file") \
			<(grep -v SPDX-License-Identifier: "$2/${file##*/}") || return
	done
}

shown() {
	mkdir -p "$work/shown" && (cd "$work/shown" && "$tutorial" "$1" files >/dev/null)
}

is_the_example() {
	shown "$readme" && same_files "$work/shown/tally" "$example"
}

# A byte that differs, on either side, is noticed.
notices_differences() {
	sed 's/^#define TALLY_COUNTERS.*/#define TALLY_COUNTERS 1001u/' "$readme" >"$work/other.md"
	shown "$work/other.md" || return
	! same_files "$work/shown/tally" "$example" || return
	shown "$readme" && rm "$work/shown/tally/test.sh" || return
	! same_files "$work/shown/tally" "$example"
}

# A line that is wrong, one that is missing and one too many in what the tutorial says are noticed.
notices() {
	local wrong=$work/wrong.md script
	for script in 's/^7 is -1$/7 is -2/' '/^serving /d' 's/^7 is -1$/&\n8 is 1/'; do
		sed "$script" "$readme" >"$wrong"
		! cmp -s "$readme" "$wrong" || { echo "no line for $script"; return 1; }
		! (cd "$work/here" && KUCOMMS_TEST_PATIENCE=2 "$tutorial" "$wrong" sessions 4) || { echo "not noticed: $script"; return 1; }
	done
}

point "the tutorial's programs build, without a warning" builds
point "they print what the tutorial says" tutorial sessions 4
point "what the tutorial says wrongly is noticed" notices
point "examples/tally has the files that the tutorial shows" is_the_example
point "a file of examples/tally that differs is noticed" notices_differences
done_testing
