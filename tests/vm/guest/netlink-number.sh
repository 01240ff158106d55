#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The number of the netlink protocol: another one if the administrator wants, none, or none because somebody else has
# it, and then all the rest works; and that traffic can be watched where the kernel lets it be.
. guest.sh

control=/sys/devices/virtual/kucomms/kucomms

# load PARAMETER...: kucomms and the test's module anew.
load() {
	rmmod kucomms_test kucomms_echo kucomms || fail "cannot unload"
	insmod /modules/kucomms.ko "$@" || fail "cannot load with $*"
	insmod /modules/kucomms_echo.ko
	insmod /modules/kucomms_test.ko
	write_to $control/create_device kucomms_test
}

# protocol_is NUMBER: empty: none.
protocol_is() {
	_number=$(cat $control/netlink_protocol)
	[ "$_number" = "$1" ] || fail "the protocol is <$_number>, not <$1>"
}

# elsewhere STATUS NUMBER: 0: in a new network namespace the kernel has a socket of this protocol, 1: it has not.
elsewhere() {
	if [ -e /proc/self/ns/net ]; then
		expect_status "$1" netlink-open "$2" elsewhere
	else
		echo "this kernel has no network namespaces"
	fi
}

protocol_is 31
elsewhere 0 31
rmmod kucomms_test kucomms_echo kucomms
! insmod /modules/kucomms.ko netlink_protocol=32 || fail "there is no protocol 32"
! insmod /modules/kucomms.ko netlink_protocol=-2 || fail "there is no protocol -2"
insmod /modules/kucomms.ko
insmod /modules/kucomms_echo.ko
insmod /modules/kucomms_test.ko
write_to $control/create_device kucomms_test

# Whoever reads the number may do so at any time, also while all is being taken down.
while :; do cat $control/netlink_protocol; done >/dev/null 2>&1 &
reader=$!

# What the kernel wants to try again by and by must not be left behind: it cannot even tell a client that does not read
# that the channel has come to its end.
mkfifo /tmp/deaf
netlink-open netlink:test deaf >/tmp/deaf &
client=$!
read -r said </tmp/deaf
[ "$said" = deaf ] || fail "the client says $said"
rmmod kucomms_test kucomms_echo || fail "cannot unload"
kill -9 $client
wait $client
rmmod kucomms || fail "cannot unload"
insmod /modules/kucomms.ko
insmod /modules/kucomms_echo.ko
insmod /modules/kucomms_test.ko

load netlink_protocol=-1
protocol_is ''
expect_status 0 netlink-open kernel:test
expect_status 1 netlink-open netlink:test

# 4 is NETLINK_SOCK_DIAG, which the kernel itself has: as if another module had it.
load netlink_protocol=4
protocol_is ''
dmesg | grep -q 'kucomms: netlink protocol 4 is in use by another module' || fail "the log does not say why"
expect_status 0 netlink-open kernel:test
expect_status 1 netlink-open netlink:test

elsewhere 0 4

# 11 is NETLINK_CONNECTOR, which is the kernel's in the first network namespace only: kucomms is in none then.
if grep -q '^[0-9a-f]* 11 ' /proc/net/netlink; then
	load netlink_protocol=11
	protocol_is ''
	expect_status 1 netlink-open netlink:test
	elsewhere 1 11
else
	echo "this kernel has no connector"
fi

# 5 is NETLINK_NFLOG, which nobody has any more, and which nlmon can see.
load netlink_protocol=5
protocol_is 5
expect_status 0 netlink-open netlink:test
if insmod /modules/nlmon.ko; then
	netlink-watch 5 || fail "what was captured is not what was sent"
	ip link delete nlmon0
	rmmod nlmon
else
	echo "this kernel has no nlmon"
fi
load
protocol_is 31
kill $reader
write_to $control/remove_device kucomms_test
