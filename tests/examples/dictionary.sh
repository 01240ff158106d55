#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# examples/dictionary as a module: passes the same test as in a process, with every way of dispatch; does what its
# command line promises; outlives clients that are killed, and is removed under one that waits.
. guest.sh

control=/sys/devices/virtual/kucomms/kucomms
name=kernel:dictionary

# prints WANTED ARGUMENT...: the client succeeds, and its output is this.
prints() {
	_wanted=$1
	shift
	_output=$(dictionary-client $name "$@") || fail "exit status $? from: $*"
	[ "$_output" = "$_wanted" ] || fail "wanted <$_wanted>, got <$_output> from: $*"
}

# start_watching PIPE: returns when the dictionary knows of it; $watcher is its process.
start_watching() {
	mkfifo "$1"
	dictionary-client $name watch >"$1" &
	watcher=$!
	exec 3<"$1"
	read -r _watching <&3
	[ "$_watching" = watching ] || fail "the client does not watch: $_watching"
}

insmod /modules/kucomms_dictionary.ko || fail "kucomms_dictionary cannot be loaded"
write_to $control/create_device kucomms_dictionary
for mode in adaptive thread poll; do
	echo "$mode:"
	write_to /sys/class/kucomms/kucomms_dictionary/dispatch $mode || fail "dispatch cannot be $mode"
	dictionary-test $name || fail "the test failed"
done
write_to /sys/class/kucomms/kucomms_dictionary/dispatch adaptive
dictionary-test netlink:dictionary || fail "the test failed over netlink"

prints '' put colour green
prints '' put shape round
prints green get colour
prints 'colour
shape' list
prints '' delete shape
expect_status 1 dictionary-client $name get shape
expect_status 1 dictionary-client $name delete shape
expect_status 2 dictionary-client $name put colour
prints colour list

start_watching killed
kill -9 $watcher
wait $watcher
exec 3<&-
prints '' put colour blue
prints blue get colour

start_watching left
rmmod kucomms_dictionary || fail "kucomms_dictionary cannot be removed while a client is attached"
! wait $watcher || fail "the client did not see the hang-up"
exec 3<&-

insmod /modules/kucomms_dictionary.ko
prints '' list
rmmod kucomms_dictionary
write_to $control/remove_device kucomms_dictionary
