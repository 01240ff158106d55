# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# The host side of the VM harness: cache, trees, boot. Sourced, with `set -eu -o pipefail` in force.

shopt -s inherit_errexit
# Not in every user's PATH, but depmod and mke2fs are there.
PATH=$PATH:/usr/sbin:/sbin
vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # used by the scripts that source this file, as is work below
build=$(cd "$vm/../.." && pwd)/build
cache=${KUCOMMS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kucomms}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# progress SECONDS WHAT: a line about work that takes about so many seconds; on a terminal it counts them. `progressed`
# ends the line with the time that the work took.
progress() {
	progress_text=$2 progress_start=$SECONDS progress_clock=''
	printf '%s (about %d s) ... ' "$2" "$1" >&2
	[ -t 2 ] || return 0
	while sleep 1 && [ -e /proc/$$ ]; do
		printf '\r%s (about %d s) ... %d s ' "$2" "$1" $((SECONDS - progress_start)) >&2
	done 8>&- 9>&- &
	progress_clock=$!
}

progressed() {
	if [ -n "$progress_clock" ]; then
		kill "$progress_clock"
		wait "$progress_clock" 2>/dev/null || true
		printf '\r%s ... \033[K' "$progress_text" >&2
	fi
	printf '%d s\n' $((SECONDS - progress_start)) >&2
}

# step LOG SECONDS WHAT PROGRAM...: a line of progress for PROGRAM, whose output goes to LOG; of one that fails, the end
# of the output and the name of the log are shown.
step() {
	local log=$1 seconds=$2 what=$3 status=0
	shift 3
	mkdir -p "${log%/*}"
	progress "$seconds" "$what"
	"$@" >"$log" 2>&1 8>&- || status=$?
	progressed
	[ $status -ne 0 ] || return 0
	tail -n 40 "$log" >&2
	say "failed: $what; its last output is above, all of it in $log"
	return $status
}

# The comment at the top of a script is its manual: everything from "Usage:" to the first line of code.
usage() { sed -n '/^# Usage:/,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# need PROGRAM...: all programs that a script uses, asked for before any work is done.
need() {
	local program
	for program; do
		command -v "$program" >/dev/null ||
			die "needs $program, which is not installed; run scripts/install-deps"
	done
}

# cached NAME MAKER: prints the directory NAME of the cache; if it is not there, `MAKER DIRECTORY` fills it first.
# It is filled under another name and renamed when complete, so that an interrupted run leaves nothing that looks ready.
cached() {
	local entry=$cache/$1 maker=$2
	mkdir -p "$cache"
	if [ ! -d "$entry" ]; then
		(
			flock 9
			if [ ! -d "$entry" ]; then
				fill "$entry" "$maker"
			fi
		) 9>"$entry.lock" >&2
	fi
	printf '%s\n' "$entry"
}

fill() {
	local entry=$1 maker=$2 new
	new=$(mktemp -d "$entry.new.XXXXXX")
	# Expanded now: at exit the local variable is gone.
	# shellcheck disable=SC2064
	trap "rm -rf --one-file-system '$new'" EXIT
	"$maker" "$new"
	chmod 755 "$new"
	mv -T "$new" "$entry"
}

# work_directory NAME: makes build/vm/NAME, empties it of an earlier run's logs and reserves it for this run.
work_directory() {
	work=$build/vm/$1
	mkdir -p "$work"
	exec 8>"$work/lock"
	flock -n 8 || die "$work is in use by another run; wait for it or give this one another --name"
	find "$work" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf --one-file-system {} +
}

# add_program TREE FILE DIRECTORY: a program or script, with what it needs to run: interpreter and shared libraries.
add_program() {
	local tree=$1 file=$2 directory=$3 interpreter
	[ -f "$file" ] || die "$file: no such file"
	install -D -m 755 "$file" "$tree$directory/${file##*/}"
	interpreter=$(sed -n '1s/^#! *\(\/usr\/bin\/env *\)\{0,1\}\([^ ]*\).*/\2/p;q' "$file" | tr -d '\0')
	case $interpreter in
	'' | sh | /bin/sh) add_libraries "$tree" "$file" ;;
	*) add_interpreter "$tree" "$interpreter" ;;
	esac
}

add_interpreter() {
	local tree=$1 program
	program=$(command -v "$2") || die "$2: a test script asks for it, but it is not installed here"
	[ -e "$tree/usr/bin/${program##*/}" ] || add_program "$tree" "$program" /usr/bin
	mkdir -p "$tree/bin"
	ln -sf "/usr/bin/${program##*/}" "$tree/bin/${program##*/}"
}

# System libraries keep their place, where the loader looks; others (our own, from build/lib) go to /usr/lib.
add_libraries() {
	local tree=$1 file=$2 list library target
	list=$(LD_LIBRARY_PATH=$build/lib ldd "$file" 2>/dev/null) || return 0
	case $list in *'not found'*) die "$file: a shared library is missing: ${list##*$'\n\t'}" ;; esac
	grep -o '/[^ ]*' <<<"$list" | while read -r library; do
		case $library in
		/lib* | /usr/lib*) target=$tree$library ;;
		*) target=$tree/usr/lib/${library##*/} ;;
		esac
		[ -e "$target" ] || install -D -m 755 "$library" "$target"
	done
}

