#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# kucommsctl: every command, every exit code that can be had here, both forms of names. There is no udev in the guest.
# Needs kucomms, kucomms_echo (which serves mymodule) and kucomms_test loaded.
. guest.sh

control=/sys/devices/virtual/kucomms/kucomms
command -v kucommsctl >/dev/null || skip "kucommsctl is not in the guest"

# equal WHAT WANTED GOT
equal() { [ "$2" = "$3" ] || fail "$1: wanted <$2>, got <$3>"; }

# prints WANTED COMMAND...: it succeeds, and its output is this.
prints() {
	_wanted_output=$1
	shift
	_output=$("$@" 2>&1) || fail "exit status $? from: $* ($_output)"
	equal "$*" "$_wanted_output" "$_output"
}

# complains STATUS TEXT COMMAND...: it fails, and prints nothing but an error with a hint; TEXT is in it.
complains() {
	_complaint_status=$1 _complaint=$2
	shift 2
	expect_status "$_complaint_status" "$@"
	case $_output in
	"kucommsctl: cannot "*"
  hint: "*) ;;
	*) fail "no error with a hint from: $* ($_output)" ;;
	esac
	case $_output in
	*"$_complaint"*) ;;
	*) fail "expected '$_complaint' from: $* ($_output)" ;;
	esac
	equal "standard output of $*" "" "$("$@" 2>/dev/null)"
}

kucommsctl_row() { kucommsctl list -n -o name,owner,mode | grep "^$1 "; }

# Help and usage.
prints "kucommsctl $(cat $control/version)" kucommsctl -V
for verb in create remove list show set send recv bench version help; do
	expect_status 0 kucommsctl $verb --help
	equal "help $verb" "$(kucommsctl $verb --help)" "$(kucommsctl help $verb)"
	case $(kucommsctl --help) in
	*"  $verb "*) ;;
	*) fail "--help does not list $verb" ;;
	esac
	complains 2 'EINVAL: it has no such option: "--frob"' kucommsctl $verb --frob
done
complains 2 'EINVAL: a command is missing' kucommsctl
complains 2 'EINVAL: there is no command "frob\x1b"' kucommsctl "$(printf 'frob\033')"
odd='it has a character that is none of a-z, 0-9 and _'
for verb in create remove show set send recv bench; do
	complains 2 'NAME of a device is missing' kucommsctl $verb
	complains 2 "$odd" kucommsctl $verb Upper
	complains 2 "$odd" kucommsctl $verb a/../null
	complains 2 "no device has a ':' in its name" kucommsctl $verb process:a
	complains 2 "$odd" kucommsctl $verb "$(printf 'a\nb')"
	complains 2 'it is empty' kucommsctl $verb kucomms_
	complains 2 'it is empty' kucommsctl $verb /dev/kucomms/
	complains 2 '"/dev/null" is no name: a path must be /dev/kucomms_NAME or' kucommsctl $verb /dev/null
	complains 2 "$odd" kucommsctl $verb /dev/kucomms/../null
	complains 2 'it has more than 55 characters' kucommsctl $verb aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffff
done
complains 2 'too many arguments, from "b"' kucommsctl create a b
complains 2 '--timeout "-1"' kucommsctl recv -t -1 a
complains 2 '--type "010x"' kucommsctl send --type 010x a

# Without devices.
prints 'NAME  ENDPOINT  CHANNELS  OWNER  MODE  DISPATCH' kucommsctl list
prints '' kucommsctl list -n
prints '{"output_version":1,"devices":[]}' kucommsctl list --json

# Creation, removal.
longest=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffff
prints '' kucommsctl create mymodule
[ -c /dev/kucomms_mymodule ] || fail "create returned, but there is no node"
prints /dev/kucomms_idle kucommsctl create -v kucomms_idle
prints "/dev/kucomms_$longest" kucommsctl create --verbose $longest
complains 7 'cannot create mymodule: EEXIST: ' kucommsctl create mymodule
complains 7 'cannot create mymodule: EEXIST: ' kucommsctl create kucomms_mymodule
complains 7 'cannot create mymodule: EEXIST: ' kucommsctl create /dev/kucomms_mymodule
prints '' kucommsctl create --exist-ok mymodule
prints /dev/kucomms_mymodule kucommsctl create -xv -c 64 -r 128K -R 16M /dev/kucomms/mymodule
complains 7 'EEXIST: there is such a device, but its channels_max is 64, not 63' kucommsctl create -x -c 63 mymodule
complains 7 'but its ring_size is 131072, not 4096' kucommsctl create -x -r 4K mymodule
complains 7 'but its ring_size_max is 16777216, not 131072' kucommsctl create -x -R 128K mymodule
prints "kucommsctl: the dispatch of mymodule is adaptive all the same: the kernel module that serves it leaves no choice,\
 or somebody has chosen since" kucommsctl create -x -d poll mymodule
