# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# The points of a test whose commands need not wait for each other: as many run at a time as there are processors.
# Sourced. $work is a directory of the test's own; $BASHPID tells its commands apart. Writes TAP.
# shellcheck disable=SC2154

number=0

# verdict NAME COMMAND...: is it right? Its output is shown if not.
verdict() {
	number=$((number + 1))
	echo "$1" >"$work/$number.name"
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
		wait -n
	done
	{
		"$@" >"$work/$number.log" 2>&1 && echo ok || echo 'not ok'
	} >"$work/$number.verdict" &
}

skip() {
	number=$((number + 1))
	echo "$1 # SKIP $2" >"$work/$number.name"
	echo ok >"$work/$number.verdict"
}

# The end of the test: all points in their order; fails if one does.
verdicts() {
	local point verdict failures=0
	wait
	for ((point = 1; point <= number; point++)); do
		verdict=$(<"$work/$point.verdict")
		echo "$verdict $point - $(<"$work/$point.name")"
		if [ "$verdict" != ok ]; then
			sed 's/^/# /' "$work/$point.log"
			failures=$((failures + 1))
		fi
	done
	echo "1..$number"
	[ "$failures" -eq 0 ]
}
