#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the packages have put where: the module built by DKMS for this kernel, loadable, with a complete modinfo.
. guest.sh

dkms status kucomms | grep -q "$(uname -r).*: installed" || fail "DKMS has not built it: $(dkms status kucomms)"
modprobe kucomms || fail "modprobe kucomms"
for field in version license author description parm; do
	for module in kucomms kucomms_netlink; do
		[ -n "$(modinfo -F $field $module)" ] || fail "modinfo of $module has no $field"
	done
done
[ ! -d /sys/module/kucomms_netlink ] || fail "kucomms_netlink is loaded before a socket asks for it"
[ "$(cat /sys/module/kucomms/version)" = "$(modinfo -F version kucomms)" ] || fail "versions differ"
kucommsctl version || fail "kucommsctl version"
getent group kucomms || fail "no group kucomms"
[ "$(getent group kucomms | cut -d: -f3)" -lt 1000 ] || fail "kucomms is no system group"
[ -f /usr/share/man/man8/kucommsctl.8.gz ] || fail "no manual page"