prints '' kucommsctl create -x -c 5 again
prints '' kucommsctl create -x -c 5 again
prints '' kucommsctl remove /dev/kucomms/again
complains 4 'cannot create other: EACCES: only root may create' as alice kucommsctl create other
complains 4 'cannot remove idle: EACCES: only root may remove' as alice kucommsctl remove idle
prints '' kucommsctl remove kucomms_$longest
[ ! -e /dev/kucomms_$longest ] || fail "remove returned, but the node is there"
complains 5 'cannot remove nosuch: ENODEV: ' kucommsctl remove nosuch

# Tables.
cpus=$(cat /sys/devices/system/cpu/possible)
prints "\
NAME      ENDPOINT      CHANNELS  OWNER      MODE  DISPATCH
idle      -             0         root:root  0600  default
mymodule  kucomms_echo  0         root:root  0600  adaptive" kucommsctl list
chown root:kucomms /dev/kucomms_mymodule
chmod 660 /dev/kucomms_mymodule
prints "\
idle      0600  root:root
mymodule  0660  root:kucomms" kucommsctl list -n -o NAME,mode,Owner
complains 2 'no column "colour"' kucommsctl list -o name,colour
prints "\
name:               mymodule
endpoint:           kucomms_echo
dispatch:           adaptive
poll_idle_us:       1000
cpus:               $cpus
channels:           0
channels_max:       64
ring_size:          131072
ring_size_max:      16777216
owner:              root:kucomms
mode:               0660
node:               /dev/kucomms_mymodule
opens:              0
messages_to_kernel: 0
messages_to_user:   0
doorbells:          0
wakeups:            0
thread_wakeups:     0
to_user_full:       0
late_answers:       0
broken:             0" as mallory kucommsctl show kucomms_mymodule
sizes="\"cpus\":\"$cpus\",\"channels\":0,\"channels_max\":64,\"ring_size\":131072,\"ring_size_max\":16777216"
counters='"opens":0,"messages_to_kernel":0,"messages_to_user":0,"doorbells":0,"wakeups":0,"thread_wakeups":0'
counters="$counters,\"to_user_full\":0,\"late_answers\":0,\"broken\":0"
idle="\"name\":\"idle\",\"endpoint\":null,\"dispatch\":\"default\",\"poll_idle_us\":0,$sizes"
idle="$idle,\"owner\":\"root:root\",\"mode\":\"0600\",\"node\":\"/dev/kucomms_idle\""
echo="\"name\":\"mymodule\",\"endpoint\":\"kucomms_echo\",\"dispatch\":\"adaptive\",\"poll_idle_us\":1000,$sizes"
echo="$echo,\"owner\":\"root:kucomms\",\"mode\":\"0660\",\"node\":\"/dev/kucomms_mymodule\""
prints "{\"output_version\":1,$idle,$counters}" kucommsctl show --json idle
prints "{\"output_version\":1,\"devices\":[{$idle,$counters},{$echo,$counters}]}" kucommsctl list -J
complains 5 'cannot show nosuch: ENODEV: ' kucommsctl show nosuch

