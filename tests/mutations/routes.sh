#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: routes.sh
#
# Proves that the test of the route manager's tables can fail: makes one small mistake at a time in a copy of their
# source, and expects that route-table finds it. Writes TAP.

set -eu -o pipefail
cd "$(dirname "$0")/../.."
. tests/tap.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tests/examples" "$work/examples"
cp tests/examples/route-table.c "$work/tests/examples/"
cp -r examples/route-manager "$work/examples/"

patience=${KUCOMMS_TEST_PATIENCE:-900}

build() {
	"${CC:-gcc}" -std=gnu11 -O1 -Iinclude -o "$work/test" "$work/tests/examples/route-table.c" -lcmocka \
		2>"$work/log"
}

passes() {
	timeout "$patience" "$work/test" >"$work/log" 2>&1
}

# Usage: mutation FILE NAME SED-SCRIPT
mutation() {
	local source=examples/route-manager/$1 name=$2
	sed -E "$3" "$source" >"$work/$source"
	if cmp -s "$source" "$work/$source"; then
		verdict 'not ok' "$name: nothing in $1 matches $3"
	elif ! build; then
		sed 's/^/# /' "$work/log"
		verdict 'not ok' "$name: the mistake does not compile"
	elif passes; then
		verdict 'not ok' "survived: $name"
	else
		verdict ok "found: $name"
	fi
	cp "$source" "$work/$source"
}

# Usage: within FUNCTION SED-COMMAND - only inside of that function
within() {
	echo "/[ *]$1\(/,/^\}/ { $2 }"
}

build
SECONDS=0
if passes; then
	verdict ok 'passes without a mistake'
else
	sed 's/^/# /' "$work/log"
	verdict 'not ok' 'passes without a mistake'
fi
# With one, it may come to a stop. It has if it takes so much longer than it takes on this machine.
patience=$((20 + 10 * SECONDS))

mutation table.c 'a lookup takes the first prefix, not the longest' \
	"$(within route_tables_lookup 's/if \(target\)/if (target \&\& !best)/')"
mutation table.c 'the last bits of a prefix are not compared' \
	"$(within leads_to 's/return !bits .*/return true;/')"
mutation table.c 'a lookup does not notice that it is astray' \
	"$(within route_tables_lookup 's/!leads_to\(node, key\)/0/')"
mutation table.c 'a search does not compare the bits that it skipped' \
	"$(within node_find 's/ \&\& leads_to\(node, key\)//')"
mutation table.c 'a fork that has one child left stays' \
	"$(within node_remove 's/if \(left \|\| right \|\| !parent/if (1 || left || right || !parent/')"
mutation table.c 'a parent with routes goes with its last child' \
	"$(within node_remove 's/ \|\| owned\(parent->targets\)//')"
mutation table.c 'a replaced route takes those behind it along' \
	"$(within target_replace 's/owned\(old->next\)/NULL/')"
mutation table.c 'metrics do not ascend' \
	"$(within target_link 's/target->metric < metric/target->metric > metric/')"
mutation table.c 'the limit is of each family' \
	"$(within add_new 's/tables->tries\[0\].routes \+ tables->tries\[1\].routes/trie->routes/')"
mutation table.c 'a table that is empty still counts' \
	"$(within route_tables_remove '/tables->tables -=/d')"
mutation trie.c 'what has gone is not given back' \
	"$(within trie_target_retire '/trie->bytes -=/d')"
mutation table.c 'a fork that there is no memory for leaks the node' \
	"$(within node_insert '/trie_node_retire/d')"
mutation walk.c 'a walk that goes on visits the last route again' \
	"$(within walk_visit 's/target->metric <= after/target->metric < after/')"
mutation walk.c 'a walk that goes on forgets the other metrics of the node' \
	"$(within walk_visit 's/walk_leave\(walk, node, target->metric\)/walk_leave(walk, node, WHOLE_NODE)/')"
mutation walk.c 'a walk never stops by itself' \
	"$(within walk_trie 's/where == AHEAD \&\& --walk->budget <= 0/0/')"
mutation walk.c 'a walk counts nodes only' \
	"$(within walk_visit '/walk->budget--/d')"
mutation walk.c 'a walk leaves out the rest of what it is below' \
	"$(within walk_where 's/\? ABOVE/? BEHIND/')"
mutation filter.c 'the root of a subtree is not in it' \
	"$(within passes_prefix 's/its < ours\)/its <= ours)/')"

done_testing
