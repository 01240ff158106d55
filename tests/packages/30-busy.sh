#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A device that is open is not removed, and the tool says who has it; kucomms is not unloaded meanwhile.
. guest.sh

modprobe kucomms
insmod /root/echo/kucomms_echo.ko
trap 'rmmod kucomms_echo' EXIT
kucommsctl create mymodule || fail "create"

coproc kucommsctl recv mymodule
until [ "$(cat /sys/class/kucomms/kucomms_mymodule/channels)" = 1 ]; do :; done
expect_status 6 kucommsctl remove mymodule
kucommsctl remove mymodule 2>&1 | grep -q "$COPROC_PID" || fail "remove does not name the holder"
! rmmod kucomms 2>/dev/null || fail "kucomms was unloaded under an open device"
pid=$COPROC_PID
kill -9 "$pid"
wait "$pid" 2>/dev/null
kucommsctl remove mymodule || fail "remove after the holder has gone"
expect_status 5 kucommsctl remove mymodule