# Messages. $(...) drops a newline at the end, so the exact bytes are looked at once.
send_as_alice() { echo 'kucommsctl send -r mymodule hello' | as alice sh; }
prints hello send_as_alice
prints hello kucommsctl send --receive kucomms_mymodule hello
prints hello kucommsctl send --receive /dev/kucomms_mymodule hello
prints '' kucommsctl send mymodule hello
prints '' kucommsctl send -r mymodule ''
prints -5 kucommsctl send -r mymodule -- -5
kucommsctl send -r mymodule hello >bytes
printf hello | cmp - bytes || fail "the data are not printed as they are"
head -c 100000 /dev/urandom >data
kucommsctl send -r mymodule <data >echoed
cmp data echoed || fail "100000 bytes of standard input did not come back"
kucommsctl send -r mymodule - <data >echoed
cmp data echoed || fail "- is not standard input"
printf 'one\n\nthree' | kucommsctl send -lr mymodule >lines
printf 'one\n\nthree\n' | cmp - lines || fail "--lines sent something else"
head -c 200000 /dev/zero >zeros
send_zeros() { kucommsctl send mymodule <zeros; }
complains 1 'cannot send to mymodule: EMSGSIZE: a message may have ' send_zeros
complains 2 '--lines reads standard input' kucommsctl send -l mymodule data
complains 9 'cannot receive from mymodule: ETIMEDOUT: ' kucommsctl recv --timeout 0.1 mymodule
complains 9 'cannot receive from mymodule: ETIMEDOUT: ' kucommsctl recv -t 0 mymodule
complains 1 'cannot send to idle: ENOTCONN: ' kucommsctl send idle hello
complains 1 'cannot receive from idle: ENOTCONN: ' kucommsctl recv idle
complains 5 'cannot send to nosuch: ENOENT: ' kucommsctl send nosuch hello
complains 5 'cannot receive from nosuch: ENOENT: ' kucommsctl recv nosuch
complains 4 'cannot send to mymodule: EACCES: you may not open /dev/kucomms_mymodule' \
	as mallory kucommsctl send mymodule hello
complains 4 'cannot receive from mymodule: EACCES: ' as mallory kucommsctl recv mymodule
send_to_full() { kucommsctl send -r mymodule hello >/dev/full; }
complains 1 'cannot write the output: ENOSPC: ' send_to_full

# Endpoints that speak first, answer late, refuse. The ticker's messages are counted in their id.
expect_status 0 kucommsctl create picky
complains 1 'cannot send to picky: EDQUOT: ' kucommsctl send picky hello
expect_status 0 kucommsctl create test
complains 9 'cannot receive an answer from test: ETIMEDOUT: ' kucommsctl send -r -t 0.1 --type 1 test hello
prints hello kucommsctl send -r -t 5 --type 0x7 --user 10 test hello
expect_status 0 kucommsctl create ticker
# A tick is some numbers, which are different each time.
bytes=$(kucommsctl recv -t 5 kucomms_ticker | wc -c)
[ "$bytes" -ge 8 ] || fail "recv printed $bytes bytes of a tick"
digits="[0-9a-f]\\{$((2 * bytes))\\}"
kucommsctl recv --header --hex -c 2 -t 5 ticker >ticks || fail "recv from ticker: exit status $?"
sed "s/^\\(type=2 id=\\)[1-9][0-9]*/\\1N/; s/^$digits\$/DATA/" ticks >shape
printf "type=2 id=N user=0 length=$bytes\nDATA\n%.0s" 1 2 | cmp - shape || fail "--header --hex printed: $(cat ticks)"
kucommsctl recv -J -t 5 ticker >tick || fail "recv --json: exit status $?"
grep -q "^{\"output_version\":1,\"type\":2,\"id\":[0-9]*,\"user\":0,\"length\":$bytes,\"hex\":\"$digits\",\"text\":.*}\$" tick ||
	fail "--json printed: $(cat tick)"

# A device in use: who has it? Its client has been answered, so it is there.
mkfifo input answers
kucommsctl send -lr mymodule <input >answers 2>complaint &
client=$!
exec 3>input 4<answers
echo first >&3
read -r answer <&4
equal "answer to a line" first "$answer"
equal "channels in use" 1 "$(kucommsctl list -n -o name,channels | sed -n 's/^mymodule *//p')"
complains 6 "cannot remove mymodule: EBUSY: it is open in process $client \"kucommsctl\"" kucommsctl remove mymodule

# The module that serves it goes.
rmmod kucomms_echo || fail "kucomms_echo cannot be removed"
echo second >&3
wait $client
equal "exit status after the hang-up" 1 $?
grep -q '^kucommsctl: cannot send to mymodule: ESHUTDOWN: ' complaint || fail "after the hang-up: $(cat complaint)"
exec 3>&- 4<&-
complains 1 'load the kernel module that registers "mymodule"' kucommsctl send mymodule hello
insmod /modules/kucomms_echo.ko || fail "kucomms_echo cannot be loaded again"
prints hello kucommsctl send -r mymodule hello

