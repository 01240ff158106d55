#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: route-tool.sh
#
# kucomms-route, with the route manager as a process: what it prints, what it exits with, what it says of mistakes. All
# under ASan and UBSan, and under TSan. Writes TAP.

set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
# shellcheck source-path=SCRIPTDIR/../.. source=tests/machine.sh
. tests/machine.sh
needs jq setpriv
. tests/examples.sh

# serve NAME [ROUTES_MAX]: starts a manager; its process is $server.
serve() {
	local from_server
	open_pipe from_server
	"$programs/process" "process:$work/$1" "${@:2}" >&"$from_server" &
	server=$!
	expect "serving process:$work/$1" "$from_server"
	exec {from_server}>&-
	rm "$work/from_server"
}

# route ARGUMENT...: the tool; the manager is $work/one, or what a -n says that comes later.
route() {
	"$programs/kucomms-route" -t process -n "$work/one" "$@"
}

# says EXPECTED ARGUMENT...: it prints that, and nothing is wrong.
says() {
	local printed
	printed=$(route "${@:2}" 2>"$work/errors") || die "${*:2}: exit status $?: $(cat "$work/errors")"
	[ "$printed" = "$1" ] || die "${*:2}: expected '$1', got '$printed'"
	[ ! -s "$work/errors" ] || die "${*:2}: $(cat "$work/errors")"
}

# refuses STATUS TEXT ARGUMENT...: it exits with that, prints nothing, and says TEXT, and what to do next.
refuses() {
	route "${@:3}" >"$work/printed" 2>"$work/errors"
	local status=$?
	[ $status = "$1" ] || die "${*:3}: exit status $status instead of $1: $(cat "$work/errors")"
	[ ! -s "$work/printed" ] || die "${*:3}: printed $(cat "$work/printed")"
	grep -qF -- "$2" "$work/errors" || die "${*:3}: expected '$2', got: $(cat "$work/errors")"
	grep -q '^  hint: ' "$work/errors" || die "${*:3}: no hint: $(cat "$work/errors")"
}

# json FILTER EXPECTED ARGUMENT...: the output with -j, as jq sees it through FILTER.
json() {
	local printed
	printed=$(route -j "${@:3}" | jq -c "$1") || die "-j ${*:3}: exit status $?"
	[ "$printed" = "$2" ] || die "-j ${*:3}: expected '$2', got '$printed'"
}

# hosts COUNT: addresses in ascending order, all different.
hosts() {
	awk -v count="$1" 'BEGIN { for (i = 1; i <= count; i++)
		printf "10.%d.%d.%d\n", i / 65536, i / 256 % 256, i % 256 }'
}

# is_same EXPECTED GOT
is_same() {
	diff "$1" "$2" >"$work/difference" || die "$1 is not $2: $(head "$work/difference")"
}

# How many routes there are.
count() {
	route -j status | jq .routes4+.routes6
}

commands() {
	says '' add 10.1.0.0/16 via 192.0.2.1
	says '' add default dev lo
	says '' add 10.9.9.9 dev 4711 metric 5 table 7
	says '' add 2001:db8::/32 via fe80::1 dev lo
	says '' add default via 2001:db8::1
	says '' add 10.1.0.0/16 via 192.0.2.9 metric 4294967295 table local
	says $'default dev lo\n10.1.0.0/16 via 192.0.2.1\ndefault via 2001:db8::1\n2001:db8::/32 via fe80::1 dev lo' show
	says $'default dev lo\n10.1.0.0/16 via 192.0.2.1' -4 list
	says $'default via 2001:db8::1\n2001:db8::/32 via fe80::1 dev lo' -6 list table main

	says '10.1.0.0/16 via 192.0.2.1' get 10.1.2.3
	says 'default dev lo' get 10.2.0.0
	says '10.9.9.9 dev 4711 metric 5 table 7' get 10.9.9.9 table 7
	says '10.1.0.0/16 via 192.0.2.1' get 10.1.0.0/16
	says '10.9.9.9 dev 4711 metric 5 table 7' get 10.9.9.9/32 table 7 metric 5
	says 'default via 2001:db8::1' -6 get default
	says '2001:db8::/32 via fe80::1 dev lo' get 2001:db8::5

	says '' change 10.1.0.0/16 via 192.0.2.2
	says '10.1.0.0/16 via 192.0.2.2' show 10.1.0.0/16
	says '' replace 10.1.0.0/16 via 192.0.2.3 dev lo
	says '10.1.0.0/16 via 192.0.2.3 dev lo' show exact 10.1.0.0/16
	says '' replace 10.3.0.0/16 dev lo metric 2
	says '' replace 10.3.0.0/16 dev lo metric 1
	says '' del 10.3.0.0/16
	says '10.3.0.0/16 dev lo metric 2' show 10.3.0.0/16
	says '' delete 10.3.0.0/16 metric 2
	says '' add 10.3.0.0/16 via 192.0.2.1 metric 3
	says '' del 10.3.0.0/16 via 192.0.2.1
	says '' show 10.3.0.0/16

	# What says "default" is understood again; without a gateway nothing says which.
	says '' -6 add default dev lo table 7
	says '::/0 dev lo table 7' -6 show table 7
	route show table all >"$work/listed"
	says "flushed $(wc -l <"$work/listed") routes" flush all
	sed 's/^/add /' "$work/listed" | route -b - || die "exit status $?"
	says "$(cat "$work/listed")" show table all
}

