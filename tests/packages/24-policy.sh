#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Who may open a device is never more than NAME.conf asks for: what udev ignores leaves the node to root, and create
# says what was asked for, why it is not so, and what the node is.
. guest.sh

file=/etc/kucomms/devices.d/policy.conf node=/dev/kucomms_policy rules=/run/udev/rules.d

is() { [ "$(stat -c '%U:%G %a' $node)" = "$1" ] || fail "the node is $(stat -c '%U:%G %a' $node), not $1: ${*:2}"; }

# refused NODE TEXT ASKED...: with these lines in the file, create leaves such a node, and says TEXT
refused() {
	local wanted=$1 text=$2
	shift 2
	printf '%s\n' "$@" >$file
	expect_status 1 kucommsctl create policy
	[[ $_output == *"$text"* ]] || fail "'$text' is not in: $_output"
	[[ $_output == *"the node is $wanted"* ]] || fail "what the node is is not in: $_output"
	is "${wanted/ 0/ }" "$@"
	expect_status 4 as mallory kucommsctl recv -t 0 policy
	kucommsctl remove policy || fail "remove"
}

modprobe kucomms
mkdir -p /etc/kucomms/devices.d $rules
trap 'rm -f $file $rules/*-kucomms*.rules; udevadm control --reload; kucommsctl remove policy' EXIT

refused 'root:root 0600' 'asked for KUCOMMS_GROUP=nosuch, but there is no such account' KUCOMMS_GROUP=nosuch
refused 'root:root 0640' 'there is no such account' KUCOMMS_GROUP=nosuch KUCOMMS_MODE=0640
refused 'root:kucomms 0660' 'asked for KUCOMMS_USER=nosuch, but there is no such account' KUCOMMS_USER=nosuch
refused 'root:kucomms 0600' 'asked for KUCOMMS_MODE=0600x, but that is no mode' KUCOMMS_MODE=0600x

# A udev that gives devices to system accounts only, for which a later rule stands in.
groupadd --gid 2345 ordinary
echo 'KERNEL=="kucomms_policy", GROUP="0", MODE="0600"' >$rules/99-kucomms.rules
udevadm control --reload
refused 'root:root 0600' 'asked for KUCOMMS_GROUP=ordinary, but it is no system account' KUCOMMS_GROUP=ordinary
rm $rules/99-kucomms.rules
udevadm control --reload
groupdel ordinary

# Made later, by one who follows the hint.
echo KUCOMMS_GROUP=later >$file
expect_status 1 kucommsctl create policy
groupadd --system later
udevadm trigger --settle $node || fail "udevadm trigger"
is 'root:later 660' "after the group was made"
kucommsctl create --exist-ok policy || fail "create --exist-ok after the group was made"

# Lost again while the device is there.
groupdel later
udevadm trigger --settle $node || fail "udevadm trigger"
is 'root:root 660' "after the group was removed"
expect_status 1 kucommsctl create --exist-ok policy
kucommsctl remove policy
rm $file

# The group of all devices is made after udev has read its rule, as when a device appears between dpkg's unpacking
# and configuring of the packages.
groupmod --new-name gone kucomms
udevadm control --reload
expect_status 1 kucommsctl create policy
[[ $_output == *'KUCOMMS_GROUP=kucomms, but there is no such account'* ]] || fail "a missing group: $_output"
is 'root:root 600' "without the group"
kucommsctl remove policy
groupmod --new-name kucomms gone
kucommsctl create policy || fail "create when the group is there"
is 'root:kucomms 660' "a group that was made after udev read its rule"
kucommsctl remove policy

# A later rule decides otherwise; it can say so, too.
echo 'KERNEL=="kucomms_policy", GROUP="users"' >$rules/99-kucomms.rules
udevadm control --reload
refused 'root:users 0660' 'asked for KUCOMMS_GROUP=kucomms, but it has done otherwise'
echo 'KERNEL=="kucomms_policy", GROUP="users", ENV{KUCOMMS_GROUP}="users"' >$rules/99-kucomms.rules
udevadm control --reload
kucommsctl create policy || fail "create with a rule of the administrator's"
kucommsctl remove policy
rm $rules/99-kucomms.rules

# No rule at all.
ln -s /dev/null $rules/70-kucomms.rules
udevadm control --reload
echo KUCOMMS_GROUP=users >$file
expect_status 1 kucommsctl create policy
[[ $_output == *'udev has no rule that reads it'* ]] || fail "no rule: $_output"
is 'root:root 600' "without the rule"
