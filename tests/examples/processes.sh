#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: processes.sh
#
# The examples that run in processes, under ASan and UBSan, and under TSan. The dictionary and the route manager have to
# pass the same tests as in the kernel (dictionary.sh, route-module.sh). Writes TAP.

set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
. tests/examples.sh

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

route_manager() {
	local name=process:$work/route server from_server
	open_pipe from_server
	# So few routes that the test can reach the limit.
	"$programs/route-manager/process" "$name" 5000 >&"$from_server" &
	server=$!
	expect "serving $name" "$from_server"
	"$programs/route-manager/test" "$name" || die "the test failed"
	finish TERM $server
}

# join MEMBER: from_MEMBER and to_MEMBER are its ends of pipes.
join() {
	local -n to=to_$1 from=from_$1
	open_pipe "to_$1"
	open_pipe "from_$1"
	"$programs/hub/member" "$1" "$name" <&"$to" >&"$from" &
}

hub() {
	local name=process:$work/hub server alice bob other
	local from_server from_alice from_bob from_other to_alice to_bob to_other
	open_pipe from_server
	"$programs/hub/hub" "$name" >&"$from_server" &
	server=$!
	expect "listening at $name" "$from_server"

	join alice
	alice=$!
	expect 'alice has joined' "$from_alice"
	join bob
	bob=$!
	expect 'bob has joined' "$from_bob"
	expect 'bob has joined' "$from_alice"
	printf 'hello\nhow are you?\n' >&"$to_bob"
	expect 'bob: hello' "$from_alice"
	expect 'bob: how are you?' "$from_alice"
	echo fine >&"$to_alice"
	expect 'alice: fine' "$from_bob"
	printf 'x\033[2J\n' >&"$to_alice"
	expect 'this is not text!' "$from_alice"

	# Nobody can take a name that somebody has, or say something without one.
	open_pipe to_other
	open_pipe from_other
	"$programs/hub/member" bob "$name" <&"$to_other" >&"$from_other" &
	other=$!
	expect 'somebody has this name!' "$from_other"
	echo hello >&"$to_other"
	expect 'say your name first!' "$from_other"
	kill -9 $bob $other
	wait $bob $other
	expect 'bob has left' "$from_alice"
	kill $server
	wait $server || die "exit status $?"
	wait $alice
	[ $? = 1 ] || die "alice does not notice that the hub has gone"
}

epoll() {
	local name=process:$work/talk server client from_server to_server from_client to_client warnings
	open_pipe warnings
	open_pipe from_server
	open_pipe to_server
	open_pipe from_client
	open_pipe to_client
	"$programs/epoll/talk" listen "$name" <&"$to_server" >&"$from_server" 2>&"$warnings" &
	server=$!
	expect "listening at $name" "$warnings"
	"$programs/epoll/talk" connect "$name" <&"$to_client" >&"$from_client" &
	client=$!
	echo 'hello, server' >&"$to_client"
	expect 'hello, server' "$from_server"
	echo 'hello, client' >&"$to_server"
	expect 'hello, client' "$from_client"

	# The end of the input, a signal, the other's end: each is an end.
	echo 'and bye' | "$programs/epoll/talk" connect "$name" || die "exit status $?"
	expect 'and bye' "$from_server"
	finish TERM $server
	wait $client || die "exit status $?"
}

run_examples dictionary route_manager hub epoll