selectors() {
	printf 'add %s\n' 'default via 192.0.2.1' '10.0.0.0/8 via 192.0.2.1 metric 1' '10.1.0.0/16 dev lo' \
		'10.1.2.0/24 via 192.0.2.2 dev lo' '10.1.0.0/16 dev lo table 7' '2001::/16 dev 4713 table default' |
		route -b - || die "the batch failed"
	says $'10.1.0.0/16 dev lo\n10.1.2.0/24 via 192.0.2.2 dev lo' show root 10.1.0.0/16
	says $'default via 192.0.2.1\n10.0.0.0/8 via 192.0.2.1 metric 1\n10.1.0.0/16 dev lo' show match 10.1.0.0/16
	says '10.1.0.0/16 dev lo' show to exact 10.1.0.0/16
	says 'default via 192.0.2.1' show default
	says $'default via 192.0.2.1\n10.0.0.0/8 via 192.0.2.1 metric 1' show via 192.0.2.1
	says $'10.1.0.0/16 dev lo\n10.1.2.0/24 via 192.0.2.2 dev lo' show dev lo
	says '10.0.0.0/8 via 192.0.2.1 metric 1' show metric 1
	says '10.1.2.0/24 via 192.0.2.2 dev lo' show dev lo via 192.0.2.2 metric 0 root 10.0.0.0/8
	says '10.1.0.0/16 dev lo table 7' show table 7
	says '2001::/16 dev 4713 table 253' show table default
	says $'10.1.0.0/16 dev lo table 7\n10.1.0.0/16 dev lo table main' -4 show 10.1.0.0/16 table all
	says '' show table 8

	says 'flushed 1 route' flush table 7
	says 'flushed 0 routes' flush dev 4714
	says 'flushed 2 routes' flush via 192.0.2.1
	says 'flushed 1 route' -6 flush all
	says $'10.1.0.0/16 dev lo table main\n10.1.2.0/24 via 192.0.2.2 dev lo table main' show table all
	says 'flushed 2 routes' flush all
	says '' show table all
}

json_output() {
	route add 10.1.0.0/16 via 192.0.2.1 dev lo metric 5 table 7 || die "cannot add"
	route add default via 2001:db8::1 || die "cannot add"
	local one='{"dst":"10.1.0.0/16","gateway":"192.0.2.1","dev":"lo","metric":5,"table":"7"}'
	local two='{"dst":"default","gateway":"2001:db8::1","metric":0,"table":"main"}'
	json . "[$one,$two]" show table all
	json . "[$one]" show table 7
	json . '[]' show table 8
	json . "[$one]" get 10.1.2.3 table 7
	json 'del(.bytes)' '{"routes4":1,"routes6":1,"limit":1000,"tables":2,"changes":2}' status
	json '.bytes > 0' true status
	json . '{"flushed":1}' flush table 7
	refuses 1 'ENOENT: ' -j get 10.0.0.0/8

	printf 'get 2001:db8::1\nget default\nget ::/0\n' >"$work/gets"
	printf 'add %s\n' '0.0.0.0/0 dev 4712' | route -b - || die "cannot add"
	json . "[$two]"$'\n''[{"dst":"default","dev":"4712","metric":0,"table":"main"}]'$'\n'"[$two]" -b "$work/gets"
}

status_table() {
	route add 10.0.0.0/8 dev lo || die "cannot add"
	route add ::/0 dev lo table 9 || die "cannot add"
	route status >"$work/status" || die "exit status $?"
	[ "$(awk '{ print length }' "$work/status" | sort -u | wc -l)" = 1 ] || die "not aligned: $(cat "$work/status")"
	grep -qE '^IPv4 routes +1$' "$work/status" || die "not 1 IPv4 route: $(cat "$work/status")"
	grep -qE '^limit of both +1000$' "$work/status" || die "the limit is not 1000: $(cat "$work/status")"
}

