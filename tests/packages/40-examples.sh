#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The dictionary, built with nothing but the packages, passes its test as a module and as a process.
. guest.sh

modprobe kucomms
insmod /root/dictionary/kucomms_dictionary.ko || fail "the module does not load"
trap 'rmmod kucomms_dictionary' EXIT
kucommsctl create dictionary || fail "create"
/root/dictionary/test kernel:dictionary || fail "the module fails the test"
kucommsctl remove dictionary || fail "remove"

coproc /root/dictionary/process
read -r line <&"${COPROC[0]}"
[ "$line" = 'serving process:dictionary' ] || fail "the process does not serve: $line"
pid=$COPROC_PID
/root/dictionary/test process:dictionary || fail "the process fails the test"
kill "$pid"
wait "$pid" || fail "the process ends with $?"
