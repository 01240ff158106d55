#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: man-pages.sh
#
# The manual pages of the C interface say what the headers say: every function has a page, with its prototype and its
# errors, structures are shown as they are, what stands under EXAMPLES compiles, and the program of kucomms(7) does what
# it is said to do, with build/lib/libkucomms.a. Writes TAP.

set -eu -o pipefail

cd "$(dirname "$0")/../.."
. tests/tap.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

headers=(include/kucomms/{kucomms,endpoint,handler}.h)
mapfile -t pages < <(grep -lE '^\.In kucomms/[a-z]+\.h$' man/*.[37])

# Succeeds if a command does and has nothing to complain of.
silent() {
	"$@" >"$work/complaints" && ! grep . "$work/complaints"
}

one_space() {
	sed -E 's/[[:space:]]+/ /g; s/\* /*/g; s/^ //; s/ $//'
}

# Prototypes in the headers, as a process sees them, one a line.
header_prototypes() {
	echo '#include <kucomms/handler.h>' | gcc -x c -std=gnu11 -Iinclude -E - | awk '
		/^# [0-9]+ "/ { api = $3 ~ /\/(kucomms|endpoint|handler)\.h"$/; next }
		!api { next }
		!depth { text = text " " $0 }
		!depth && /[;{]/ {
			if (text ~ /kucomms_[a-z_]+\(/ && text !~ /struct [a-z_]+ *\{/) {
				sub(/[;{].*/, "", text)
				print text
			}
			text = ""
		}
		{ depth += gsub(/\{/, "") - gsub(/\}/, "") }
	' | sed -E 's/\<(static|inline) //g; s/\<_Bool\>/bool/g' | one_space | grep -vE '_slow\(' | sort
}

# The same from the pages.
page_prototypes() {
	awk '
		/^\.Ft/ { type = substr($0, 5) }
		/^\.Fn/ {
			name = $2
			sub(/^\.Fn [^ ]+ /, "")
			gsub(/" "/, ", ")
			gsub(/"/, "")
			print type, name "(" $0 ")"
		}
	' <(sed -s -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/p' "${pages[@]}") | one_space | sort
}

prototypes_agree() {
	diff --label headers --label pages -u0 "$work/prototypes" <(page_prototypes)
}

functions() {
	sed -E 's/.*\<(kucomms_[a-z_]+)\(.*/\1/' "$work/prototypes"
	sed -nE '/_slow/d; s/^\t\t(kucomms_[a-z_]+);/\1/p' lib/libkucomms.map
}

# Lines "FUNCTION PAGE": what the NAME sections say. `make install` makes each function a link to its page.
named() {
	awk '/^\.Sh/ { names = $2 == "NAME" } names && /^\.Nm kucomms_/ { print $2, FILENAME }' man/*.3
}

page_of() {
	awk -v name="$1" '$1 == name { print $2 }' "$work/named"
}

functions_without_page() {
	local function page
	functions | sort -u | while read -r function; do
		page=$(page_of "$function")
		[[ -f $page ]] || echo "$function: named by: ${page:-no page}"
	done
}

installed_wrong() {
	local name page
	make -s install-man DESTDIR="$work" PREFIX=/usr
	while read -r name page; do
		cmp "$work/usr/share/man/man3/$name.3" "$page" 2>&1
	done <"$work/named"
	make -s uninstall-man DESTDIR="$work" PREFIX=/usr
	find "$work/usr" ! -type d
}

# Lines "FUNCTION ERROR": what the comments before functions say.
header_errors() {
	awk '
		/^\/\*\*/ { function_ = ""; inside = 1 }
		inside && !function_ && match($0, /kucomms_[a-z_]+\(\) - /) { function_ = substr($0, RSTART, RLENGTH - 5) }
		inside && function_ {
			line = $0
			while (match(line, /-E[A-Z0-9]+/)) {
				print function_, substr(line, RSTART + 1, RLENGTH - 1)
				line = substr(line, RSTART + RLENGTH)
			}
		}
		/\*\// { inside = 0 }
	' "${headers[@]}" | sort -u
}

errors_left_out() {
	local function error page
	header_errors | while read -r function error; do
		page=$(page_of "$function")
		[[ -z $page ]] || sed '/^\.Ss Errors/,/^\.Sh/!d' man/kucomms.7 | cat "$page" - |
			grep -E "^\.(.* )?Er (.* )?$error\>" >/dev/null || echo "$page: $function() may return $error"
	done
}

# The members of a structure that are for the program: up to the first empty line.
members() {
	sed -nE "/^struct $1 \{/,/^(\};)?$/ p" "${@:2}" | sed -E '/^$|^\t\/\*|^\};$/d'
}

# The headers describe the structures; a page that shows one shows it as it is.
structures_wrong() {
	local structure page
	grep -HoE '^struct kucomms_[a-z_]+ \{' "${pages[@]}" | tr -d '{' | while IFS=': ' read -r page _ structure; do
		diff -u0 --label headers --label "$page" \
			<(members "$structure" "${headers[@]}" include/kucomms/abi.h) <(members "$structure" "$page") || true
	done
}

references_astray() {
	sed -nE 's/^\.Xr (kucomms[a-z_]*) ([0-9]).*/\1 \2/p' man/*.[1-9] | sort -u | while read -r page section; do
		[[ -e man/$page.$section || -n $(page_of "$page") ]] || echo "$page($section) does not exist"
	done
}

# Programs under EXAMPLES: PAGE-N.c for the Nth of a page.
write_examples() {
	local page
	for page in "${pages[@]}"; do
		sed -nE '/^\.Sh EXAMPLES/,$ p' "$page" | sed 's/\\e/\\/g; s/\\&//g' |
			awk -v base="$work/$(basename "$page")" '
				/^\.Bd -literal/ { inside = 1; first = 1; next }
				/^\.Ed/ { inside = 0; next }
				inside && first { program = /^#include/; first = 0; if (program) file = base "-" ++count ".c" }
				inside && program { print >file }
			'
	done
}

compiles() {
	gcc -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror -Iinclude -c -o "$work/object" "$1"
}

# The program of the overview prints what the page says, between processes' names as inside one.
overview_runs() {
	local page=man/kucomms.7 name
	sed -n '/^\$ \.\/shout$/,/^\.Ed/ { /^[$.]/d; p }' "$page" >"$work/said"
	grep -q . "$work/said" || { echo "$page does not say what ./shout prints"; return 1; }
	[[ -e build/lib/libkucomms.a ]] || { echo "build/lib/libkucomms.a is not there: make lib"; return 1; }
	gcc -std=gnu11 -Iinclude -o "$work/shout" "$work/kucomms.7-1.c" build/lib/libkucomms.a -lpthread || return
	for name in '' "process:$work/socket"; do
		"$work/shout" ${name:+"$name"} >"$work/printed" || return
		diff --label "$page" --label "./shout $name" -u0 "$work/said" "$work/printed" || return
	done
}

# The message handler of kucomms(7), between its first comment and what is for a process only, as a kernel module.
overview_in_a_module() {
	local module=$work/module
	mkdir "$module"
	cat >"$module/Kbuild" <<-'EOF'
		obj-m := shout_module.o
	EOF
	{
		cat <<-'EOF'
			#include <kucomms/handler.h>
			#include <linux/ctype.h>
		EOF
		sed -n '/^static int shout/,/^}/p' "$work/kucomms.7-1.c"
		cat <<-'EOF'
			static const struct kucomms_ops ops = { .message = shout };
			static struct kucomms_endpoint *endpoint;
			static int __init shout_init(void)
			{
				endpoint = kucomms_register("shout", &ops, NULL);
				return PTR_ERR_OR_ZERO(endpoint);
			}
			module_init(shout_init);
			MODULE_LICENSE("GPL");
			MODULE_DESCRIPTION("the handler of kucomms(7)");
		EOF
	} >"$module/shout_module.c"
	grep -q kucomms_commit "$module/shout_module.c" &&
		make -s -C "$headers_of_kernel" M="$module" KCFLAGS="-Wall -Werror -I$PWD/include" KBUILD_MODPOST_WARN=1 modules
}

pages_without_example() {
	local page
	for page in "${pages[@]}"; do
		[[ -e $work/$(basename "$page")-1.c ]] || echo "$page has no example that is a program"
	done
}

header_prototypes >"$work/prototypes"
named >"$work/named"
write_examples

point 'every function has a page' silent functions_without_page
point 'every function is installed as a link to its page, and uninstalled' silent installed_wrong
point 'the prototypes are those of the headers' prototypes_agree
point 'the structures are those of the headers' silent structures_wrong
point 'every error that a header names is in the page, or in kucomms(7)' silent errors_left_out
point 'every page that is referred to is there' silent references_astray
point 'every page has an example' silent pages_without_example
for example in "$work"/*.c; do
	point "$(basename "${example%.c}" | sed 's/-/, example /') compiles" compiles "$example"
done
point 'the program of kucomms(7) does what the page says' overview_runs
headers_of_kernel=/lib/modules/$(uname -r)/build
[[ -e $headers_of_kernel/Makefile ]] ||
	headers_of_kernel=$(find /lib/modules/*/build/ -maxdepth 0 2>/dev/null | sort -V | tail -n 1)
if [[ -e $headers_of_kernel/Makefile ]]; then
	point 'the handler of kucomms(7) compiles in a kernel module' overview_in_a_module
else
	skip 'the handler of kucomms(7) compiles in a kernel module' "no kernel's headers are installed"
fi
done_testing
