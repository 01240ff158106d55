# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# For test scripts in a guest of either kind: `. guest.sh`. Exit status: 0 passed, 77 skipped, any other failed.

fail() {
	echo "failed: $*"
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# expect_status NUMBER COMMAND...
expect_status() {
	_wanted=$1
	shift
	_output=$("$@" 2>&1) && _status=0 || _status=$?
	[ "$_status" -eq "$_wanted" ] || fail "exit status $_status instead of $_wanted from: $* ($_output)"
}

# expect_errno NAME COMMAND...: it must fail, and its message must hold the error's name or text. A write to a file
# of sysfs is a command too: expect_errno EEXIST write_to FILE TEXT
expect_errno() {
	case $1 in
	EACCES) _text='Permission denied' ;;
	EAGAIN) _text='Resource temporarily unavailable' ;;
	EBUSY) _text='Device or resource busy' ;;
	EEXIST) _text='File exists' ;;
	EINVAL) _text='Invalid argument' ;;
	ENODEV) _text='No such device' ;;
	ENOENT) _text='No such file or directory' ;;
	ENOMEM) _text='Cannot allocate memory' ;;
	EPERM) _text='Operation not permitted' ;;
	ESHUTDOWN) _text='Cannot send after transport endpoint shutdown' ;;
	*) fail "expect_errno does not know $1; add it to guest.sh" ;;
	esac
	_name=$1
	shift
	! _output=$("$@" 2>&1) || fail "succeeded instead of $_name: $*"
	case $_output in
	*"$_name"* | *"$_text"*) ;;
	*) fail "expected $_name from: $* ($_output)" ;;
	esac
}

write_to() { printf '%s' "$2" >"$1"; }

# as USER COMMAND...: COMMAND as another user, with that user's groups.
as() {
	_user=$1
	shift
	if command -v runuser >/dev/null; then
		runuser -u "$_user" -- "$@"
	else
		# busybox has only su, which wants one string; "$@" goes through it untouched.
		# shellcheck disable=SC2016
		su -s /bin/sh -c 'exec "$0" "$@"' -- "$_user" "$@"
	fi
}
