# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Turns the results of a guest (see `runner` for their form) into TAP, or into a transcript. Sourced after lib.sh.

# Of a test that prints more than this, the last lines are shown; results.log has all.
max_output=200
: "${work:=}"

diagnose() { sed 's/^/# /'; }

# report transcript|tap TEST...: reads results, keeps them in $work/results.log, fails if any test did.
# The tests that the guest should have run are known here, so that none can vanish.
report() {
	local mode=$1 line number=0 running='' closed='' lost='' passed=0 failed=0 skipped=0 output=() notes=()
	shift
	local names=("$@")
	exec 7>"$work/results.log"
	while IFS= read -r line; do
		line=${line%$'\r'}
		printf '%s\n' "$line" >&7
		case $line in
		'start '*) number=$((number + 1)) running=yes output=() notes=() ;;
		'| '*)
			output+=("${line#| }")
			[ "$mode" = tap ] || printf '%s\n' "${line#| }"
			;;
		'! '*) notes+=("kernel log: ${line#! }") ;;
		'? '*) notes+=("${line#\? }") ;;
		'end '*) judge "${line##* }"; running='' ;;
		'lost '*) lost=${line#lost } ;;
		closed) closed=yes ;;
		esac
	done
	exec 7>&-
	[ -n "$closed" ] || fail_the_rest
	summary
}

# The functions below are parts of report and work on its variables.

judge() {
	local status=$1 verdict
	case $status in
	0) verdict=pass ;;
	77) verdict=skip ;;
	timeout) verdict=fail; notes=("timed out" "${notes[@]}") ;;
	killed) verdict=fail; notes=("was killed" "${notes[@]}") ;;
	devices) verdict=fail ;;
	*) verdict=fail; notes=("exit status $status" "${notes[@]}") ;;
	esac
	case ${notes[*]-} in *'kernel log: '*) verdict=fail ;; esac
	show "$verdict"
}

show() {
	local name=${names[number - 1]}
	case $1 in
	pass) passed=$((passed + 1)); point "ok $number - $name" ;;
	skip) skipped=$((skipped + 1)); point "ok $number - $name # SKIP $(last_line)" ;;
	fail)
		failed=$((failed + 1))
		point "not ok $number - $name"
		[ "$mode" = tap ] || { printf '%s: failed\n' "$name" >&2; output=(); }
		explain >&"$([ "$mode" = tap ] && echo 1 || echo 2)"
		;;
	esac
}

last_line() {
	if [ ${#output[@]} -gt 0 ]; then printf '%s' "${output[-1]}"; else printf 'gave no reason'; fi
}

point() { [ "$mode" != tap ] || printf '%s\n' "$1"; }

explain() {
	[ ${#output[@]} -eq 0 ] || printf '%s\n' "${output[@]}" | tail -n "$max_output" | diagnose
	[ ${#notes[@]} -eq 0 ] || printf '%s\n' "${notes[@]}" | diagnose
}

# The guest is gone without its closing line: whatever it was running is the culprit, and the rest never ran.
fail_the_rest() {
	local culprit='before the first test'
	[ "$number" -eq 0 ] || culprit="after test $number (${names[number - 1]})"
	if [ -n "$running" ]; then
		culprit="during test $number (${names[number - 1]})"
		notes+=("the guest was lost during this test${lost:+: $lost}; its console ended so:")
		mapfile -t -O "${#notes[@]}" notes < <(console_tail)
		show fail
	else
		{ printf 'the guest was lost %s; its console ended so:\n' "$culprit${lost:+: $lost}"; console_tail; } |
			diagnose
	fi
	while [ "$number" -lt ${#names[@]} ]; do
		number=$((number + 1)) output=() notes=("not run: the guest was lost $culprit")
		show fail
	done
}

# Long enough for an oops and the panic that follows it: what went wrong stands at the beginning.
console_tail() { tr -d '\r' <"$work/console.log" | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | tail -n 200; }

summary() {
	# A guest that closed early leaves a short plan, which is a failure as well.
	[ "$number" -eq ${#names[@]} ] || failed=$((failed + 1))
	point "1..${#names[@]}"
	point "# $passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] || say "failed; the logs are in $work"
	[ "$failed" -eq 0 ]
}
