#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A module with an attached client is removed at once: the client sees the hang-up, nothing waits for it. kucomms
# itself stays as long as a file is open.
. guest.sh

control=/sys/devices/virtual/kucomms/kucomms
write_to $control/create_device kucomms_mymodule
mkfifo /tmp/started
attached /tmp/started &
client=$!
read -r _ </tmp/started

rmmod kucomms_echo || fail "kucomms_echo cannot be removed while a client is attached"
[ ! -d /sys/module/kucomms_echo ] || fail "kucomms_echo is still there"
wait $client || fail "the client did not see the hang-up"

insmod /modules/kucomms_echo.ko
attached /tmp/started &
client=$!
read -r _ </tmp/started
expect_status 1 rmmod kucomms
rmmod kucomms_echo
wait $client || fail "the second client did not see the hang-up"
insmod /modules/kucomms_echo.ko
write_to $control/remove_device kucomms_mymodule

# Nobody has anything open, but somebody creates and removes devices all the time.
rmmod kucomms_echo
rmmod kucomms_test
rmmod kucomms_netlink
while [ ! -e /tmp/enough ]; do
	echo kucomms_other >$control/create_device
	echo kucomms_other >$control/remove_device
done 2>/dev/null &
creator=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	rmmod kucomms || fail "kucomms cannot be removed while somebody creates devices"
	insmod /modules/kucomms.ko
done
touch /tmp/enough
wait $creator
insmod /modules/kucomms_netlink.ko
insmod /modules/kucomms_echo.ko
insmod /modules/kucomms_test.ko
