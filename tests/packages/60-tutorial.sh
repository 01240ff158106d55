#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tutorial's sessions, with what tests/vm/build-in-tree has built as it says, print what it says. Its package is
# installed then, and leaves nothing when it goes.
. guest.sh

readme=/usr/share/doc/kucomms-examples/examples/tutorial.md
export TUTORIAL_USER=alice
cd /usr/local/tutorial || fail "it has not been built"
/root/tutorial "$readme" sessions || fail "the tutorial is wrong"
[[ $(dkms status tally) == *"$(uname -r)"*": installed" ]] || fail "DKMS has not built it: $(dkms status)"
DEBIAN_FRONTEND=noninteractive apt-get purge -y tally-dkms >/tmp/purge 2>&1 || { cat /tmp/purge; fail "purge"; }
! modinfo kucomms_tally 2>/dev/null || fail "the module is still there"
[ ! -e /usr/src/tally-1.0 ] || fail "its sources are still there"
modprobe -r kucomms_netlink || fail "kucomms_netlink and kucomms do not unload"
