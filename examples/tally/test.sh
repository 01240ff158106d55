#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
. guest.sh
kucommsctl create tally || fail "cannot create the device"
client tally add 3 40 || fail "cannot add"
[ "$(client tally list)" = "3 is 40" ] || fail "the list is $(client tally list)"
expect_status 1 client tally add 1000 1
kucommsctl remove tally
