#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# examples/route-manager as a module: passes the same test as in a process, with every way of dispatch; what stays is
# found while everything beside it changes, on several CPUs at a time; it is removed under clients that are at work, and
# with many routes.
. guest.sh

control=/sys/devices/virtual/kucomms/kucomms
name=kernel:route

# So few routes that the test can reach the limit.
insmod /modules/kucomms_route.ko routes_max=5000 || fail "kucomms_route cannot be loaded"
write_to $control/create_device kucomms_route
for mode in adaptive thread poll; do
	echo "$mode:"
	write_to /sys/class/kucomms/kucomms_route/dispatch $mode || fail "dispatch cannot be $mode"
	route-test $name || fail "the test failed"
	route-mixed $name 3000 || fail "clients at once disturb each other"
done

for mode in adaptive thread poll; do
	write_to /sys/class/kucomms/kucomms_route/dispatch $mode
	mkfifo /tmp/route-$mode
	route-mixed $name until-hangup >/tmp/route-$mode &
	clients=$!
	read -r running </tmp/route-$mode
	[ "$running" = running ] || fail "the clients do not work: $running"
	rmmod kucomms_route || fail "kucomms_route cannot be removed while clients are attached"
	wait $clients || fail "the clients did not see the hang-up"
	insmod /modules/kucomms_route.ko || fail "kucomms_route cannot be loaded again"
done
rmmod kucomms_route
write_to $control/remove_device kucomms_route
