#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kucommsctl where a process sees less than the host does: units and containers with a network, a /dev, a /run/udev or
# a /sys of their own. What can be done is done as soon as udev has finished; what cannot names what is in the way, and
# at once: --timeout 0 would make each wait for udev exit with 9.
. guest.sh

node=/dev/kucomms_box

# unit PROPERTY... -- COMMAND...: each time another unit, which systemd finds without reading all units again
unit() {
	local file name
	file=$(mktemp /run/systemd/system/boxXXXXXX.service)
	name=${file##*/}
	{
		printf '[Service]\nType=oneshot\nStandardOutput=file:/run/%s.log\nStandardError=inherit\n' "$name"
		while [ "$1" != -- ]; do
			printf '%s\n' "$1"
			shift
		done
		shift
		printf 'ExecStart=%s\n' "$*"
	} >"$file"
	systemctl start "$name" 2>/dev/null
	cat "/run/$name.log"
	return "$(systemctl show --property ExecMainStatus --value "$name")"
}

# hidden MOUNTS COMMAND...: in a mount namespace, after the shell commands MOUNTS
hidden() {
	local mounts=$1
	shift
	unshare --mount -- bash -euc "$mounts"'; exec "$@"' bash "$@"
}

# works COMMAND...: with `kucommsctl create box`, then `kucommsctl remove box` behind it
works() {
	"$@" kucommsctl create box || fail "exit status $? of create in: $*"
	[ "$(stat -c '%U:%G %a' $node)" = "root:kucomms 660" ] || fail "udev was not waited for in: $*"
	"$@" kucommsctl remove box || fail "exit status $? of remove in: $*"
	[ ! -e $node ] || fail "the node outlives remove in: $*"
	[ ! -L /dev/kucomms/box ] || fail "the link outlives remove in: $*"
}

# complains STATUS TEXT COMMAND...
complains() {
	local status=$1 text=$2
	shift 2
	expect_status "$status" "$@"
	[[ $_output == *"$text"* ]] || fail "'$text' is not in what this says: $* ($_output)"
}

modprobe kucomms
insmod /root/echo/kucomms_echo.ko || fail "the example does not load"
trap 'kucommsctl remove mymodule; kucommsctl remove box; rmmod kucomms_echo; rm -f /run/systemd/system/box*.service' EXIT
kucommsctl create mymodule || fail "create"

works unit PrivateNetwork=yes --
works unit RestrictAddressFamilies=AF_UNIX DevicePolicy=closed ProtectSystem=strict PrivateTmp=yes --
works unshare --net

# udev cannot be seen, so nothing is waited for.
hidden 'mount -t tmpfs none /run/udev' kucommsctl create -t 0 box || fail "create without /run/udev"
udevadm settle
kucommsctl create --exist-ok box || fail "create --exist-ok"
hidden 'mount -t tmpfs none /run/udev' kucommsctl remove -t 0 box || fail "remove without /run/udev"
udevadm settle

# Another /dev: the device is there all the same, and removed from there, too.
other='mount -t tmpfs none /dev'
complains 1 'ENOENT: the device exists, but this /dev has no node' hidden "$other" kucommsctl create -t 0 box
[ -c $node ] || fail "the host does not have the device"
complains 1 'ENOENT: the device exists, but this /dev has no node' hidden "$other" kucommsctl recv box
hidden "$other" kucommsctl show box | grep -q '^node: *-$' || fail "show tells of a node that is not here"
hidden "$other" kucommsctl remove -t 0 box || fail "remove in another /dev"
complains 1 'this /dev has no node' hidden "$other; mount -t tmpfs none /run/udev" kucommsctl create -t 0 box
complains 7 'EEXIST' kucommsctl create box
complains 1 'ENXIO: the device exists, but /dev/kucomms_box is something else' \
	hidden "$other; mknod $node c 1 3" kucommsctl send box hello
kucommsctl remove box || fail "remove"

# A node that was kept from a device that has gone opens no other.
kucommsctl create box || fail "create"
cp -a $node /root/kept
kucommsctl remove box || fail "remove"
kucommsctl create next || fail "create next"
! true 2>/dev/null <>/root/kept || fail "the node of a device that has gone opens another"
kucommsctl remove next
complains 1 'this /dev has no node' unit PrivateDevices=yes -- kucommsctl create -t 0 box
unit PrivateDevices=yes -- kucommsctl remove -t 0 box || fail "remove with PrivateDevices="

# No device may be opened: by the cgroup, by the options of the mount.
complains 4 'EPERM: the cgroup of this process' unit DevicePolicy=closed -- kucommsctl send -r mymodule hello
[ "$(unit DevicePolicy=closed 'DeviceAllow=char-kucomms rw' -- kucommsctl send -r mymodule hello)" = hello ] ||
	fail "the hint for a closed DevicePolicy= does not help"
complains 4 'mounted with nodev' hidden 'mount --bind /dev /dev; mount -o remount,bind,nodev /dev' \
	kucommsctl send mymodule hello

# sysfs: none, read-only, of a root who is not the host's.
none='mount -t tmpfs none /sys'
complains 1 'sysfs is not mounted' hidden "$none" kucommsctl create box
complains 1 'sysfs is not mounted' hidden "$none" kucommsctl list
[ "$(hidden "$none" kucommsctl send -r mymodule hello)" = hello ] || fail "send needs sysfs"
read_only='mount --bind /sys /sys; mount -o remount,bind,ro /sys'
complains 1 'EROFS: sysfs is mounted read-only' hidden "$read_only" kucommsctl create box
complains 1 'EROFS: sysfs is mounted read-only' hidden "$read_only" kucommsctl remove mymodule
complains 4 'EPERM: this root may not' as alice unshare --user --map-root-user kucommsctl create box
complains 4 'EPERM: this root may not' unshare --user --map-root-user kucommsctl create box
complains 4 'EPERM: this root may not' as alice unshare --user --map-root-user kucommsctl remove mymodule
