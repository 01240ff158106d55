#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# kucommsctl create with options, remove by force, set; and what all of them say when the kernel module is older.
# Needs kucomms, kucomms_echo (which serves mymodule) and kucomms_test loaded.
. guest.sh

control=/sys/devices/virtual/kucomms/kucomms
command -v kucommsctl >/dev/null || skip "kucommsctl is not in the guest"

# equal WHAT WANTED GOT
equal() { [ "$2" = "$3" ] || fail "$1: wanted <$2>, got <$3>"; }

# done_by COMMAND...: it succeeds and prints nothing.
done_by() {
	_output=$("$@" 2>&1) || fail "exit status $? from: $* ($_output)"
	equal "output of $*" "" "$_output"
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

# shows NAME WANTED: these are its settings.
shows() {
	equal "$1" "$2" "$(kucommsctl list -n -o name,dispatch,poll_idle_us,cpus,channels_max,ring_size,ring_size_max |
		sed -n "s/^$1  *//p" | tr -s ' ')"
}

cpus=$(cat /sys/devices/system/cpu/possible)

# Creation: what is not said is what the module's parameters say.
done_by kucommsctl create plain
shows plain "default 0 $cpus 64 131072 16777216"
done_by kucommsctl create --channels 4096 --ring-size 4K --ring-size-max 1M --dispatch poll full
shows full "poll 0 $cpus 4096 4096 1048576"
done_by kucommsctl create -c 1 -r 65536 -d thread some
shows some "thread 0 $cpus 1 65536 16777216"
# A smaller limit makes for a smaller default.
done_by kucommsctl create -R 4K small
shows small "default 0 $cpus 64 4096 4096"
for name in plain full some small; do
	done_by kucommsctl remove $name
done
complains 1 "ERANGE: --channels 4097 is more than the module's parameter channels_max allows, 4096" \
	kucommsctl create --channels 4097 big
complains 1 "ERANGE: --ring-size 33554432 is more than the module's parameter ring_size_max allows, 16777216" \
	kucommsctl create --ring-size 32M big
complains 1 "ERANGE: --ring-size-max 33554432 is more than" kucommsctl create -R 32M big
complains 2 '--ring-size 8192 is more than --ring-size-max 4096' kucommsctl create -r 8K -R 4K big
complains 2 '--channels "0" is out of range: 1 to 65536' kucommsctl create -c 0 big
complains 2 '--ring-size "5000" is no power of two' kucommsctl create -r 5000 big
complains 2 '--ring-size-max "2K" is out of range' kucommsctl create -R 2K big
complains 2 '--dispatch "default" is neither adaptive, thread nor poll' kucommsctl create -d default big
complains 5 'cannot show big: ENODEV: ' kucommsctl show big

# The limits are those that programs meet.
done_by kucommsctl create --channels 1 --ring-size 4K --ring-size-max 8K mymodule
complains 1 'EMSGSIZE: a message may have 4032 bytes here' kucommsctl send mymodule "$(head -c 4033 /dev/zero | tr '\0' x)"
complains 1 'EINVAL: a ring of this size is more than the device allows' kucommsctl bench -t 0 -r 16K mymodule

# A client, which has been answered, so it is there.
mkfifo input answers
client() {
	kucommsctl send -lr mymodule <input >answers 2>complaint &
	client=$!
	exec 3>input 4<answers
	echo first >&3
	read -r answer <&4
	equal "answer to a line" first "$answer"
}
client
complains 6 'EUSERS: the device has all the channels that it may have' kucommsctl send mymodule hello

# Removal by force: the name is free at once, the client notices when it sends again.
complains 6 'remove --force mymodule' kucommsctl remove mymodule
complains 4 'cannot remove mymodule: EACCES: only root may remove' as alice kucommsctl remove --force mymodule
expect_status 0 kucommsctl remove --force mymodule
equal "who had it" "kucommsctl: mymodule was open in process $client \"kucommsctl\": its channels are closed" "$_output"
[ ! -e /dev/kucomms_mymodule ] || fail "remove --force returned, but the node is there"
done_by kucommsctl create mymodule
echo second >&3
wait $client
equal "exit status after the removal" 1 $?
grep -q '^kucommsctl: cannot send to mymodule: ESHUTDOWN: ' complaint || fail "after the removal: $(cat complaint)"
exec 3>&- 4<&-
equal "the new device" hello "$(kucommsctl send -r mymodule hello)"
done_by kucommsctl remove -f mymodule
complains 5 'cannot remove mymodule: ENODEV: ' kucommsctl remove -f mymodule

