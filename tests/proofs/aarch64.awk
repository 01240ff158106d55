# SPDX-License-Identifier: MIT
#
# Turns a litmus test written with the accesses of ring.h into one for AArch64,
# with the instructions that compilers use for them, both for C11's and for the
# kernel's: what two sides that were compiled by different rules agree on. An
# acquire is LDAPR, the weaker one of the two that are in use.
#
# Parameters are in X0 and up, variables in W10 and up; W30 is for constants.

function fail(why) {
	print "aarch64.awk: " FILENAME ":" FNR ": " why >"/dev/stderr"
	failed = 1
	exit 1
}

function emit(instruction) { code[thread, length_of[thread]++] = instruction }

function parameters(list,    names, count, i) {
	gsub(/int|[*() \t]/, "", list)
	count = split(list, names, ",")
	for (i = 1; i <= count; i++) {
		address[thread, names[i]] = "X" (i - 1)
		init = init thread ":X" (i - 1) "=" names[i] "; "
	}
}

function at(name) {
	if (!((thread, name) in address))
		fail("no parameter " name)
	return "[" address[thread, name] "]"
}

function word(name) {
	if (!((thread, name) in register))
		fail("no variable " name)
	return "W" register[thread, name]
}

# What stands between the parentheses, or behind the star, of an access.
function operand(text) {
	gsub(/.*\(|\).*|.*= *|[*;]/, "", text)
	return text
}

function load(name, text) {
	if (text ~ /kucomms_load_acquire/)
		emit("LDAPR " word(name) "," at(operand(text)))
	else if (text ~ /increment|lock_turn/) {
		emit("MOV W30,#1")
		emit("LDADD" (text ~ /release/ ? "L" : text ~ /lock/ ? "AL" : "") \
		     " W30," word(name) "," at(operand(text)))
	} else if (text ~ /kucomms_load\(|= \*/)
		emit("LDR " word(name) "," at(operand(text)))
	else
		fail("what does this load? " text)
}

function store(name, value, instruction) {
	emit("MOV W30,#" value)
	emit(instruction " W30," at(name))
}

function statement(text,    part) {
	if (match(text, /^int [a-z]+;$/))
		register[thread, substr(text, 5, length(text) - 5)] = 10 + variables[thread]++
	else if (text ~ /^[a-z]+ = /) {
		split(text, part, " = ")
		load(part[1], text)
	} else if (text ~ /^if \([a-z]+ == [0-9]+\) \{$/) {
		split(text, part, /[ ()]+/)
		emit("CMP " word(part[2]) ",#" part[4])
		emit("B.NE end" (++labels))
		open[++depth] = labels
	} else if (text == "}" && depth)
		emit("end" open[depth--] ":")
	else if (text ~ /^\*[a-z0-9]+ = [0-9]+;$/) {
		split(text, part, /[*= ;]+/)
		store(part[2], part[3], "STR")
	} else if (text ~ /^kucomms_store/) {
		split(text, part, /[(), ;]+/)
		store(part[2], part[3], part[1] ~ /release/ ? "STLR" : "STR")
	} else if (text == "kucomms_full_barrier();")
		emit("DMB ISH")
	else if (text !~ /^([{}]|kucomms_light_barrier\(\);)?$/)
		fail("cannot translate: " text)
}

# 1:found=0 is about a variable, need_data=0 about a word in memory.
function condition(text,    out, name, part) {
	while (match(text, /[0-9]:[a-z]+/)) {
		name = substr(text, RSTART, RLENGTH)
		split(name, part, ":")
		if (!((part[1], part[2]) in register))
			fail("no variable " name)
		out = out substr(text, 1, RSTART - 1) part[1] ":X" register[part[1], part[2]]
		text = substr(text, RSTART + RLENGTH)
	}
	return out text
}

/^C / { print "AArch64 " $2; next }
/^\(\*/ { comment = 1 }
comment { comment = !/\*\)/; next }
/^exists/ { last = 1 }
last { exists = exists condition($0) "\n"; next }
/^\{.*\}$/ { gsub(/[{}]/, ""); init = $0; next }
/^P[0-9]\(/ { thread = threads++; list = ""; heading = 1; sub(/^P[0-9]/, "") }
heading { list = list $0; if (/\)/) { parameters(list); heading = 0 }; next }
{ gsub(/\/\*.*\*\//, ""); gsub(/^[ \t]+|[ \t]+$/, ""); statement($0) }

END {
	if (failed)
		exit 1
	print "{ " init "}"
	for (thread = 0; thread < threads; thread++) {
		row = row (thread ? " | " : " ") "P" thread
		rows = length_of[thread] > rows ? length_of[thread] : rows
	}
	print row " ;"
	for (i = 0; i < rows; i++) {
		row = ""
		for (thread = 0; thread < threads; thread++)
			row = row (thread ? " | " : " ") code[thread, i]
		print row " ;"
	}
	printf "%s", exists
}
