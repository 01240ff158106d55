#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Last of all: after everything, nothing that kucomms allocated has been forgotten. Two scans, since what was freed a
# moment ago may still be seen in registers and stacks by the first.
. guest.sh

[ -w /sys/kernel/debug/kmemleak ] || skip "this kernel has no kmemleak"
rmmod kucomms_test kucomms_echo kucomms_netlink kucomms || fail "the modules do not unload"
echo scan >/sys/kernel/debug/kmemleak
echo scan >/sys/kernel/debug/kmemleak
cat /sys/kernel/debug/kmemleak >/tmp/leaks
head -n 60 /tmp/leaks
for module in kucomms kucomms_netlink kucomms_echo kucomms_test; do
	insmod /modules/$module.ko || fail "$module does not load again"
done
[ ! -s /tmp/leaks ] || fail "$(grep -c '^unreferenced' /tmp/leaks) objects leaked"