# Choices without a module; each is kept.
done_by kucommsctl create idle
done_by kucommsctl set --dispatch thread idle
shows idle "thread 0 $cpus 64 131072 16777216"
done_by kucommsctl set --poll-idle-us 1000000 --cpus 0 idle
shows idle "thread 1000000 0 64 131072 16777216"
done_by kucommsctl set -d poll -p default -c default idle
shows idle "poll 0 $cpus 64 131072 16777216"
done_by kucommsctl set -d default idle
shows idle "default 0 $cpus 64 131072 16777216"
complains 1 'cannot set the CPUs of idle: EINVAL: none of these CPUs is online' kucommsctl set -c 1000 idle
complains 1 'cannot set the CPUs of idle: EINVAL: none of these CPUs is online' kucommsctl set -c none idle
complains 4 'cannot set the dispatch of idle: EACCES: only root' as alice kucommsctl set -d poll idle
complains 5 'cannot set nosuch: ENODEV: ' kucommsctl set -d poll nosuch
complains 2 'it is told nothing to set' kucommsctl set idle
complains 2 '--dispatch "fast" is neither adaptive, thread, default nor poll' kucommsctl set -d fast idle
complains 2 '--poll-idle-us "0" is out of range: 1 to 1000000' kucommsctl set -p 0 idle
complains 2 '--cpus ""' kucommsctl set -c '' idle
shows idle "default 0 $cpus 64 131072 16777216"

# And with one. mymodule leaves no choice, test does; late registers after the choice has been made.
expect_status 0 kucommsctl create -d poll mymodule
equal "no choice" "kucommsctl: the dispatch of mymodule is adaptive all the same: the kernel module that serves it \
leaves no choice" "$_output"
for option in --dispatch=thread --poll-idle-us=5 --cpus=0; do
	complains 1 'of mymodule: EOPNOTSUPP: the kernel module that serves it leaves no choice' kucommsctl set $option mymodule
done
done_by kucommsctl create --dispatch poll test
shows test "poll 1000 $cpus 64 131072 16777216"
equal "polling" hello "$(kucommsctl send -r -t 10 test hello)"
done_by kucommsctl set --dispatch thread --cpus 0 --poll-idle-us 20 test
shows test "thread 20 0 64 131072 16777216"
equal "in a thread" hello "$(kucommsctl send -r -t 10 test hello)"
done_by kucommsctl set --dispatch default --cpus default --poll-idle-us default test
shows test "adaptive 1000 $cpus 64 131072 16777216"
equal "as the module wants" hello "$(kucommsctl send -r -t 10 test hello)"
done_by kucommsctl create -d thread late
echo 1 >/sys/module/kucomms_test/parameters/late || fail "late cannot be registered"
equal "chosen before" "late kucomms_test thread" "$(kucommsctl list -n -o name,endpoint,dispatch | grep late | tr -s ' ')"
echo 0 >/sys/module/kucomms_test/parameters/late
equal "kept" "late - thread" "$(kucommsctl list -n -o name,endpoint,dispatch | grep late | tr -s ' ')"
for name in mymodule test late; do
	done_by kucommsctl remove $name
done

# A kernel module that knows nothing of all this.
mount --bind $control/remove_device $control/create_device || fail "create_device cannot be covered"
complains 8 'cannot create late: EINVAL: the kernel module that is loaded does not know these options' \
	kucommsctl create --channels 5 late
umount $control/create_device
mount --bind $control/create_device $control/remove_device || fail "remove_device cannot be covered"
complains 8 'cannot remove idle: EINVAL: the kernel module that is loaded cannot do it by force' kucommsctl remove -f idle
umount $control/remove_device
mount -t tmpfs none /sys/devices/virtual/kucomms/kucomms_idle || fail "the attributes cannot be covered"
complains 8 'cannot set the dispatch of idle: ENOENT: the kernel module that is loaded cannot' kucommsctl set -d poll idle
equal "without attributes" "idle - - - - -" \
	"$(kucommsctl list -n -o name,dispatch,poll_idle_us,cpus,channels_max,thread_wakeups | tr -s ' ')"
umount /sys/devices/virtual/kucomms/kucomms_idle
done_by kucommsctl remove idle