usage() {
	refuses 2 'the command is missing'
	refuses 2 "there is no command 'nosuch'" nosuch
	refuses 2 'there is no option -z' -z show
	refuses 2 'a value is missing after -n' -n
	refuses 2 'not fast' -t fast show
	refuses 2 'with -b no command is expected: show' -b - show
	refuses 2 'the prefix is missing' add
	refuses 2 "'10.0.0' is no IPv4 or IPv6 address" add 10.0.0/8 dev lo
	refuses 2 "'33' is no prefix length: IPv4 has 0 to 32" add 10.0.0.0/33 dev lo
	refuses 2 "'' is no prefix length: IPv4 has 0 to 32" add 10.0.0.0/ dev lo
	refuses 2 "'-1' is no prefix length: IPv4 has 0 to 32" add 10.0.0.0/-1 dev lo
	refuses 2 "'255.255.255.0' is no prefix length: IPv4 has 0 to 32" add 10.0.0.0/255.255.255.0 dev lo
	refuses 2 "'x' is no prefix length: IPv6 has 0 to 128" add ::/x dev lo
	refuses 2 "'129' is no prefix length: IPv6 has 0 to 128" add ::/129 dev lo
	refuses 2 "'2001:db8::' is no IPv4 address" -4 add 2001:db8::/32 dev lo
	refuses 2 "'10.0.0.0' is no IPv6 address" -6 get 10.0.0.0
	refuses 2 "'fe80::1' is no IPv4 address" add 10.0.0.0/8 via fe80::1
	refuses 2 'the gateway may not be 0.0.0.0' add 10.0.0.0/8 via 0.0.0.0
	refuses 2 'the gateway may not be ::;' change default via :: dev lo
	refuses 2 'via is there twice' add 10.0.0.0/8 via 10.0.0.1 via 10.0.0.2
	refuses 2 'dev what?' add 10.0.0.0/8 dev
	refuses 2 "there is no interface 'nosuch0'" add 10.0.0.0/8 dev nosuch0
	refuses 2 "'0' is no interface" add 10.0.0.0/8 dev 0
	refuses 2 "'4294967296' is no metric" add 10.0.0.0/8 dev lo metric 4294967296
	refuses 2 "'-1' is no metric" add 10.0.0.0/8 dev lo metric -1
	refuses 2 "'0' is no table: a number from 1 to 4294967295" add 10.0.0.0/8 dev lo table 0
	refuses 2 'a route is in one table' add 10.0.0.0/8 dev lo table all
	refuses 2 "add does not know what to do with 'proto'" add 10.0.0.0/8 dev lo proto static
	refuses 2 "get does not know what to do with 'via'" get 10.0.0.1 via 10.0.0.2
	refuses 2 "get does not know what to do with 'metric'" get 10.0.0.1 metric 1
	refuses 2 "status does not know what to do with 'x'" status x
	refuses 2 'show takes one prefix' show 10.0.0.0/8 11.0.0.0/8
	refuses 2 'flush what?' flush
	refuses 2 "'all' is no" flush all table 7
	refuses 2 "'0' is no count" monitor --count 0
	refuses 2 'monitor list takes neither via nor dev' monitor list dev lo
	refuses 2 "'list' is no IPv4 or IPv6 address" show list
	refuses 2 '\x1b[2J' $'\033[2J'
	local words
	for words in -h --help '-j -h' '-t fast -help show' help '-4 help add'; do
		# shellcheck disable=SC2086 # they are words
		"$programs/kucomms-route" $words | grep -q '^usage: ' || die "$words: no help"
	done
	"$programs/process" --help | grep -q '^usage: ' || die "no help of the manager"
	"$programs/process" "process:$work/two" many 2>"$work/errors"
	[ $? = 2 ] || die "the manager takes any number"
	grep -q '^usage: ' "$work/errors" || die "$(cat "$work/errors")"
	"$programs/kucomms-route" --Version | grep -qF "$(cat VERSION)" || die "no version"
	"$programs/kucomms-route" -q -V | grep -qF "$(cat VERSION)" || die "no version"
}

errors() {
	route add 10.0.0.0/8 dev lo || die "cannot add"
	refuses 1 'cannot add: EEXIST: ' add 10.0.0.0/8 dev lo
	grep -q 'change gives it this gateway and interface' "$work/errors" || die "no way out: $(cat "$work/errors")"
	refuses 1 'cannot add: EINVAL: ' add 10.0.0.1/8 dev lo
	refuses 1 'cannot add: EINVAL: ' add 11.0.0.0/8
	refuses 1 'cannot change: ENOENT: ' change 11.0.0.0/8 dev lo
	refuses 1 'cannot del: ENOENT: ' del 11.0.0.0/8
	refuses 1 'cannot del: ENOENT: ' del 10.0.0.0/8 metric 1
	refuses 1 'cannot del: ENOENT: ' del 10.0.0.0/8 via 192.0.2.1
	refuses 1 'cannot get: ENOENT: ' get 10.0.0.0/9
	refuses 1 'cannot get: ENETUNREACH: ' get 11.0.0.1
	says '10.0.0.0/8 dev lo' show

	hosts 999 | sed 's/.*/add & dev lo/' | route -b - || die "cannot fill"
	refuses 1 'cannot add: ENOSPC: ' add 10.2.0.0/16 dev lo

	route show >/dev/full 2>"$work/errors" && die "nobody noticed that the output cannot be written"
	grep -q 'cannot write the output' "$work/errors" || die "$(cat "$work/errors")"
}

