#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The route manager with as many routes as routes.gz has (some, or in `make check-routes` as many as the Internet has):
# loaded by kucomms-route, looked up and listed as an oracle says, over every transport; then ten clients change others at
# the same time, over all of them, with every way of dispatch.
. guest.sh
# shellcheck source-path=SCRIPTDIR/routes
. transports.sh

control=/sys/devices/virtual/kucomms/kucomms
batch=$PWD/routes.batch

hundredths() { sed 's/ .*//; s/\.//' /proc/uptime; }

# timed WHAT COMMAND...: says how long it took.
timed() {
	_what=$1 _started=$(hundredths)
	shift
	"$@" || fail "exit status $? from: $*"
	echo "$_what: $((($(hundredths) - _started) * 10)) ms"
}

# status NAME: a number of kucomms-route's status, over $transport.
status() { kucomms-route -t "$transport" -j status | sed "s/.*\"$1\": *\([0-9]*\).*/\1/"; }

routes_there() { echo $(($(status routes4) + $(status routes6))); }

check_transport() {
	timed "$transport: load" kucomms-route -q -t "$transport" -b "$batch"
	[ "$(routes_there)" -eq "$number" ] || fail "there are $(routes_there) routes, not $number"
	echo "$transport: $(($(status bytes) / number)) bytes per route"
	timed "$transport: look up" routes lookup "$transport:route" "$number" 1 "$batch"
	timed "$transport: list" routes list "$transport:route" "$batch" >listed
	cat listed
	grep checksum listed >sum
	[ -e first-sum ] || cp sum first-sum
	cmp sum first-sum || fail "another list than over the first transport"
	timed "$transport: flush" kucomms-route -t "$transport" flush all
	[ "$(routes_there)" -eq 0 ] || fail "$(routes_there) routes have stayed"
}

gunzip -c /usr/bin/routes.gz >"$batch"
number=$(wc -l <"$batch")
insmod /modules/kucomms_route.ko || fail "kucomms_route cannot be loaded"
write_to $control/create_device kucomms_route || fail "no device"

names=''
for transport in $transports; do
	check_transport
	names="$names $transport:route"
done
for mode in adaptive thread poll; do
	write_to /sys/class/kucomms/kucomms_route/dispatch $mode || fail "dispatch cannot be $mode"
	# shellcheck disable=SC2086  # they are words
	timed "ten clients, $mode" routes churn $((5000 + number / 80)) 1 $names
done

rmmod kucomms_route || fail "kucomms_route cannot be removed"
write_to $control/remove_device kucomms_route
