#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Removing the packages leaves nothing: no module, no file, no node. The group stays, as Debian wants it: a file that
# belonged to it must not belong to whoever gets its number next.
. guest.sh

modprobe kucomms
kucommsctl create leftover || fail "create"
kucommsctl remove leftover || fail "remove"
modprobe -r kucomms || fail "kucomms does not unload"
mapfile -t packages < <(dpkg-query -W -f '${Package}\n' '*kucomms*')
[ ${#packages[@]} -ge 8 ] || fail "only these are installed: ${packages[*]}"
DEBIAN_FRONTEND=noninteractive apt-get purge -y "${packages[@]}" >/tmp/purge 2>&1 || { cat /tmp/purge; fail "purge"; }
! dpkg-query -W '*kucomms*' 2>/dev/null | grep . || fail "packages are still known"
# But for what the harness has put there.
left=$(find / -xdev \( -path /root -o -path /proc -o -path /sys -o -path /tmp -o -path /tests -o -path /usr/local \) \
	-prune -o -name '*kucomms*' ! -name kucomms-tests.service -print)
[ -z "$left" ] || fail "left behind: $left"
for module in kucomms kucomms_netlink; do
	! modinfo $module 2>/dev/null || fail "$module is still there"
done
