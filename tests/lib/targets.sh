#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: targets.sh [TARGET...]
#
# The library and its tests, compiled for other machines and for another C library, and run: by the kernel if it can,
# else in QEMU's user-mode emulation. A target whose compiler, C library or emulator is missing is skipped. Writes TAP.

set -eu -o pipefail

cd "$(dirname "$0")/../.."
# shellcheck source-path=SCRIPTDIR/../.. source=tests/machine.sh
. tests/machine.sh
. tests/tap.sh
top=$PWD/build/targets
mkdir -p "$top"

# Emulation is slow: there the tests are those of the ring and of channels.
few=(ring/ring ring/threads lib/channel)
all=("${few[@]}" ring/fetch ring/hostile lib/transports lib/{endpoint,call,doorbell,listener,reconnect,refusal,shutdown} tool/histogram)

# Each of these says what a target is: its compiler, the options of that, what runs its programs, and the tests. It
# fails if something is $lacking.
target_i686() {
	flags=("${flags32[@]}")
	with_gcc32 || return
	! compiles32 g++ c++ || tests+=(lib/cpp-channel lib/cpp-endpoint)
}

target_i686_time64() {
	flags=("${flags32[@]}" -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64)
	with_gcc32
}

# Where time_t has 32 bits _FILE_OFFSET_BITS may have 32, too.
target_i686_clang() {
	compiler=(clang)
	flags=("${flags32[@]}" -U_FILE_OFFSET_BITS)
	tests=("${few[@]}")
	if ! compiles32 clang c || ! runs32; then
		lacking=$lacks
		return 1
	fi
	runner=("${run32[@]}")
}

target_musl() {
	local headers=$top/kernel-headers
	compiler=(musl-gcc)
	flags=(-idirafter "$headers")
	runner=()
	tests=("${all[@]}")
	lacking='musl-gcc is not installed: install musl-tools'
	command -v musl-gcc >/dev/null || return
	# The kernel's headers, and those of the tools' libraries, but none of glibc's beside them. The tools are not linked:
	# there are no such libraries for musl.
	mkdir -p "$headers"
	ln -sfnt "$headers" /usr/include/{linux,asm-generic,json-c,libudev.h} "/usr/include/$(gcc -print-multiarch)/asm"
	mapfile -t objects < <(printf 'build/targets/musl/obj/%s\n' tools/*.c examples/route-manager/tool/*.c | sed 's/c$/o/')
}

target_aarch64() {
	with_qemu aarch64 aarch64-linux-gnu arm64
}

target_armhf_time64() {
	flags=(-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64)
	with_qemu arm arm-linux-gnueabihf armhf
}

# Its bytes are in the other order.
target_s390x() {
	with_qemu s390x s390x-linux-gnu s390x
}

with_gcc32() {
	compiler=(gcc)
	tests=("${all[@]}")
	if ! runs32; then
		lacking=$lacks
		return 1
	fi
	runner=("${run32[@]}")
	[ ${#runner[@]} -eq 0 ] || tests=("${few[@]}")
}

# with_qemu EMULATOR TRIPLET ARCHITECTURE: with Debian's cross compiler, or with clang, which needs only its libraries.
with_qemu() {
	local program
	compiler=("$2-gcc")
	command -v "$2-gcc" >/dev/null || compiler=(clang "--target=$2")
	runner=("qemu-$1" -L "/usr/$2")
	tests=("${few[@]}")
	program=$top/runs-$1
	lacking="no compiler for $2: install clang, binutils-$2, libc6-dev-$3-cross, libgcc-12-dev-$3-cross"
	echo 'int main(void) { return 0; }' | "${compiler[@]}" -x c -o "$program" - 2>/dev/null || return
	lacking="${runner[0]} is not installed: install qemu-user"
	"${runner[@]}" "$program" 2>/dev/null
}

build() { # TARGET
	local output=build/targets/$1 cmocka=$2
	local make=(make --no-print-directory -s "-j$(nproc)" "BUILD=$output" "CC=${compiler[*]}" "CFLAGS=-O1 -w ${flags[*]}"
		"CXXFLAGS=-O1 -w ${flags[*]}")
	mkdir -p "$output"
	"${compiler[@]}" "${flags[@]}" -O1 -w -DHAVE_INTTYPES_H -DHAVE_MALLOC_H -DHAVE_SIGNAL_H -DHAVE_STRINGS_H \
		-DHAVE_GCC_THREAD_LOCAL_STORAGE -I"$cmocka/include" -c -o "$output/cmocka.o" "$cmocka/src/cmocka.c" &&
	"${make[@]}" "CPPFLAGS=-I$cmocka/include" "CMOCKA=$output/cmocka.o" lib "${tests[@]/#/$output/tests/}" "${objects[@]}"
}

try() { # TARGET
	local target=$1 lacking='' compiler=() flags=() runner=() tests=() objects=() test log=$top/log
	local cmocka
	if ! cmocka=$(tests/fetch cmocka 2>"$log"); then
		verdict ok "$target # SKIP $(tail -n 1 "$log")"
		return
	fi
	if ! "target_${target//-/_}"; then
		verdict ok "$target # SKIP $lacking"
		return
	fi
	if ! build "$target" "$cmocka" >"$log" 2>&1; then
		sed 's/^/# /' "$log"
		verdict 'not ok' "$target: the library and its tests compile"
		return
	fi
	verdict ok "$target: the library and its tests compile"
	for test in "${tests[@]}"; do
		if CMOCKA_MESSAGE_OUTPUT=TAP "${runner[@]}" "$top/$target/tests/$test" >"$log" 2>&1; then
			verdict ok "$target: $test"
		else
			sed 's/^/# /' "$log"
			verdict 'not ok' "$target: $test"
		fi
	done
}

[ $# -gt 0 ] || set -- i686 i686-time64 i686-clang musl aarch64 armhf-time64 s390x
for target; do
	try "$target"
done
done_testing
