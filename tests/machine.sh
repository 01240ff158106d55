# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# What tests need and a machine may lack. Sourced. A function succeeds if the machine has it, which it finds out by
# trying; if not, $lacks says what is missing, for `ok N - NAME # SKIP $lacks`.
# shellcheck disable=SC2034  # used by the scripts that source this file

# gcc, clang and their C++ compilers make 32-bit programs with these. Debian's gcc-multilib cannot be installed beside
# cross compilers; of it only a link to the second directory would be needed.
flags32=(-m32 -idirafter "/usr/include/$(gcc -print-multiarch)")

# compiles32 COMPILER c|c++: it has headers and libraries for 32-bit programs.
compiles32() {
	local header=errno.h
	[ "$2" = c ] || header=cerrno
	lacks="$1 has no headers or libraries for 32-bit programs: install gcc-12-multilib, g++-12-multilib"
	printf '#include <%s>\nint main() { return 0; }\n' $header |
		"$1" -x "$2" "${flags32[@]}" -o /dev/null - 2>/dev/null
}

# runs32: "${run32[@]}" PROGRAM runs a 32-bit program: the kernel does, or an emulator.
runs32() {
	local program emulator status
	compiles32 gcc c || return
	program=$(mktemp)
	echo 'int main(void) { return 0; }' | gcc -x c "${flags32[@]}" -o "$program" -
	for emulator in '' qemu-i386; do
		$emulator "$program" 2>/dev/null && status=0 || status=$?
		[ $status -ne 0 ] || break
	done
	rm "$program"
	read -ra run32 <<<"$emulator"
	lacks='this kernel runs no 32-bit programs, and qemu-i386 is not installed: install qemu-user'
	return $status
}

# needs PROGRAM...: ends a test script, which is skipped as a whole without one of them.
needs() {
	local program
	for program; do
		command -v "$program" >/dev/null && continue
		printf 'ok 1 - %s # SKIP %s is not installed: scripts/install-deps\n1..1\n' "${0##*/}" "$program"
		exit 0
	done
}
