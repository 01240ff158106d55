#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: abi-compile.sh
#
# Every public user-space header compiles alone, twice in a row, as each kind of C and C++ that applications are
# written in; and the ABI has one layout for 32-bit and 64-bit processes and for all compilers. Writes TAP.

set -eu -o pipefail

cd "$(dirname "$0")/../.."
# shellcheck source-path=SCRIPTDIR/../.. source=tests/machine.sh
. tests/machine.sh
# shellcheck source=tests/tap.sh
. tests/tap.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

headers=(abi ring kucomms endpoint handler)
warnings=(-Wall -Wextra -Wpedantic -Wundef -Wshadow -Werror -Iinclude)
modes=(
	'c -std=c11'
	'c -std=c17'
	'c -std=c2x'
	'c -std=gnu11'
	'c -std=gnu17'
	'c -std=gnu11 -m32'
	'c++ -std=c++11'
	'c++ -std=c++17'
	'c++ -std=c++20'
	'c++ -std=c++2b'
	'c++ -std=gnu++17'
	'c++ -std=c++17 -m32'
)
too_old=('c -std=c89' 'c -std=gnu99' 'c++ -std=c++98' 'c++ -std=gnu++98')

compile_header() {
	local compiler=$1 header=$2 language=$3
	shift 3
	printf '#include <kucomms/%s.h>\n#include <kucomms/%s.h>\nextern int something;\n' "$header" "$header" |
		"$compiler" -x "$language" "$@" "${warnings[@]}" -fsyntax-only -
}

compile_headers() {
	local compiler=$1 header
	shift
	for header in "${headers[@]}"; do
		compile_header "$compiler" "$header" "$@" || return
	done
}

# One error, which says what would be right, and not dozens that do not.
is_too_old() {
	local compiler=$1 header errors
	shift
	for header in "${headers[@]}"; do
		errors=$(compile_header "$compiler" "$header" "$@" 2>&1 | grep 'error:')
		echo "$errors"
		[[ $(wc -l <<<"$errors") == 1 && $errors == *'kucomms needs C11 or C++11'* ]] || return
	done
}

headers_compile() {
	local compiler=$1 mode options
	for mode in "${modes[@]}"; do
		read -ra options <<<"${mode/-m32/${flags32[*]}}"
		if [[ $mode != *-m32* ]] || compiles32 "$compiler" "${options[0]}"; then
			start "$compiler compiles each header as $mode" compile_headers "$compiler" "${options[@]}"
		else
			skip "$compiler compiles each header as $mode" "$lacks"
		fi
	done
	for mode in "${too_old[@]}"; do
		read -ra options <<<"$mode"
		start "$compiler says that $mode is too old" is_too_old "$compiler" "${options[@]}"
	done
}

# Prints every figure that the two sides of a channel must agree on.
write_layout_program() {
	cat <<-'EOF'
		#include <stdio.h>
		#include <kucomms/abi.h>
		#define SIZE(type) printf(#type " %zu\n", sizeof(struct type))
		#define OFFSET(type, member) printf(#type "." #member " %zu\n", offsetof(struct type, member))
		#define NUMBER(name) printf(#name " %#lx\n", (unsigned long)(name))
		int main(void)
		{
	EOF
	sed -nE 's/^KUCOMMS_ASSERT_OFFSET\(([a-z_]+), ([a-z_0-9]+), .*/\tOFFSET(\1, \2);/p
		s/^struct (kucomms_[a-z_]+) \{/\tSIZE(\1);/p' include/kucomms/abi.h
	cat <<-'EOF'
			NUMBER(KUCOMMS_ABI_VERSION);
			NUMBER(KUCOMMS_LENGTH_MAX(KUCOMMS_RING_SIZE_MIN));
			NUMBER(KUCOMMS_LENGTH_MAX(KUCOMMS_RING_SIZE_MAX));
			NUMBER(KUCOMMS_IOC_ATTACH);
			NUMBER(KUCOMMS_IOC_DOORBELL);
			NUMBER(KUCOMMS_IOC_WAIT);
			return 0;
		}
	EOF
}

# The figures as this compiler sees them, into $work/NAME; options may follow. $run runs the program.
run=()
layout() {
	local name=$1 compiler=$2
	shift 2
	"$compiler" "$@" "${warnings[@]}" -o "$work/layout-$name" "$work/layout.c" &&
		"${run[@]}" "$work/layout-$name" >"$work/$name"
}

# Version 1 of the ABI has these for good; abi.h itself asserts the offsets.
frozen() {
	cat <<-'EOF'
		KUCOMMS_ABI_VERSION 0x1
		KUCOMMS_LENGTH_MAX(KUCOMMS_RING_SIZE_MIN) 0xfc0
		KUCOMMS_LENGTH_MAX(KUCOMMS_RING_SIZE_MAX) 0x3fffffc0
		KUCOMMS_IOC_ATTACH 0xc060ce01
		KUCOMMS_IOC_DOORBELL 0xce02
		KUCOMMS_IOC_WAIT 0x4010ce03
		kucomms_attach 96
		kucomms_control 256
		kucomms_message 32
		kucomms_wait 16
	EOF
}

is_frozen() {
	diff <(frozen | sort) <(grep -v '\.' "$work/reference" | sort)
}

# Are there more members in abi.h than are compared here?
every_member_is_compared() {
	local members
	members=$(sed -nE '/^struct kucomms_[a-z_]+ \{/,/^\}/ s/^\t__[us][0-9]+ ([a-z_0-9]+).*/\1/p' include/kucomms/abi.h |
		grep -vc '^reserved[0-9]')
	diff <(echo "$members members in abi.h") <(echo "$(grep -c '\.' "$work/reference") members in abi.h")
}

same_layout() {
	local name=layout.$BASHPID
	layout "$name" "$@" && diff "$work/reference" "$work/$name"
}

layouts_agree() {
	local compiler=$1 run=()
	start "$compiler lays the ABI out as gcc does" same_layout "$compiler"
	if compiles32 "$compiler" c && runs32; then
		run=("${run32[@]}")
		start "$compiler -m32 lays the ABI out as gcc does" same_layout "$compiler" "${flags32[@]}"
	else
		skip "$compiler -m32 lays the ABI out as gcc does" "$lacks"
	fi
}

write_layout_program >"$work/layout.c"
layout reference gcc
start 'the figures of ABI version 1 are what they were' is_frozen
start 'every member of a structure is compared' every_member_is_compared
for compiler in gcc clang; do
	if command -v "$compiler" >/dev/null; then
		headers_compile "$compiler"
		layouts_agree "$compiler"
	else
		skip "$compiler compiles the headers" "$compiler is not installed"
	fi
done
done_testing