unreachable() {
	refuses 1 'ENOENT' -n "$work/nosuch" show
	grep -q "start the manager's process" "$work/errors" || die "no way out: $(cat "$work/errors")"
	refuses 1 'ENOENT' -t kernel -n nosuchdevice show
	grep -q 'is kucomms_route loaded? .*: kucommsctl create nosuchdevice' "$work/errors" ||
		die "no way out: $(cat "$work/errors")"
	refuses 1 'EINVAL' -t kernel -n 'no such name' show
	refuses 1 'ENOENT' -b "$work/nosuch"

	# Root may enter what is closed to others, but for its capabilities; and only root may where the sources are.
	local as=()
	[ "$(id -u)" != 0 ] || as=(setpriv --inh-caps=-all --bounding-set=-all)
	mkdir -m 0 "$work/closed"
	"${as[@]}" "$programs/kucomms-route" -t process -n "$work/closed/one" show 2>"$work/errors"
	[ $? = 1 ] || die "the exit status is not 1"
	grep -q 'EACCES' "$work/errors" || die "not EACCES: $(cat "$work/errors")"
	grep -q 'be the user who started the manager' "$work/errors" || die "no way out: $(cat "$work/errors")"
}

batch() {
	says '' -b - <<-'END'
		# a comment

		   add 10.0.0.0/8	dev lo  # and another
		add 10.1.0.0/16 dev lo
		change 10.1.0.0/16 via 192.0.2.1
		replace 10.2.0.0/16 dev lo
		add default dev lo
		del default
		add 10.3.0.0/16 dev lo table 7
		flush table 7
	END
	says $'10.0.0.0/8 dev lo\n10.1.0.0/16 via 192.0.2.1\n10.2.0.0/16 dev lo' show table main
	[ "$(count)" = 3 ] || die "there is more than in table main"
	printf 'get 10.1.0.1\r\nget 10.2.0.1' >"$work/gets"
	says $'10.1.0.0/16 via 192.0.2.1\n10.2.0.0/16 dev lo' -b "$work/gets"
	says '' -b /dev/null
	printf 'add default via ::1\nget default\n' >"$work/six"
	says 'default via ::1' -6 -b "$work/six"
}

# batch_fails ERRORS OPTION...: a batch from $work/batch exits with 1 and says just that.
batch_fails() {
	route "${@:2}" -b "$work/batch" >"$work/printed" 2>"$work/errors"
	[ $? = 1 ] || die "${*:2}: the exit status is not 1"
	sed -i "s,$work/,," "$work/errors"
	[ "$(cat "$work/errors")" = "$1" ] || die "${*:2}: expected '$1', got '$(cat "$work/errors")'"
}

batch_errors() {
	local twice='EEXIST: there is a route with this prefix and metric'
	cat >"$work/batch" <<-'END'
		add 10.0.0.0/8 dev lo
		get 10.0.0.1
		add 10.0.0.0/8 dev lo
		nonsense
		show
		get 10.0.0.2
		add 10.0.0.0/8 dev lo
		del 11.0.0.0/8 dev lo
		add 11.0.0.0/8
	END
	batch_fails "\
kucomms-route: batch:3: $twice
kucomms-route: batch:4: there is no command 'nonsense'
kucomms-route: batch:5: show cannot be in a batch
kucomms-route: batch:7: $twice
kucomms-route: batch:8: ENOENT: there is no such route
kucomms-route: batch:9: EINVAL: neither a gateway nor an interface" -force
	[ "$(cat "$work/printed")" = $'10.0.0.0/8 dev lo\n10.0.0.0/8 dev lo' ] || die "got: $(cat "$work/printed")"

	# Without -force it ends at the first: of a line that makes no sense nothing has been sent, nor after it.
	route flush all >"$work/printed"
	batch_fails "kucomms-route: batch:3: $twice"
	printf 'add 12.0.0.0/8 dev lo\nnonsense\nadd 13.0.0.0/8 dev lo\n' >"$work/batch"
	batch_fails "kucomms-route: batch:2: there is no command 'nonsense'"
	says $'10.0.0.0/8 dev lo\n12.0.0.0/8 dev lo' show

	printf 'flush all\nadd 10.0.0.0/8 dev lo\n\0' >"$work/batch"
	route -b "$work/batch" 2>"$work/errors" && die "NUL bytes are no text"
	grep -q 'NUL byte' "$work/errors" || die "$(cat "$work/errors")"
	{ echo flush all; head -c 70000 /dev/zero | tr '\0' x; } >"$work/batch"
	batch_fails 'kucomms-route: batch:2: the line is too long'
	[ "$(count)" = 0 ] || die "what came before was not done"
	printf 'add%30s\n' '' | sed 's/ / x/g' >"$work/batch"
	batch_fails 'kucomms-route: batch:1: there are more than 24 words'
}