# Versions.
version=$(cat $control/version)
prints "\
tool:       $version
library:    $version
module:     $version
abi:        1
module_abi: 1" as mallory kucommsctl version
prints "{\"output_version\":1,\"tool\":\"$version\",\"library\":\"$version\",\"module\":\"$version\",\"abi\":1,\"module_abi\":1}" \
	kucommsctl version -J
echo 99 >abi
mount --bind abi $control/abi_version || fail "abi_version cannot be covered"
expect_status 8 kucommsctl version
case $_output in
*'module_abi: 99'*'EPROTONOSUPPORT: '*'hint: '*) ;;
*) fail "another ABI is not explained: $_output" ;;
esac
umount $control/abi_version

# A udev that does not answer: the device is there, but not ready, and its link stays.
mkdir -p /run/udev /dev/kucomms
: >/run/udev/control
expect_status 9 kucommsctl create -t 2.5 late
case $_output in
*'waiting for udev to finish with late
kucommsctl: cannot create late: ETIMEDOUT: the device is there, '*'hint: '*) ;;
*) fail "a udev that does not answer is not explained: $_output" ;;
esac
ln -s ../kucomms_late /dev/kucomms/late
complains 9 'ETIMEDOUT: the device has gone, but udev has not' kucommsctl remove -t 0.2 late
rm -r /run/udev /dev/kucomms

# With no udev to be seen, a file that is for udev has nobody to obey it.
mkdir -p /etc/kucomms/devices.d
echo KUCOMMS_GROUP=users >/etc/kucomms/devices.d/asked.conf
complains 1 'no udev can be seen from here' kucommsctl create asked
prints '' kucommsctl remove asked
rm -r /etc/kucomms

# Not the /dev in which the kernel makes nodes, or no sysfs: said at once.
mv /dev/kucomms_idle /dev/hidden
complains 1 'cannot receive from idle: ENOENT: the device exists, but this /dev has no node of it' kucommsctl recv idle
complains 1 'cannot use idle from here: ENOENT: the device exists, but this /dev' kucommsctl create -x -t 0 idle
mknod /dev/kucomms_idle c 1 3
complains 1 'cannot send to idle: ENXIO: the device exists, but /dev/kucomms_idle is something else' kucommsctl send idle x
prints 'idle      -             -' kucommsctl_row idle
mv /dev/hidden /dev/kucomms_idle
mount -t tmpfs none /sys || fail "/sys cannot be covered"
for verb in create remove show set; do
	[ $verb = set ] && options='-d poll' || options=
	# shellcheck disable=SC2086
	complains 1 'ENOENT: sysfs is not mounted on /sys' kucommsctl $verb $options mymodule
done
complains 1 'cannot list devices: ENOENT: sysfs is not mounted' kucommsctl list
prints hello kucommsctl send -r mymodule hello
case $(kucommsctl version) in
*'module:     unknown, /sys is no sysfs'*) ;;
*) fail "version pretends to know whether the module is loaded" ;;
esac
umount /sys

# Without the module; then as it was before.
for name in idle mymodule picky test ticker; do
	prints '' kucommsctl remove $name
done
rmmod kucomms_test kucomms_echo kucomms_netlink kucomms || fail "the modules cannot be removed"
for verb in create remove show send recv bench; do
	complains 3 'dkms status kucomms' kucommsctl $verb mymodule
done
complains 3 'cannot set mymodule: ENOENT: ' kucommsctl set --dispatch poll mymodule
complains 3 'cannot list devices: ENOENT: ' kucommsctl list
case $(kucommsctl version) in
*'module:     not loaded'*) ;;
*) fail "version does not say that the module is not loaded" ;;
esac
mkdir -p "/lib/modules/$(uname -r)"
echo 'updates/dkms/kucomms.ko:' >"/lib/modules/$(uname -r)/modules.dep"
complains 3 'modprobe kucomms' kucommsctl create mymodule
rm "/lib/modules/$(uname -r)/modules.dep"
for module in kucomms kucomms_netlink kucomms_echo kucomms_test; do
	insmod /modules/$module.ko || fail "$module cannot be loaded again"
done
