#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: porting.sh
#
# The examples of docs/porting.md compile without a warning: programs with the library's headers, modules with a
# kernel's, those of the running one or else the newest that are installed. What its tables name exists. Writes TAP.

set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tests/tap.sh

program_compiles() {
	gcc -std=gnu11 -Wall -Wextra -Wshadow -Werror -Iinclude -fsyntax-only "$1"
}

# Not linked against kucomms.ko, which may not have been built for this kernel: its symbols are named by the headers.
module_compiles() {
	local name
	name=$(basename "$1")
	echo "obj-m := $name.o" >"$1/Kbuild"
	cp "$1/module.c" "$1/$name.c"
	make -s -C "$headers" M="$1" KCFLAGS="-Wall -Werror -I$top/include" KBUILD_MODPOST_WARN=1 modules
}

# Functions and flags of this kucomms, in prose and in the tables' right columns.
names_exist() {
	local name missing=0
	# shellcheck disable=SC2016  # no commands, but the fences of examples
	for name in $(sed -E '/^```/,/^```/d; s/^\|[^|]*\|//' docs/porting.md |
		grep -oP '\b(kucomms_[a-z_]+\((?![0-9])|KUCOMMS_[A-Z_]+)' | tr -d '(' | sort -u); do
		grep -rqw "$name" include || { echo "no $name"; missing=1; }
	done
	return $missing
}

mapfile -t files < <(cd "$work" && "$top/tests/examples/tutorial" "$top/docs/porting.md" files)
headers=/lib/modules/$(uname -r)/build
[ -e "$headers/Makefile" ] || headers=$(find /lib/modules/*/build/ -maxdepth 0 2>/dev/null | sort -V | tail -n 1)

for file in "${files[@]}"; do
	case $file in
	*/module.c)
		if [ -e "$headers/Makefile" ]; then
			start "$file compiles" module_compiles "$work/${file%/*}"
		else
			skip "$file compiles" "no kernel's headers are installed: install linux-headers-cloud-amd64"
		fi
		;;
	*.c) start "$file compiles" program_compiles "$work/$file" ;;
	esac
done
start 'what docs/porting.md names exists' names_exist
[ ${#started[@]} -gt 5 ] || start 'docs/porting.md has examples' false
done_testing
