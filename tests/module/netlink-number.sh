#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The number of the netlink protocol: another one if the administrator wants; and that the module is not loaded where
# another module has the number; and that traffic can be watched where the kernel lets it be.
. guest.sh

# load PARAMETER...: kucomms_netlink anew.
load() {
	rmmod kucomms_netlink || fail "cannot unload"
	insmod /modules/kucomms_netlink.ko "$@"
}

# refused PARAMETER...: kucomms_netlink is not loaded with them.
refused() {
	! load "$@" || fail "it was loaded with $*"
	expect_status 0 netlink-open kernel:test
	expect_status 1 netlink-open netlink:test
	insmod /modules/kucomms_netlink.ko
}

# elsewhere STATUS NUMBER: 0: in a new network namespace the kernel has a socket of this protocol, 1: it has not.
elsewhere() {
	if [ -e /proc/self/ns/net ]; then
		expect_status "$1" netlink-open "$2" elsewhere
	else
		echo "this kernel has no network namespaces"
	fi
}

# Nothing loads the module but this test.
modprobe=$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
write_to /sys/devices/virtual/kucomms/kucomms/create_device kucomms_test

elsewhere 0 31
refused protocol=32
refused protocol=-1

# 4 is NETLINK_SOCK_DIAG, which the kernel itself has: as if another module had it.
refused protocol=4
elsewhere 0 4

# 11 is NETLINK_CONNECTOR, which is the kernel's in the first network namespace only: kucomms is in none then.
if grep -q '^[0-9a-f]* 11 ' /proc/net/netlink; then
	refused protocol=11
	elsewhere 1 11
else
	echo "this kernel has no connector"
fi

# 5 is NETLINK_NFLOG, which nobody has any more, and which nlmon can see.
load protocol=5 || fail "cannot load with protocol 5"
expect_status 0 netlink-open netlink:test
elsewhere 0 5
if insmod /modules/nlmon.ko; then
	netlink-watch 5 || fail "what was captured is not what was sent"
	ip link delete nlmon0
	rmmod nlmon
else
	echo "this kernel has no nlmon"
fi
load || fail "cannot load with the default"
expect_status 0 netlink-open netlink:test

write_to /sys/devices/virtual/kucomms/kucomms/remove_device kucomms_test
echo "$modprobe" >/proc/sys/kernel/modprobe