big() {
	awk 'BEGIN { for (i = 0; i < 100000; i++)
		printf "%d.%d.%d.0/24 via 192.0.2.%d dev %d%s table %d\n", i / 65536 + 10, i / 256 % 256, i % 256,
			i % 250 + 1, i % 40 + 1000, i % 3 ? " metric " i % 3 : "", 7 }' >"$work/routes"
	sed 's/^/add /' "$work/routes" >"$work/adds"
	route -b "$work/adds" || die "exit status $?"
	route show table all >"$work/listed" || die "exit status $?"
	is_same "$work/routes" "$work/listed"
	[ "$(route -j show table all | jq length)" = 100000 ] || die "not 100000 in JSON"

	# Every one an error, in order.
	route -force -b - <"$work/adds" 2>"$work/errors" && die "all are there already"
	seq -f 'kucomms-route: stdin:%.0f: EEXIST: there is a route with this prefix and metric' 100000 >"$work/expected"
	is_same "$work/expected" "$work/errors"

	# The list goes into another manager, which has the same list then.
	local one=$server
	serve two
	sed 's/^/add /' "$work/listed" | route -n "$work/two" -b - || die "exit status $?"
	route -n "$work/two" show table all >"$work/listed"
	is_same "$work/routes" "$work/listed"

	# Answers are longer than requests, and nobody reads the output before the manager has stopped for a while.
	sed 's,\.0/24.*,.1 table 7,; s/^/get /' "$work/routes" >"$work/gets"
	kill -STOP "$server"
	route -n "$work/two" -b "$work/gets" >"$work/listed" &
	local reader=$!
	kill -CONT "$server"
	wait $reader || die "exit status $?"
	is_same "$work/routes" "$work/listed"

	sed 's/^/del /' "$work/routes" | route -n "$work/two" -b - || die "exit status $?"
	says '' -n "$work/two" show table all
	kill "$server"
	wait "$server" || die "the second manager ended with $?"
	server=$one
}

# Of requests that were on their way when one failed, some may have been done, and that is said; not more than 1024.
stop() {
	local did said
	{
		hosts 1000 | sed 's/.*/add & dev lo/'
		echo 'add 10.0.0.7 dev lo'
		hosts 100000 | sed '1,1000d; s/.*/add & dev lo/'
	} >"$work/batch"
	route -b "$work/batch" 2>"$work/errors" && die "line 1001 is wrong"
	grep -q 'batch:1001: EEXIST: ' "$work/errors" || die "$(cat "$work/errors")"
	did=$(count)
	said=$(sed -n 's/.*stopped after line 1001; lines up to \([0-9]*\) .*/\1/p' "$work/errors")
	[ "$did" -le $((1000 + 1024)) ] || die "$did have been done"
	[ "${said:-1001}" = $((did + 1)) ] || die "$did have been done: $(cat "$work/errors")"

	# Of those that fail, too, one line says how many they are.
	head -n 1000 "$work/batch" >"$work/again"
	route -b "$work/again" 2>"$work/errors" && die "all are there already"
	[ "$(grep -c EEXIST "$work/errors")" = 1 ] || die "$(cat "$work/errors")"
	grep -q 'again:1: EEXIST: ' "$work/errors" || die "$(cat "$work/errors")"
	local lines='stopped after line 1; lines up to \([0-9]*\) had been sent by then, and \([0-9]*\) of them failed, too'
	read -r said did <<<"$(sed -n "s/.*$lines/\1 \2/p" "$work/errors")"
	[ "${did:-0}" = $((${said:-1} - 1)) ] || die "$(cat "$work/errors")"
	route flush all >/dev/null
}

# What is read from a pipe is sent before more is waited for, and answers are printed before that.
interactive() {
	local to_tool from_tool tool
	open_pipe to_tool
	open_pipe from_tool
	route -b - <"$work/to_tool" >&"$from_tool" {to_tool}<&- &
	tool=$!
	exec {end}>"$work/to_tool" {to_tool}<&-
	echo 'add 10.0.0.0/8 dev lo' >&"$end"
	echo 'get 10.0.0.1' >&"$end"
	expect '10.0.0.0/8 dev lo' "$from_tool"
	echo 'get 10.0.0.2' >&"$end"
	expect '10.0.0.0/8 dev lo' "$from_tool"
	exec {end}>&-
	wait "$tool" || die "exit status $?"
}

