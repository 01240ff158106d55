# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# All ways to the route manager in the kernel, for tests and benchmarks: `. transports.sh`.
# shellcheck disable=SC2034
transports='kernel netlink'
