# SPDX-License-Identifier: MIT
#
# operation: `drop WHAT`: without the lines that contain WHAT;
#            `move WHAT after WHERE`: those lines behind the next that contains WHERE.

BEGIN {
	moves = sub(/^move /, "", operation)
	sub(/^drop /, "", operation)
	split(operation, part, " after ")
}

index($0, part[1]) {
	if (moves)
		held = held $0 "\n"
	next
}

{ print }

held && index($0, part[2]) {
	printf "%s", held
	held = ""
}
