# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# TAP for test scripts. Sourced; $work is a directory of the test's own, and a script ends with done_testing.
# shellcheck disable=SC2154

number=0 failures=0 started=()

# verdict ok|'not ok' NAME
verdict() {
	number=$((number + 1))
	echo "$1 $number - $2"
	[ "$1" = ok ] || failures=$((failures + 1))
}

skip() { verdict ok "$1 # SKIP $2"; }

# point NAME COMMAND...: the output of the command, or its end, is shown if it fails.
point() {
	local name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		verdict ok "$name"
	else
		tail -n 200 "$work/log" | sed 's/^/# /'
		verdict 'not ok' "$name"
	fi
}

# start NAME COMMAND...: the same for commands that need not wait for each other: as many run at a time as there are
# processors, and done_testing prints their points. $BASHPID tells the commands apart.
start() {
	local log
	started+=("$1")
	log=$work/started.${#started[@]}
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
		wait -n
	done
	{ ! "$@" || touch "$log.ok"; } >"$log" 2>&1 &
}

done_testing() {
	local i log
	[ ${#started[@]} -eq 0 ] || wait
	for ((i = 0; i < ${#started[@]}; i++)); do
		log=$work/started.$((i + 1))
		if [ -e "$log.ok" ]; then
			verdict ok "${started[i]}"
		else
			sed 's/^/# /' "$log"
			verdict 'not ok' "${started[i]}"
		fi
	done
	echo "1..$number"
	[ "$failures" -eq 0 ]
}
