#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: tutorial.sh
#
# What examples/route-manager/README.md tells to do in a process, with build/lib as it would be installed. The rest of
# it needs a kernel: tests/packages/60-tutorial.sh, and step 10 tests/vm/selftest. Writes TAP.

set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
readme=$PWD/examples/route-manager/README.md tutorial=$PWD/tests/examples/tutorial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export PKG_CONFIG_PATH=$work/usr/lib/pkgconfig LD_LIBRARY_PATH=$work/usr/lib
number=0
failures=0

# point DESCRIPTION COMMAND...: its output is shown when it fails.
point() {
	local description=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $number - $description"
	else
		sed 's/^/# /' "$work/log"
		echo "not ok $number - $description"
		failures=$((failures + 1))
	fi
}

tutorial() {
	(cd "$work/here" && "$tutorial" "$readme" "$@")
}

builds() {
	make -s install-lib install-dev PREFIX="$work/usr" && mkdir "$work/here" && tutorial files || return
	tutorial commands 4 || return
	! grep -F warning: "$work/log"
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
echo "1..$number"
[ $failures -eq 0 ]
