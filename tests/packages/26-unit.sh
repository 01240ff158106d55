#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A unit that creates the device that it needs can be restarted; it does not start on a device with other limits.
. guest.sh

modprobe kucomms
trap 'rm -f /run/systemd/system/client.service; systemctl daemon-reload; kucommsctl remove mine' EXIT
cat >/run/systemd/system/client.service <<END
[Service]
Type=oneshot
RemainAfterExit=yes
PrivateNetwork=yes
ExecStartPre=kucommsctl create --exist-ok --channels 5 mine
ExecStart=test -c /dev/kucomms_mine
END
systemctl daemon-reload
systemctl start client || fail "start: $(systemctl status client)"
systemctl restart client || fail "restart: $(systemctl status client)"
kucommsctl remove mine || fail "remove"
kucommsctl create --channels 6 mine || fail "create"
! systemctl restart client 2>/dev/null || fail "other limits do not matter"
systemctl status client | grep -q 'channels_max is 6, not 5' || fail "what differs is not said: $(systemctl status client)"
