#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The route manager as apt has installed it: DKMS has built the module, nothing loads it unasked, and kucomms-route
# reaches it through shared memory and over netlink, if udev lets its user in.
. guest.sh

# refused COMMAND...: mallory cannot, and is told why.
refused() {
	expect_status 1 as mallory "$@"
	expect_errno EACCES as mallory "$@"
}

[[ $(dkms status kucomms-route) == *"$(uname -r)"*": installed" ]] || fail "DKMS has not built it: $(dkms status)"
[ ! -d /sys/module/kucomms_route ] || fail "the module is loaded before anybody asked for it"
[ -f /usr/share/man/man8/kucomms-route.8.gz ] || fail "no manual page"

modprobe kucomms_route || fail "modprobe kucomms_route"
trap 'kucommsctl remove route; rmmod kucomms_route' EXIT
kucommsctl create route || fail "create"

as alice kucomms-route add 10.0.0.0/8 via 192.0.2.1 || fail "alice cannot add"
[ "$(as alice kucomms-route show)" = "10.0.0.0/8 via 192.0.2.1" ] || fail "alice does not see what she added"
[ ! -d /sys/module/kucomms_netlink ] || fail "kucomms_netlink is loaded before a socket asks for it"
as alice kucomms-route -t netlink add 2001:db8::/32 via fe80::1 || fail "alice cannot add over netlink"
[ "$(as alice kucomms-route show)" = "$(as alice kucomms-route -t netlink show)" ] ||
	fail "the transports disagree: $(kucomms-route show; kucomms-route -t netlink show)"
[ "$(as alice kucomms-route -t netlink get 10.1.2.3)" = "10.0.0.0/8 via 192.0.2.1" ] || fail "no lookup over netlink"
expect_errno EEXIST as alice kucomms-route -t netlink add 10.0.0.0/8 via 192.0.2.2
refused kucomms-route show
refused kucomms-route -t netlink show

kucommsctl remove route || fail "remove"
rmmod kucomms_route || fail "kucomms_route does not unload"
! modprobe -r kucomms 2>/dev/null || fail "kucomms was unloaded under kucomms_netlink"
modprobe -r kucomms_netlink || fail "kucomms_netlink does not unload"
[ ! -d /sys/module/kucomms ] || fail "kucomms does not unload"
trap - EXIT
