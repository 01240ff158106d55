#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: dkms-paths.sh
#
# Every makefile of the examples and of the documents finds kucomms where DKMS has left it, also if kbuild has another
# name for the machine than the machine itself: arm for armv7l, i386 for i686. Writes TAP.

set -eu -o pipefail

cd "$(dirname "$0")/../.."
. tests/tap.sh
expected=/var/lib/dkms/kucomms/kernel-1.2.3-$(uname -m)/module

mapfile -t files < <(grep -rlE '^ *(kucomms :=|KUCOMMS \?=)' README.md docs examples | sort)
for file in "${files[@]}"; do
	# All such lines of the file, each as the makefile that it is, or is a part of.
	found=$(sed -nE 's/^ *(kucomms :=|KUCOMMS \?=)/directory :=/p' "$file" | while read -r line; do
		# shellcheck disable=SC2016  # for make to expand
		printf '%s\n$(info $(directory))\nall:;\n' "$line" |
			make -s -f - KERNELRELEASE=1.2.3 KVER=1.2.3 UTS_MACHINE=arm ARCH=arm | head -n 1
	done | sort -u)
	if [ "$found" = "$expected" ]; then
		verdict ok "$file"
	else
		echo "# it looks into $found, not into $expected"
		verdict 'not ok' "$file"
	fi
done
done_testing
[ "$number" -ge 5 ]
