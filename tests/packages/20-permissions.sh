#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Who may open a device is udev's decision: root:kucomms 0660 by default, per device by a small file. The node is as it
# should be when `create` returns, not some time later.
. guest.sh

modprobe kucomms
insmod /root/echo/kucomms_echo.ko || fail "the example does not load"
trap 'kucommsctl remove mymodule; rmmod kucomms_echo' EXIT

for _ in 1 2 3 4 5 6 7 8 9 10; do
	kucommsctl create mymodule || fail "create"
	[ "$(stat -c '%U:%G %a' /dev/kucomms_mymodule)" = "root:kucomms 660" ] ||
		fail "not root:kucomms 660 when create returned: $(stat -c '%U:%G %a' /dev/kucomms_mymodule)"
	[ "$(readlink -f /dev/kucomms/mymodule)" = /dev/kucomms_mymodule ] || fail "no link in /dev/kucomms"
	kucommsctl remove mymodule || fail "remove"
	[ ! -e /dev/kucomms_mymodule ] || fail "the node outlives remove"
done

kucommsctl create kucomms_mymodule || fail "create with prefix"
expect_status 7 kucommsctl create mymodule
install -m 755 /root/echo/echo /usr/local/bin/echo-app
[ "$(as alice echo-app hello)" = hello ] || fail "alice, who is in the group, got no echo"
expect_status 4 as mallory kucommsctl send mymodule hello
expect_errno EACCES as mallory echo-app hello
expect_status 4 as alice kucommsctl create other
expect_status 4 as alice kucommsctl remove mymodule
kucommsctl remove mymodule

mkdir -p /etc/kucomms/devices.d
printf 'KUCOMMS_GROUP=users\nKUCOMMS_MODE=0640\nKUCOMMS_USER=mallory\n' >/etc/kucomms/devices.d/mymodule.conf
kucommsctl create mymodule || fail "create with a file of its own"
[ "$(stat -c '%U:%G %a' /dev/kucomms_mymodule)" = "mallory:users 640" ] ||
	fail "the file is not obeyed: $(stat -c '%U:%G %a' /dev/kucomms_mymodule)"
rm /etc/kucomms/devices.d/mymodule.conf