# add_busybox TREE INIT: what every initramfs of ours begins with.
add_busybox() {
	local tree=$1 busybox
	busybox=$(command -v busybox)
	! ldd "$busybox" >/dev/null 2>&1 || die "$busybox is not static; install busybox-static"
	install -D -m 755 "$busybox" "$tree/bin/busybox"
	ln -s busybox "$tree/bin/sh"
	install -m 755 "$2" "$tree/init"
}

# add_tests TREE TIMEOUT TEST...: the tests, what runs them in the guest, and their order.
add_tests() {
	local tree=$1 timeout=$2 test
	shift 2
	mkdir -p "$tree/tests"
	install -m 755 "$vm/runner" "$vm/guest.sh" "$tree/tests"
	printf '%s\n' "$timeout" >"$tree/tests/timeout"
	for test; do
		[ -f "$test" ] || die "$test: no such test"
		[ ! -e "$tree/tests/${test##*/}" ] || die "$test: another file of the run has this name; rename one"
		add_program "$tree" "$test" /tests
		printf '%s\n' "${test##*/}" >>"$tree/tests/plan"
	done
}

# The same tree gives the same bytes, or else runs that count instructions would differ from the first one on.
pack_initramfs() {
	find "$1" -exec touch --no-dereference --date=@0 {} +
	(cd "$1" && find . -print0 | LC_ALL=C sort -z |
		cpio --null --create --format=newc --owner=0:0 --reproducible --quiet) >"$2"
}

# boot KERNEL INITRAMFS SILENCE APPEND QEMU-ARGUMENT...: runs a guest. What it writes to its second serial port is our
# output, and the first line of that ends the line of progress that the caller has begun. Its console goes to
# $work/console.log. A guest without a sign of life for SILENCE seconds, or for ten times as long as it took to boot, has
# come to a stop.
boot() {
	local kernel=$1 initramfs=$2 silence=$3 append=$4 firmware=() status=0 guest
	shift 4
	# An ELF kernel boots by PVH, which needs qboot, and saves the decompression under emulation.
	[ "$(head -c 4 "$kernel" | tr -d '\0')" != $'\177ELF' ] || firmware=(-bios qboot.rom)
	mkfifo "$work/monitor.in" "$work/monitor.out" "$work/results"
	# panic_print: a panic shows what each processor is doing. no_timer_check: on a host that is busy the timer may
	# not tick in time for the kernel, which would panic.
	qemu-system-x86_64 -M q35 -nodefaults -no-user-config -display none -no-reboot \
		"${firmware[@]}" -kernel "$kernel" -initrd "$initramfs" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check log_buf_len=4M printk.devkmsg=on unknown_nmi_panic panic_print=0x40 $append" \
		-chardev "pipe,id=monitor,path=$work/monitor" -mon monitor \
		-serial "file:$work/console.log" -serial stdio "$@" \
		</dev/null >"$work/results" 2>"$work/qemu.log" 8>&- &
	guest=$!
	# shellcheck disable=SC2064  # expanded now: at exit the local variable is gone
	trap "kill $guest 2>/dev/null || true" EXIT
	relay_results "$silence" "$guest" <"$work/results"
	wait "$guest" || status=$?
	[ $status -eq 0 ] || echo "lost qemu exited with status $status: $(tail -n 1 "$work/qemu.log")"
}

# relay_results SILENCE GUEST: what the guest writes, without its signs of life.
relay_results() {
	local silence=$1 guest=$2 limit=600 booted='' line status started=$SECONDS
	while true; do
		IFS= read -r -t "$limit" line && status=0 || status=$?
		[ $status -eq 0 ] || break
		if [ -z "$booted" ]; then
			progressed
			booted=yes limit=$((10 * (SECONDS - started)))
			[ $limit -gt "$silence" ] || limit=$silence
		fi
		[ "${line%$'\r'}" = alive ] || printf '%s\n' "$line"
	done
	[ -n "$booted" ] || progressed
	# Above 128: nothing came in time.
	[ $status -gt 128 ] || return 0
	echo "lost it gave no sign of life for $limit s"
	stop_guest "$guest"
}

# By an interrupt that nothing masks, at which the kernel says what it was doing and panics; or else by force.
stop_guest() {
	local tries=120
	echo nmi >"$work/monitor.in"
	while kill -0 "$1" 2>/dev/null && [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		sleep 0.5
	done
	kill -9 "$1" 2>/dev/null || true
}

# machine CPUS ICOUNT: QEMU's arguments for an ordinary guest, or for one that counts instructions: one CPU, virtual
# time, nothing random; erms and fsrm off since `rep movsb` would count one per byte.
machine() {
	if [ -n "$2" ]; then
		printf '%s\n' -accel tcg -smp 1 -icount shift=0,sleep=off -rtc base=2026-01-01,clock=vm \
			-seed 1 -cpu max,-erms,-fsrm
	else
		printf '%s\n' -accel tcg,thread=multi -smp "$1" -cpu max
	fi
}
