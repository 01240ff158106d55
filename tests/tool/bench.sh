#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# kucommsctl bench: it counts right, tells who does not echo, and cannot be stopped by full rings.
# Needs kucomms, kucomms_echo (which serves mymodule) and kucomms_test loaded.
. guest.sh

command -v kucommsctl >/dev/null || skip "kucommsctl is not in the guest"

# complains STATUS TEXT COMMAND...: it fails, and prints an error with a hint; TEXT is in it.
complains() {
	_complaint_status=$1 _complaint=$2
	shift 2
	expect_status "$_complaint_status" "$@"
	case $_output in
	*"kucommsctl: "*"$_complaint"*"
  hint: "*) ;;
	*) fail "expected '$_complaint' and a hint from: $* ($_output)" ;;
	esac
}

# measure ARGUMENT...: the table goes to the file `table`, and each of its lines has as many words as the first.
measure() {
	kucommsctl bench -t 0.1 "$@" >table || fail "exit status $? from: kucommsctl bench $*"
	cat table
	awk 'NR == 1 { titles = NF } NF != titles { exit 1 }' table || fail "the table is not complete: $(cat table)"
}

# columns TITLE...: these columns of the table, a line for each measurement.
columns() {
	awk -v titles="$*" '
		NR == 1 { for (i = 1; i <= NF; i++) place[$i] = i; count = split(titles, title, " "); next }
		{ for (i = 1; i <= count; i++) printf "%s%s", $place[title[i]], i < count ? " " : "\n" }' table
}

# equal WHAT WANTED GOT
equal() { [ "$2" = "$3" ] || fail "$1: wanted <$2>, got <$3>"; }

for name in mymodule test picky; do
	expect_status 0 kucommsctl create $name
done

# An adaptive endpoint: a system call for each batch, nobody sleeps. The ring has 128 KiB.
measure mymodule
equal "what an adaptive echo needs" "\
64 1 1.0000 0.0000
64 16 0.0625 0.0000
64 64 0.0156 0.0000
1024 1 1.0000 0.0000
1024 16 0.0625 0.0000
1024 64 0.0156 0.0000
65536 1 1.0000 0.0000" "$(columns SIZE BATCH SYSCALLS WAKEUPS)"
awk 'NR > 1 && ($3 != "-" && ($3 < 1 || $4 < $3 || $5 < $4) || $6 < 1 || $NF < 1) { exit 1 }' table ||
	fail "times that cannot be: $(cat table)"
awk 'NR > 1 && ($3 == "-") != ($2 > 1) { exit 1 }' table || fail "times of batches, or none of round trips: $(cat table)"

# The rings that were asked for; batches that they have no room for are left out.
measure --size 0,64,4032 --batch 1,64,128 --ring-size 4K mymodule
equal "in a ring of 4096 bytes" "\
0 1 1.0000
0 1 1.0000
0 64 0.0156
64 1 1.0000
64 1 1.0000
4032 1 1.0000" "$(columns SIZE BATCH SYSCALLS)"
measure -s 64K -b 31 -r 2M mymodule
equal "in a ring of 2 MiB" "65536 1
65536 31" "$(columns SIZE BATCH)"

# As many as the ring holds: the module finds it full, since it is told of room by eighths.
measure -s 0 -b 127 -r 4K mymodule
equal "a batch as long as the ring" "0 1
0 127" "$(columns SIZE BATCH)"
[ "$(cat /sys/class/kucomms/kucomms_mymodule/to_user_full)" -gt 0 ] || fail "the ring was never full"

# As JSON: the same, and the figures fit together.
kucommsctl bench -J -t 0.1 -s 64 -b 16 mymodule >json || fail "exit status $? from: kucommsctl bench -J"
cat json
number='[0-9][0-9]*' ratio='[0-9][0-9]*\.[0-9][0-9]*'
sed "s/_ns\":$number/_ns\":N/g; s/_s\":$number/_s\":N/g; s/messages\":$number/messages\":N/g
	s/wakeups_per_message\":$ratio/wakeups_per_message\":R/g; s/cpu_ns_per_message\":$number/cpu_ns_per_message\":N/g" \
	json >shape
