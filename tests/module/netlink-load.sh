#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kucomms works without kucomms_netlink, which the kernel loads for the first socket of its protocol, whoever opens it.
# It cannot be unloaded before its clients have gone, and then at once.
. guest.sh

control=/sys/devices/virtual/kucomms/kucomms
netlink=/sys/module/kucomms_netlink
modprobe=$(cat /proc/sys/kernel/modprobe)

# What the kernel calls to load a module loads this one, with the parameter that is in /tmp/parameter.
cat >/tmp/modprobe <<-'END'
	#!/bin/sh
	echo "$@" >/tmp/asked
	insmod /modules/kucomms_netlink.ko $(cat /tmp/parameter)
END
chmod +x /tmp/modprobe

write_to $control/create_device kucomms_test
chmod 666 /dev/kucomms_test

# Neither loaded nor installed.
echo /bin/false >/proc/sys/kernel/modprobe
rmmod kucomms_netlink || fail "kucomms_netlink cannot be unloaded"
expect_status 0 netlink-open kernel:test
expect_status 1 netlink-open netlink:test

# Loaded on demand, also for a process that must not load modules itself.
echo /tmp/modprobe >/proc/sys/kernel/modprobe
: >/tmp/parameter
expect_status 0 as mallory netlink-open netlink:test
[ -d $netlink ] || fail "kucomms_netlink has not been loaded"
grep -q 'net-pf-16-proto-31$' /tmp/asked || fail "the kernel asked for <$(cat /tmp/asked)>"

# Another number, which the library finds as soon as the module is loaded.
rmmod kucomms_netlink || fail "kucomms_netlink cannot be unloaded after its client has gone"
echo protocol=17 >/tmp/parameter
expect_status 0 netlink-open netlink:test
[ "$(cat $netlink/parameters/protocol)" = 17 ] || fail "the number is not 17"
expect_status 0 netlink-open netlink:test
rmmod kucomms_netlink || fail "kucomms_netlink cannot be unloaded"
: >/tmp/parameter

# What the kernel wants to try again by and by must not be left behind: it cannot even tell a client that does not read
# that the channel has come to its end.
mkfifo /tmp/deaf
netlink-open netlink:test deaf >/tmp/deaf &
client=$!
read -r said </tmp/deaf
[ "$said" = deaf ] || fail "the client says $said"
expect_status 1 rmmod kucomms_netlink
expect_status 1 rmmod kucomms
rmmod kucomms_test || fail "a client over netlink keeps the module that serves it"
expect_status 1 rmmod kucomms_netlink
kill -9 $client
wait $client
rmmod kucomms_netlink || fail "kucomms_netlink cannot be unloaded after its client has gone"

# The order in which they go and come.
insmod /modules/kucomms_netlink.ko
rmmod kucomms_echo
expect_status 1 rmmod kucomms
[ -d $netlink ] || fail "kucomms_netlink is gone"
rmmod kucomms_netlink || fail "kucomms_netlink cannot be unloaded"
rmmod kucomms || fail "kucomms cannot be unloaded"
! insmod /modules/kucomms_netlink.ko 2>/dev/null || fail "kucomms_netlink was loaded without kucomms"
echo "$modprobe" >/proc/sys/kernel/modprobe
for module in kucomms kucomms_netlink kucomms_echo kucomms_test; do
	insmod /modules/$module.ko || fail "$module cannot be loaded again"
done