# catches PROCESS: it is the tool, no longer a shell that is to become it, and catches SIGTERM.
catches() {
	[ "/proc/$1/exe" -ef "$programs/kucomms-route" ] &&
		((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status") & 1 << 14))
}

# caught PROCESS: waits until it does.
caught() {
	until catches "$1"; do
		[ -d "/proc/$1" ] || die "it has ended: $(cat "$work/errors")"
	done
}

# died SIGNAL PROCESS SAID: it dies of that signal, and says so.
died() {
	kill "-$1" "$2"
	wait "$2"
	[ $? = $((128 + $(kill -l "$1"))) ] || die "it did not die of $1"
	[ "$(cat "$work/errors")" = "kucomms-route: stopped by a signal $3" ] || die "$(cat "$work/errors")"
}

# Who is stopped by a signal says how far it was, and dies of it.
interrupted() {
	local to_tool from_tool signal
	for signal in INT TERM; do
		open_pipe to_tool
		open_pipe from_tool
		# What is started in the background ignores SIGINT.
		env --default-signal=INT "$programs/kucomms-route" -t process -n "$work/one" -force -b - \
			<"$work/to_tool" 1>&"$from_tool" 2>"$work/errors" &
		printf '# nothing\nreplace 10.0.0.0/8 dev lo\nget 10.0.0.1\n' >&"$to_tool"
		expect '10.0.0.0/8 dev lo' "$from_tool"
		died $signal $! 'after line 3; 2 requests had been answered'
		rm "$work/to_tool" "$work/from_tool"
	done

	# A manager that takes requests, and never answers.
	local mute=$work/mute from_mute to_mute
	open_pipe from_mute
	open_pipe to_mute
	"${programs%/*}/epoll/talk" listen "process:$mute" <&"$to_mute" 2>&"$from_mute" &
	expect "listening at process:$mute" "$from_mute"
	"$programs/kucomms-route" -t process -n "$mute" flush all 2>"$work/errors" &
	caught $!
	# A signal that is ignored is no less ignored now.
	kill -INT $!
	died TERM $! 'before the manager had answered: what it was asked for may be done all the same'
}

# watch ARGUMENT...: starts a monitor; its process is $tool, what it prints comes from $from_tool.
watch() {
	local from_errors
	open_pipe from_tool
	open_pipe from_errors
	"$programs/kucomms-route" -t process -n "$work/one" "$@" 1>&"$from_tool" 2>&"$from_errors" &
	tool=$!
	expect 'kucomms-route: subscribed' "$from_errors"
	exec {from_errors}>&-
	rm "$work/from_tool" "$work/from_errors"
}

monitor() {
	local tool from_tool
	watch monitor
	route add 10.1.0.0/16 dev lo || die "cannot add"
	expect 'add 10.1.0.0/16 dev lo' "$from_tool"
	route add 10.1.0.0/16 dev lo metric 3 table 7 || die "cannot add"
	expect 'add 10.1.0.0/16 dev lo metric 3 table 7' "$from_tool"
	route change 10.1.0.0/16 via 192.0.2.1 || die "cannot change"
	expect 'change 10.1.0.0/16 via 192.0.2.1 metric 0' "$from_tool"
	route del 10.1.0.0/16 || die "cannot delete"
	expect 'del 10.1.0.0/16 via 192.0.2.1 metric 0' "$from_tool"
	kill -INT "$tool"
	wait "$tool" || die "exit status $?"

	watch monitor root 10.0.0.0/8 --count 2 table all
	route add 11.0.0.0/8 dev lo || die "cannot add"
	route -6 add default dev lo || die "cannot add"
	route add 10.2.0.0/16 dev lo || die "cannot add"
	route add 10.0.0.0/7 dev lo || die "cannot add"
	route add 10.3.0.0/16 dev lo || die "cannot add"
	wait "$tool" || die "exit status $?"
	expect 'add 10.2.0.0/16 dev lo table main' "$from_tool"
	expect 'add 10.3.0.0/16 dev lo table main' "$from_tool"

	watch -j monitor --count 1
	route flush exact 10.0.0.0/7 >/dev/null || die "cannot flush"
	wait "$tool" || die "exit status $?"
	IFS= read -r -t "$patience" line <&"$from_tool" || die "no line came"
	[ "$(jq -c 'del(.change)' <<<"$line")" = \
		'{"event":"del","dst":"10.0.0.0/7","dev":"lo","metric":0,"table":"main"}' ] || die "got $line"
	[ "$(jq .change <<<"$line")" = "$(route -j status | jq .changes)" ] || die "another change: $line"
}

# A list and then changes, in words that do the same whatever there was before.
monitor_list() {
	local tool from_tool
	route add 10.1.0.0/16 dev lo || die "cannot add"
	route -6 add default dev lo table 9 || die "cannot add"
	watch monitor list --count 3
	expect 'flush table all' "$from_tool"
	expect 'replace 10.1.0.0/16 dev lo' "$from_tool"
	expect 'replace ::/0 dev lo table 9' "$from_tool"
	route add 10.2.0.0/16 dev lo || die "cannot add"
	expect 'replace 10.2.0.0/16 dev lo' "$from_tool"
	route change 10.2.0.0/16 via 192.0.2.1 || die "cannot change"
	expect 'replace 10.2.0.0/16 via 192.0.2.1 metric 0' "$from_tool"
	route del 10.2.0.0/16 || die "cannot delete"
	expect 'flush 10.2.0.0/16 via 192.0.2.1 metric 0' "$from_tool"
	wait "$tool" || die "exit status $?"

	# What is flushed is what is listed.
	watch -6 monitor list table 9
	expect 'flush root ::/0 table 9' "$from_tool"
	expect 'replace ::/0 dev lo table 9' "$from_tool"
	kill "$tool"
	watch monitor list match 10.1.2.0/24 metric 0
	expect 'flush match 10.1.2.0/24 metric 0 table all' "$from_tool"
	expect 'replace 10.1.0.0/16 dev lo' "$from_tool"
	kill "$tool"
	watch -j monitor table main list
	expect '{"event":"flush"}' "$from_tool"
	expect '{"event":"replace","dst":"10.1.0.0/16","dev":"lo","metric":0,"table":"main"}' "$from_tool"
	kill "$tool"
}

# stopped PROCESS: waits until it has stopped.
stopped() {
	until [[ $(</proc/"$1"/stat) == *') T '* ]]; do :; done
}

lost() {
	local tool from_tool line lines=0
	watch monitor
	kill -STOP "$tool"
	stopped "$tool"
	hosts 60000 | sed 's/.*/add & dev lo/' | route -b - || die "exit status $?"
	kill -CONT "$tool"
	while IFS= read -r -t "$patience" line <&"$from_tool" && [[ $line != '# '* ]]; do
		echo "$line"
	done >"$work/printed"
	lines=$(wc -l <"$work/printed")
	# It has asked for much room.
	[ "$lines" -ge 40000 ] || die "only $lines changes had room"
	hosts "$lines" | sed 's/.*/add & dev lo/' >"$work/expected"
	is_same "$work/expected" "$work/printed"
	# To say so takes less room than a change: it may be said of one first, and then of all that follow.
	until [ "$line" = '# changes were lost, number 60000 is the last of them' ]; do
		[[ $line == '# changes were lost, number '* ]] || die "after $lines changes: '$line'"
		IFS= read -r -t "$patience" line <&"$from_tool" || die "nothing says that number 60000 was lost"
	done
	route del 10.0.0.5 || die "cannot delete"
	expect 'del 10.0.0.5 dev lo metric 0' "$from_tool"
	kill -TERM "$tool"
	wait "$tool" || die "exit status $?"
	route flush all >/dev/null
}

# What a monitor prints makes another manager's routes the same.
replay() {
	local tool from_tool one=$server
	watch monitor table all --count 9
	route -b - <<-'END' || die "exit status $?"
		add 10.0.0.0/8 dev lo
		add 10.0.0.0/8 dev lo metric 5
		change 10.0.0.0/8 dev lo via 192.0.2.1 metric 5
		replace 10.0.0.0/8 via 192.0.2.7
		add default via ::1
		add 10.1.0.0/16 dev 4711 table 9
		add 10.1.0.0/16 dev 4712 table 9 metric 2
		del 10.1.0.0/16 table 9
		add 10.2.0.0/16 dev lo table local
	END
	wait "$tool" || die "exit status $?"
	serve two
	head -n 9 <&"$from_tool" | route -n "$work/two" -b - || die "exit status $?"
	route show table all >"$work/expected"
	route -n "$work/two" show table all >"$work/listed"
	is_same "$work/expected" "$work/listed"
	kill "$server"
	wait "$server"
	server=$one
}

# converge: waits until the second manager has the first one's routes.
converge() {
	local end=$((SECONDS + patience))
	route show table all >"$work/expected"
	until [ "$(route -n "$work/two" -j status | jq .routes4+.routes6)" = "$(wc -l <"$work/expected")" ] &&
		route -n "$work/two" show table all >"$work/listed" && cmp -s "$work/expected" "$work/listed"; do
		[ $SECONDS -lt $end ] || die "the second manager's routes are not the first's: $(tail "$work/errors")"
	done
}

# A manager that is kept the same as another, whatever it had before, and though changes get lost.
mirror() {
	local one=$server two tool copy
	serve two
	two=$server
	server=$one
	route -n "$work/two" add 10.99.0.0/16 dev lo || die "cannot add"
	route add 10.1.0.0/16 dev lo || die "cannot add"
	route add ::/0 dev lo metric 3 table 9 || die "cannot add"
	mkfifo "$work/changes"
	"$programs/kucomms-route" -t process -n "$work/one" monitor list >"$work/changes" 2>"$work/subscribed" &
	tool=$!
	(tee "$work/printed" | route -n "$work/two" -b -) <"$work/changes" 2>"$work/errors" &
	copy=$!
	converge
	route -b - <<-'END' || die "exit status $?"
		replace 10.1.0.0/16 via 192.0.2.1
		add 10.1.0.0/16 dev lo metric 5
		del 10.1.0.0/16
		change ::/0 via fe80::1 dev lo metric 3 table 9
	END
	converge
	kill -STOP "$tool"
	stopped "$tool"
	hosts 60000 | sed 's/.*/add & dev lo/' | route -b - || die "exit status $?"
	route del 10.0.0.1 || die "cannot delete"
	kill -CONT "$tool"
	converge
	grep -q '^# changes were lost' "$work/printed" || die "nothing was lost"
	says 'flushed 60001 routes' flush all
	converge
	kill "$tool"
	wait "$tool" || die "exit status $?"
	wait "$copy" || die "the copy's exit status is $?: $(head "$work/errors")"
	[ ! -s "$work/errors" ] || die "$(head "$work/errors")"
	kill "$two"
	wait "$two" || die "exit status $?"
}

# on_terminal NAME OPTION...: a batch on a terminal, whose file is a pipe; what the terminal shows is in $from_NAME.
on_terminal() {
	open_pipe "from_$1"
	mkfifo "$work/batch_$1"
	local -n from=from_$1
	script -qefc "$programs/kucomms-route -t process -n $work/one ${*:2} -b $work/batch_$1" /dev/null \
		</dev/null >&"$from" 2>&1 &
	terminal=$!
}

progress() {
	local terminal from_loud from_quiet loud quiet plain shown
	on_terminal loud
	loud=$terminal
	on_terminal quiet -q
	quiet=$terminal
	mkfifo "$work/batch_plain"
	route -b "$work/batch_plain" 2>"$work/errors" &
	plain=$!
	exec {to_plain}>"$work/batch_plain" {to_quiet}>"$work/batch_quiet" {to_loud}>"$work/batch_loud"
	echo '# the others wait for longer' >&"$to_plain"
	echo '# than this one' >&"$to_quiet"
	echo 'add 10.0.0.0/8 dev lo' >&"$to_loud"
	IFS= read -r -t "$patience" -d / shown <&"$from_loud" || die "no progress came"
	[[ $shown == *'1 lines, '* ]] || die "the progress is: $shown"
	echo 'nonsense' >&"$to_loud"
	exec {to_plain}>&- {to_quiet}>&- {to_loud}>&-
	wait $plain || die "exit status $?"
	wait "$quiet" || die "exit status $?"
	wait "$loud" && die "nonsense is no command"
	[ ! -s "$work/errors" ] || die "progress without a terminal: $(cat "$work/errors")"
	IFS= read -r -t 0.01 -d / shown <&"$from_quiet" && die "progress in spite of -q: $shown"
	IFS= read -r -t "$patience" -d "'" shown <&"$from_loud" || die "no error came"
	# The line of progress makes way for the error.
	[[ $shown == *$'\r\033[Kkucomms-route: '*'batch_loud:2: there is no command ' ]] || die "got: $shown"
}

# Managers go, or are none; the tool notices, in either thread.
gone() {
	local to_tool tool from_tool
	open_pipe to_tool
	"$programs/kucomms-route" -t process -n "$work/one" -b "$work/to_tool" 2>"$work/errors" &
	tool=$!
	echo 'get 10.0.0.0' >&"$to_tool"
	# It waits for no more lines after an error, nor when the manager has gone.
	wait "$tool"
	[ $? = 1 ] || die "the exit status is not 1"
	grep -q ENETUNREACH "$work/errors" || die "$(cat "$work/errors")"

	watch monitor
	kill -9 "$server"
	wait "$server"
	wait "$tool"
	[ $? = 1 ] || die "the monitor did not notice"
	serve one
	# What the tool before this one said is not to be taken for this one's.
	rm "$work/errors"
	"$programs/kucomms-route" -t process -n "$work/one" -force -b "$work/to_tool" 2>"$work/errors" &
	tool=$!
	echo 'get 10.0.0.0' >&"$to_tool"
	until grep -qs ENETUNREACH "$work/errors"; do :; done
	kill -9 "$server"
	wait "$server"
	wait "$tool"
	[ $? = 1 ] || die "the exit status is not 1"
	grep -q 'the manager has gone' "$work/errors" || die "$(tail "$work/errors")"
	grep -q 'requests .* have been answered' "$work/errors" || die "$(tail "$work/errors")"
	serve one
}

# A test has a manager, which has to end well, too.
run_one() {
	local server programs=$programs/route-manager
	trap 'jobs -p | xargs -r kill -9 2>/dev/null' EXIT
	serve one "${limits[$1]:-1000000}"
	"$1"
	finish TERM "$server"
}

declare -A limits=([json_output]=1000 [status_table]=1000 [errors]=1000)
run_examples commands selectors json_output status_table usage errors unreachable batch batch_errors big stop \
	interactive interrupted monitor monitor_list lost replay mirror progress gone