rates='"messages_per_s":N,"bytes_per_s":N'
equal "JSON" "{\"output_version\":1,\"name\":\"mymodule\",\"endpoint\":\"kucomms_echo\",\"dispatch\":\"adaptive\",\"results\":[\
{\"size\":64,\"batch\":1,\"in_flight\":1,\"messages\":N,\"rtt_min_ns\":N,\"rtt_median_ns\":N,\"rtt_p99_ns\":N,$rates,\
\"syscalls_per_message\":1.000000,\"wakeups_per_message\":R,\"cpu_ns_per_message\":N},\
{\"size\":64,\"batch\":16,\"in_flight\":1365,\"messages\":N,\"rtt_min_ns\":null,\"rtt_median_ns\":null,\"rtt_p99_ns\":null,$rates,\
\"syscalls_per_message\":0.062500,\"wakeups_per_message\":R,\"cpu_ns_per_message\":N}]}" "$(cat shape)"
before=$(cat /sys/class/kucomms/kucomms_mymodule/messages_to_kernel)
kucommsctl bench -J -t 0 -s 8 -b 16 mymodule >json || fail "exit status $? from: kucommsctl bench -t 0"
# One and a batch, each before the measurement and in it.
equal "messages of a bench that takes no time" $((before + 2 * 1 + 2 * 16)) \
	"$(cat /sys/class/kucomms/kucomms_mymodule/messages_to_kernel)"

# In threads of the module: how often they sleep is up to the machine, but all the messages come back.
for dispatch in thread poll; do
	expect_status 0 kucommsctl set --dispatch $dispatch test
	measure test
	equal "lines of a bench with --dispatch $dispatch" 7 "$(columns SIZE | wc -l)"
	kucommsctl bench -J -t 0 test >json || fail "exit status $? from: kucommsctl bench -t 0 test"
	grep -q "\"dispatch\":\"$dispatch\"" json || fail "it was not $dispatch: $(cat json)"
done

# Those that do not echo, and what else can be wrong. Nothing has been measured then.
wrong() {
	complains "$@"
	shift 2
	equal "standard output of $*" "" "$("$@" 2>/dev/null)"
}
wrong 9 'cannot measure test: ETIMEDOUT: the module behind it has not answered' kucommsctl bench --type 1 test
wrong 1 'cannot measure test: EBADMSG: what comes back is not what was sent' kucommsctl bench --type 2 test
wrong 1 'cannot measure test: EPROTO: ' kucommsctl bench --type 5 test
wrong 1 'cannot measure picky: EDQUOT: ' kucommsctl bench picky
wrong 5 'cannot measure nosuch: ENOENT: ' kucommsctl bench nosuch
wrong 4 'cannot measure mymodule: EACCES: ' as mallory kucommsctl bench mymodule
wrong 1 'EMSGSIZE: a message may have 131008 bytes' kucommsctl bench -s 128K mymodule
wrong 1 'EINVAL: a ring of this size is more than the device allows' kucommsctl bench -r 32M mymodule
wrong 2 '--size "64k" is out of range or no number: 0 to 1073741824' kucommsctl bench -s 64k mymodule
wrong 2 '--size "" is' kucommsctl bench -s 64, mymodule
wrong 2 '--size "2G" is' kucommsctl bench -s 2G mymodule
wrong 2 '--batch "0" is' kucommsctl bench -b 0 mymodule
wrong 2 '--batch has more than 16 numbers' kucommsctl bench -b 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 mymodule
wrong 2 '--ring-size "5000" is no power of two' kucommsctl bench -r 5000 mymodule
wrong 2 '--time "1s" is' kucommsctl bench -t 1s mymodule
bench_to_full() { kucommsctl bench -t 0 mymodule >/dev/full; }
complains 1 'cannot write the output: ENOSPC: ' bench_to_full

for name in mymodule test picky; do
	expect_status 0 kucommsctl remove $name
done
