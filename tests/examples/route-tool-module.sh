#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kucomms-route and the module: what it says when it cannot reach that, and that a monitor, which likes to have much room,
# makes do with what the device allows.
. guest.sh

control=/sys/devices/virtual/kucomms/kucomms

# hint TEXT ARGUMENT...: the tool fails as one that has not reached the manager, and says what to do.
hint() {
	_hint=$1
	shift
	_said=$(kucomms-route "$@" 2>&1) && fail "kucomms-route $* succeeded"
	case $_said in
	*'cannot reach the manager'*'hint: '*"$_hint"*) ;;
	*) fail "expected the hint '$_hint' from kucomms-route $*: $_said" ;;
	esac
}

# expect TEXT: in the next line from the monitor.
expect() {
	read -r _line <&3 || fail "the monitor has ended"
	case $_line in
	*"$1"*) ;;
	*) fail "expected '$1' from the monitor: $_line" ;;
	esac
}

# monitors TRANSPORT: a change is seen.
monitors() {
	mkfifo /tmp/"$1"
	kucomms-route -t "$1" monitor list >/tmp/"$1" &
	_monitor=$!
	exec 3</tmp/"$1"
	expect 'flush table all'
	kucomms-route -t "$1" add 10.0.0.0/8 via 192.0.2.1 dev 1 || fail "cannot add a route over $1"
	expect '10.0.0.0/8'
	kill $_monitor
	wait $_monitor
	exec 3<&-
	kucomms-route del 10.0.0.0/8 || fail "cannot remove the route"
}

for transport in kernel netlink; do
	hint 'kucommsctl create route' -t $transport list
done
write_to $control/create_device 'kucomms_route ring_size=8192 ring_size_max=8192' ||
	fail "no device with small rings can be created"
for transport in kernel netlink; do
	hint 'nobody serves it: modprobe kucomms_route' -t $transport list
done
insmod /modules/kucomms_route.ko || fail "kucomms_route cannot be loaded"
for transport in kernel netlink; do
	monitors $transport
done
rmmod kucomms_route
write_to $control/remove_device kucomms_route
