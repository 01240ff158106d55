# SPDX-License-Identifier: MIT
#
# Reads sources (.h, .c), then translations (.def), then litmus tests. Complains
#
#   - if a line of a test says that it is from a function that has no such
#     access, or has them in another order;
#   - if an acquire, a release or a barrier of ring.h is in no test, or is
#     there without its letter;
#   - if ring.h no longer defines its accesses as the translations quote them.

function complain(what) {
	print "# " what
	status = 1
}

# The accesses of one line, by the names that the tests have for them.
function accesses(line,    found, name) {
	while (match(line, /(kucomms_[a-z_]+|increment[a-z_]*|smp_[a-z_]+|READ_ONCE|WRITE_ONCE|cmpxchg|membarrier|__atomic_fetch_add)\(/)) {
		name = substr(line, RSTART, RLENGTH - 1)
		line = substr(line, RSTART + RLENGTH)
		sub(/^(kucomms|smp)_/, "", name)
		if (name == "mb")
			name = "full_barrier"
		else if (name == "READ_ONCE")
			name = "load"
		else if (name == "WRITE_ONCE")
			name = "store"
		else if (name == "cmpxchg")
			name = "full_barrier store full_barrier"
		else if (name == "membarrier")	# the call, the interrupt there, the return
			name = "full_barrier store load full_barrier store load full_barrier"
		else if (name == "__atomic_fetch_add")
			name = line ~ /RELEASE/ ? "increment_release" : "increment"
		if (name ~ /^(load|store|increment|full_barrier|light_barrier)/)
			found = found name " "
	}
	return found
}

# Does every word of @part come in @all, in this order?
function in_order(part, all,    want, have, wanted, count, i, j) {
	wanted = split(part, want, " ")
	count = split(all, have, " ")
	j = 1
	for (i = 1; i <= count; i++)
		if (have[i] == want[j])
			j++
	return j > wanted
}

function end_call() {
	if (call && !(call in body))
		complain(call_at ": no function " call " in the sources")
	else if (call && !in_order(calls, body[call]))
		complain(call_at ": not what " call " does: " calls)
	call = calls = ""
}

FNR == 1 { end_call(); head = name = letter = "" }

# ---- sources: what the functions of each file do

FILENAME ~ /ring\.h$/ && /^#define/ {
	gsub(/[ \t]+/, " ")
	defined[$0] = 1
	next
}

FILENAME ~ /\.[hc]$/ {
	if (/^\{/) {
		match(head, /[a-z0-9_]+\(/)
		name = substr(head, RSTART, RLENGTH - 1)
	} else if (/^\}/ || /^$/ || /\*\/$/ && !name || /;$/ && !name)
		head = ""
	else if (!name)
		head = head " " $0
	if (/^\}/)
		name = ""
	if (!name)
		next
	if (/\/\* [A-Z]: pairs with /)
		letter = substr($2, 1, 1)
	found = accesses($0)
	if (!found)
		next
	body[name] = body[name] found
	if (FILENAME ~ /ring\.h$/ && found ~ /acquire|release|_barrier/) {
		if (!letter)
			complain(FILENAME ":" FNR ": has no letter")
		unproven[letter " " found "in " name] = FILENAME ":" FNR
		# A light barrier stands beside the full one that it is instead of.
		if (found !~ /light/)
			letter = ""
	}
	next
}

# ---- translations: what they quote

FILENAME ~ /\.def$/ {
	if (sub(/^\/\/ #define/, "#define")) {
		if (!($0 in defined))
			complain(FILENAME ":" FNR ": ring.h has no such line")
	}
	next
}

# ---- tests: lines that end in a comment, /* FUNCTION */ or /* LETTER: FUNCTION */

!match($0, /\/\* .*[a-z_]+ \*\/$/) { end_call(); next }

{
	mark = substr($0, RSTART + 3, RLENGTH - 6)
	function_name = mark
	sub(/.*: /, "", function_name)
	if (function_name != call)
		end_call()
	call = function_name
	call_at = FILENAME ":" FNR
	found = accesses(substr($0, 1, RSTART - 1))
	calls = calls found
	if (mark ~ /^[A-Z][:,]/)
		delete unproven[substr(mark, 1, 1) " " found "in " call]
}

END {
	end_call()
	for (what in unproven)
		complain(unproven[what] ": in no test: " what)
	exit status
}
