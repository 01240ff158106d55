#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: layers.sh
#
# Proves that scripts/check-layers, part of `make style`, can fail: adds a use of a higher layer to a copy of tools/,
# one kind at a time. Writes TAP.

set -eu -o pipefail

cd "$(dirname "$0")/../.."
check=$PWD/scripts/check-layers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/tap.sh
. tests/tap.sh

# Usage: complaint FILE TEXT... - what the check says of a copy of tools/ in which each TEXT follows the FILE's own
complaint() {
	local copy="$work/copy.$BASHPID"
	mkdir "$copy"
	cp -r tools "$copy/"
	cd "$copy"
	while [ $# -gt 0 ]; do
		printf '%s\n' "$2" >>"tools/$1"
		shift 2
	done
	"$check" tools
}

# Usage: finds COMPLAINT FILE TEXT... - COMPLAINT is one of those that the check fails with
finds() {
	local expected=$1
	shift
	! complaint "$@" >"$work/found.$BASHPID" || { echo "it does not fail"; return 1; }
	cat "$work/found.$BASHPID"
	grep -Eq "^tools/$expected" "$work/found.$BASHPID"
}

# Usage: finds_name - in a copy of all sources in which one of lib/ has an internal name that looks like API
finds_name() {
	local copy="$work/names"
	mkdir "$copy"
	cp -r scripts include lib tools "$copy/"
	echo 'int kucomms_mistake;' >>"$copy/lib/fork.c"
	! "$copy/scripts/check-layers" >"$work/names.found" || { echo "it does not fail"; return 1; }
	cat "$work/names.found"
	[ "$(<"$work/names.found")" = 'lib/fork.c: kucomms_mistake is internal, so it should begin with kc_' ]
}

start "the sources are in order" "$check"
start "an internal name that begins with kucomms_ is found" finds_name
start "a copy of tools/ is in order" complaint error.c ''
start "a call of a higher layer is found" finds \
	'error.c:[0-9]+: mistake uses command_find of help, which is in a higher layer$' \
	error.c 'bool mistake(void)
{
	return command_find("");
}'
start "the use of a higher layer's variable is found" finds \
	'error.c:[0-9]+: mistake uses command_help of help, ' error.c 'const void *mistake = &command_help;'
start "a call of a higher layer by a macro is found" finds \
	'error.h:[0-9]+: mistake uses print_help of help, ' error.h '#define mistake() print_help()'
start "calls in a circle within a layer are found" finds \
	'message.c:[0-9]+: mistake uses device_exists of device, and device uses message' \
	message.c 'bool mistake(void) { return device_exists(NULL); }' \
	device.c 'bool another(void) { return print_message(NULL, NULL, NULL); }'
start "calls within a layer that are no circle are none of its business" complaint \
	message.c 'bool fine(void) { return device_exists(NULL); }'
start "a file without a layer is found" finds 'new.c is in no layer of tools/layers$' new.c 'int mistake;'
start "names in comments and texts, and those of members, are none of its business" complaint \
	error.c '/* print_help() */ const char *fine = "print_help()";
struct help {
	int print_help;
};
int also_fine(struct help *help)
{
	return help->print_help;
}'
done_testing
